"""Quantisers as level boundaries; integer thresholds by bisection with an exact predicate.

A quantiser maps a real v to an integer q(v) in [first, first + L]; it never falls. Level k
(k = 1..L) is reached where v lies on or beyond a boundary: v >= b_k, or v > b_k where the
boundary itself rounds down. For Quant, v/s + z is compared with k' - 1/2 (k' = first + k);
with round-half-even the tie itself counts only for even k'. For BipolarQuant, q is +1
exactly where v >= 0.

With v = alpha*a + beta for an integer a, level k is reached from one integer on (alpha > 0:
for all a >= t, alpha < 0: for all a <= t), found by bisection: each step asks for the sign
of an exact number.

>>> from .exact import Surd
>>> half_even = quant_levels(bits=2, signed=True, narrow=True, rounding="ROUND")
>>> [solve(Surd(Fraction(1, 2)), Surd(0), b, -9, 9) for b in half_even.boundaries]  # q = round(a/2)
[-1, 2]
>>> solve(Surd(-1), Surd.sqrt(2), half_even.boundaries[1], -9, 9)     # 1.414 - a > 1/2: a <= 0
0
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from math import floor, lcm, prod

import numpy as np

from ..errors import BadInput, Unsupported
from .curves import Leak, about, enclosed, slope
from .exact import Surd, sign_of

HALF = Fraction(1, 2)
MOST_LEVELS = 2**16
MOST_CONSTANT_BITS = 32
MANY_LEVELS = 255
"""Up to so many levels are counted one by one."""

MOST_THRESHOLDS = 2**14
"""Of a quantiser: each is found for itself, a few thousand a second."""


@dataclass(frozen=True)
class Boundary:
    """v >= at, or v > at where strict; `at` is rational."""

    at: Fraction
    strict: bool = False

    def reached(self, value: Surd) -> bool:
        sign = value.sign_of_difference(Surd(self.at))
        return sign > 0 or (sign == 0 and not self.strict)


@dataclass(frozen=True)
class Levels:
    """q = first + stride * (number of boundaries reached); boundaries ascend."""

    first: int
    stride: int
    boundaries: tuple[Boundary, ...]

    @property
    def last(self) -> int:
        return self.first + self.stride * len(self.boundaries)

    def count(self, value: Surd) -> int:
        """How many boundaries a value reaches: the first ones, since they ascend."""
        return bisect_left(self.boundaries, True, key=lambda b: not b.reached(value))


BIPOLAR = Levels(-1, 2, (Boundary(Fraction(0)),))


def _rounding_boundary(k: int, mode: str) -> Boundary:
    """Where the rounded number reaches the integer k."""
    if mode in ("ROUND", "HALF_EVEN"):
        return Boundary(k - HALF, strict=k % 2 != 0)
    if mode == "HALF_UP":  # halves away from zero
        return Boundary(k - HALF, strict=k <= 0)
    if mode == "HALF_DOWN":  # halves towards zero
        return Boundary(k - HALF, strict=k > 0)
    if mode == "FLOOR":
        return Boundary(Fraction(k))
    if mode == "CEIL":
        return Boundary(Fraction(k - 1), strict=True)
    if mode == "DOWN":  # towards zero
        return Boundary(Fraction(k)) if k > 0 else Boundary(Fraction(k - 1), strict=True)
    if mode == "UP":  # away from zero
        return Boundary(Fraction(k - 1), strict=True) if k > 0 else Boundary(Fraction(k))
    raise Unsupported(f"the rounding mode {mode} is not known", remedy="use ROUND (half to even)")


def quant_range(bits: int, signed: bool, narrow: bool) -> tuple[int, int]:
    """(minimum, maximum) of Quant's integers; QONNX's definition."""
    if signed:
        return -(2 ** (bits - 1)) + int(narrow), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1 - int(narrow)


def quant_levels(bits: int, signed: bool, narrow: bool, rounding: str) -> Levels:
    """Levels of Quant in the domain of v/s + z; one signed bit means -1 and +1, as in QONNX."""
    if bits < 1 or bits > 16:
        raise Unsupported(f"a quantiser of {bits} bits", remedy="use 1 to 16 bits")
    if bits == 1 and signed:
        return BIPOLAR
    first, last = quant_range(bits, signed, narrow)
    if last <= first:
        raise BadInput(
            f"a quantiser of {bits} bits has the only level {first}",
            remedy="use narrow=0 or more bits",
        )
    return Levels(
        first, 1, tuple(_rounding_boundary(k, rounding.upper()) for k in range(first + 1, last + 1))
    )


@dataclass(frozen=True)
class Rounding:
    """Quant of a constant whose levels are too many to list: clip(round(v/s + z))."""

    bits: int
    signed: bool
    narrow: bool
    mode: str

    def nearest(self, y: Surd) -> int:
        """The integer: of the two beside y the upper one where y reaches its boundary.

        >>> biases = Rounding(32, True, False, "ROUND")
        >>> biases.nearest(Surd(Fraction(5, 2))), biases.nearest(Surd(2**40))
        (2, 2147483647)
        """
        first, last = quant_range(self.bits, self.signed, self.narrow)
        below = floor(y.x) if y.is_rational() else floor(float(y))
        candidates = range(below - 1, below + 3)
        reached = [k for k in candidates if _rounding_boundary(k, self.mode.upper()).reached(y)]
        return min(max(max(reached), first), last)


class Line:
    """v = alpha*a + beta of integers a, made ready for many boundaries.

    v = (p0 + p1*a + (q0 + q1*a)*sqrt(d)) / common in integers, with a turned where v falls.
    """

    def __init__(self, alpha: Surd, beta: Surd):
        self.falls = alpha.sign() < 0
        alpha = -alpha if self.falls else alpha
        self.d, factor = alpha._root_of(beta)
        parts = (beta.x, alpha.x, factor * beta.y, alpha.y)
        self.common = lcm(*(part.denominator for part in parts))
        self.p0, self.p1, self.q0, self.q1 = (int(part * self.common) for part in parts)
        try:
            self.slope, self.start = float(alpha), float(beta)
        except OverflowError:
            self.slope = self.start = 0.0

    def threshold(self, boundary: Boundary, minimum: int, maximum: int) -> int:
        """As `solve`."""
        if self.falls:
            minimum, maximum = -maximum, -minimum
        scale, least = boundary.at.denominator, 1 if boundary.strict else 0
        p0 = self.p0 * scale - boundary.at.numerator * self.common
        q0, p1, q1, d = self.q0 * scale, self.p1 * scale, self.q1 * scale, self.d

        def reached(a: int) -> bool:
            return sign_of(p0 + p1 * a, q0 + q1 * a, d) >= least

        threshold = _first(reached, minimum, maximum, self._guess(boundary.at))
        return -threshold if self.falls else threshold

    def _guess(self, at: Fraction) -> int | None:
        try:
            position = (float(at) - self.start) / self.slope
        except (OverflowError, ZeroDivisionError):
            return None
        return floor(position) if abs(position) < 2.0**62 else None


def solve(alpha: Surd, beta: Surd, boundary: Boundary, minimum: int, maximum: int) -> int:
    """The threshold of one boundary for integers a in [minimum, maximum], v = alpha*a + beta.

    Returns:
        alpha >= 0: the least a that reaches it, maximum + 1 where none does; alpha < 0: the
        greatest a that reaches it, minimum - 1 where none does.
    """
    return Line(alpha, beta).threshold(boundary, minimum, maximum)


def _first(reached, minimum: int, maximum: int, guess: int | None) -> int:
    """Least integer in [minimum, maximum + 1] from which on `reached` holds; it never falls.

    Invariant of the bisection: not reached at `below` and less, reached at `above` and more.
    """
    below, above = minimum - 1, maximum + 1
    if guess is not None:  # a floating-point guess only narrows the bracket, each end being tested
        span = 1
        for _ in range(3):
            left, right = guess - span, guess + span
            if below < left < above:
                below, above = (below, left) if reached(left) else (left, above)
            if below < right < above:
                below, above = (below, right) if reached(right) else (right, above)
            span *= 64
    while above - below > 1:
        middle = (below + above) // 2
        if reached(middle):
            above = middle
        else:
            below = middle
    return above


@dataclass(frozen=True)
class Thresholds:
    """Integer thresholds of a quantiser's output tensor, in the domain of its integer input tensor.

    q = levels.first + levels.stride * count, where count is, per element of the frame,
        direction >= 0: the number of l with a >= values[..., l]
        direction <  0: the number of l with a <= values[..., l]

    tensor, source: names of the output and of the integer input.
    direction: int8, axes as the frame's, 1 where all elements along an axis share it; 0: the
        quantiser is constant there (its values are then minimum or maximum + 1).
    values: int64 (*direction.shape, L), clipped to [minimum, maximum + 1] (direction < 0:
        [minimum - 1, maximum]); ascending along l, descending where direction < 0.
    minimum, maximum: reachable integers of the source, int64, direction.shape.
    channels: axis of the frame along which they vary, None if they vary along none or several.
    """

    tensor: str
    source: str
    first: int
    stride: int
    direction: np.ndarray
    values: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray

    @property
    def channels(self) -> int | None:
        axes = [i for i, size in enumerate(self.direction.shape) if size > 1]
        return axes[0] if len(axes) == 1 else None


def find_thresholds(tensor: str, value, first: int, stride: int, levels: np.ndarray) -> Thresholds:
    """Thresholds of a quantiser on an Integers value.

    Args:
        tensor: name of the quantiser's output.
        value: what it quantises, in the units of the boundaries.
        levels: object array of Levels, broadcasting against the frame with as many axes.
    """
    if value.inner is not None:
        return _behind_curve(tensor, value, first, stride, levels)
    parts = [*parameters(value), levels]
    shape = np.broadcast_shapes(*(p.shape for p in parts))
    count = len(levels.reshape(-1)[0].boundaries)
    affine = (value.alpha, value.beta, levels, value.minimum, value.maximum)
    flat = [np.broadcast_to(p, shape).reshape(-1) for p in affine]
    limits = [
        None if limit is None else np.broadcast_to(limit, shape).reshape(-1)
        for limit in (value.low, value.high)
    ]
    direction = np.zeros(flat[0].size, np.int8)
    out = np.zeros((flat[0].size, count), np.int64)
    known: dict[tuple, tuple[int, list[int]]] = {}
    for i, (alpha, beta, here, low, high) in enumerate(zip(*flat, strict=True)):
        clips = tuple(None if limit is None else limit[i] for limit in limits)
        key = (id(alpha), id(beta), id(here), int(low), int(high), *map(id, clips))
        if key not in known:
            known[key] = _solve_all(alpha, beta, here, int(low), int(high), *clips)
        direction[i], out[i] = known[key]
    return Thresholds(
        tensor,
        value.name,
        first,
        stride,
        direction.reshape(shape),
        out.reshape(*shape, count),
        np.broadcast_to(value.minimum, shape),
        np.broadcast_to(value.maximum, shape),
    )


def has_thresholds(value, levels: np.ndarray) -> bool:
    """Whether a quantiser is one of thresholds, and of few enough to find them one by one."""
    count = len(levels.reshape(-1)[0].boundaries)
    shape = np.broadcast_shapes(levels.shape, *(p.shape for p in parameters(value)))
    return not value.turns and count * prod(shape) <= MOST_THRESHOLDS


def _behind_curve(tensor: str, value, first: int, stride: int, levels: np.ndarray) -> Thresholds:
    """Thresholds of a quantiser on a value that is no affine of its integers, by evaluating it."""
    shape = np.broadcast_shapes(levels.shape, *(p.shape for p in parameters(value)))
    count = len(levels.reshape(-1)[0].boundaries)
    direction, out = np.zeros(shape, np.int8), np.zeros((*shape, count), np.int64)
    least, most = (np.broadcast_to(p, shape) for p in (value.minimum, value.maximum))
    known: dict[tuple, tuple[int, list[int]]] = {}
    parts = [np.broadcast_to(p, shape) for p in (*parameters(value), levels)]
    for where in np.ndindex(shape):
        key = tuple(p[where] if p.dtype.kind == "i" else id(p[where]) for p in parts)
        if key not in known:
            known[key] = _evaluated(
                value, (where, shape), parts[-1][where], int(least[where]), int(most[where])
            )
        direction[where], out[where] = known[key]
    return Thresholds(tensor, value.name, first, stride, direction, out, least, most)


def parameters(value) -> list[np.ndarray]:
    """Every array that the value of an element depends on."""
    parts = [value.alpha, value.beta, value.minimum, value.maximum]
    parts += [limit for limit in (value.low, value.high) if limit is not None]
    if value.inner is None:
        return parts
    parts += [value.function.slope] if isinstance(value.function, Leak) else []
    return parts + parameters(value.inner)


def _evaluated(value, index, levels, minimum: int, maximum: int) -> tuple[int, list[int]]:
    sign = slope(value, index)
    turn = -1 if sign < 0 else 1
    lowest, highest = sorted((turn * minimum, turn * maximum))
    out = []
    for boundary in levels.boundaries:

        def reached(a: int, boundary=boundary) -> bool:
            found = {boundary.reached(end) for end in enclosed(value, turn * a, index)}
            if len(found) > 1:
                raise Unsupported(
                    "a level too near to the value of a Tanh or Sigmoid",
                    remedy="quantise with another scale",
                )
            return found.pop()

        if sign == 0:
            out.append(minimum if reached(minimum) else maximum + 1)
            continue
        at = float(boundary.at)
        guess = _first(lambda a: about(value, turn * a, index) >= at, lowest, highest, None)  # noqa: B023
        out.append(turn * _first(reached, lowest, highest, guess))
    return sign, out


def _solve_all(alpha, beta, levels, minimum, maximum, clip_low, clip_high) -> tuple[int, list[int]]:
    """Thresholds of all boundaries: v >= clip_low reaches the first ones wherever a stands,
    v <= clip_high the last ones nowhere."""
    sign, boundaries = alpha.sign(), levels.boundaries
    always, never = (maximum, minimum - 1) if sign < 0 else (minimum, maximum + 1)
    first = 0 if clip_low is None else levels.count(clip_low)
    last = len(boundaries) if clip_high is None else max(first, levels.count(clip_high))
    between = boundaries[first:last]
    if sign == 0:
        reached = levels.count(beta)
        found = [always if k < reached else never for k in range(first, last)]
    else:
        line = Line(alpha, beta)
        found = [line.threshold(boundary, minimum, maximum) for boundary in between]
    return sign, [always] * first + found + [never] * (len(boundaries) - last)
