"""Arithmetic of constants, exact, with a bound on what float32 makes of each."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .exact import Surd, as_floats
from .values import UNIT, Constant, Weights


def _parts(*constants: Constant):
    for constant in constants:
        exact = constant.exact()
        yield exact, np.abs(as_floats(exact)), np.asarray(constant.error, dtype=np.float64)


def _rounded(numbers: np.ndarray, error: np.ndarray) -> Constant:
    size = np.abs(as_floats(numbers))
    return Constant(numbers, error + UNIT * (size + error))


def add(a: Constant, b: Constant) -> Constant:
    (x, _, ex), (y, _, ey) = _parts(a, b)
    return _rounded(np.asarray(x + y, dtype=object), ex + ey)


def negative(a: Constant) -> Constant:
    return Constant(
        -a.numbers if a.numbers.dtype != object else np.asarray(-a.numbers, dtype=object), a.error
    )


def multiply(a: Constant, b: Constant) -> Constant:
    (x, sx, ex), (y, sy, ey) = _parts(a, b)
    return _rounded(np.asarray(x * y, dtype=object), sx * ey + sy * ex + ex * ey)


def reciprocal(a: Constant) -> Constant:
    """1/a; |1/a' - 1/a| <= error / (|a| * (|a| - error)).

    Raises:
        ZeroDivisionError: an entry is zero, or float32 cannot tell it from zero.
    """
    ((x, size, error),) = _parts(a)
    if np.any(size <= error):
        raise ZeroDivisionError
    out = np.asarray(_map(lambda v: v.reciprocal(), x), dtype=object)
    return _rounded(out, error / (size * (size - error)))


def divide(a: Constant, b: Constant) -> Constant:
    return multiply(a, reciprocal(b))


def covers(weights: Weights, factor: Constant) -> bool:
    """Whether a product with the factor has the weights' shape, and scaled() can follow it."""
    error = np.broadcast_to(factor.error, factor.shape)
    return np.broadcast_shapes(weights.shape, factor.shape) == weights.shape and not np.any(
        (error > 0) & (as_floats(factor.exact()) == 0)
    )


def scaled(weights: Weights, factor: Constant) -> Weights:
    """Quantised weights times a constant: a gain a channel (alpha of XNOR-Net) enters their scale.

    One number -1, 0 or 1 an element is a mask and enters their integers.

    Precondition: :func:`covers`.
    """
    numbers = factor.numbers
    each = numbers.size == weights.integers.size > max(numbers.shape, default=0)
    if each and numbers.dtype != object and np.isin(numbers, (-1, 0, 1)).all():
        integers = weights.integers * numbers.astype(np.int64)
        return Weights(integers, weights.scale, weights.relative_error)
    ((exact, size, error),) = _parts(factor)
    relative = np.max(np.where(size > 0, error / np.where(size > 0, size, 1.0), 0.0), initial=0.0)
    together = (1 + weights.relative_error) * (1 + float(relative)) * (1 + UNIT) - 1
    return Weights(weights.integers, np.asarray(weights.scale * exact, dtype=object), together)


def square_root(a: Constant) -> Constant:
    """sqrt(a); |sqrt(a') - sqrt(a)| <= error / sqrt(a).

    Raises:
        ValueError: a negative or irrational entry.
    """
    ((x, size, error),) = _parts(a)

    def root(v: Surd) -> Surd:
        if not v.is_rational():
            raise ValueError("the root of a root")
        return Surd.sqrt(v.x)

    with np.errstate(divide="ignore", invalid="ignore"):
        slack = np.where(error > 0, error / np.sqrt(size), 0.0)
    return _rounded(np.asarray(_map(root, x), dtype=object), slack)


def power(a: Constant, exponent: Fraction) -> Constant:
    """a^exponent for exponents 1/2, -1/2 and small integers."""
    if exponent in (Fraction(1, 2), Fraction(-1, 2)):
        out = square_root(a)
        return out if exponent > 0 else reciprocal(out)
    if exponent.denominator != 1 or not 1 <= abs(exponent) <= 8:
        raise ValueError(f"the power {float(exponent)}")
    out = a
    for _ in range(abs(int(exponent)) - 1):
        out = multiply(out, a)
    return out if exponent > 0 else reciprocal(out)


def absolute(a: Constant) -> Constant:
    if a.numbers.dtype != object:
        return Constant(np.abs(a.numbers), a.error)
    return Constant(np.asarray(_map(abs, a.numbers), dtype=object), a.error)


def _map(function, values: np.ndarray) -> np.ndarray:
    out = np.empty(values.size, dtype=object)
    for i, value in enumerate(values.reshape(-1)):
        out[i] = function(value)
    return out.reshape(values.shape)
