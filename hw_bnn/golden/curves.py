"""Functions that are no affine: LeakyReLU and PReLU, Tanh, Sigmoid; exact thresholds behind them.

A tensor behind one is  clip(alpha * f(inner) + beta, low, high)  with `inner` a tensor before it
(values.py). It is evaluated forward, for one integer, between two exact numbers: LeakyReLU keeps
them equal; Tanh and Sigmoid of an algebraic number other than 0 are transcendental (Lindemann),
so that no boundary is ever met and two fractions around the value decide every comparison.

>>> low, high = Sigmoid().enclose(Surd(1))
>>> float(low) <= 0.7310585786300049 <= float(high), (high - low).x < Fraction(1, 10**40)
(True, True)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil
from typing import Self

import numpy as np

from ..errors import Unsupported
from .exact import ONE, ZERO, Surd, as_floats

DIGITS = 60  # of the decimals that enclose a value
SLACK = Fraction(1, 10 ** (DIGITS - 12))
SATURATED = 200  # beyond it tanh and sigmoid differ from their limits by less than SLACK
LARGEST = 100_000
ROUNDINGS = 8
"""Bound on float32's error in tanh and sigmoid, in units of 2^-24 (libraries promise 1 to 4)."""


class Same:
    """v: what stands before is clipped, and what follows turns it around in some channels only."""

    keeps_order = True
    turns = False

    def floats(self, v: np.ndarray) -> np.ndarray:
        return v

    def enclose(self, v: Surd, index=None) -> tuple[Surd, Surd]:
        return v, v

    def bound(self, magnitude: np.ndarray) -> np.ndarray:
        return magnitude

    def error(self, magnitude: np.ndarray, error: np.ndarray, unit: float) -> np.ndarray:
        return error

    def moved(self, move) -> Same:
        return self


@dataclass(frozen=True)
class Leak:
    """v for v >= 0, slope * v below; the slope broadcasts against the frame.

    slack: bound on the error of the float32 slope, broadcasting as it.
    """

    slope: np.ndarray
    slack: np.ndarray | float = 0.0

    def floats(self, v: np.ndarray) -> np.ndarray:
        return np.where(v >= 0, v, as_floats(self.slope) * v)

    def enclose(self, v: Surd, index=None) -> tuple[Surd, Surd]:
        slope = np.broadcast_to(self.slope, index[1])[index[0]]
        out = v if v.sign() >= 0 else v * slope
        return out, out

    def bound(self, magnitude: np.ndarray) -> np.ndarray:
        return np.maximum(1.0, np.abs(as_floats(self.slope))) * magnitude

    def error(self, magnitude: np.ndarray, error: np.ndarray, unit: float) -> np.ndarray:
        steepest = np.maximum(1.0, np.abs(as_floats(self.slope)) + self.slack)
        return steepest * (error + unit * (magnitude + error)) + self.slack * magnitude

    @property
    def keeps_order(self) -> bool:
        """Of scores with each other."""
        return self.slope.size == 1 and self.slope.reshape(-1)[0].sign() > 0

    @property
    def turns(self) -> bool:
        """Whether it falls below 0."""
        return any(slope.sign() < 0 for slope in self.slope.reshape(-1))

    def moved(self, move) -> Leak:
        return Leak(move(self.slope), move(np.broadcast_to(self.slack, self.slope.shape)))


