"""From an exact affine and a quantiser to integer thresholds.

A quantiser maps the real y to the integer q = clip(round(y/s + z)); q >= k holds exactly where
y/s + z >= k - 1/2, and with round-half-even the tie itself counts only for even k. With y = alpha*a + beta
each level is a comparison of the integer a with one integer threshold (exact.crossing), ascending in a for
alpha/s > 0 and in -a for alpha/s < 0.

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

    Level l (l = 0, 1, ...) is reached where y/unit + zero >= bounds[l], or > where strict[l].
    The output integer q is bias + step * (levels reached); its real value is scale * (q - zero).
    """

    bounds: tuple[Fraction, ...]
    strict: tuple[bool, ...]
    unit: tuple[Fraction, ...]  # per channel or one, not 0
    scale: tuple[Fraction, ...]  # per channel or one, not 0
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
    """BipolarQuant: sign with sign(0) = +1, times scale; the scale does not divide its input."""
    sign, one = (Fraction(0),), (Fraction(1),)
    return Quantiser(sign, (False,), one, tuple(scale), Fraction(0), -1, 2, "BIPOLAR")


@dataclass(frozen=True)
class Integers:
    """The integers low..high of a Quant node and how it rounds to them; one signed bit is -1 and +1."""

    low: int
    high: int
    rounding: str
    datatype: str

    @property
    def bipolar(self) -> bool:
        return self.datatype == "BIPOLAR"

    def quantiser(self, scale: list[Fraction], zero: Fraction) -> Quantiser:
        """Quant's levels for activations.

        Raises:
            Unsupported: a rounding mode that QONNX does not define.
        """
        unit = tuple(scale)
        if self.bipolar:  # QONNX tests y/scale + zero >= 0 and gives scale * (+-1 - zero)
            return Quantiser((Fraction(0),), (False,), unit, unit, zero, -1, 2, self.datatype)
        levels = [level(k, self.rounding) for k in range(self.low + 1, self.high + 1)]
        bounds, strict = zip(*levels, strict=True)
        return Quantiser(bounds, strict, unit, unit, zero, self.low, 1, self.datatype)

    def nearest(self, y: Surd) -> int:
        """clip(round(y)); one signed bit: the sign."""
        if self.bipolar:
            return 1 if y.sign() >= 0 else -1
        k = y.floor()
        bound, strict = level(k + 1, self.rounding)
        return min(max(k + ((y - Surd(bound)).sign() >= strict), self.low), self.high)


def quant_integers(bits: int, *, signed: bool, narrow: bool, rounding: str) -> Integers:
    """Range of QONNX's Quant/IntQuant (qonnx/custom_op/general/intquant.py)."""
    if bits == 1 and signed:  # QONNX's convention for a bipolar value, narrow or not
        return Integers(-1, 1, "ROUND", "BIPOLAR")
    low = -(2 ** (bits - 1)) + narrow if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    if high <= low:
        raise Unsupported(
            f"a quantiser of {bits} bits that has the only level {low}",
            remedy="use narrow = 0 or more bits",
        )
    level(low + 1, rounding)
    return Integers(low, high, rounding, f"{'INT' if signed else 'UINT'}{bits}")


def level(k: int, rounding: str) -> tuple[Fraction, bool]:
    """(bound, strict): from which y on rounding reaches k, y > bound where strict, else y >= bound.

    >>> level(1, "ROUND"), level(2, "ROUND"), level(0, "HALF_UP"), level(0, "DOWN")
    ((Fraction(1, 2), True), (Fraction(3, 2), False), (Fraction(-1, 2), True), (Fraction(-1, 1), True))
    """
    half = Fraction(2 * k - 1, 2)
    away = k <= 0  # of a mode that mirrors at 0: k is the end of its interval nearer to 0
    modes = {
        "ROUND": (half, k % 2 != 0),
        "HALF_EVEN": (half, k % 2 != 0),
        "HALF_UP": (half, away),
        "HALF_DOWN": (half, not away),
        "FLOOR": (Fraction(k), False),
        "CEIL": (Fraction(k - 1), True),
        "DOWN": (Fraction(k - 1), True) if away else (Fraction(k), False),
        "UP": (Fraction(k), False) if away else (Fraction(k - 1), True),
    }
    if rounding.upper() not in modes:
        raise Unsupported(
            f"rounding mode {rounding} is not supported",
            remedy="use ROUND (half to even), HALF_UP, HALF_DOWN, FLOOR, CEIL, UP or DOWN",
        )
    return modes[rounding.upper()]


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
    channels = max(len(value.alpha), len(value.beta), len(quantiser.unit), np.size(minimum))
    minimum = np.broadcast_to(np.asarray(minimum, dtype=object), channels)
    maximum = np.broadcast_to(np.asarray(maximum, dtype=object), channels)
    table = np.zeros((channels, len(quantiser.bounds)), dtype=np.int64)
    negate = np.zeros(channels, dtype=bool)
    done: dict[tuple, tuple[int, list]] = {}
    for c in range(channels):
        alpha, beta = value.at(c)
        unit = quantiser.unit[c if len(quantiser.unit) > 1 else 0]
        key = (alpha, beta, unit)
        if key not in done:
            done[key] = _crossings(alpha, beta, unit, quantiser, value.relu)
        direction, points = done[key]
        negate[c] = direction < 0
        low, high = (-maximum[c], -minimum[c]) if negate[c] else (minimum[c], maximum[c])
        table[c] = [
            high + 1 if t is None else low if t == "always" else min(max(t, low), high + 1)
            for t in points
        ]
    return table, negate


def _crossings(alpha: Surd, beta: Surd, unit: Fraction, quantiser: Quantiser, relu: bool):
    """(direction, points) of one channel: where y/unit + zero reaches each bound, y = alpha*a + beta."""
    direction, points = 0, []
    slope, offset = alpha / Surd(unit), beta / Surd(unit) + Surd(quantiser.zero)
    for bound, strict in zip(quantiser.bounds, quantiser.strict, strict=True):
        rest = quantiser.zero - bound  # of y = 0
        there = rest > 0 or (rest == 0 and not strict)
        if relu and there == (unit > 0):  # max(y, 0) is there already, or never comes there
            points.append("always" if there else None)
            continue
        sign, t = crossing(slope, offset - Surd(bound), strict=strict)
        direction = direction or sign
        points.append(t if sign else "always" if t == 0 else None)
    return direction, points
