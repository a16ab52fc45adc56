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
ROOM = 4
"""Bits of shift, gain, offset and sum beyond a network's own, for those that are loaded later."""
_MOST_GAIN_BITS = 62


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
class Shape:
    """What of a requantiser its hardware fixes, whatever numbers its table has.

    Attributes:
        low, high: of the clip.
        pieces, shift, half_even: see the module.
        gain_bits, offset_bits: two's complement of the numbers of a row.
        sum_bits: as of `Requantiser`.
    """

    low: int
    high: int
    pieces: int
    shift: int
    half_even: bool
    gain_bits: int
    offset_bits: int
    sum_bits: int

    @classmethod
    def of(cls, table: Requantiser) -> Shape:
        """The least that holds a table."""
        gain, offset = (_bits(numbers) for numbers in (table.gain, table.offset))
        return cls(
            table.low, table.high, table.pieces, table.shift, table.half_even, gain, offset,
            table.sum_bits,
        )  # fmt: skip

    def wider(self, bits: int) -> Shape:
        """With so many bits more for numbers that are not known yet."""
        more = {f"{k}_bits": getattr(self, f"{k}_bits") + bits for k in ("gain", "offset", "sum")}
        return replace(self, **more)

    def holds(self, other: Shape) -> bool:
        """Whether a table of another shape, but of this shift and rounding, fits."""
        return all(
            getattr(self, f"{k}_bits") >= getattr(other, f"{k}_bits")
            for k in ("gain", "offset", "sum")
        )


def _bits(numbers: np.ndarray) -> int:
    """Of two's complement that holds them all."""
    low, high = int(numbers.min()), int(numbers.max())
    return max((-low - 1).bit_length() if low < 0 else 0, max(high, 0).bit_length()) + 1


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

    def solved(self, shift: int, half_even: bool, gain_bits: int) -> tuple[int, int] | None:
        """(m, o), m in two's complement of so many bits, or None where there are none."""
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
        found = _gain(lower, upper, gain_bits)
        if found is None:
            return None
        gain, offset = found
        return gain, offset - gain * origin


def _scaled(values: np.ndarray, shift: int) -> np.ndarray:
    """values * 2^shift, as int64 or, beyond it, as Python's integers."""
    return values << shift if np.abs(values).max(initial=1) < 2 ** (61 - shift) else (
        values.astype(object) * (1 << shift))  # fmt: skip


def _gain(lower, upper, bits: int) -> tuple[int, int] | None:
    """(m, o) with lower[1] <= m*lower[0] + o and m*upper[0] + o <= upper[1] at every point."""
    (a, least), (b, most) = lower, upper
    span = max(int(most.max()) - int(least.min()), int(least.max()) - int(most.min()), 0) + 1
    # of m: steeper ones are needed by no two neighbours
    bottom, top = max(-span, -(1 << bits - 1)), min(span, (1 << bits - 1) - 1)
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


def values_of(channels: list[Staircase]) -> tuple[int, int]:
    """The least and the greatest value that a layer's channels give."""
    low = min(int(steps.values.min()) for steps in channels)
    return low, max(int(steps.values.max()) for steps in channels)


def requantiser(
    channels: list[Staircase], clip: tuple[int, int] | None = None
) -> Requantiser | None:
    """The requantiser of a layer, of one piece without ties if there is one; None: there is none.

    Args:
        channels: what each channel computes over its reachable integers.
        clip: to these values; by default to those that the channels give.
    """
    clip = values_of(channels) if clip is None else clip
    for pieces in (1, 2):
        splits = _splits_of(channels, pieces, clip)
        for half_even in (False, True):
            shift = _least_shift(list(splits.values()), half_even)
            if shift is not None:
                found = _made(channels, clip, splits, pieces, shift, half_even)
                if found is not None and found.sum_bits <= MOST_SUM_BITS:
                    return found
    return None


def with_room(
    found: Requantiser, channels: list[Staircase], pieces: int
) -> tuple[Requantiser, Shape] | None:
    """A layer's requantiser for hardware whose table is written anew for other networks.

    It rounds halves to even, which serves all that FLOOR does: m and o of a shift S are 2m and
    2o + 1 at S + 1. Shift and numbers have ROOM bits more than this network needs, or as many as
    MOST_SUM_BITS leave.

    Args:
        found: by `requantiser`, of the same channels. pieces: of every network.
    """
    least = found.shift + (not found.half_even)
    for room in range(min(ROOM, MOST_SHIFT - least), -1, -1):
        table = fitted(channels, _unbounded(found, max(pieces, found.pieces), least + room))
        if table is not None:
            shape = Shape.of(table).wider(room)
            if shape.sum_bits <= MOST_SUM_BITS:
                return table, shape
    return None


def fitted(channels: list[Staircase], shape: Shape) -> Requantiser | None:
    """The requantiser of a layer in hardware of this shape; None: there is none."""
    clip = shape.low, shape.high
    low, high = values_of(channels)
    if low < shape.low or high > shape.high:
        return None
    splits = _splits_of(channels, shape.pieces, clip)
    found = _made(
        channels, clip, splits, shape.pieces, shape.shift, shape.half_even, shape.gain_bits
    )
    return found if found is not None and shape.holds(Shape.of(found)) else None


def _unbounded(found: Requantiser, pieces: int, shift: int) -> Shape:
    """Of any numbers, halves to even, clipped as another."""
    return Shape(found.low, found.high, pieces, shift, True, _MOST_GAIN_BITS, 64, 64)


_Key = tuple[bytes, bytes, int]


def _key(steps: Staircase) -> _Key:
    """Equal for channels that compute the same."""
    return steps.starts.tobytes(), steps.values.tobytes(), steps.end


def _splits_of(
    channels: list[Staircase], pieces: int, clip: tuple[int, int]
) -> dict[_Key, list[Split]]:
    """The ways to cut each different channel."""
    return {_key(steps): _splits(steps, pieces, *clip) for steps in channels}


def _made(
    channels: list[Staircase], clip: tuple[int, int], splits: dict[_Key, list[Split]], pieces: int,
    shift: int, half_even: bool, gain_bits: int = _MOST_GAIN_BITS,
) -> Requantiser | None:  # fmt: skip
    """The layer's table at a shift, or None where a channel has none."""
    solved = {key: _solved(split, shift, half_even, gain_bits) for key, split in splits.items()}
    if None in solved.values():
        return None
    rows = [solved[_key(steps)] for steps in channels]
    found = _table(rows, pieces, *clip, shift, half_even)
    return replace(found, sum_bits=_sum_bits(found, channels))


def _splits(steps: Staircase, pieces: int, low: int, high: int) -> list[Split]:
    """The ways in which a channel may be cut into at most so many pieces."""
    first, last = int(steps.starts[0]), steps.end
    ways: list[Split] = [(first, [_Conditions.of(steps, first, last, low, high)])]
    if pieces == 2:
        for kink in steps.kinks:
            halves = ((first, kink - 1), (kink, last))
            ways.append((kink, [_Conditions.of(steps, *half, low, high) for half in halves]))
    return ways


def _solved(splits: list[Split], shift: int, half_even: bool, gain_bits: int = _MOST_GAIN_BITS):
    """(the least integer of the upper piece, (m, o) of each piece), or None."""
    for at, conditions in splits:
        found = [solved for c in conditions if (solved := c.solved(shift, half_even, gain_bits))]
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