class _Sigmoidal(ABC):
    """Odd about its value at 0, from `lowest` to 1, neither reached."""

    lowest = ZERO
    middle = ZERO
    keeps_order = True
    turns = False

    def moved(self, move) -> Self:
        return self

    def bound(self, magnitude: np.ndarray) -> np.ndarray:
        return np.ones_like(magnitude)

    def enclose(self, v: Surd, index=None) -> tuple[Surd, Surd]:
        """Two fractions strictly inside of (lowest, 1) with the value between them."""
        if v.sign() == 0:
            return self.middle, self.middle
        size = abs(v)
        about = float(size)
        if about > LARGEST:
            raise Unsupported(
                f"a {type(self).__name__} of {about:g}",
                remedy="scale its input, or leave it out before a sign",
            )
        if about > SATURATED:  # 1 - f(v) >= 10^-v, as e^2 < 10
            low, high = 1 - SLACK, 1 - Fraction(1, 10 ** (ceil(about) + 1))
        else:
            middle = self._positive(size)
            low, high = middle - SLACK, middle + SLACK
        if v.sign() > 0:
            return Surd(low), Surd(high)
        mirror = ONE + self.lowest
        return mirror - Surd(high), mirror - Surd(low)

    @staticmethod
    @abstractmethod
    def _of(v: Decimal) -> Decimal:
        """The function of a number above 0, to the digits of the context."""

    def _positive(self, v: Surd) -> Fraction:
        with localcontext() as context:
            context.prec = DIGITS
            decimal = Decimal(v.x.numerator) / Decimal(v.x.denominator)
            if v.d:
                root = Decimal(v.d).sqrt() * Decimal(v.y.numerator) / Decimal(v.y.denominator)
                decimal += root
            return Fraction(self._of(decimal))


class Tanh(_Sigmoidal):
    lowest, middle = Surd(-1), ZERO

    def floats(self, v: np.ndarray) -> np.ndarray:
        return np.tanh(v)

    def error(self, magnitude: np.ndarray, error: np.ndarray, unit: float) -> np.ndarray:
        return error + ROUNDINGS * unit * np.ones_like(magnitude)

    @staticmethod
    def _of(v: Decimal) -> Decimal:
        power = (-2 * v).exp()
        return (1 - power) / (1 + power)


class Sigmoid(_Sigmoidal):
    lowest, middle = ZERO, Surd(Fraction(1, 2))

    def floats(self, v: np.ndarray) -> np.ndarray:
        return 0.5 + 0.5 * np.tanh(0.5 * v)

    def error(self, magnitude: np.ndarray, error: np.ndarray, unit: float) -> np.ndarray:
        return error / 4 + ROUNDINGS * unit * np.ones_like(magnitude)

    @staticmethod
    def _of(v: Decimal) -> Decimal:
        return 1 / (1 + (-v).exp())


Function = Same | Leak | Tanh | Sigmoid


def enclosed(value, integer: int, index) -> tuple[Surd, Surd]:
    """The exact value of one element for one integer, or two fractions around it.

    Args:
        value: an Integers. index: (position in the frame, shape of the frame).
    """

    def here(array: np.ndarray) -> Surd:
        return np.broadcast_to(array, index[1])[index[0]]

    if value.inner is None:
        low = high = Surd(integer)
    else:
        below, above = enclosed(value.inner, integer, index)
        low, high = value.function.enclose(below, index)
        if above is not below:
            high = value.function.enclose(above, index)[1]
    alpha, beta = here(value.alpha), here(value.beta)
    ends = [alpha * low + beta, alpha * high + beta]
    if alpha.sign() < 0:
        ends.reverse()
    if low is high:
        ends[1] = ends[0]  # the number itself
    for limit, sign in ((value.low, 1), (value.high, -1)):
        if limit is not None:
            bound = here(limit)
            ends = [bound if sign * (bound.sign_of_difference(e)) > 0 else e for e in ends]
    return ends[0], ends[1]


def about(value, integer: int, index) -> float:
    """float64 of enclosed()."""

    def here(array: np.ndarray) -> float:
        return float(np.broadcast_to(array, index[1])[index[0]])

    u = float(integer)
    if value.inner is not None:
        u = about(value.inner, integer, index)
        if isinstance(value.function, Leak):
            u = u if u >= 0 else here(value.function.slope) * u
        else:
            u = float(value.function.floats(np.float64(u)))
    y = here(value.alpha) * u + here(value.beta)
    y = y if value.low is None else max(y, here(value.low))
    return y if value.high is None else min(y, here(value.high))


def slope(value, index) -> int:
    """Sign of the slope: 1, -1, or 0 where the value is constant."""
    alpha = np.broadcast_to(value.alpha, index[1])[index[0]].sign()
    return alpha if value.inner is None or not alpha else alpha * slope(value.inner, index)
