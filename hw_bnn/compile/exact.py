"""Exact thresholds: where does p*a + r cross a level, for integers a?

BatchNormalization brings one square root, sqrt(var + eps), into each channel. All that a chain of
scales, biases and one BatchNorm can produce from an integer accumulator a is therefore p*a + r with
p and r in Q(sqrt(d)): numbers x + y*sqrt(d) with rational x, y, d, since every float32 parameter is
a rational number. The threshold of a quantiser is a floor or ceiling of such a number, found in
closed form with an integer square root; nothing is rounded.

>>> from fractions import Fraction
>>> third = Surd(Fraction(1, 3))
>>> Surd(1, 1, 2).floor(), (Surd(1, 1, 2) * third).ceil(), (-Surd(1, 1, 2)).floor()
(2, 1, -3)
>>> crossing(Surd(1), Surd(-1, -1, 2), strict=False)     # least integer a with a - 1 - sqrt(2) >= 0
(1, 3)
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import numpy as np

from ..errors import Unsupported


class Surd:
    """The real number x + y*sqrt(d), with rational x, y and d >= 0; d is 0 when y is.

    Arithmetic between two numbers needs roots of rational ratio (sqrt(2) and sqrt(8)), or one of
    them rational; pure roots may always be multiplied and divided.
    """

    __slots__ = ("d", "x", "y")

    def __init__(self, x=0, y=0, d=0):
        self.x, self.y, self.d = Fraction(x), Fraction(y), Fraction(d)
        if self.y and self.d:
            root = _rational_root(self.d)
            if root is not None:
                self.x, self.y = self.x + self.y * root, Fraction(0)
        if not self.y or not self.d:
            self.y = self.d = Fraction(0)

    def _common(self, other: Surd) -> tuple[Fraction, Fraction]:
        """(d, y): the root of both, and what other has of it, since sqrt(e) = sqrt(e/d)*sqrt(d)."""
        if not self.d or not other.d or self.d == other.d:
            return self.d or other.d, other.y
        ratio = _rational_root(other.d / self.d)
        if ratio is None:
            raise Unsupported(
                "two BatchNorms with different variances meet without a quantiser between them",
                remedy="fold them into one BatchNorm, or put a quantiser between them",
            )
        return self.d, other.y * ratio

    def __add__(self, other: Surd) -> Surd:
        d, y = self._common(other)
        return Surd(self.x + other.x, self.y + y, d)

    def __neg__(self) -> Surd:
        return Surd(-self.x, -self.y, self.d)

    def __sub__(self, other: Surd) -> Surd:
        return self + -other

    def __mul__(self, other: Surd) -> Surd:
        if self.d and other.d and not self.x and not other.x:
            return Surd(0, self.y * other.y, self.d * other.d)
        d, y = self._common(other)
        return Surd(self.x * other.x + self.y * y * d, self.x * y + self.y * other.x, d)

    def __truediv__(self, other: Surd) -> Surd:
        norm = (
            other.x * other.x - other.y * other.y * other.d
        )  # 0 only for 0: sqrt(d) is irrational
        if not norm:
            raise ZeroDivisionError("division by an exact zero")
        return self * Surd(other.x / norm, -other.y / norm, other.d)

    def sign(self) -> int:
        """-1, 0 or 1, by comparing squares."""
        a, b = _sign(self.x), _sign(self.y)
        if a == b or not b:
            return a
        if not a:
            return b
        return a * _sign(self.x * self.x - self.y * self.y * self.d)

    def floor(self) -> int:
        """Greatest integer not above the number.

        x + y*sqrt(d) is brought to (a + s*sqrt(n)) / m with integers; since m is a positive
        integer, floor((a + s*sqrt(n)) / m) = floor(floor(a + s*sqrt(n)) / m).
        """
        if not self.y:
            return self.x.numerator // self.x.denominator
        square = self.y * self.y * self.d  # (y*sqrt(d))^2 = p/q = p*q / q^2
        m = self.x.denominator * square.denominator
        a = self.x.numerator * square.denominator
        n = square.numerator * square.denominator * self.x.denominator**2
        root = isqrt(n)  # irrational: never exact
        return (a + root) // m if self.y > 0 else (a - root - 1) // m

    def ceil(self) -> int:
        """Least integer not below the number."""
        return -(-self).floor()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surd) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Fraction, Fraction]:
        """Equal for 2*sqrt(2) and sqrt(8): the rational part, the signed square of the other."""
        return self.x, self.y * abs(self.y) * self.d

    def __float__(self) -> float:
        return float(self.x) + float(self.y) * float(self.d) ** 0.5

    def __repr__(self) -> str:
        return f"Surd({self.x}, {self.y}, {self.d})"


ZERO, ONE = Surd(0), Surd(1)


def reciprocal_root(d: Fraction) -> Surd:
    """1/sqrt(d) = sqrt(d)/d for a rational d > 0."""
    return Surd(0, 1 / Fraction(d), d)


def crossing(p: Surd, r: Surd, *, strict: bool) -> tuple[int, int | None]:
    """Where p*a + r reaches 0 (strict: exceeds 0), over all integers a.

    Returns:
        (direction, t): direction 1: holds exactly for a >= t; direction -1: holds exactly for
        -a >= t, that is a <= -t; direction 0: t is None for never and 0 for always.
    """
    slope = p.sign()
    if slope == 0:
        value = r.sign()
        return 0, 0 if value > 0 or (value == 0 and not strict) else None
    zero = -r / p  # a >= zero where the slope is positive, a <= zero where it is negative
    if slope < 0:
        zero = -zero
    return slope, zero.floor() + 1 if strict else zero.ceil()


def as_floats(numbers: np.ndarray) -> np.ndarray:
    """float64 of an object array of Surds."""
    flat = [float(number) for number in numbers.reshape(-1)]
    return np.array(flat, dtype=np.float64).reshape(numbers.shape)


def compare(a: Surd, b: Surd) -> int:
    """Sign of a - b for numbers of possibly different fields.

    u + v*sqrt(d) - w*sqrt(e): the sign of v*sqrt(d) - w*sqrt(e) follows from its squares; if it
    disagrees with that of u, u^2 is compared with (v*sqrt(d) - w*sqrt(e))^2, again a Surd.
    """
    if not a.d or not b.d or a.d == b.d:
        return (a - b).sign()
    u, p, q = a.x - b.x, a.y * abs(a.y) * a.d, b.y * abs(b.y) * b.d  # signed squares
    roots = _sign(p - q)
    if not roots or not u or _sign(u) == roots:
        return roots or _sign(u)
    # (v*sqrt(d) - w*sqrt(e))^2 = |p| + |q| - 2*v*w*sqrt(d*e)
    distance = Surd(u * u - abs(p) - abs(q), 2 * a.y * b.y, a.d * b.d)
    return _sign(u) * distance.sign()


def _sign(value) -> int:
    return (value > 0) - (value < 0)


def _rational_root(d: Fraction) -> Fraction | None:
    p, q = isqrt(d.numerator), isqrt(d.denominator)
    return Fraction(p, q) if p * p == d.numerator and q * q == d.denominator else None
