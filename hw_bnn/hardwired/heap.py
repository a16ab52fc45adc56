"""The cheapest way to compress columns of bits, as counts of counters a column.

A heap has heights[i] bits of weight 2^i. Counters take bits of one column and leave
one of them there:

    popcount_counter  7, 6, 5, 4 bits -> 1 here, 1 above, 1 two above   2 LUTs
                      3, 2 bits       -> 1 here, 1 above                1 LUT

What remains goes to a last stage: hardwired_compare (is the sum at least 4^positions? one LUT for
two columns of up to five bits), or an adder of two rows (one LUT a column). Both searches are exact
for these blocks: dynamic programming over columns from the lowest, in which only the heights of the
column and of the next two matter.

>>> plan = plan_compare((29, 1, 1, 1, 1, 1), offset=37, positions=4)
>>> plan.luts
20
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

COUNTER_LUTS = {7: 2, 6: 2, 5: 2, 4: 2, 3: 1, 2: 1}
_INFINITE = 1 << 30


@dataclass(frozen=True)
class Plan:
    """`counters[i]`: sizes of the counters of column i, in order; `left[i]`: bits that remain."""

    luts: int
    counters: tuple[tuple[int, ...], ...]
    left: tuple[int, ...]


@cache
def _reductions(height: int, left: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """(LUTs, counter sizes) that take a column from `height` bits to `left`; a few of the cheapest.

    Each counter of k bits removes k - 1 from its column; at most one of 6, 5, 4 and of 2 is of use,
    since two of them could be a larger and a smaller one.
    """
    need = height - left
    if need == 0:
        return ((0, ()),)
    found = []
    for sevens in range(need // 6 + 1):
        for middle in (0, 6, 5, 4):
            for threes in range(4):
                for two in (0, 2):
                    removed = 6 * sevens + max(middle - 1, 0) + 2 * threes + (1 if two else 0)
                    if removed == need:
                        sizes = (7,) * sevens + ((middle,) if middle else ()) + (3,) * threes
                        sizes += (2,) if two else ()
                        found.append((sum(COUNTER_LUTS[s] for s in sizes), sizes))
    return tuple(sorted(found)[:8])


@cache
def plan_compare(heights: tuple[int, ...], offset: int, positions: int) -> Plan:
    """The cheapest compression before hardwired_compare.

    Args:
        heights: bits by column; the sum of all is less than 4^positions.
        offset: 4^positions - threshold, in [0, 4^positions).
        positions: carry positions, two columns each.
    """
    columns = 2 * positions

    @cache
    def best(column: int, here: int, above: int, room: tuple[int, int]) -> tuple[int, tuple]:
        # room: (inputs, weight) that the position's lower column leaves for its upper one
        if column == columns:
            return 0, ()
        further = heights[column + 2] if column + 2 < len(heights) else 0
        digit = offset >> (column & ~1) & 3
        answer = (_INFINITE, ())
        low = column % 2 == 0
        inputs, weight = (5, 6 - digit) if low else room
        for left in range(min(here, inputs, weight if low else weight // 2) + 1):
            if left == 0 and here > 0:
                continue
            for luts, sizes in _reductions(here, left):
                if luts >= answer[0]:
                    break
                carries = len(sizes)
                beyond = sum(size > 3 for size in sizes)
                if column + 1 >= columns:
                    carries = beyond = 0  # always 0: the whole sum is below 4^positions
                rest, steps = best(
                    column + 1,
                    above + carries,
                    further + beyond,
                    (inputs - left, weight - left) if low else (0, 0),
                )
                if luts + rest < answer[0]:
                    answer = (luts + rest, ((sizes, left), *steps))
        return answer

    height = (*heights, 0, 0)
    luts, steps = best(0, height[0], height[1], (0, 0))
    if luts >= _INFINITE:
        raise ValueError(f"no compression of {heights} for offset {offset}")
    return Plan(luts + positions, tuple(s for s, _ in steps), tuple(n for _, n in steps))


@cache
def plan_rows(heights: tuple[int, ...], columns: int) -> Plan:
    """The cheapest compression to two rows and the adder of them, for a sum of `columns` bits."""

    @cache
    def best(column: int, here: int, above: int) -> tuple[int, tuple]:
        if column == columns:
            return 0, ()
        further = heights[column + 2] if column + 2 < len(heights) else 0
        answer = (_INFINITE, ())
        for left in range(min(here, 2) + 1):
            if left == 0 and here > 0:
                continue
            for luts, sizes in _reductions(here, left):
                carries, beyond = len(sizes), sum(size > 3 for size in sizes)
                if column + 1 >= columns:
                    carries = beyond = 0
                rest, steps = best(column + 1, above + carries, further + beyond)
                total = (
                    luts + rest + (1 if left == 2 or steps and any(n == 2 for _, n in steps) else 0)
                )
                if total < answer[0]:
                    answer = (total, ((sizes, left), *steps))
        return answer

    height = (*heights, 0, 0)
    luts, steps = best(0, height[0], height[1])
    return Plan(luts, tuple(s for s, _ in steps), tuple(n for _, n in steps))
