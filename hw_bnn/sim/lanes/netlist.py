"""A netlist's cells as logic, flops and memories of bits.

Cells are declared in any order: what they compute is resolved once all are known, so that logic
is made from its inputs on. Nothing here knows lanes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import Unsupported
from .logic import ONE, ZERO, Logic

Net = int | str  # a net's number in Yosys' JSON, or the constant "0", "1", "x", "z"
Make = Callable[[tuple[int, ...]], Sequence[int]]
RANDOM = 2  # a start value: either


def refused(what: str) -> Unsupported:
    """The engine lanes does not run this netlist."""
    return Unsupported(
        f"the engine lanes: {what}",
        remedy="use the netlist engine, which simulates any netlist frame by frame",
    )


@dataclass
class Flop:
    """q takes reset_value where reset holds, else d where enable holds. Nodes of the logic."""

    q: int
    d: int
    enable: int
    reset: int
    reset_value: int
    start: int


@dataclass
class Column:
    """A memory of one bit a row; `start` of each: 0, 1 or RANDOM. Ports address whole banks."""

    start: list[int]
    bank: int


@dataclass
class Place:
    """What a port reads or writes at row * stride + offset of a column.

    node: source that it reads into, or node that it writes. through: node that is read in its place
    where through_enable holds. reset_value, start: of a registered output.
    """

    column: Column
    offset: int
    node: int
    through: int = ZERO
    through_enable: int = ZERO
    reset_value: int = 0
    start: int = RANDOM


@dataclass
class Port:
    """One address of memories.

    kind: "read" (at once), "synchronous" (a register behind it, which `enable` and `reset` move) or
    "write" (where `enable` holds). shift: number of the shift register whose rows these are, row 0
    the newest.
    """

    kind: str
    address: tuple[int, ...]
    stride: int
    places: list[Place]
    enable: int = ONE
    reset: int = ZERO
    shift: int | None = None


@dataclass
class Circuit:
    """A netlist resolved: nodes of `logic` by the nets they are."""

    logic: Logic
    nodes: dict[Net, int]
    flops: list[Flop] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    shifts: list[int] = field(default_factory=list)  # rows of each shift register


@dataclass
class _Element:
    inputs: tuple[Net, ...]
    outputs: tuple[Net, ...]
    make: Make


class Cell:
    """An instance of a library cell: pins by name, parameters by name."""

    def __init__(self, name: str, content: Mapping[str, Any]):
        self.name, self.kind = name, content["type"]
        self._pins, self._parameters = content["connections"], content["parameters"]

    def pins(self, name: str, width: int | None = None) -> list[Net]:
        """The nets of a pin, lowest first; "0" where nothing is connected."""
        nets = list(self._pins.get(name, []))
        return nets + ["0"] * ((width or len(nets)) - len(nets))

    def pin(self, name: str) -> Net:
        return self.pins(name, 1)[0]

    def text(self, name: str, default: str) -> str:
        """A parameter that is a text."""
        return str(self._parameters.get(name, default)).strip()

    def bits(self, name: str, width: int, default: int = 0) -> list[int]:
        """The bits of a parameter, lowest first: 0, 1 or RANDOM."""
        text = self._parameters.get(name)
        if text is None:
            return [(default >> i) & 1 for i in range(width)]
        if not set(text) <= set("01xz"):
            raise refused(f"parameter {name} of cell {self.name} ({self.kind}) is {text!r}")
        found = [RANDOM if letter in "xz" else int(letter) for letter in reversed(text)][:width]
        return found + [0] * (width - len(found))

    def number(self, name: str, default: int = 0) -> int:
        """A parameter that is a number."""
        return sum((bit & 1) << i for i, bit in enumerate(self.bits(name, 64, default)))

    def refuse(self, what: str) -> Unsupported:
        return refused(f"cell {self.name} ({self.kind}): {what}")


class Builder:
    """Collects what cells declare, then resolves it."""

    def __init__(self) -> None:
        self.circuit = Circuit(Logic(), {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO})
        self._elements: list[_Element] = []
        self._later: list[Callable[[], None]] = []
        self._clocks: list[tuple[Net, Cell]] = []
        self._absent: dict[Net, Unsupported] = {}
        self._fresh = self._banks = 0

    @property
    def logic(self) -> Logic:
        return self.circuit.logic

    def fresh(self, count: int) -> list[Net]:
        """Nets that the netlist does not have."""
        self._fresh += count
        return [f"own {i}" for i in range(self._fresh - count, self._fresh)]

    def columns(self, start: Sequence[int], width: int) -> list[Column]:
        """A new bank: its columns, of start values in which each row's bits follow each other."""
        self._banks += 1
        return [Column(list(start[j::width]), self._banks) for j in range(width)]

    def source(self, net: Net) -> int:
        """A net whose value comes from a port or a register."""
        node = self.circuit.nodes.get(net)
        if node is None:
            node = self.circuit.nodes[net] = self.logic.source()
        return node

    def node(self, net: Net) -> int:
        """The node of a net; after everything before it is resolved."""
        return self.circuit.nodes[net]

    def at(self, nets: Iterable[Net]) -> tuple[int, ...]:
        return tuple(self.node(net) for net in nets)

    def element(self, inputs: Sequence[Net], outputs: Sequence[Net], make: Make) -> None:
        """Nets that logic makes of others: make(input nodes) gives the output nodes."""
        self._elements.append(_Element(tuple(inputs), tuple(outputs), make))

    def lut(self, table: int, inputs: Sequence[Net], output: Net) -> None:
        self.element(inputs, (output,), lambda nodes: (self.logic.lut(table, nodes),))

    def later(self, action: Callable[[], None]) -> None:
        """Run an action once every net has its node."""
        self._later.append(action)

    def absent(self, cell: Cell, name: str) -> None:
        """An output that is not modelled: whoever reads it is refused."""
        for net in cell.pins(name):
            self._absent[net] = cell.refuse(f"its output {name} is in use")

    def clocked(self, cell: Cell, clock: Net) -> None:
        """Ask that a cell's clock is the design's."""
        self._clocks.append((clock, cell))

    def flop(
        self, d: Net, q: Net, enable: Net, reset: Net, reset_value: int, start: int,
        flips: tuple[int, int] = (0, 0),
    ) -> None:  # fmt: skip
        """A flip-flop; `flips`: whether d and reset are inverted."""
        made = self.source(q)

        def resolve() -> None:
            data, clear = self.node(d), self.node(reset)
            data = self.logic.invert(data) if flips[0] else data
            clear = self.logic.invert(clear) if flips[1] else clear
            self.circuit.flops.append(
                Flop(made, data, self.node(enable), clear, reset_value, start)
            )

        self.later(resolve)

    def resolve(self, clock: Net, outputs: Iterable[Net]) -> Circuit:
        """Everything as nodes, the outputs' nets among them.

        Raises:
            Unsupported: a net has no driver, logic is in a loop, or a cell has a clock of its own.
        """
        waiting: dict[int, int] = {}
        readers: dict[Net, list[int]] = {}
        ready: deque[int] = deque()
        for i, element in enumerate(self._elements):
            missing = {net for net in element.inputs if net not in self.circuit.nodes}
            waiting[i] = len(missing)
            for net in missing:
                readers.setdefault(net, []).append(i)
            if not missing:
                ready.append(i)
        while ready:
            element = self._elements[ready.popleft()]
            made = element.make(self.at(element.inputs))
            for net, node in zip(element.outputs, made, strict=True):
                self.circuit.nodes[net] = node
                for reader in readers.pop(net, ()):
                    waiting[reader] -= 1
                    if not waiting[reader]:
                        ready.append(reader)
        if readers:
            loop = refused(f"{len(readers)} nets have no driver, or are in a loop of logic")
            raise next((self._absent[net] for net in readers if net in self._absent), loop)
        try:
            for action in self._later:
                action()
            for net, cell in self._clocks:
                if self.node(net) != self.node(clock):
                    raise cell.refuse("its clock is not the accelerator's")
            self.at(outputs)
        except KeyError as missing:
            net = missing.args[0]
            raise self._absent.get(net, refused(f"net {net} has no driver")) from None
        return self.circuit
