"""A quantiser as multiplication, addition and shift: integers that are proven to be exact.

Wanted for the staircase y(a) of each channel: integers m, o and one shift S a layer with

    y = clip((m*a + o) >> S)                                                        FLOOR
    y = clip(r & ~tie), r = (m*a + o) >> S, tie = the S bits below r are all 0      HALF_EVEN

for every reachable a, the clip being to the least and greatest y of the layer. A run of the value
y over a = i..j says  y*2^S <= m*a + o <= (y + 1)*2^S - 1  at both ends (HALF_EVEN: an even y takes
both borders, an odd one neither), a value at the clip only one of the two. For one m the offsets
that pass are an interval of the length

    h(m) = min_i(U_i - m*a_i) - max_j(L_j - m*a_j),

a concave function; a bisection on its slope finds an m with h(m) >= 0, or that there is none. What
passes at S passes at S + 1, doubled, so that the least S is found by bisection, too. The numbers
found are their own proof: they meet the conditions, which are all that y(a) demands. Real ties
(slopes like 1/4 before half-to-even rounding) have no solution with FLOOR.

Two pieces, the upper one from an integer T on, serve PReLU (Liu et al., ReActNet, 2020,
arXiv:2003.03488) and any other kink. No source for the search; conditions on fixed-point
requantisers are usually approximate (Jacob et al., 2018, arXiv:1712.05877).

>>> import numpy as np
>>> thirds = Staircase(np.array([-4, -1, 2, 5]), np.array([-1, 0, 1, 2]), 6, ())      # round(a/3)
>>> found = requantiser([thirds])
>>> int(found.gain[0, 0]), int(found.offset[0, 0]), found.shift
(3, 3, 3)
>>> found(np.arange(-4, 7)[:, None])[:, 0].tolist()
[-1, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .staircase import Staircase

MOST_SHIFT = 40
MOST_SUM_BITS = 48
"""Of gain*a + offset: the accumulator of a DSP block."""


@dataclass(frozen=True)
class Requantiser:
    """gain and offset of each piece of each channel; see the module.

    Attributes:
        low, high: of the clip.
        at: int64 (C,), the least integer of the upper piece, where there are two.
        gain, offset: int64 (C, pieces), the lower piece first.
        sum_bits: two's complement of every gain*a + offset and of the offsets, a bit and the sign
            above the shift.
    """

    low: int
    high: int
    shift: int
    half_even: bool
    at: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    sum_bits: int = MOST_SUM_BITS

    @property
    def pieces(self) -> int:
        return self.gain.shape[1]

    def __call__(self, a: np.ndarray) -> np.ndarray:
        """int64 (..., C) of integers of the same shape."""
        a = np.asarray(a, dtype=np.int64)
        gain, offset = self.gain[:, 0], self.offset[:, 0]
        if self.pieces == 2:
            upper = a >= self.at
            gain, offset = (np.where(upper, p[:, 1], p[:, 0]) for p in (self.gain, self.offset))
        total = gain * a + offset
        out = total >> self.shift
        if self.half_even:
            out &= ~(total & ((1 << self.shift) - 1) == 0).astype(np.int64)
        return np.clip(out, self.low, self.high)


@dataclass(frozen=True)
class _Conditions:
    """lower[i] <= m*at[i] + o (or nothing), m*at[i] + o <= upper[i], for one piece of a channel.

    Attributes:
        at: int64 (points,).
        value: int64 (points,); bounded: bool (2, points), from below and from above.
    """

    at: np.ndarray
    value: np.ndarray
    bounded: np.ndarray

    @classmethod
    def of(cls, steps: Staircase, first: int, last: int, low: int, high: int) -> _Conditions:
        """Those of the runs within first..last."""
        starts, ends = np.maximum(steps.starts, first), np.minimum(steps.ends, last)
        some = starts <= ends
        at = np.concatenate([starts[some], ends[some]])
        value = np.tile(steps.values[some], 2)
        return cls(at, value, np.stack([value > low, value < high]))

    def solved(self, shift: int, half_even: bool) -> tuple[int, int] | None:
        """(m, o), or None where there are none."""
        least = _scaled(self.value, shift)
        most = _scaled(self.value + 1, shift) - 1
        if half_even:
            least, most = least + (self.value & 1), most + 1 - (self.value & 1)
        has_least, has_most = self.bounded
        origin = int(self.at[0])
        a = self.at - origin
        lower, upper = (a[has_least], least[has_least]), (a[has_most], most[has_most])
        if not has_least.any():
            return 0, int(upper[1].min()) if has_most.any() else 0
        if not has_most.any():
            return 0, int(lower[1].max())
        found = _gain(lower, upper)
        if found is None:
            return None
        gain, offset = found
        return gain, offset - gain * origin


def _scaled(values: np.ndarray, shift: int) -> np.ndarray:
    """values * 2^shift, as int64 or, beyond it, as Python's integers."""
    return values << shift if np.abs(values).max(initial=1) < 2 ** (61 - shift) else (
        values.astype(object) * (1 << shift))  # fmt: skip


