"""What a stream costs for the words that its ends agree on: a register, and a width converter."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..synth.estimate import estimate_kernel

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


@cache
def source_cost(bits: int, width: int, element: int) -> tuple[float, float]:
    """(LUTs, registers) between a 64-bit DMA and the first op."""
    from .steps import input_word_bits

    word = input_word_bits(bits, width, element)
    cost = np.zeros(2)
    for a, b in ((DMA_BITS, word), (word, width)):
        if a != b and (b == width or b > DMA_BITS):
            cost += np.array(stream_cost(a, b, bits)) - stream_cost(a, a, bits)
    return float(cost[0]), float(cost[1])


def joint_cost(outs: np.ndarray, ins: np.ndarray, bits: int, equal: bool) -> np.ndarray:
    """LUTs of a stream for every pair of word widths."""
    out_values, out_index = np.unique(outs, return_inverse=True)
    in_values, in_index = np.unique(ins, return_inverse=True)
    table = np.array(
        [
            [
                np.inf if equal and a != b else stream_cost(int(a), int(b), bits)[0]
                for b in in_values
            ]
            for a in out_values
        ]
    )
    return table[np.ix_(out_index, in_index)]
