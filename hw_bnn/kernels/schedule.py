"""When a kernel takes and gives the words of a frame: a step a cycle, whatever the words say.

A kernel goes through the same steps in each frame, at most one a cycle, and waits before a step
until the words that it needs have come. Steps do not depend on data, so that they tell when
everything happens in a network of kernels (compile/timetable.py). In the theory of dataflow this is
a cyclo-static actor (Bilsen et al., IEEE Trans. Signal Processing 44(2), 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Steps = NDArray[np.int64]


@dataclass(frozen=True)
class Reads:
    """What a kernel does with an input in a frame of S steps and W words.

    Attributes:
        needed: (S,), how many of the frame's words have come at least when a step is made.
        taken: (W,), rising: the step in which a word leaves the stream; where the kernel keeps
            words, the last step that it is kept for.
        kept: how many words the kernel takes ahead, as they come, and keeps; 0 for none.
    """

    needed: Steps
    taken: Steps
    kept: int = 0


@dataclass(frozen=True)
class Schedule:
    """A kernel's frame.

    Attributes:
        steps: cycles that it takes, without waiting.
        reads: of each input.
        given: (words of an output,), rising: the step that makes a word; all outputs are alike.
        latency: cycles from that step to the word on offer.
        late: more of them, a word; 0 for none.
    """

    steps: int
    reads: tuple[Reads, ...]
    given: Steps
    latency: int
    late: Steps | int = 0


def counted(number: int) -> Steps:
    """0 .. number - 1."""
    return np.arange(number, dtype=np.int64)


def word_by_word(words: int, latency: int, inputs: int = 1) -> Schedule:
    """A word of each input makes a word, `latency` cycles later; so many words a frame."""
    reads = Reads(counted(words) + 1, counted(words))
    return Schedule(words, (reads,) * inputs, counted(words), latency)


def recut(in_bits: int, out_bits: int, frame_bits: int, latency: int) -> Schedule:
    """The bits of a frame, in words of another width: the narrower words are the steps.

    Args:
        in_bits, out_bits: of a word. frame_bits: of a frame; a last word may be filled up.
        latency: cycles from the step that completes a word to the word.

    >>> recut(8, 4, 20, 1).reads[0].taken.tolist(), recut(4, 8, 20, 1).given.tolist()
    ([0, 2, 4], [1, 3, 4])
    """
    ins, outs = -(-frame_bits // in_bits), -(-frame_bits // out_bits)
    if in_bits <= out_bits:
        whole = np.minimum((counted(outs) + 1) * out_bits, frame_bits)
        read = Reads(counted(ins) + 1, counted(ins))
        return Schedule(ins, (read,), -(-whole // in_bits) - 1, latency)
    last = np.minimum((counted(outs) + 1) * out_bits, frame_bits) - 1
    # A word enters when its first bit leaves at the latest: what it is shifted out of is free then.
    first = counted(ins) * in_bits // out_bits
    return Schedule(outs, (Reads(last // in_bits + 1, first),), counted(outs), latency)


def bordered(height: int, width: int, words: int, pads: tuple[int, int, int, int]) -> Reads:
    """An input of height x width pixels of so many words, a step a word of the map with its border
    (top, left, bottom, right); a frame's first step waits for its first word."""
    top, left, bottom, right = pads
    inside = np.zeros((top + height + bottom, left + width + right, words), dtype=bool)
    inside[top : top + height, left : left + width] = True
    taken = np.flatnonzero(inside.reshape(-1)).astype(np.int64)
    return Reads(np.maximum(np.cumsum(inside.reshape(-1)), 1), taken)


def window_ends(length: int, span: int, stride: int) -> NDArray[np.bool_]:
    """(length,): whether a window of so many positions, one after every `stride`, ends there.

    >>> window_ends(6, 3, 2).astype(int).tolist()
    [0, 0, 1, 0, 1, 0]
    """
    past = counted(length) - (span - 1)
    return (past >= 0) & (past % stride == 0)
