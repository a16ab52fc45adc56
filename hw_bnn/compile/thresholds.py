"""From an exact affine and a quantiser to integer thresholds.

A quantiser maps the real y to the integer q = clip(round(y/s + z)); q >= k holds exactly where
y/s + z >= k - 1/2, and with round-half-even the tie itself counts only for even k. With
y = alpha*a + beta each level is a comparison of the integer a with one integer threshold
(exact.crossing), ascending in a for alpha/s > 0 and in -a for alpha/s < 0. What bends y on the way
(ReLU, Clip, ...) is in bends.py.

BipolarQuant has the single level y >= 0: sign(0) = +1.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from ..errors import Unsupported
from .bends import Bend, Leak, Side, pulled
from .exact import ONE, Surd, crossing


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

    @cached_property
    def floats(self) -> np.ndarray:
        """float64 of the bounds."""
        return np.array([float(bound) for bound in self.bounds])


def bipolar(scale: list[Fraction]) -> Quantiser:
    """BipolarQuant: sign with sign(0) = +1, times scale; the scale does not divide its input."""
    sign, one = (Fraction(0),), (Fraction(1),)
    return Quantiser(sign, (False,), one, tuple(scale), Fraction(0), -1, 2, "BIPOLAR")


@dataclass(frozen=True)
class Integers:
    """The integers low..high of a Quant node, how it rounds to them; one signed bit: -1 and +1."""

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

    >>> level(1, "ROUND"), level(2, "ROUND")
    ((Fraction(1, 2), True), (Fraction(3, 2), False))
    >>> level(0, "HALF_UP"), level(0, "DOWN")
    ((Fraction(-1, 2), True), (Fraction(-1, 1), True))
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


@dataclass(frozen=True)
class Column:
    """What stands before and in a quantiser for one channel: q of bends(alpha*a + beta)."""

    alpha: Surd
    beta: Surd
    bends: tuple[Bend, ...]
    quantiser: Quantiser
    unit: Fraction

    @property
    def key(self) -> tuple:
        """Equal for columns that quantise alike."""
        return self.alpha, self.beta, self.bends, self.unit, id(self.quantiser)

    @property
    def turning(self) -> bool:
        """Whether a slope below 0 turns the order of the values around on one side of a kink."""
        return any(isinstance(bend, Leak) and bend.slope.sign() < 0 for bend in self.bends)

    def same(self, other: Column) -> bool:
        return self.quantiser is other.quantiser and (
            (self.alpha, self.beta, self.bends, self.unit)
            == (other.alpha, other.beta, other.bends, other.unit)
        )

    def crossings(self) -> tuple[int, list]:
        """(direction, points): each level's integer threshold t, "always" or None for never.

        Direction 1: a >= t; -1: -a >= t; 0: the quantiser is constant.
        """
        direction, points = 0, []
        q = self.quantiser
        for bound, strict in zip(q.bounds, q.strict, strict=True):
            level = Side(Surd((bound - q.zero) * self.unit), self.unit > 0, strict)
            found = {self._crossing(side) for side in pulled(self.bends, level)}
            if len(found) > 1:
                raise Unsupported(
                    "a level too near to the value of a Tanh or Sigmoid",
                    remedy="quantise with another scale",
                )
            slope, point = found.pop()
            direction = direction or slope
            points.append(point)
        return direction, points

    def _crossing(self, side: Side | bool) -> tuple[int, int | str | None]:
        if isinstance(side, bool):
            return 0, "always" if side else None
        turn = ONE if side.rising else Surd(-1)
        slope, t = crossing(self.alpha * turn, (self.beta - side.t) * turn, strict=side.strict)
        return slope, t if slope else "always" if t == 0 else None


def thresholds(columns: list[Column], minimum, maximum) -> tuple[np.ndarray, np.ndarray]:
    """Integer thresholds of a quantiser on an integer tensor.

    Args:
        columns: one a channel (or one for all, or one an element of a frame).
        minimum, maximum: reachable integers, int or one a column.

    Returns:
        (thresholds int64 (C, levels) ascending, negate bool (C,)): level l is reached where
        s*a >= thresholds[c, l], s = -1 where negate. Thresholds are clipped to the reachable range
        [min, max + 1] of s*a, which changes no comparison.
    """
    count = max(len(columns), np.size(minimum))
    minimum = np.broadcast_to(np.asarray(minimum, dtype=object), count)
    maximum = np.broadcast_to(np.asarray(maximum, dtype=object), count)
    table = np.zeros((count, len(columns[0].quantiser.bounds)), dtype=np.int64)
    negate = np.zeros(count, dtype=bool)
    done: dict[tuple, tuple[int, list]] = {}
    for c in range(count):
        column = columns[c if len(columns) > 1 else 0]
        if column.key not in done:
            done[column.key] = column.crossings()
        direction, points = done[column.key]
        negate[c] = direction < 0
        low, high = (-maximum[c], -minimum[c]) if negate[c] else (minimum[c], maximum[c])
        table[c] = [
            high + 1 if t is None else low if t == "always" else min(max(t, low), high + 1)
            for t in points
        ]
    return table, negate
