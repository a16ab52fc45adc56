"""Least depths of streams between a fork and a join, by simulation with bounded streams.

A word that goes both ways waits in one of them until the other way's kernels have given theirs;
with too few places there, everything stands. Kernels are deterministic, so that whether it does
depends on the depths alone: each stream's least depth is found by bisection, the others at a whole
frame first, then at what was found. A frame's words are always enough, since every kernel gives all
that it can give for a frame out of that frame.
"""

from __future__ import annotations

import numpy as np

from ..errors import CheckFailed
from ..sim.packing import Words
from .csim import CSim
from .design import LEAST_DEPTH, Design

FRAMES = 3
"""Frames that go through in each trial: the second meets what the first leaves behind."""


def least_depths(model: CSim, made: Design, words: Words) -> dict[str, int]:
    """Channel -> the least depth at which frames pass, the widest channels first.

    Args:
        model: the design's code with bounded streams.
        words: (N, words, bytes) of s_axis, a few frames.

    Raises:
        CheckFailed: it stands even where each stream holds a frame.
    """
    channels = sorted(made.reconvergent, key=lambda c: -c.word_bits * c.words)
    depths = {channel.name: max(LEAST_DEPTH, channel.words) for channel in channels}
    expected = model.run_bounded(words, depths)
    for channel in channels:
        low, high = 1, depths[channel.name]
        while low < high:
            middle = (low + high) // 2
            if _passes(model, words, depths | {channel.name: middle}, expected):
                high = middle
            else:
                low = middle + 1
        depths[channel.name] = high
    return depths


def _passes(model: CSim, words: Words, depths: dict[str, int], expected: Words) -> bool:
    try:
        return np.array_equal(model.run_bounded(words, depths), expected)
    except CheckFailed:
        return False
