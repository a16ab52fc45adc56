"""Exact real numbers x + y*sqrt(d): what scales, biases and BatchNormalization make of integers.

Every float of a model file is a rational number, so only the square root of a BatchNormalization,
taken once per channel, leaves the rationals. Signs are decided by comparing squares:

    x + y*sqrt(d) > 0   with x < 0 < y   if and only if   y^2 * d > x^2

>>> root2 = Surd.sqrt(2)
>>> (root2 * root2).sign_of_difference(Surd(2))
0
>>> (root2 - Surd(Fraction(3, 2))).sign(), (root2 - Surd(Fraction(7, 5))).sign()
(-1, 1)
>>> (Surd.sqrt(2) + Surd(1)).sign_of_difference(Surd.sqrt(6))       # 2.414 and 2.449
-1
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt, sqrt
from typing import Any

import numpy as np

from ..errors import Unsupported

_MIXED = "two BatchNormalizations of different variance meet, no quantiser between them"
_REMEDY = "quantise between them, or fold them into one"


class MixedRoots(Unsupported):
    """Two different irrational square roots would have to be kept in one number."""

    def __init__(self, reason: str = _MIXED, *, node: str | None = None, remedy: str = _REMEDY):
        super().__init__(reason, node=node, remedy=remedy)


class Surd:
    """x + y*sqrt(d): x, y rational, d natural and no square (0 where y is 0). Immutable."""

    __slots__ = ("d", "x", "y")

    def __init__(self, x: Any = 0, y: Any = 0, d: int = 0):
        self.x = x if type(x) is Fraction else Fraction(x)
        self.y = y if type(y) is Fraction else Fraction(y)
        self.d = d if self.y else 0

    @classmethod
    def sqrt(cls, value: Any) -> Surd:
        """The root of a rational number p/q >= 0, as sqrt(p*q)/q.

        Raises:
            ValueError: the value is negative.
        """
        value = Fraction(value)
        if value < 0:
            raise ValueError(f"square root of {float(value)}")
        product = value.numerator * value.denominator
        root = isqrt(product)
        if root * root == product:
            return cls(Fraction(root, value.denominator))
        return cls(0, Fraction(1, value.denominator), product)

    def _root_of(self, other: Surd) -> tuple[int, Fraction]:
        """(d, f) with sqrt(other.d) = f*sqrt(d), for the d of both numbers."""
        if not other.d or other.d == self.d:
            return self.d, Fraction(1)
        if not self.d:
            return other.d, Fraction(1)
        product = self.d * other.d
        root = isqrt(product)
        if root * root != product:
            raise MixedRoots
        return self.d, Fraction(root, self.d)

    def __add__(self, other: Surd) -> Surd:
        d, factor = self._root_of(other)
        return Surd(self.x + other.x, self.y + factor * other.y, d)

    def __neg__(self) -> Surd:
        return Surd(-self.x, -self.y, self.d)

    def __sub__(self, other: Surd) -> Surd:
        return self + (-other)

    def __mul__(self, other: Surd) -> Surd:
        try:
            d, factor = self._root_of(other)
        except MixedRoots:
            if self.x or other.x:
                raise
            return Surd.sqrt(self.d * other.d) * Surd(self.y * other.y)
        y = factor * other.y
        return Surd(self.x * other.x + self.y * y * d, self.x * y + self.y * other.x, d)

    def reciprocal(self) -> Surd:
        """1 / self = (x - y*sqrt(d)) / (x^2 - y^2*d)."""
        norm = self.x * self.x - self.y * self.y * self.d
        if not norm:
            raise ZeroDivisionError("division by an exact zero")
        return Surd(self.x / norm, -self.y / norm, self.d)

    def __truediv__(self, other: Surd) -> Surd:
        return self * other.reciprocal()

    def __abs__(self) -> Surd:
        return -self if self.sign() < 0 else self

    def sign(self) -> int:
        """-1, 0 or 1."""
        return sign_of(self.x, self.y, self.d)

    def sign_of_difference(self, other: Surd) -> int:
        """Sign of self - other, also where their roots differ.

        With u = self.x - other.x and the roots' part r = v*sqrt(d) - w*sqrt(e): where u and r
        have one sign, it is that; otherwise |u| decides against |r|, by u^2 - r^2, and r^2
        has one root only.
        """
        try:
            return (self - other).sign()
        except MixedRoots:
            pass
        u = self.x - other.x
        r = sign_of_integer(_signed_square(self) - _signed_square(other))
        if not u or r == sign_of_integer(u) or not r:
            return r or sign_of_integer(u)
        square = Surd(self.y**2 * self.d + other.y**2 * other.d) - Surd.sqrt(
            self.d * other.d
        ) * Surd(2 * self.y * other.y)
        return sign_of_integer(u) * (Surd(u * u) - square).sign()

    def is_rational(self) -> bool:
        return not self.d

    def __float__(self) -> float:
        return float(self.x) + float(self.y) * sqrt(self.d) if self.d else float(self.x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surd) and self.sign_of_difference(other) == 0

    def __hash__(self) -> int:
        return hash((self.x, self.y * self.y * self.d))

    def __repr__(self) -> str:
        return f"Surd({self.x}, {self.y}, {self.d})" if self.d else f"Surd({self.x})"


def sign_of_integer(value: Any) -> int:
    return (value > 0) - (value < 0)


def sign_of(x: Any, y: Any, d: int) -> int:
    """Sign of x + y*sqrt(d) for exact x and y (integers or fractions)."""
    sx, sy = sign_of_integer(x), sign_of_integer(y)
    if not sy or not d or sx == sy:
        return sx if not d else (sx or sy)
    if not sx:
        return sy
    return sx * sign_of_integer(x * x - y * y * d)


def _signed_square(value: Surd) -> Fraction:
    return value.y * abs(value.y) * value.d


ZERO, ONE = Surd(0), Surd(1)


def exact_array(values: np.ndarray) -> np.ndarray:
    """Each number of an array as a Surd, in an object array of the same shape.

    Raises:
        ValueError: a number is infinite or not a number.
    """
    values = np.asarray(values)
    if values.dtype == object:
        return values
    out = np.empty(values.size, dtype=object)
    known: dict[Any, Surd] = {}
    for i, value in enumerate(values.reshape(-1).tolist()):
        if value not in known:
            try:
                known[value] = Surd(Fraction(value))
            except OverflowError as error:
                raise ValueError(str(error)) from None
        out[i] = known[value]
    return out.reshape(values.shape)


def distinct(values: np.ndarray) -> list[Surd]:
    """The objects of an array, each once: at least one of every number in it."""
    return list({id(v): v for v in values.reshape(-1)}.values())


def full(shape: tuple[int, ...], value: Surd) -> np.ndarray:
    """An object array that holds one number everywhere."""
    out = np.empty(shape, dtype=object)
    out[...] = value
    return out


def as_floats(values: np.ndarray) -> np.ndarray:
    """float64 of an object array of Surds (each within a few units in its last place)."""
    return np.array([float(v) for v in values.reshape(-1)], dtype=np.float64).reshape(values.shape)


def exact_in_float32(scale: Surd, largest: int) -> bool:
    """Whether scale * q is a float32 number for all |q| <= largest."""
    denominator = scale.x.denominator
    if not scale.is_rational() or denominator & (denominator - 1):
        return False
    odd = abs(scale.x.numerator)
    while odd and odd % 2 == 0:
        odd //= 2
    return odd * max(largest, 1) <= 2**24 and 2.0**-100 < abs(float(scale.x) or 1.0) < 2.0**100
