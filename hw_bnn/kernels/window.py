"""Sliding windows of a convolution."""

from __future__ import annotations

import numpy as np

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .memory_cost import ram
from .schedule import Reads, Schedule, Steps, counted


@register
class Window(Kernel):
    """The ring, and the adders and counters of its addresses."""

    name = "window"
    defaults = {
        "IFM_H": 8, "IFM_W": 8, "CHANNELS": 4, "SIMD": 2, "BITS": 1, "K_H": 3, "K_W": 3,
        "STRIDE_H": 1, "STRIDE_W": 1, "DILATION_H": 1, "DILATION_W": 1, "DEPTHWISE": 0, "DEPTH": 0,
    }  # fmt: skip

    def words(self, parameters: Parameters) -> int:
        """Words of the ring (WORDS in bnn_window.sv)."""
        p = self.values(parameters)
        if p["DEPTH"]:
            return p["DEPTH"]
        cf = p["CHANNELS"] // p["SIMD"]
        kh, kw, sh, sw = (p[k] for k in ("K_H", "K_W", "STRIDE_H", "STRIDE_W"))
        dh, dw, height, width = (p[k] for k in ("DILATION_H", "DILATION_W", "IFM_H", "IFM_W"))
        span_h, span_w = (kh - 1) * dh + 1, (kw - 1) * dw + 1
        ofm_h, ofm_w = (height - span_h) // sh + 1, (width - span_w) // sw + 1
        s3, s4, frame = sw * cf, sh * width * cf, height * width * cf
        jumps = [frame - (ofm_w - 1) * s3 - (ofm_h - 1) * s4]
        jumps += [s3] * (ofm_w > 1) + [s4 - (ofm_w - 1) * s3] * (ofm_h > 1)
        span, jump = ((span_h - 1) * width + span_w) * cf, max(jumps)
        lead = (1 if p["DEPTHWISE"] else cf) * (kh * kw - 1)
        if ofm_h * ofm_w * kh * kw * cf <= frame:
            return span + jump
        return span + 1 + max(jump - lead, 0)

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p = self.values(parameters)
        cf, row = p["CHANNELS"] // p["SIMD"], p["IFM_W"] * p["CHANNELS"] // p["SIMD"]
        tall, wide = (
            (p[f"IFM_{a}"] - (p[f"K_{a}"] - 1) * p[f"DILATION_{a}"] - 1) // p[f"STRIDE_{a}"] + 1
            for a in "HW"
        )
        base = _places((tall, p["STRIDE_H"] * row), (wide, p["STRIDE_W"] * cf))
        down, across = (p["K_H"], p["DILATION_H"] * row), (p["K_W"], p["DILATION_W"] * cf)
        loops = ((cf, 1), down, across) if p["DEPTHWISE"] else (down, across, (cf, 1))
        window = _places(*loops)
        read = (base[:, None] + window).reshape(-1)
        # A word is kept until the window moves past it; what no window needs, with the frame.
        windows = np.searchsorted(base, counted(words[0]), side="right")
        taken = windows * len(window) - 1
        return Schedule(
            len(read), (Reads(read + 1, taken, self.words(parameters)),), counted(len(read)),
            latency=1,
        )  # fmt: skip

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        words = self.words(parameters)
        style = str(parameters.get("RAM_STYLE", "auto"))
        memory = ram(p["SIMD"] * p["BITS"], words, style)
        count = (
            bits_for(p["CHANNELS"] // p["SIMD"])
            + bits_for(p["IFM_H"])
            + bits_for(p["IFM_W"])
            + bits_for(p["K_H"])
            + bits_for(p["K_W"])
        )
        address = bits_for(words)
        return Parts(
            {"exact": memory[0], "address": address, "count": count, "one": 1},
            {"exact": memory[1], "address": address, "count": count, "one": 1},
            memory[2],
        )


def _places(*loops: tuple[int, int]) -> Steps:
    """Where loops of so many steps, each of so many words, stand; the last one turns fastest."""
    places = np.zeros(1, dtype=np.int64)
    for number, step in loops:
        places = (places[:, None] + counted(number) * step).reshape(-1)
    return places
