"""What a stream costs for the words that its ends agree on: a register, and a width converter."""

from __future__ import annotations

from functools import cache
from math import lcm

import numpy as np

from ..synth.estimate import KINDS, estimate_kernel

DMA_BITS = 64


@cache
def stream_cost(out: int, width: int, bits: int) -> tuple[float, float]:
    """(LUTs, registers) of a stream: its register, and a converter with one of its own."""
    costs = [_cost("fifo", BITS=out, DEPTH=1)]
    if out != width:
        costs += [
            _cost("width_converter", IN_BITS=out, OUT_BITS=width, FRAME_BITS=bits),
            _cost("fifo", BITS=width, DEPTH=1),
        ]
    return sum(c["lut"] for c in costs), sum(c["ff"] for c in costs)


def _cost(kernel: str, **parameters: int) -> dict[str, float]:
    """Of a kernel that has a formula."""
    cost = estimate_kernel(kernel, parameters)
    if cost is None:
        raise LookupError(f"there is no formula for {kernel}")
    return cost


def input_word_bits(frame_bits: int, layer_bits: int, element_bits: int) -> int:
    """Bits of an input word: whole bytes and whole elements that divide the frame, at least as fast
    as the first layer reads; the layer's own words where the frame is no whole bytes.

    >>> input_word_bits(784, 49, 1), input_word_bits(512, 64, 8), input_word_bits(50, 5, 5)
    (56, 64, 5)
    >>> input_word_bits(320, 5, 5), input_word_bits(240, 45, 3)
    (40, 48)
    """
    if layer_bits % 8 == 0 or frame_bits % 8:
        return layer_bits
    unit = lcm(8, element_bits)  # it divides the frame, which is whole bytes and whole elements
    first = -(-layer_bits // unit) * unit
    return next(w for w in range(first, frame_bits + unit, unit) if frame_bits % w == 0)


@cache
def source_cost(bits: int, width: int, element: int) -> tuple[float, float]:
    """(LUTs, registers) between a 64-bit DMA and the first op."""
    word = input_word_bits(bits, width, element)
    inside = _more(word, width, bits) if word != width else (0.0, 0.0)
    outside = dma_cost(bits, width, element)
    return outside[0] + inside[0], outside[1] + inside[1]


def dma_cost(bits: int, width: int, element: int) -> tuple[float, float]:
    """(LUTs, registers) of a source's part that is the shell's: from the DMA to input words."""
    word = input_word_bits(bits, width, element)
    if word == DMA_BITS or (word != width and word < DMA_BITS):
        return 0.0, 0.0
    return _more(DMA_BITS, word, bits)


@cache
def fifo_cost(width: int, depth: int) -> tuple[float, ...]:
    """(LUTs, registers, block RAMs, DSP blocks) of a FIFO beyond the register of a stream."""
    deep, plain = (_cost("fifo", BITS=width, DEPTH=d) for d in (depth, 1))
    return tuple(deep[kind] - plain[kind] for kind in KINDS)


def _more(out: int, width: int, bits: int) -> tuple[float, float]:
    """What a converter costs beyond a plain stream."""
    converted, plain = stream_cost(out, width, bits), stream_cost(out, out, bits)
    return converted[0] - plain[0], converted[1] - plain[1]


def joint_cost(outs: np.ndarray, ins: np.ndarray, bits: int, most: int) -> np.ndarray:
    """LUTs of a stream for every pair of word widths; inf for two that differ where one is more
    than `most` bits, which no converter takes."""
    out_values, out_index = np.unique(outs, return_inverse=True)
    in_values, in_index = np.unique(ins, return_inverse=True)
    table = np.array(
        [
            [
                np.inf if a != b and max(a, b) > most else stream_cost(int(a), int(b), bits)[0]
                for b in in_values
            ]
            for a in out_values
        ]
    )
    return table[np.ix_(out_index, in_index)]
