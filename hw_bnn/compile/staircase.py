"""What a quantiser makes of a channel's integers, as runs of one value each.

Between a layer and its quantiser stands a chain of affines, PReLUs and clips (a thresholds.Column).
Over the reachable integers that is a function of affine pieces; each piece rises, falls or is
constant, and so the quantised function is a staircase on it, found exactly: a step whose place
float64 leaves in doubt is settled by exact.crossing. Unlike thresholds, a staircase may turn
(a PReLU with a slope below 0).

>>> from fractions import Fraction
>>> from .bends import Leak
>>> from .exact import ONE, ZERO, Surd
>>> from .thresholds import quant_integers
>>> int3 = quant_integers(3, signed=True, narrow=False, rounding="ROUND")
>>> quantiser = int3.quantiser([Fraction(2)], Fraction(0))
>>> steps = staircase(Column(ONE, ZERO, (Leak(Surd(-1)),), quantiser, Fraction(2)), -3, 7)
>>> steps.starts.tolist(), steps.values.tolist(), steps.kinks
([-3, -2, -1, 2, 3, 6], [2, 1, 0, 1, 2, 3], (0,))
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bends import Affine, Bend, Clip, Curve, Leak
from .exact import ZERO, Surd, compare, crossing
from .thresholds import Column, Quantiser

DOUBT = 1e-9
"""Relative distance from a whole number within which float64 does not decide where a step is."""


@dataclass(frozen=True)
class Piece:
    """first..last, where the real value of the integer a is gain*a + shift."""

    first: int
    last: int
    gain: Surd
    shift: Surd

    def split(self, limit: Surd) -> tuple[Piece | None, Piece | None]:
        """(where the value is below the limit, where it is not); None where that is nowhere."""
        direction, t = crossing(self.gain, self.shift - limit, strict=False)
        if t is None:
            return self, None
        if direction == 0:
            return None, self
        if direction > 0:
            return self._part(self.first, t - 1), self._part(t, self.last)
        return self._part(1 - t, self.last), self._part(self.first, -t)

    def _part(self, first: int, last: int) -> Piece | None:
        first, last = max(first, self.first), min(last, self.last)
        return Piece(first, last, self.gain, self.shift) if first <= last else None

    def through(self, gain: Surd, shift: Surd) -> Piece:
        """The piece behind a further affine."""
        return Piece(self.first, self.last, self.gain * gain, self.shift * gain + shift)


@dataclass(frozen=True)
class Staircase:
    """values[i] from starts[i] up to starts[i + 1] - 1, the last up to `end`.

    Attributes:
        starts, values: int64, starts ascending; neighbours differ in value.
        kinks: least integers of the affine pieces but the first.
    """

    starts: np.ndarray
    values: np.ndarray
    end: int
    kinks: tuple[int, ...]

    @property
    def ends(self) -> np.ndarray:
        """The last integer of each run."""
        return np.append(self.starts[1:] - 1, self.end)

    def __call__(self, a: np.ndarray) -> np.ndarray:
        """The values of integers between starts[0] and `end`."""
        return self.values[np.searchsorted(self.starts, a, side="right") - 1]


def staircase(column: Column, minimum: int, maximum: int) -> Staircase | None:
    """The staircase of a channel over minimum..maximum; None behind a Tanh or Sigmoid."""
    pieces: list[Piece] = [Piece(minimum, maximum, column.alpha, column.beta)]
    for bend in column.bends:
        if isinstance(bend, Curve):
            return None
        pieces = [part for piece in pieces for part in _behind(piece, bend)]
    pieces.sort(key=lambda piece: piece.first)
    unit = Surd(1 / column.unit)
    found = [_steps(piece.through(unit, Surd(column.quantiser.zero)), column) for piece in pieces]
    starts, values = (np.concatenate(part) for part in zip(*found, strict=True))
    new = np.append(True, values[1:] != values[:-1])
    starts, values = starts[new], values[new]
    kinks = {piece.first for piece in pieces[1:]}
    return Staircase(starts, values, maximum, tuple(sorted(kinks)))


def _behind(piece: Piece, bend: Bend) -> list[Piece]:
    """The pieces that a bend makes of one."""
    if isinstance(bend, Affine):
        return [piece.through(bend.gain, bend.shift)]
    if isinstance(bend, Leak):
        below, above = piece.split(ZERO)
        return [part for part in (below and below.through(bend.slope, ZERO), above) if part]
    assert isinstance(bend, Clip)
    out: list[Piece] = []
    middle: Piece | None = piece
    if bend.low is not None:
        below, middle = piece.split(bend.low)
        out += [below.through(ZERO, bend.low)] if below else []
    if middle and bend.high is not None:
        middle, above = middle.split(bend.high)
        out += [above.through(ZERO, bend.high)] if above else []
    return [*out, middle] if middle else out


def _steps(piece: Piece, column: Column) -> tuple[np.ndarray, np.ndarray]:
    """(starts, values) of the runs of one piece, in units of the quantiser's bounds."""
    quantiser = column.quantiser
    direction = piece.gain.sign()
    if not direction:
        reached = sum(
            compare(piece.shift, Surd(bound)) >= int(strict)
            for bound, strict in zip(quantiser.bounds, quantiser.strict, strict=True)
        )
        return np.array([piece.first]), np.array([quantiser.bias + quantiser.step * reached])
    from_ = _crossings(piece, quantiser, direction)
    levels = np.arange(len(from_) + 1, dtype=np.int64)
    starts = np.append(piece.first, from_)
    if direction < 0:  # level l holds up to from_[l]: from above, level after level is lost
        starts = np.append(piece.first, from_[::-1] + 1)
        levels = levels[::-1]
    last = np.append(starts[1:], piece.last + 1)
    some = starts < last  # a run of no integer: several levels at one step
    return starts[some], quantiser.bias + quantiser.step * levels[some]


def _crossings(piece: Piece, quantiser: Quantiser, direction: int) -> np.ndarray:
    """Rising: the first integer at which each level holds, within first..last + 1;
    falling: the last, within first - 1..last."""
    gain, shift = float(piece.gain), float(piece.shift)
    bounds = quantiser.floats
    with np.errstate(all="ignore"):
        at = (bounds - shift) / gain
        slack = DOUBT * ((np.abs(bounds) + abs(shift) + 1) / abs(gain) + np.abs(at) + 1)
    low, high = (piece.first, piece.last + 1) if direction > 0 else (piece.first - 1, piece.last)
    whole = np.ceil(at) if direction > 0 else np.floor(at)
    found = np.clip(np.nan_to_num(whole, nan=low), low, high).astype(np.int64)
    near = ~(np.abs(at - np.rint(at)) > slack) & ~(at + slack < low - 1) & ~(at - slack > high + 1)
    for level in np.flatnonzero(near):
        bound, strict = quantiser.bounds[level], quantiser.strict[level]
        _, t = crossing(piece.gain, piece.shift - Surd(bound), strict=strict)
        assert t is not None  # the gain is not 0
        found[level] = min(max(t * direction, low), high)
    return found