def _gain(lower, upper) -> tuple[int, int] | None:
    """(m, o) with lower[1] <= m*lower[0] + o and m*upper[0] + o <= upper[1] at every point."""
    (a, least), (b, most) = lower, upper
    span = max(int(most.max()) - int(least.min()), int(least.max()) - int(most.min()), 0) + 1
    bottom, top = -span, span  # of m: steeper ones are needed by no two neighbours
    if (reach := int(b.max()) - int(a.min())) > 0:
        top = min(top, _bound(b, most, a, least, reach))
    if (reach := int(a.max()) - int(b.min())) > 0:
        bottom = max(bottom, -_bound(-b, most, -a, least, reach))
    size = max(abs(bottom), abs(top)) * (max(int(a.max()), int(b.max())) + 1)
    if size + span >= 2**62:
        a, b = a.astype(object), b.astype(object)
        least, most = least.astype(object), most.astype(object)
    while bottom <= top:
        m = (bottom + top) // 2
        floors, ceilings = least - m * a, most - m * b
        i, j = int(floors.argmax()), int(ceilings.argmin())
        if floors[i] <= ceilings[j]:
            return m, int(floors[i])
        if a[i] > b[j]:  # the slope of h there: steeper is better
            bottom = m + 1
        elif a[i] < b[j]:
            top = m - 1
        else:
            return None
    return None


def _bound(b: np.ndarray, most: np.ndarray, a: np.ndarray, least: np.ndarray, reach: int) -> int:
    """The greatest m that the farthest pair allows: m*(b - a) <= most - least."""
    return (int(most[b.argmax()]) - int(least[a.argmin()])) // reach


Split = tuple[int, list[_Conditions]]
"""The least integer of the upper piece, and the conditions of each piece."""


def requantiser(channels: list[Staircase]) -> Requantiser | None:
    """The requantiser of a layer, of one piece without ties if there is one; None: there is none.

    Args:
        channels: what each channel computes over its reachable integers.
    """
    low = min(int(steps.values.min()) for steps in channels)
    high = max(int(steps.values.max()) for steps in channels)
    keys = [(steps.starts.tobytes(), steps.values.tobytes(), steps.end) for steps in channels]
    known = dict(zip(keys, channels, strict=True))
    for pieces in (1, 2):
        splits = {key: _splits(steps, pieces, low, high) for key, steps in known.items()}
        for half_even in (False, True):
            shift = _least_shift(list(splits.values()), half_even)
            if shift is None:
                continue
            solved = {key: _solved(split, shift, half_even) for key, split in splits.items()}
            found = _table([solved[key] for key in keys], pieces, low, high, shift, half_even)
            bits = _sum_bits(found, channels)
            if bits <= MOST_SUM_BITS:
                return replace(found, sum_bits=bits)
    return None


def _splits(steps: Staircase, pieces: int, low: int, high: int) -> list[Split]:
    """The ways in which a channel may be cut into at most so many pieces."""
    first, last = int(steps.starts[0]), steps.end
    ways: list[Split] = [(first, [_Conditions.of(steps, first, last, low, high)])]
    if pieces == 2:
        for kink in steps.kinks:
            halves = ((first, kink - 1), (kink, last))
            ways.append((kink, [_Conditions.of(steps, *half, low, high) for half in halves]))
    return ways


def _solved(splits: list[Split], shift: int, half_even: bool):
    """(the least integer of the upper piece, (m, o) of each piece), or None."""
    for at, conditions in splits:
        found = [solved for c in conditions if (solved := c.solved(shift, half_even))]
        if len(found) == len(conditions):
            return at, found
    return None


def _least_shift(channels: list[list[Split]], half_even: bool) -> int | None:
    """The least shift at which every channel has a solution."""
    shift = int(half_even)  # a tie is told by the bits below the point
    for splits in channels:
        if _solved(splits, shift, half_even):
            continue
        if not _solved(splits, MOST_SHIFT, half_even):
            return None
        below, shift = shift, MOST_SHIFT
        while shift - below > 1:
            middle = (below + shift) // 2
            if _solved(splits, middle, half_even):
                shift = middle
            else:
                below = middle
    return shift


def _table(
    solved: list, pieces: int, low: int, high: int, shift: int, half_even: bool
) -> Requantiser:
    """A channel of one piece has it twice where the others have two."""
    at = np.array([at for at, _ in solved], dtype=np.int64)
    rows = np.array([found * (pieces // len(found)) for _, found in solved], dtype=np.int64)
    return Requantiser(low, high, shift, half_even, at, rows[:, :, 0], rows[:, :, 1])


def _sum_bits(table: Requantiser, channels: list[Staircase]) -> int:
    """Of two's complement gain*a + offset over all reachable integers, and of the offset alone."""
    most = 0
    for c, steps in enumerate(channels):
        farthest = max(abs(int(steps.starts[0])), abs(steps.end))
        for gain, offset in zip(table.gain[c].tolist(), table.offset[c].tolist(), strict=True):
            most = max(most, abs(gain) * farthest + abs(offset))
    return max(most.bit_length() + 1, table.shift + 2)
