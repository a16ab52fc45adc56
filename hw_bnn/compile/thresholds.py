"""From an exact affine and a quantiser to integer thresholds.

A quantiser maps the real y to the integer q = clip(round(y/s + z)); q >= k holds exactly where
y/s + z >= k - 1/2, and with round-half-even the tie itself counts only for even k. With y = alpha*a + beta
each level is a comparison of the integer a with one integer threshold (exact.crossing), ascending in a for
alpha > 0 and in -a for alpha < 0.

BipolarQuant has the single level y >= 0: sign(0) = +1.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import Unsupported
from .exact import Surd, crossing
from .values import Activation


@dataclass(frozen=True)
class Quantiser:
    """What a Quant or BipolarQuant node does to real numbers.

    Level l (l = 0, 1, ...) is reached where (y - offset)/scale >= bounds[l], or > where strict[l].
    The output integer is bias + step * (levels reached); its real value is out_scale*integer + out_offset.
    """

    bounds: tuple[Fraction, ...]
    strict: tuple[bool, ...]
    scale: tuple[Fraction, ...]  # per channel or one, > 0
    zero: Fraction
    bias: int
    step: int
    datatype: str

    @property
    def minimum(self) -> int:
        return self.bias

    @property
    def maximum(self) -> int:
        return self.bias + self.step * len(self.bounds)


def bipolar(scale: list[Fraction]) -> Quantiser:
    """sign with sign(0) = +1, times scale."""
    return Quantiser((Fraction(0),), (False,), tuple(scale), Fraction(0), -1, 2, "BIPOLAR")


def uniform(
    scale: list[Fraction],
    zero: Fraction,
    bits: int,
    *,
    signed: bool,
    narrow: bool,
    rounding: str,
    node: str,
) -> Quantiser:
    """QONNX Quant/IntQuant (qonnx/custom_op/general/intquant.py).

    Raises:
        Unsupported: a rounding mode other than ROUND (half to even), FLOOR or CEIL.
    """
    if bits == 1 and signed:  # QONNX's convention for a bipolar value
        return bipolar(scale)
    low = -(2 ** (bits - 1)) + bool(narrow) if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - bool(narrow)
    levels = range(low + 1, high + 1)
    mode = rounding.upper()
    if mode in ("ROUND", "HALF_EVEN"):
        bounds, strict = [Fraction(2 * k - 1, 2) for k in levels], [k % 2 != 0 for k in levels]
    elif mode == "FLOOR":
        bounds, strict = [Fraction(k) for k in levels], [False] * len(levels)
    elif mode == "CEIL":
        bounds, strict = [Fraction(k - 1) for k in levels], [True] * len(levels)
    else:
        raise Unsupported(
            f"rounding mode {rounding} is not supported",
            node=node,
            remedy="use ROUND (half to even), FLOOR or CEIL",
        )
    bounds = [b - zero for b in bounds]
    datatype = f"{'INT' if signed else 'UINT'}{bits}"
    return Quantiser(tuple(bounds), tuple(strict), tuple(scale), zero, low, 1, datatype)


def thresholds(
    value: Activation, quantiser: Quantiser, minimum, maximum
) -> tuple[np.ndarray, np.ndarray]:
    """Integer thresholds of a quantiser on an integer tensor.

    Args:
        value: the tensor and its affine.
        minimum, maximum: reachable integers, int or one a channel.

    Returns:
        (thresholds int64 (C, levels) ascending, negate bool (C,)): level l is reached where
        s*a >= thresholds[c, l], s = -1 where negate. Thresholds are clipped to the reachable range
        [min, max + 1] of s*a, which changes no comparison.
    """
    channels = max(len(value.alpha), len(value.beta), len(quantiser.scale), np.size(minimum))
    minimum = np.broadcast_to(np.asarray(minimum, dtype=object), channels)
    maximum = np.broadcast_to(np.asarray(maximum, dtype=object), channels)
    table = np.zeros((channels, len(quantiser.bounds)), dtype=np.int64)
    negate = np.zeros(channels, dtype=bool)
    done: dict[tuple, tuple[int, list]] = {}
    for c in range(channels):
        alpha, beta = value.at(c)
        scale = quantiser.scale[c if len(quantiser.scale) > 1 else 0]
        key = (alpha, beta, scale)
        if key not in done:
            done[key] = _crossings(alpha, beta, scale, quantiser, value.relu)
        direction, points = done[key]
        negate[c] = direction < 0
        low, high = (-maximum[c], -minimum[c]) if negate[c] else (minimum[c], maximum[c])
        table[c] = [
            high + 1 if t is None else low if t == "always" else min(max(t, low), high + 1)
            for t in points
        ]
    return table, negate


def _crossings(alpha: Surd, beta: Surd, scale: Fraction, quantiser: Quantiser, relu: bool):
    direction, points = 0, []
    for bound, strict in zip(quantiser.bounds, quantiser.strict, strict=True):
        level = bound * scale
        if relu and (level < 0 or (level == 0 and not strict)):
            points.append("always")  # max(y, 0) is there already
            continue
        slope, t = crossing(alpha, beta - Surd(level), strict=strict)
        direction = direction or slope
        points.append(t if slope else "always" if t == 0 else None)
    return direction, points
