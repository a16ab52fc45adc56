"""The folding search: the fewest LUTs for a rate, or the best rate that fits a device.

Every op has a table of choices (PE, SIMD, where its memories stand, or its weights as constants)
with cycles and cost by the estimator; every stream has a cost for the words that its ends agree on:
a register or a FIFO, and a width converter where they differ, which is small where one width
divides the other. For a target rate the sum over the whole graph is minimised exactly (min_sum.py).
Block RAM enters the sum at a price in LUTs: as many as the device has beside each block, more where
it has too few blocks and less where it has too few LUTs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from ..errors import BadInput
from ..synth.estimate import KINDS
from .boards import DEFAULT_BOARD, Budget
from .choices import HEAD, Prices, Table, prices_of, table_of
from .hardwiring import Twin, hardwire
from .min_sum import cheapest
from .ops.kernel import KernelOp
from .stream_cost import dma_cost, fifo_cost, joint_cost, source_cost, stream_cost

PRICES = [2.0**k for k in range(-4, 6)]
"""Factors on the price of block RAM that a search tries where its own gives nothing that fits."""


@dataclass
class Plan:
    """A choice for every op, and what it costs.

    Attributes:
        rows, columns: choice and variant of each table.
        lut, ff, bram, dsp, uram: in all, streams included.
        cycles: a frame's, of the slowest op.
    """

    rows: list[int]
    columns: list[int]
    lut: float
    ff: float
    bram: float
    dsp: float
    uram: float
    cycles: int

    def excess(self, budget: Budget) -> dict[str, float]:
        """What it takes beyond a budget, by resource."""
        over = {k: getattr(self, k) - getattr(budget, k) for k in KINDS}
        return {k: v for k, v in over.items() if v > 0}


class FoldingSearch:
    """Choices and costs of a graph of our ops, whose datatypes are final.

    Args:
        model: the graph; the search sets attributes of its ops.
        memory: where weights stand: "auto" (LUTs or block RAM, by price), "lut" (up to 4,096
            words), "block", or "ultra" (by price, UltraRAM too).
        board: of which the prices of block RAMs and DSP blocks in LUTs are.
        op_of: node -> its op; FINN's registry, or outline.op_of where FINN has no part in it.
        twins: node name -> the hard-wired form that may take its place (hardwiring.py), and `must`
            where it is no choice. Its netlist is counted when a bound of its cost would be chosen.
    """

    def __init__(
        self, model: ModelWrapper, memory: str = "auto", board: str = DEFAULT_BOARD,
        *, op_of: Callable[[NodeProto], KernelOp] = getCustomOp,
        twins: dict[str, Twin] | None = None, must: bool = False,
    ):  # fmt: skip
        self.model, self.memory = model, memory
        self.prices = prices_of(board)
        twins = twins or {}
        self.tables = [
            table_of(op_of(node), model, memory, twins.get(node.name), must)
            for node in model.graph.node
        ]
        self.streams = list(self._streams())

    def _streams(self):
        """(producer or None, consumer, input's index, bits of a frame, of an element)s."""
        places = {table.name: i for i, table in enumerate(self.tables)}
        for consumer, table in enumerate(self.tables):
            node, op = table.op.onnx_node, table.op
            for index in op.stream_inputs():
                producer = self.model.find_producer(node.input[index])
                element = op.get_input_datatype(index).bitwidth()
                bits = int(np.prod(op.get_normal_input_shape(index))) * element
                place = None if producer is None else places[producer.name]
                yield place, consumer, index, bits, element

    def pin(self, values: Mapping[str, Mapping[str, int]]) -> int:
        """Leave nodes (by name) no other folding than with these attributes; their forms as
        constants, where they have them, stay. The head is as its layer.

        Returns:
            Cycles a frame that the slowest of them takes at least.
        """
        most = 1
        for place, table in enumerate(self.tables):
            if table.name in values and table.op.onnx_node.op_type != HEAD:
                self.tables[place] = table.pinned(values[table.name])
                most = max(most, int(self.tables[place].cycles.min()))
        return most

    # -- the cheapest plan for a rate

    def plan(self, target: int, prices: Prices | None = None) -> Plan:
        """The cheapest plan of at most `target` cycles a frame.

        Raises:
            BadInput: an op cannot be that fast; names it and the nearest possible target.
        """
        prices = prices or self.prices
        for table in self.tables:
            fastest = int(table.cycles.min())
            if fastest > target:
                raise BadInput(
                    f"{target} cycles a frame is not possible, fully unfolded it takes {fastest}",
                    node=table.name,
                    remedy=f"use target_cycles={self.fastest()} or more",
                )
        while True:
            rows = self._cheapest(target, prices)
            if not any([t.count(r) for t, r in zip(self.tables, rows, strict=True)]):
                return self.priced(rows, prices)

    def _cheapest(self, target: int, prices: Prices) -> list[int]:
        """Each table's choice in the cheapest plan, by the costs that are known."""
        rows = [np.flatnonzero(t.cycles <= target) for t in self.tables]
        own = [t.worth(prices).min(axis=1)[r] for t, r in zip(self.tables, rows, strict=True)]
        joint: dict[tuple[int, int], np.ndarray] = {}
        for producer, consumer, index, bits, element in self.streams:
            reader = self.tables[consumer]
            ins = reader.ins[rows[consumer], index]
            if producer is None:
                own[consumer] = own[consumer] + np.array(
                    [source_cost(bits, int(w), element)[0] for w in ins]
                )
                continue
            fifos = np.array([self._fifo(consumer, int(r), index) for r in rows[consumer]])
            own[consumer] = own[consumer] + fifos @ (1, 0, *prices)  # of KINDS, registers free
            outs = self.tables[producer].outs[rows[producer]]
            costs = joint_cost(outs, ins, bits, reader.convertible(bits, element))
            key = (producer, consumer)
            joint[key] = joint[key] + costs if key in joint else costs
        found = cheapest(own, joint)
        return [int(r[c]) for r, c in zip(rows, found, strict=True)]

    def priced(self, rows: list[int], prices: Prices | None = None) -> Plan:
        """A plan of given choices, its memories where they are cheapest."""
        prices = prices or self.prices
        return self._with(
            rows, [int(t.variant(prices)[r]) for t, r in zip(self.tables, rows, strict=True)]
        )

    def _fifo(self, consumer: int, row: int, index: int) -> np.ndarray:
        """What the FIFO in front of an input takes beyond a register, of each of KINDS."""
        table = self.tables[consumer]
        return np.array(fifo_cost(int(table.ins[row, index]), table.held(row)))

    def _with(self, rows: list[int], columns: list[int]) -> Plan:
        total = np.zeros(len(KINDS))
        for table, row, column in zip(self.tables, rows, columns, strict=True):
            total += [getattr(table, kind)[row, column] for kind in KINDS]
        for producer, consumer, index, bits, element in self.streams:
            width = int(self.tables[consumer].ins[rows[consumer], index])
            total[:2] += (
                source_cost(bits, width, element)
                if producer is None
                else stream_cost(int(self.tables[producer].outs[rows[producer]]), width, bits)
            )
            if producer is not None:
                total += self._fifo(consumer, rows[consumer], index)
        cycles = max(int(t.cycles[r]) for t, r in zip(self.tables, rows, strict=True))
        lut, ff, bram, dsp, uram = map(float, total)
        return Plan(rows, columns, lut, ff, bram, dsp, uram, cycles)

    def built(self, plan: Plan) -> dict[str, float]:
        """What a plan will cost as `compile` counts it in the end, by resource: without what is the
        shell's."""
        total = np.array([getattr(plan, kind) for kind in KINDS])
        for producer, consumer, index, bits, element in self.streams:
            if producer is None:
                width = int(self.tables[consumer].ins[plan.rows[consumer], index])
                total[:2] -= dma_cost(bits, width, element)
        found = dict(zip(KINDS, map(float, total), strict=True))
        if self.memory != "ultra":
            del found["uram"]
        return {kind: v if kind == "bram" else int(v) for kind, v in found.items()}

    def present(self) -> Plan:
        """The plan of the folding that the graph has."""
        rows = []
        for table in self.tables:
            now = {k: int(table.op.get_nodeattr(k)) for k in table.choices[0]}
            rows.append(table.choices.index(now))
        return self.priced(rows)

    def apply(self, plan: Plan) -> None:
        """Set every op's attributes; those that the plan makes constants become hard-wired ops."""
        names = set()
        for table, row, column in zip(self.tables, plan.rows, plan.columns, strict=True):
            table.put(row, column)
            if table.choices[row].get("hardwired"):
                names.add(table.name)
        if names:
            hardwire(self.model, names)

    # -- within a budget

    def fastest(self) -> int:
        """Cycles a frame with everything unfolded."""
        return max(int(t.cycles.min()) for t in self.tables)

    def fit(self, target: int, budget: Budget) -> Plan | None:
        """The cheapest plan within a budget that is found; None if there is none.

        Where the plan at the present prices does not fit, plans at others are tried, each with its
        memories chosen anew: the fewest LUTs with the block RAMs that there are. So are those
        without what the search may make constants: more choices are never worse.
        """
        plan = self.plan(target)
        if not plan.excess(budget):
            return plan
        found = []
        plain = self._without_constants()
        if plain is not None and plain.fastest() <= target:
            folded = plain.fit(target, budget)
            found += [folded] if folded is not None else []
        for prices in self._other_prices():
            rows = self.plan(target, prices).rows
            columns = self._packed(rows, budget, prices)
            if columns is not None:
                plan = self._with(rows, self._relieved(rows, columns, budget.dsp))
                if not plan.excess(budget):
                    found.append(plan)
        return min(found, key=lambda plan: (self.worth(plan), plan.rows), default=None)

    def _without_constants(self) -> FoldingSearch | None:
        """The search without hard-wired forms, where they are a choice; its plans are this one's,
        too, since they stand last in the tables."""
        free = [len(t.choices) > 1 and bool(t.choices[-1].get("hardwired")) for t in self.tables]
        if not any(free):
            return None
        other = copy(self)
        other.tables = [
            table.some(range(len(table.choices) - 1)) if choice else table
            for table, choice in zip(self.tables, free, strict=True)
        ]
        return other

    def _other_prices(self) -> list[Prices]:
        """PRICES of memory blocks; where an op may multiply in DSP blocks, also one that takes
        none."""
        dsp = [1.0, 1e6] if any((table.dsp > 0).any() for table in self.tables) else [1.0]
        own = self.prices
        return [Prices(b * own.bram, d * own.dsp, b * own.uram) for d in dsp for b in PRICES]

    def _relieved(self, rows: list[int], columns: list[int], blocks: float) -> list[int]:
        """The variants with products moved from DSP blocks to LUTs, where that costs least for each
        block, until no more than `blocks` are taken; in the same memories."""
        columns = list(columns)
        while sum(t.dsp[r, c] for t, r, c in zip(self.tables, rows, columns, strict=True)) > blocks:
            moves = [
                ((t.lut[r, new] - t.lut[r, c]) / (t.dsp[r, c] - t.dsp[r, new]), i, new)
                for i, (t, r, c) in enumerate(zip(self.tables, rows, columns, strict=True))
                for new in range(len(t.variants))
                if t.dsp[r, new] < t.dsp[r, c] and t.bram[r, new] <= t.bram[r, c]
            ]
            if not moves:
                break
            _, place, new = min(moves)
            columns[place] = new
        return columns

    def worth(self, plan: Plan) -> float:
        """LUTs of a plan, blocks at their prices."""
        own = self.prices
        return plan.lut + own.bram * plan.bram + own.dsp * plan.dsp + own.uram * plan.uram

    def _packed(self, rows: list[int], budget: Budget, prices: Prices) -> list[int] | None:
        """The variants of fewest LUTs in the block RAMs (in halves) and UltraRAM blocks of a
        budget; None if none fits. Exact."""
        room = (int(2 * budget.bram), int(budget.uram) if self.memory == "ultra" else 0)
        best, steps = np.zeros([n + 1 for n in room]), []  # fewest LUTs by blocks that are free
        for table, row in zip(self.tables, rows, strict=True):
            options = []
            logics = table.lut[row] + prices.dsp * table.dsp[row]
            for logic, taken in zip(logics, _blocks(table, row), strict=True):
                option = np.full(best.shape, np.inf)
                if taken is not None and all(t <= n for t, n in zip(taken, room, strict=True)):
                    halves, ultra = taken
                    free = best[: room[0] + 1 - halves, : room[1] + 1 - ultra]
                    option[halves:, ultra:] = free + logic
                options.append(option)
            steps.append(np.argmin(options, axis=0))
            best = np.min(options, axis=0)
        if not np.isfinite(best[room]):
            return None
        columns: list[int] = []
        for table, row, choice in zip(self.tables[::-1], rows[::-1], steps[::-1], strict=True):
            columns.append(int(choice[room]))
            taken = _blocks(table, row)[columns[-1]] or (0, 0)
            room = (room[0] - taken[0], room[1] - taken[1])
        return columns[::-1]

    def best(self, budget: Budget) -> Plan | None:
        """The plan of fewest cycles a frame in a budget; None if not even the slowest fits."""
        fastest = self.fastest()
        rates = sorted({int(c) for t in self.tables for c in t.cycles if c >= fastest})
        low, high, found = 0, len(rates), None
        while low < high:
            middle = (low + high) // 2
            plan = self.fit(rates[middle], budget)
            if plan is None:
                low = middle + 1
            else:
                high, found = middle, plan
        return found

    def of_board(self, board: str) -> FoldingSearch:
        """The same search with the prices of another board."""
        other = copy(self)
        other.prices = prices_of(board)
        return other

    def slowest(self) -> Plan:
        """The cheapest plan of all."""
        return self.plan(max(int(t.cycles.max()) for t in self.tables))


def _blocks(table: Table, row: int) -> list[tuple[int, int] | None]:
    """Halves of block RAMs and blocks of UltraRAM of each variant; None of one that cannot be."""
    return [
        (int(2 * bram), int(ultra)) if np.isfinite(bram) else None
        for bram, ultra in zip(table.bram[row], table.uram[row], strict=True)
    ]
