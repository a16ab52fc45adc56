"""What both pools are made of: rows, then columns, reduced in a memory of partial results each."""

from __future__ import annotations

import numpy as np

from .base import Parts
from .logic import bits_for
from .memory_cost import ram
from .schedule import Schedule, bordered, window_ends

PADS = {"PAD_T": 0, "PAD_B": 0, "PAD_L": 0, "PAD_R": 0}
WINDOW = {"K_H": 2, "K_W": 2, "STRIDE_H": 2, "STRIDE_W": 2} | PADS
"""Parameters of both, with their defaults."""


def pool_cost(p: dict[str, int], bits: int, grown: int) -> Parts:
    """Cost of a pool whose elements have `bits` bits, and its results `grown`."""
    lanes, cf = p["SIMD"], p["CHANNELS"] // p["SIMD"]
    lut: dict[str, float] = {"exact": 0, "reduce": 0, "count": 0, "one": 0, "pad": 0}
    ff: dict[str, float] = {"exact": 0, "count": 0, "one": 0}
    bram = 0.0
    width = p["IFM_W"] + p["PAD_L"] + p["PAD_R"]
    height = p["IFM_H"] + p["PAD_T"] + p["PAD_B"]
    kw, kh, sw, sh = p["K_W"], p["K_H"], p["STRIDE_W"], p["STRIDE_H"]
    columns = (width - kw) // sw + 1
    row_bits = min(grown, bits + bits_for(kw)) if grown > bits else bits
    for length, inner, kernel, stride, size in (
        (width, cf, kw, sw, row_bits),
        (height, columns * cf, kh, sh, grown),
    ):
        if kernel == 1 and stride == 1:
            continue
        step = kernel if (length - kernel) // stride == 0 and kernel > stride else stride
        opened = (kernel + step - 2) // step
        word = lanes * size
        memory = ram(word * opened, inner) if inner > 1 else (0, word * opened, 0)
        lut["exact"] += memory[0]
        lut["reduce"] += word * opened
        lut["count"] += 2 * bits_for(inner) + bits_for(length)
        lut["one"] += 1
        ff["exact"] += memory[1] + 2 * word
        ff["count"] += 2 * bits_for(inner) + bits_for(length)
        ff["one"] += 1
        bram += memory[2]
    if width != p["IFM_W"] or height != p["IFM_H"]:
        lut["pad"], ff["exact"] = lanes * bits, ff["exact"] + lanes * bits
    return Parts(lut, ff, bram)


def pool_schedule(p: dict[str, int]) -> Schedule:
    """Schedule of a pool: a step a word of the map with its border."""
    pads, cf = (p["PAD_T"], p["PAD_L"], p["PAD_B"], p["PAD_R"]), p["CHANNELS"] // p["SIMD"]
    read = bordered(p["IFM_H"], p["IFM_W"], cf, pads)
    rows = window_ends(p["IFM_H"] + pads[0] + pads[2], p["K_H"], p["STRIDE_H"])
    columns = window_ends(p["IFM_W"] + pads[1] + pads[3], p["K_W"], p["STRIDE_W"])
    given = np.flatnonzero(np.repeat((rows[:, None] & columns).reshape(-1), cf)).astype(np.int64)
    sides = ((p["K_H"], p["STRIDE_H"]), (p["K_W"], p["STRIDE_W"]))
    latency = 2 * sum(side != (1, 1) for side in sides) + (sum(pads) > 0)
    return Schedule(len(read.needed), (read,), given, latency)
