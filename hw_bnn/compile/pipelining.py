"""Register stages inside kernels, from a delay model and the clock.

The model counts cells and average nets, no placement: it chooses where registers stand, and place
and route is the judge. Times in ns at the slowest speed grade of each family; MARGIN of the period
is left to what it does not see (fan-out of the clock enables, uneven routing).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

MARGIN = 0.1
PIECES = 6  # of bnn_mvau_popcount.sv
LARGEST_PIPELINE = 4  # of bnn_mvau_feed.sv


@dataclass(frozen=True)
class Family:
    """Delays of an FPGA family: a LUT with its net, an adder's carry chain with its net, ..."""

    level_ns: float  # a LUT and the net behind it
    adder_ns: float  # a short adder and the net behind it
    register_ns: float  # clock to output, the net behind it, and set-up
    memory_ns: float  # clock to output of a block RAM without its output register
    counters: bool  # popcounts are trees of 6-LUT counters (HW_BNN_XC7), else of full adders
    hardwired: float  # delays of the hard-wired generator's blocks, over those of 7-series
    multiply_ns: float  # a DSP block's product without registers, and the net behind it


XC7 = Family(0.67, 1.4, 1.1, 3.1, True, 1.0, 4.2)
XCUP = Family(0.34, 0.7, 0.6, 1.9, True, 0.5, 2.4)
ECP5 = Family(1.45, 2.2, 1.3, 6.8, False, 2.0, 5.5)


def family_of(part: str) -> Family:
    """The family of a part name; 7-series for what is unknown.

    >>> family_of("LFE5U-85F-6BG381C") is ECP5, family_of("xck26-sfvc784-2LV-c") is XCUP
    (True, True)
    """
    if part.upper().startswith("LFE5"):
        return ECP5
    return XCUP if part.startswith(("xczu", "xck", "xcku", "xcvu")) else XC7


def mvau_stages(
    family: Family, period_ns: float, simd: int, in_bits: int, words: int
) -> tuple[int, int]:
    """(PIPELINE, WEIGHTS_STAGE) of an MVAU: the fewest stages that the model lets meet the clock.

    Args:
        in_bits: 1 for the XNOR kernel; more for n-bit inputs, whose bit planes are
            counted one by one.
        words: depth of the deepest memory, of weights or thresholds; one word is constants.

    Where even the most stages are too slow, all are taken.
    """
    return _fewest(family, period_ns, words, partial(_segments, family, simd, in_bits))


def multiplier_stages(family: Family, period_ns: float, simd: int, words: int) -> tuple[int, int]:
    """(PIPELINE, WEIGHTS_STAGE) of an MVAU of products in DSP blocks; see :func:`mvau_stages`."""
    return _fewest(family, period_ns, words, partial(_product_segments, family, simd))


def sign_stages(family: Family, period_ns: float, simd: int, words: int) -> tuple[int, int]:
    """(PIPELINE, WEIGHTS_STAGE) of mvau_signs' adders; see :func:`mvau_stages`."""
    return _fewest(family, period_ns, words, partial(_sign_segments, family, simd))


def _fewest(family: Family, period_ns: float, words: int, segments) -> tuple[int, int]:
    """`segments(pipeline)`: delays of the first register-to-register path, and of the others."""
    room = period_ns * (1 - MARGIN)
    start = family.memory_ns - family.register_ns if words > 1 else 0.0
    late = start > 0.25 * room  # a block RAM that takes much of the cycle
    for pipeline in range(1, LARGEST_PIPELINE + 1):
        first, rest = segments(pipeline)
        longest = max([first + (0.0 if late else start), *rest])
        if family.register_ns + longest <= room:
            return pipeline, int(late)
    return LARGEST_PIPELINE, int(late)


def hardwired_period(family: Family, period_ns: float) -> float:
    """Clock period for the hard-wired generator's own model, whose delays are those of 7-series.

    Its clock enable reaches every register of a layer: a third of the period is left to it.
    """
    return period_ns * 2 / 3 / family.hardwired


def _segments(family: Family, simd: int, in_bits: int, pipeline: int) -> tuple[float, list[float]]:
    """Delays of the first register-to-register path and of those behind it."""
    gate = family.level_ns  # XNOR or mask
    accumulate = family.adder_ns * (1 if in_bits == 1 else 2)
    if in_bits > 1:  # mvau_weighted: the planes' sum takes the last stage
        planes = _sum(family, in_bits)
        first, rest = _split(family, simd, pipeline - 1)
        if pipeline == 1:
            return gate + first + planes, [accumulate]
        return gate + first, [*rest, planes, accumulate]
    if family.counters:  # xnor_popcount: after the XNOR level, at the output, after the trees
        tree, merge = _count(family, max(simd // 2, 1)), family.adder_ns
        if pipeline == 1:
            return gate, [tree + merge + accumulate]
        return gate, [tree + merge, accumulate] if pipeline == 2 else [tree, merge, accumulate]
    first, rest = _split(family, simd, pipeline)
    return gate + first, [*rest, accumulate]


def _product_segments(family: Family, simd: int, pipeline: int) -> tuple[float, list[float]]:
    """As _segments, of mvau_product's multipliers and their tree (mvau_adders)."""
    adders = _adders(family, simd, max(pipeline - 1, 1))
    if pipeline > 1:
        return family.multiply_ns, [*adders, family.adder_ns]
    return family.multiply_ns + adders[0], [family.adder_ns]


def _sign_segments(family: Family, simd: int, pipeline: int) -> tuple[float, list[float]]:
    """As _segments, of mvau_signs: a gate, the tree, and the accumulator with a count beside it."""
    first, *rest = _adders(family, simd, pipeline)
    return family.level_ns + first, [*rest, 2 * family.adder_ns]


def _adders(family: Family, n: int, stages: int) -> list[float]:
    """Delays of the stages of mvau_adders."""
    levels = max(n - 1, 0).bit_length()
    return [
        family.adder_ns * (levels * (s + 1) // stages - levels * s // stages) for s in range(stages)
    ]


def _split(family: Family, n: int, stages: int) -> tuple[float, list[float]]:
    """Paths of mvau_popcount: the count of a piece, then sums of PIECES."""
    if stages < 2:
        return _count(family, n), []
    piece = -(-n // PIECES)
    first, rest = _split(family, piece, stages - 1)
    return first, [*rest, _sum(family, -(-n // piece))]


def _count(family: Family, n: int) -> float:
    """Delay of a popcount of n bits."""
    if n <= 1:
        return 0.0
    if n <= 3:
        return family.level_ns
    if not family.counters:
        return _sum(family, n)
    if n <= 7:
        return 1.4 * family.level_ns  # a LUT and the wide multiplexer behind it
    return 1.4 * family.level_ns + _count(family, n // 7) + family.adder_ns


def _sum(family: Family, n: int) -> float:
    """Delay of the sum of n numbers: full adders down to two rows, then a carry chain."""
    levels = 0
    while n > 2:
        n, levels = n - n // 3, levels + 1
    return levels * family.level_ns + (family.adder_ns if n == 2 else 0.0)
