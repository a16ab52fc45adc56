"""Boolean logic of a netlist as nodes: look-up tables of up to six inputs, kept small.

    logic = Logic()
    a, b = logic.source(), logic.source()
    logic.lut(0b0110, (a, b))           # a xor b: bit i of the table is the value at inputs i

Constants, unused and repeated inputs, buffers and inverters are taken into the tables that read
them; equal tables of equal inputs are one node. `steps` cuts a table into tables of three inputs.
"""

from __future__ import annotations

import functools
from itertools import combinations, permutations

ZERO, ONE = 0, 1


class Logic:
    """Nodes by number: ZERO, ONE, sources, and look-up tables in the order they were made."""

    def __init__(self) -> None:
        self.tables: list[tuple[int, tuple[int, ...]] | None] = [None, None]
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}

    def source(self) -> int:
        """A new node whose value comes from elsewhere."""
        self.tables.append(None)
        return len(self.tables) - 1

    def lut(self, table: int, inputs: tuple[int, ...]) -> int:
        """The node of a table: bit i is its value where input k is bit k of i."""
        chosen = list(inputs)
        for k in range(len(chosen)):  # an inverter's place is the table of its reader
            made = self.tables[chosen[k]]
            if made is not None and len(made[1]) == 1:
                table, chosen[k] = _flip(table, len(chosen), k), made[1][0]
        k = 0
        while k < len(chosen):
            node, size = chosen[k], len(chosen)
            low, high = _cofactors(table, size, k)
            if node in (ZERO, ONE) or low == high:
                table = high if node == ONE else low
                del chosen[k]
                k = 0  # an input before may not matter any more
            elif node in chosen[:k]:
                table = _merged(table, size, chosen.index(node), k)
                del chosen[k]
                k = 0
            else:
                k += 1
        if not chosen:
            return table & 1
        if len(chosen) == 1 and table == 0b10:
            return chosen[0]
        key = (table, tuple(chosen))
        if key not in self._known:
            self.tables.append(key)
            self._known[key] = len(self.tables) - 1
        return self._known[key]

    def invert(self, a: int) -> int:
        return self.lut(0b01, (a,))

    def conjunction(self, *nodes: int) -> int:
        """All of the nodes."""
        result = ONE
        for node in nodes:
            result = self.lut(0b1000, (result, node))
        return result

    def either(self, *nodes: int) -> int:
        """Any of the nodes."""
        result = ZERO
        for node in nodes:
            result = self.lut(0b1110, (result, node))
        return result

    def choose(self, select: int, one: int, zero: int) -> int:
        """`one` where `select` holds, else `zero`."""
        return self.lut(0xCA, (zero, one, select))


def _table(bits: list[int]) -> int:
    return sum(bit << i for i, bit in enumerate(bits))


@functools.cache
def _cofactors(table: int, size: int, k: int) -> tuple[int, int]:
    """The tables without input k, where it is 0 and where it is 1."""
    low = high = 0
    for i in range(1 << (size - 1)):
        at = (i >> k << (k + 1)) | (i & ((1 << k) - 1))
        low |= ((table >> at) & 1) << i
        high |= ((table >> (at | 1 << k)) & 1) << i
    return low, high


@functools.cache
def _flip(table: int, size: int, k: int) -> int:
    return _table([(table >> (i ^ (1 << k))) & 1 for i in range(1 << size)])


def _merged(table: int, size: int, kept: int, gone: int) -> int:
    """The table without input `gone`, which equals input `kept` (kept < gone)."""
    low, high = _cofactors(table, size, gone)
    return _table([((high if i >> kept & 1 else low) >> i) & 1 for i in range(1 << (size - 1))])


Plan = tuple[tuple[int, tuple[int, ...]], ...]


@functools.cache
def steps(table: int, size: int) -> Plan:
    """Tables of at most three inputs that make one of `size` inputs.

    Returns:
        (table, inputs) in order; input j < size is the table's own, input size + i is what step i
        gives; the last step is the result. Every input of the table is used.
    """
    if size <= 3:
        return ((table, tuple(range(size))),)
    best: Plan | None = None
    for count in (3, 2):
        for chosen in combinations(range(size), count):
            plan = _disjoint(table, size, chosen)
            if plan is not None and (best is None or len(plan) < len(best)):
                best = plan
    if best is None or len(best) > 3:
        for k in range(size):
            plan = _shannon(table, size, k)
            if best is None or len(plan) < len(best):
                best = plan
    assert best is not None
    return best


def _disjoint(table: int, size: int, chosen: tuple[int, ...]) -> Plan | None:
    """f(x) = g(h(chosen), rest), where the chosen inputs matter by one bit alone (Ashenhurst)."""
    rest = [k for k in range(size) if k not in chosen]
    columns = []
    for c in range(1 << len(chosen)):
        base = sum(1 << k for j, k in enumerate(chosen) if c >> j & 1)
        columns.append(
            _table([
                (table >> (base | sum(1 << k for j, k in enumerate(rest) if i >> j & 1))) & 1
                for i in range(1 << len(rest))
            ])
        )  # fmt: skip
    kinds = list(dict.fromkeys(columns))
    if len(kinds) != 2:
        return None
    first = _table([int(column == kinds[1]) for column in columns])
    # g's inputs: the rest, then h
    inner = steps(kinds[0] | kinds[1] << (1 << len(rest)), len(rest) + 1)
    places = [*rest, size]
    return (
        (first, chosen),
        *_placed(inner, len(rest) + 1, places, size + 1),
    )


def _shannon(table: int, size: int, k: int) -> Plan:
    """f = k ? f1 : f0; cofactors that do not need an input do not get it."""
    rest = [j for j in range(size) if j != k]
    plan: list[tuple[int, tuple[int, ...]]] = []
    ends = []
    for cofactor in _cofactors(table, size, k):
        needed, small = _support(cofactor, size - 1)
        if len(needed) == 1 and small == 0b10:
            ends.append(rest[needed[0]])
            continue
        inner = steps(small, len(needed)) if needed else ((small & 1, ()),)
        plan += _placed(inner, len(needed), [rest[j] for j in needed], size + len(plan))
        ends.append(size + len(plan) - 1)
    return (*plan, (0xCA, (ends[0], ends[1], k)))


def _support(table: int, size: int) -> tuple[list[int], int]:
    """The inputs that a table depends on, and the table of them alone."""
    needed = list(range(size))
    for k in reversed(range(size)):
        low, high = _cofactors(table, len(needed), k)
        if low == high:
            table = low
            del needed[k]
    return needed, table


def _placed(plan: Plan, size: int, places: list[int], start: int) -> Plan:
    """A plan with its inputs at `places` and its own steps from number `start`."""
    return tuple(
        (table, tuple(places[i] if i < size else start + i - size for i in inputs))
        for table, inputs in plan
    )


def three(table: int, inputs: tuple[int, ...]) -> tuple[int, tuple[int, int, int]]:
    """The same table over exactly three inputs, of 8 bits, in an order that makes few tables."""
    padded = [*inputs, *([ZERO] * (3 - len(inputs)))]
    full = _table([(table >> (i & ((1 << len(inputs)) - 1))) & 1 for i in range(8)])
    best = min(_orders(full))
    return best[0], tuple(padded[k] for k in best[1])  # type: ignore[return-value]


@functools.cache
def _orders(table: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
    return tuple(
        (_table([(table >> sum((i >> j & 1) << k for j, k in enumerate(order))) & 1
                 for i in range(8)]), order)
        for order in permutations(range(3))
    )  # fmt: skip
