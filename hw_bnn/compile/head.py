"""The last layer's affine in fixed point, with exactly the argmax of the real numbers.

The real score of class c is alpha[c]*s + beta[c] for the integer s that the last layer gives. On
chip it is A[c]*s + B[c] with integers. A and B are good when they put all reachable (class, s) in
the order of the real numbers, and real ties so that the lower class wins. All reachable pairs are
checked, in exact arithmetic; the narrowest A and B that pass are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from math import lcm

import numpy as np

from ..errors import Unsupported
from .exact import Surd, compare
from .integer_graph import Head

MOST_PAIRS = 2**25
"""Reachable (class, score) pairs that are checked at most: 50 bytes each."""
REMEDY = 'compile with output_mode="scores" and take the argmax on the host'
GUARD_BITS = 160  # irrational numbers closer than about 2^-140 are compared exactly


@dataclass(frozen=True)
class FixedAffine:
    """Integer affine per class; a_bits = 0 means the scores themselves are compared."""

    a: np.ndarray  # int64 (classes,)
    b: np.ndarray
    a_bits: int
    b_bits: int


def fixed_affine(head: Head, reachable: list[range], layer: str) -> FixedAffine:
    """The narrowest exact fixed-point form of the head.

    Args:
        head: real affine of each class.
        reachable: scores that each class can take.

    Raises:
        Unsupported: no form of up to 48 fraction bits keeps every comparison (real ties between
            irrational affines), or there are too many scores to check.
    """
    classes = len(reachable)
    alpha, beta = (v * (classes // len(v)) for v in (head.alpha, head.beta))
    if len({*alpha}) == 1 and len({*beta}) == 1 and alpha[0].sign() > 0:
        return FixedAffine(np.ones(classes, np.int64), np.zeros(classes, np.int64), 0, 0)
    pairs = _ranking(alpha, beta, reachable, layer)
    top = (
        max((abs(float(a)) for a in alpha), default=0.0) or max(abs(float(b)) for b in beta) or 1.0
    )
    exponent = int(np.ceil(np.log2(top)))
    for fraction_bits in range(1, 49):
        scale = _power(fraction_bits - exponent)
        a, b = ([_nearest(v * scale) for v in values] for values in (alpha, beta))
        if max(map(abs, a + b)) < 2**60 and _keeps(*pairs, a, b):
            return FixedAffine(np.array(a), np.array(b), _bits(a), _bits(b))
    raise Unsupported(
        "no fixed-point affine of up to 48 fraction bits gives the argmax of the last BatchNorm "
        "exactly",
        node=layer,
        remedy=REMEDY,
    )


def _ranking(alpha, beta, reachable, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """(classes, scores) of all reachable pairs, worst first; among equal reals the higher
    class is worse.

    Keys are the real numbers times a common factor: exact integers where all are rational, else
    rounded down to 2^-GUARD_BITS; neighbours that this leaves undecided are compared exactly.
    """
    numbers = [*alpha, *beta]
    rational = not any(v.d for v in numbers)
    factor = Surd(lcm(*(v.x.denominator for v in numbers))) if rational else _power(GUARD_BITS)
    whole = [(v * factor).floor() for v in numbers]
    most = max(max(abs(r.start), abs(r.stop)) for r in reachable)
    small = max(map(abs, whole)) * (most + 1) < 2**62
    pairs, room = sum(map(len, reachable)), MOST_PAIRS if small else MOST_PAIRS // 8
    if pairs > room:
        raise Unsupported(
            f"the label's exactness would have to be proven on {pairs:,} scores, over {room:,}",
            node=layer,
            remedy=REMEDY,
        )
    keys, classes, scores = [], [], []
    for c in reversed(range(len(reachable))):  # a stable sort keeps the higher class of a tie first
        s = np.arange(reachable[c].start, reachable[c].stop, reachable[c].step)
        keys.append(s.astype(np.int64 if small else object) * whole[c] + whole[len(alpha) + c])
        classes.append(np.full(len(s), c))
        scores.append(s)
    key, which, score = (np.concatenate(part) for part in (keys, classes, scores))
    order = np.argsort(key, kind="stable")
    if not rational:
        doubt = 2 * (
            int(np.abs(score).max(initial=0)) + 1
        )  # each key is at most half of it too low
        order = _settle(order, key, doubt, alpha, beta, which, score)
    return which[order], score[order]


def _settle(order, key, doubt: int, alpha, beta, classes, scores) -> np.ndarray:
    """Sort each run of keys closer than `doubt` in exact arithmetic."""

    def exact(i, j):
        left, right = (alpha[classes[k]] * Surd(int(scores[k])) + beta[classes[k]] for k in (i, j))
        return compare(left, right) or int(classes[j]) - int(classes[i])

    sorted_keys = key[order]
    close = np.asarray(sorted_keys[1:] - sorted_keys[:-1] <= doubt, dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], close, [False]]).astype(np.int8)))
    for first, last in edges.reshape(
        -1, 2
    ):  # close[first:last]: the entries first..last belong together
        order[first : last + 1] = sorted(order[first : last + 1].tolist(), key=cmp_to_key(exact))
    return order


def _keeps(classes: np.ndarray, scores: np.ndarray, a: list[int], b: list[int]) -> bool:
    """Whether a[c]*s + b[c] puts the pairs in this order, equal ones the higher class first."""
    largest = int(np.abs(scores).max(initial=0))
    dtype = np.int64 if max(map(abs, a)) * largest + max(map(abs, b)) < 2**62 else object
    value = np.array(a, dtype=dtype)[classes] * scores + np.array(b, dtype=dtype)[classes]
    falls = value[1:] < value[:-1]
    wrong_tie = (value[1:] == value[:-1]) & (classes[1:] > classes[:-1])
    return not bool(np.any(falls | wrong_tie))


def _power(exponent: int) -> Surd:
    return Surd(Fraction(2) ** exponent)


def _nearest(value: Surd) -> int:
    return (value + Surd(Fraction(1, 2))).floor()


def _bits(values) -> int:
    return max(
        max(int(v).bit_length() if v >= 0 else int(-v - 1).bit_length() for v in values) + 1, 2
    )
