"""What the reference knows of each tensor of a model file while it walks through it.

A tensor is one of four things:

    Constant     numbers of the file, or exact numbers computed from them
    Weights      integers times an exact scale: a constant behind a quantiser
    Real         the graph input before its quantiser, an exact affine of what the host is given
    Integers     an integer tensor of the running network under an exact affine

The last is the heart:  value = clip(alpha * integer + beta, low, high)  elementwise (curves.py has
what bends it further), where alpha and beta broadcast against the frame (a shape without the batch
axis), so that one value a tensor, one a channel and one an element are the same thing. All of these
numbers are exact (exact.Surd).

Beside each stands a bound on what float32 arithmetic makes of it (`error`, see ties.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ..errors import Unsupported
from .curves import Function, Same
from .exact import ONE, ZERO, MixedRoots, Surd, as_floats, exact_array, full
from .ops import Op

UNIT = 2.0**-24
"""Unit roundoff of float32: an operation is off by at most UNIT times its result's magnitude."""


@dataclass(frozen=True)
class Constant:
    """numbers: array of the file, or object array of Surd; error: of its float32 form."""

    numbers: np.ndarray
    error: np.ndarray | float = 0.0
    quantised: ClassVar[bool] = False

    def exact(self) -> np.ndarray:
        return exact_array(self.numbers)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.numbers.shape

    @property
    def integral(self) -> bool:
        """Integers of the file: shapes, axes, positions."""
        return self.numbers.dtype.kind in "biu"


@dataclass(frozen=True)
class Weights:
    """integers (int64) * scale; scale has the same number of axes and broadcasts.

    relative_error: of one float32 weight against its exact value.
    """

    integers: np.ndarray
    scale: np.ndarray
    relative_error: float = 0.0
    quantised: ClassVar[bool] = True
    integral: ClassVar[bool] = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.integers.shape

    def constant(self) -> Constant:
        """The real numbers that they are: a quantised bias, say."""
        numbers = np.asarray(exact_array(self.integers) * self.scale, dtype=object)
        return Constant(numbers, np.abs(as_floats(numbers)) * self.relative_error)


@dataclass(frozen=True)
class Real:
    """The graph input on its way to its quantiser: value = alpha * reshaped input + beta.

    path: what brings a batch of graph inputs to this shape; back: its inverses, last first.
    """

    shape: tuple[int, ...]
    alpha: np.ndarray
    beta: np.ndarray
    path: tuple[Op, ...] = ()
    back: tuple[Op, ...] = ()
    error: np.ndarray | float = 0.0


@dataclass(frozen=True)
class Integers:
    """value = clip(alpha * tensor + beta, low, high), or clip(alpha * function(inner) + beta, ...).

    name: tensor of the program. minimum, maximum: reachable integers, int64, broadcasting as alpha.
    step: all reachable integers differ by multiples of it.
    error: bound on |float32 value - exact value|.
    """

    name: str
    shape: tuple[int, ...]
    alpha: np.ndarray
    beta: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    error: np.ndarray = field(default_factory=lambda: np.zeros(()))
    binary: bool = False  # every integer is -1 or +1
    inner: Integers | None = None
    function: Function = field(default_factory=Same)  # of the inner tensor, where there is one
    final: str | None = None  # Softmax or ArgMax node that took the scores; nothing may follow

    @property
    def clipped(self) -> bool:
        """Whether it is more than an affine of its integers."""
        return self.low is not None or self.high is not None or self.inner is not None

    @property
    def turns(self) -> bool:
        """Whether it may rise with the integer in one place and fall in another."""
        return self.inner is not None and (self.function.turns or self.inner.turns)

    @property
    def uniform(self) -> bool:
        """One alpha and one beta for the whole tensor, not clipped."""
        return self.alpha.size == 1 and self.beta.size == 1 and not self.clipped

    def magnitude(self) -> np.ndarray:
        """float64 bound on |value| over the reachable integers, broadcasting as alpha and beta."""
        alpha, beta = as_floats(self.alpha), as_floats(self.beta)
        if self.inner is not None:
            size = np.abs(alpha) * self.function.bound(self.inner.magnitude()) + np.abs(beta)
            return self._within_limits((1 + 1e-12) * size)
        ends = [np.abs(alpha * limit + beta) for limit in (self.minimum, self.maximum)]
        rounding = np.abs(alpha) * np.maximum(np.abs(self.minimum), np.abs(self.maximum)) + np.abs(
            beta
        )
        return self._within_limits(np.maximum(*ends) + 1e-12 * rounding)

    def _within_limits(self, size: np.ndarray) -> np.ndarray:
        """A bound on |value| from one on what is clipped: a limit beyond all of it counts."""
        if self.low is not None:
            size = np.maximum(size, (1 + 1e-12) * as_floats(self.low))
        return size if self.high is None else np.maximum(size, -(1 + 1e-12) * as_floats(self.high))

    def bent(self, function: Function) -> Integers:
        """This tensor behind a function of curves.py."""
        return Integers(
            self.name,
            self.shape,
            uniform(self.shape, ONE),
            uniform(self.shape, ZERO),
            self.minimum,
            self.maximum,
            error=np.asarray(function.error(self.magnitude(), self.error, UNIT)),
            inner=self,
            function=function,
        )

    def floats(self, integers: np.ndarray) -> np.ndarray:
        """float64 of the exact values of integers (..., *shape)."""
        u = integers if self.inner is None else self.function.floats(self.inner.floats(integers))
        out = as_floats(self.alpha) * u + as_floats(self.beta)
        if self.low is not None:
            out = np.maximum(out, as_floats(self.low))
        return out if self.high is None else np.minimum(out, as_floats(self.high))

    def moved(self, name: str, shape: tuple[int, ...], move: Callable) -> Integers:
        """The tensor `name`, reshaped or reordered; `move` does so to what broadcasts with it."""
        return replace(
            self,
            name=name,
            shape=shape,
            alpha=move(self.alpha),
            beta=move(self.beta),
            minimum=move(self.minimum),
            maximum=move(self.maximum),
            low=None if self.low is None else move(self.low),
            high=None if self.high is None else move(self.high),
            error=move(self.error),
            inner=None if self.inner is None else self.inner.moved(name, shape, move),
            function=self.function.moved(move),
        )

    def transform(self, scale: Constant | None, shift: Constant | None) -> Integers:
        """The tensor whose values are multiplied by scale and then shifted by shift.

        Raises:
            MixedRoots, Unsupported: the result is no exact affine.
        """
        out = self
        if scale is not None:
            factor, slack = frame_constant(scale, self.shape)
            if (out.low is not None or out.high is not None) and _turns_some(factor):
                out = self.bent(Same())
            size = np.abs(as_floats(factor))
            magnitude = out.magnitude()
            error = out.error * (size + slack) + slack * magnitude
            error = error + UNIT * (size * magnitude + error)
            low, high = _scaled_limits(factor, out.low, out.high)
            out = replace(
                out,
                alpha=out.alpha * factor,
                beta=out.beta * factor,
                low=low,
                high=high,
                error=error,
            )
        if shift is not None:
            offset, slack = frame_constant(shift, self.shape)
            magnitude = out.magnitude() + np.abs(as_floats(offset))
            error = out.error + slack
            low = None if out.low is None else out.low + offset
            high = None if out.high is None else out.high + offset
            out = replace(
                out,
                beta=out.beta + offset,
                low=low,
                high=high,
                error=error + UNIT * (magnitude + error),
            )
        return out


