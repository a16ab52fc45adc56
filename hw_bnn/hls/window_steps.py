"""Steps of the window twin's loop for one frame, by its own rules (include/hw_bnn/window.hpp)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def window_steps(p: Mapping[str, int]) -> int:
    """Iterations of the loop: a word enters where there is room, one leaves where it is there.

    Word i of the output, of ring position r[i] and window base b[i] (words of the frame), leaves at
    step d[i] >= d[i-1] + 1 and after input r[i] has entered; input w enters at e[w] >= e[w-1] + 1
    and after the window that needs w - RING's place has moved on.
    """
    base, needed = _positions(p)
    ring = p["DEPTH"] or _enough(p)
    frame = p["IFM_H"] * p["IFM_W"] * p["CHANNELS"] // p["SIMD"]
    step = taken = given = 0
    while taken < frame or given < len(needed):
        held = base[given] if given < len(needed) else frame
        enter = taken < frame and taken < held + ring
        if given < len(needed) and needed[given] < taken:
            given += 1
        taken += enter
        step += 1
    return step


def _positions(p: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """(base of its window, word that it is) of every output word, in order."""
    cf = p["CHANNELS"] // p["SIMD"]
    span_h = (p["K_H"] - 1) * p["DILATION_H"] + 1
    span_w = (p["K_W"] - 1) * p["DILATION_W"] + 1
    rows = np.arange((p["IFM_H"] - span_h) // p["STRIDE_H"] + 1) * p["STRIDE_H"]
    columns = np.arange((p["IFM_W"] - span_w) // p["STRIDE_W"] + 1) * p["STRIDE_W"]
    base = ((rows[:, None] * p["IFM_W"] + columns) * cf).reshape(-1)
    kh = np.arange(p["K_H"])[:, None, None] * p["DILATION_H"] * p["IFM_W"] * cf
    kw = np.arange(p["K_W"])[None, :, None] * p["DILATION_W"] * cf
    offsets = kh + kw + np.arange(cf)[None, None]
    if p["DEPTHWISE"]:
        offsets = offsets.transpose(2, 0, 1)
    offsets = offsets.reshape(-1)
    needed = (base[:, None] + offsets).reshape(-1)
    return np.repeat(base, len(offsets)).tolist(), needed.tolist()


def _enough(p: Mapping[str, int]) -> int:
    """window_shape::ENOUGH."""
    cf = p["CHANNELS"] // p["SIMD"]
    span_h = (p["K_H"] - 1) * p["DILATION_H"] + 1
    span_w = (p["K_W"] - 1) * p["DILATION_W"] + 1
    high = (p["IFM_H"] - span_h) // p["STRIDE_H"] + 1
    wide = (p["IFM_W"] - span_w) // p["STRIDE_W"] + 1
    column = p["STRIDE_W"] * cf
    row = p["STRIDE_H"] * p["IFM_W"] * cf - (wide - 1) * column
    jump = max(column if wide > 1 else 0, row if high > 1 else 0)
    return ((span_h - 1) * p["IFM_W"] + span_w) * cf + jump
