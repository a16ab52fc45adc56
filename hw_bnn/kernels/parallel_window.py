"""Sliding windows of a convolution, whole pixels of them a cycle."""

from __future__ import annotations

import numpy as np

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .memory_cost import ram
from .schedule import Reads, Schedule, counted, window_ends


@register
class ParallelWindow(Kernel):
    """Line buffers, the window's registers, and what picks its words where it has several."""

    name = "parallel_window"
    defaults = {
        "IFM_H": 8, "IFM_W": 8, "CHANNELS": 4, "SIMD": 36, "BITS": 1, "K_H": 3, "K_W": 3,
        "STRIDE_H": 1, "STRIDE_W": 1, "DILATION_H": 1, "DILATION_W": 1,
    }  # fmt: skip

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p = self.values(parameters)
        chunks = p["K_H"] * p["K_W"] * p["CHANNELS"] // p["SIMD"]
        rows, columns = (
            window_ends(p[f"IFM_{a}"], (p[f"K_{a}"] - 1) * p[f"DILATION_{a}"] + 1, p[f"STRIDE_{a}"])
            for a in "HW"
        )
        ends = (rows[:, None] & columns).reshape(-1)
        # A pixel enters with the last word of the window before it: one that ends a window lasts.
        lasts = np.where(ends, chunks, 1)
        enters = np.cumsum(lasts) - lasts
        steps = int(lasts.sum())
        needed = np.repeat(counted(words[0]) + 1, lasts)
        given = (enters[ends][:, None] + counted(chunks)).reshape(-1)
        return Schedule(steps, (Reads(needed, enters),), given, latency=1)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pixel = p["CHANNELS"] * p["BITS"]
        lines = (p["K_H"] - 1) * p["DILATION_H"]
        span = (p["K_W"] - 1) * p["DILATION_W"] + 1
        chunks = p["K_H"] * p["K_W"] * p["CHANNELS"] // p["SIMD"]
        memory = (0.0, float(lines * pixel), 0.0)  # a map of one column: registers
        if lines and p["IFM_W"] > 1:
            style = str(parameters.get("RAM_STYLE", "auto"))
            memory = ram(lines * pixel, p["IFM_W"], style)
        # a LUT6 chooses a bit of four, two of eight (with a MUXF7), and so on
        pick = 0 if chunks == 1 else 2 ** max(bits_for(chunks) - 2, 0)
        counts = [p["IFM_H"], p["IFM_W"], max(lines + 1, p["STRIDE_H"]), max(span, p["STRIDE_W"])]
        count = sum(map(bits_for, counts))
        return Parts(
            {"exact": memory[0], "pick": p["SIMD"] * p["BITS"] * pick, "count": count, "one": 1},
            {"exact": memory[1] + p["K_H"] * span * pixel, "count": count, "one": 1},
            memory[2],
        )