def _turns_some(factor: np.ndarray) -> bool:
    return len({f.sign() < 0 for f in factor.reshape(-1)}) > 1


def _scaled_limits(
    factor: np.ndarray, low: np.ndarray | None, high: np.ndarray | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Clip limits after a multiplication: they swap where the factor is negative."""
    if low is None and high is None:
        return None, None
    signs = np.vectorize(lambda f: f.sign(), otypes=[int])(factor)
    if (signs < 0).any():
        low, high = high, low
    return (None if low is None else low * factor), (None if high is None else high * factor)


def frame_constant(constant: Constant, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A constant, made ready to broadcast against a frame: as many axes as the frame.

    Args:
        constant: numbers that broadcast against (batch, *shape).
        shape: of the frame.

    Returns:
        (exact numbers, error bounds), the first with len(shape) axes.

    Raises:
        Unsupported: it varies along the batch, or would make the frame larger.
    """
    numbers = constant.exact()
    error = np.broadcast_to(np.asarray(constant.error, dtype=np.float64), numbers.shape)
    if numbers.ndim > len(shape):
        extra = numbers.shape[: numbers.ndim - len(shape)]
        if any(size != 1 for size in extra):
            raise Unsupported(
                f"a constant of shape {numbers.shape} does not fit frames of shape {shape}",
                remedy="give it one value a tensor or one a channel",
            )
        numbers, error = (
            numbers.reshape(numbers.shape[len(extra) :]),
            error.reshape(numbers.shape[len(extra) :]),
        )
    missing = len(shape) - numbers.ndim
    numbers = numbers.reshape((1,) * missing + numbers.shape)
    error = error.reshape(numbers.shape)
    if any(size not in (1, whole) for size, whole in zip(numbers.shape, shape, strict=True)):
        raise Unsupported(
            f"a constant of shape {constant.shape} does not fit frames of shape {shape}",
            remedy="give it one value a tensor or one a channel",
        )
    return numbers, error


def uniform(shape: tuple[int, ...], value: Surd) -> np.ndarray:
    """One exact number for a whole frame."""
    return full((1,) * len(shape), value)


def integers(
    name: str,
    shape: tuple[int, ...],
    minimum: int,
    maximum: int,
    *,
    alpha: Surd = ONE,
    beta: Surd = ZERO,
    binary: bool = False,
    error: float = 0.0,
) -> Integers:
    """An integer tensor with one scale, offset and range."""
    ones = (1,) * len(shape)
    return Integers(
        name,
        tuple(shape),
        uniform(shape, alpha),
        uniform(shape, beta),
        np.full(ones, minimum, np.int64),
        np.full(ones, maximum, np.int64),
        error=np.full(ones, error),
        binary=binary,
    )


Value = Constant | Weights | Real | Integers

__all__ = [
    "Constant",
    "Integers",
    "MixedRoots",
    "Real",
    "UNIT",
    "Value",
    "Weights",
    "frame_constant",
    "integers",
    "uniform",
]
