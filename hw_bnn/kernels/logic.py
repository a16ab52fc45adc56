"""LUTs of logic on xc7 that Yosys maps in a known way, and numbers of bits."""

from __future__ import annotations

from functools import cache

CHAIN = 3
"""Pairs of bits that a chain of xnor_popcount counts."""


def bits_for(n: int) -> int:
    """$clog2(n)."""
    return max(n - 1, 0).bit_length()


@cache
def tree_luts(n: int) -> int:
    """LUTs of bnn_popcount_tree #(n)."""
    if n <= 7:
        return (0, 0, 1, 1, 2, 2, 2, 2)[n]
    groups = n // 7
    ones = groups + n - 7 * groups
    single = min(ones - 1, 4)
    parts = tree_luts(ones - single) + tree_luts(groups - (groups > 1)) + tree_luts(groups)
    return 2 * groups + parts + bits_for(n + 1)


def xnor_popcount_luts(n: int) -> int:
    """LUTs of bnn_xnor_popcount #(n)."""
    if n == 1:
        return 1
    pairs = n // 2
    chains = -(-pairs // CHAIN)
    merge = bits_for(n + 1) if n > 3 else 0
    return pairs + n % 2 + tree_luts(chains) + tree_luts(pairs) + merge
