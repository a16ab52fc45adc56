"""Schedules: any hyper-parameter of a method is a number or one of these.

    {start: 1e-3, end: 3e-6, kind: exponential}      start (end/start)^(t/T)
    {start: 0.01, end: 0.0, kind: linear, per: step}  start + (end - start) t/T
    {start: 1e-4, end: 1e-16, kind: cosine}          end + (start - end)(1 + cos(pi t/T))/2
    {start: 1e-4, factor: 0.1, every: 100}           start factor^floor(t/every)
    {start: 1e-3, factor: 0.1, at: [1500, 2500]}     start factor^(number of marks <= t)

t counts epochs of the stage, or optimiser steps with `per: step`; T is the stage's number of them.
The value is a function of t alone, so that a resumed run needs no schedule state.

>>> Schedule(start=1.0, end=0.0, kind="linear").value(25, 100)
0.75
>>> Schedule(start=1.0, factor=0.1, at=[10, 20]).value(10, 100)
0.1
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from ..nn.schema import Section


class Schedule(Section):
    """A value over training; see the module's text. `cap` bounds the magnitude from above."""

    section: ClassVar[str] = "a schedule"
    start: float
    end: float | None = None
    kind: Literal["linear", "exponential", "cosine", "step"] | None = None
    factor: float | None = None
    every: int | None = Field(None, ge=1)
    at: list[int] | None = None
    cap: float | None = None
    per: Literal["epoch", "step"] = "epoch"

    @model_validator(mode="after")
    def _complete(self):
        if self.is_stepwise:
            if (
                self.factor is None
                or (self.every is None) == (self.at is None)
                or self.end is not None
            ):
                raise ValueError("a stepwise schedule has start, factor, and either every or at")
        elif self.kind is None or self.end is None or self.factor or self.every or self.at:
            raise ValueError(
                "a schedule has start, end and kind, or start, factor and every (or at)"
            )
        if self.factor is not None and self.factor <= 0:
            raise ValueError("factor must be above 0")
        if self.kind == "exponential" and not (self.start * (self.end or 0.0) > 0):
            raise ValueError("an exponential schedule needs start and end of one sign, neither 0")
        return self

    @property
    def is_stepwise(self) -> bool:
        return self.kind == "step" or (self.kind is None and self.factor is not None)

    def value(self, t: int, total: int) -> float:
        """The value at count t of `total`."""
        if self.is_stepwise and self.factor is not None:
            count = t // self.every if self.every else sum(t >= mark for mark in self.at or ())
            value = self._power(self.factor, count)
        else:
            value = self._between(min(t / total, 1.0) if total else 1.0)
        return value if self.cap is None else max(-self.cap, min(self.cap, value))

    def _between(self, done: float) -> float:
        """From start to end, `done` in [0, 1] of the way."""
        start, end = self.start, self.end or 0.0
        if self.kind == "linear":
            return start + (end - start) * done
        if self.kind == "exponential":
            return start * (end / start) ** done
        return end + (start - end) * (1 + math.cos(math.pi * done)) / 2

    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value that it may take."""
        ends = [self.value(0, 1)]
        if not self.is_stepwise:
            ends.append(self.value(1, 1))
        elif self.at:
            ends += [self.value(mark, 1) for mark in self.at]
        elif self.factor is not None and self.factor > 1:
            ends.append(math.copysign(self.cap if self.cap is not None else math.inf, self.start))
        # A factor below 1 nears 0 and does not reach it.
        return min(ends), max(ends)

    def _power(self, factor: float, count: int) -> float:
        try:
            return self.start * factor**count
        except OverflowError:
            return math.copysign(math.inf, self.start)


Hyper = float | Schedule
"""A hyper-parameter in a recipe: a number, or a schedule."""


def _within(least: float, most: float = math.inf, *, above: bool = False, below: bool = False):
    """A check that a number, or a schedule at all times, lies from `least` to `most`; with `above`
    or `below` that end is left out.
    """

    def check(hyper: Hyper) -> Hyper:
        low, high = hyper.bounds() if isinstance(hyper, Schedule) else (hyper, hyper)
        if low < least or (above and low == least):
            raise ValueError(f"{low:g} is not {'above' if above else 'at least'} {least:g}")
        if high > most or (below and high == most):
            raise ValueError(f"{high:g} is not {'below' if below else 'at most'} {most:g}")
        return hyper

    return AfterValidator(check)


Rate = Annotated[Hyper, _within(0)]
"""A learning rate or threshold, at least 0."""
Share = Annotated[Hyper, _within(0, 1)]
"""From 0 to 1."""
Averaging = Annotated[Hyper, _within(0, 1, below=True)]
"""A momentum, from 0 to below 1."""
Steepness = Annotated[Hyper, _within(0, above=True)]
"""An inverse temperature or temperature, above 0."""
Beta = Annotated[float, Field(ge=0, lt=1)]
"""One of Adam's averaging rates."""


def value_of(hyper: Hyper, *, epoch: int, epochs: int, step: int, steps: int) -> float:
    """The value of a number or schedule at an epoch and step of a stage."""
    if not isinstance(hyper, Schedule):
        return float(hyper)
    if hyper.per == "step":
        return hyper.value(step, steps)
    return hyper.value(epoch, epochs)
