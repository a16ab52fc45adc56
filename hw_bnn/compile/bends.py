"""Functions before a quantiser: ReLU, Clip, LeakyReLU, PReLU, Tanh, Sigmoid and affines.

A quantiser asks of its input y whether y >= t. Behind y = f(v) with a rising f that is a question
about v: v >= f^-1(t), or always, or never. So a level is pulled back, function by function, to the
affine of the integers, and stays one comparison with one integer threshold.

    Clip(low, high)   low >= t: always; high < t: never; else v >= t
    Leak(slope)       v >= t for t >= 0, v >= t/slope for t < 0     (slope > 0)
    Affine(a, b)      v >= (t - b)/a, or <= where a < 0
    Curve             v >= atanh(t), v >= ln(t/(1 - t)): irrational but for 0 (Lindemann), hence
                      never met by the exact number v; decided between two fractions around it
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction

from ..errors import Unsupported
from .exact import ONE, ZERO, Surd, compare

DIGITS = 60
"""Of the fractions that enclose an irrational bound."""


@dataclass(frozen=True)
class Side:
    """y >= t (rising), or y <= t; strict: > or <."""

    t: Surd
    rising: bool
    strict: bool

    def holds(self, y: Surd) -> bool:
        sign = compare(y, self.t) * (1 if self.rising else -1)
        return sign > 0 or (sign == 0 and not self.strict)


@dataclass(frozen=True)
class Clip:
    """max(low, min(y, high)); None for no limit."""

    low: Surd | None
    high: Surd | None

    def pull(self, side: Side) -> list[Side | bool]:
        first, last = (self.low, self.high) if side.rising else (self.high, self.low)
        if last is not None and not side.holds(last):
            return [False]
        if first is not None and side.holds(first):
            return [True]
        return [side]

    def idle(self, *values: Surd) -> bool:
        """Whether it changes none of these."""
        return all(
            (self.low is None or compare(y, self.low) >= 0)
            and (self.high is None or compare(y, self.high) <= 0)
            for y in values
        )


@dataclass(frozen=True)
class Leak:
    """y for y >= 0, slope*y below. A slope below 0 turns the order around and asks two questions:
    what stands behind it is a staircase (staircase.py), no level that is pulled back."""

    slope: Surd

    def pull(self, side: Side) -> list[Side | bool]:
        return [replace(side, t=side.t / self.slope) if side.t.sign() < 0 else side]


@dataclass(frozen=True)
class Affine:
    """gain*y + shift."""

    gain: Surd
    shift: Surd

    def pull(self, side: Side) -> list[Side | bool]:
        if not self.gain.sign():
            return [side.holds(self.shift)]
        rising = side.rising == (self.gain.sign() > 0)
        return [Side((side.t - self.shift) / self.gain, rising, side.strict)]


@dataclass(frozen=True)
class Curve:
    """Tanh or Sigmoid, real-valued."""

    name: str

    def pull(self, side: Side) -> list[Side | bool]:
        low, middle = (Surd(-1), ZERO) if self.name == "Tanh" else (ZERO, Surd(Fraction(1, 2)))
        if compare(side.t, low) <= 0 or compare(side.t, ONE) >= 0:  # open ends, never reached
            return [side.holds(middle)]
        if side.t == middle:
            return [replace(side, t=ZERO)]
        if side.t.d:
            raise Unsupported(
                f"a BatchNorm between {self.name} and its quantiser",
                remedy=f"quantise right after {self.name}",
            )
        return [replace(side, t=Surd(end)) for end in self._enclosed(side.t.x)]

    def _enclosed(self, t: Fraction) -> tuple[Fraction, Fraction]:
        """Fractions below and above the y with f(y) = t: ln((1+t)/(1-t))/2 or ln(t/(1-t))."""
        odds = (1 + t) / (1 - t) if self.name == "Tanh" else t / (1 - t)
        with localcontext() as context:
            context.prec = DIGITS
            quotient = Decimal(odds.numerator) / Decimal(odds.denominator)
            y = Fraction(quotient.ln()) / (2 if self.name == "Tanh" else 1)
        slack = Fraction(1, 10 ** (DIGITS - 10)) * (1 + abs(y))  # of the quotient and of ln
        return y - slack, y + slack


Bend = Clip | Leak | Affine | Curve


@dataclass
class Bends:
    """One bend a channel, or one for all."""

    each: list[Bend]

    def at(self, channel: int) -> Bend:
        return self.each[channel if len(self.each) > 1 else 0]


def pulled(bends: tuple[Bend, ...], side: Side) -> list[Side | bool]:
    """What a level behind these functions (first to last) asks of their input.

    Returns:
        one side, True (always), False (never); or several that enclose an irrational one.
    """
    found: list[Side | bool] = [side]
    for bend in reversed(bends):
        found = [
            below
            for above in found
            for below in ([above] if isinstance(above, bool) else bend.pull(above))
        ]
    return found
