"""A pipelined circuit of proved blocks, written down as SystemVerilog.

Each bit knows when it is there: a pipeline stage and a time inside it. A block that would end later
than the period begins a stage later; its inputs pass the registers in between, shared by all who
ask for the same bit at the same stage. The delays are those of :mod:`hw_bnn.synth.depth`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .heap import COUNTER_LUTS

_NET, _LUT, _CARRY_IN, _HOP, _CARRY_OUT = 0.55, 0.124, 0.40, 0.10, 0.25
_START, _SETUP = 0.45, 0.10


@dataclass(frozen=True)
class Bit:
    """A net; `inverted` means its complement, which the block that takes it absorbs."""

    net: str
    stage: int = 0
    time_ns: float = _START
    inverted: bool = False
    value: int | None = None  # of a constant


class Circuit:
    """Blocks and registers of one module; see the methods."""

    def __init__(self, name: str, period_ns: float):
        self.name, self._period = name, period_ns
        self.luts = 0
        self.registers = 0
        self.latency = 0
        self._ports: list[str] = []
        self._body: list[str] = []
        self._delayed: dict[tuple[str, int], str] = {}
        self._chains: dict[str, list[str]] = {}
        self._inverters: dict[str, Bit] = {}
        self._number = 0

    # -- ports and constants

    def inputs(self, port: str, width: int, registered: bool = True) -> list[Bit]:
        """An input port; registered before use, unless its driver is a register."""
        self._ports.append(f"    input  logic [{width - 1}:0] {port}")
        time = self._period if registered else _START
        return [Bit(f"{port}[{i}]", 0, time) for i in range(width)]

    def output(self, port: str, bits: Sequence[Bit]) -> None:
        """An output port, registered, all bits of one stage."""
        self.latency = 1 + max((bit.stage for bit in bits if bit.value is None), default=0)
        self._ports.append(f"    output logic [{len(bits) - 1}:0] {port}")
        nets = [self._at(bit, self.latency) for bit in bits]
        self._body.append(f"  assign {port} = {{{', '.join(reversed(nets))}}};")

    @staticmethod
    def constant(value: int) -> Bit:
        return Bit(f"1'b{value}", 0, 0.0, value=value)

    @staticmethod
    def inverted(bit: Bit) -> Bit:
        """The complement, to be absorbed."""
        if bit.value is not None:
            return Circuit.constant(1 - bit.value)
        return Bit(bit.net, bit.stage, bit.time_ns, not bit.inverted)

    @staticmethod
    def arrival(bit: Bit) -> tuple[int, float]:
        return bit.stage, bit.time_ns

    # -- blocks

    def invert(self, bit: Bit) -> Bit:
        """The complement as a net of its own: one LUT, shared."""
        if bit.net not in self._inverters:
            self.luts += 1
            stage, time = self._start([bit], _LUT + _NET)
            net = self._new()
            self._body.append(f"  assign {net} = ~{self._at(bit, stage)};")
            self._inverters[bit.net] = Bit(net, stage, time + _LUT + _NET)
        return self._inverters[bit.net]

    def counter(self, bits: Sequence[Bit]) -> list[Bit]:
        """The count of 2 to 7 bits; the sixth and seventh not inverted."""
        n = len(bits)
        delay = _NET + _LUT + (_CARRY_IN + _CARRY_OUT if n > 5 else 0.0)
        stage, time = self._start(bits, delay)
        self.luts += COUNTER_LUTS[n]
        width = n.bit_length()
        net = self._new(width)
        mask = sum(bit.inverted << i for i, bit in enumerate(bits))
        nets = ", ".join(reversed([self._plain(bit, stage) for bit in bits]))
        option = f", .INVERT({n}'h{mask:x})" if mask else ""
        self._body.append(
            f"  bnn_popcount_counter #(.N({n}){option}) {net}_count "
            f"(.bits({{{nets}}}), .count({net}));"
        )
        return [Bit(f"{net}[{i}]", stage, time + delay) for i in range(width)]

    def compare(self, columns: Sequence[Sequence[Bit]], offset: int, positions: int) -> Bit:
        """Is the columns' sum plus `offset` at least 4^positions? (hardwired_compare)"""
        bits = [bit for column in columns for bit in column]
        delay = _NET + _LUT + _CARRY_IN + positions * _HOP + _CARRY_OUT
        stage, time = self._start(bits, delay)
        self.luts += positions
        nets, twos, flips = [], 0, 0
        for p in range(positions):
            pins = [(bit, False) for bit in columns[2 * p]] + [
                (bit, True) for bit in columns[2 * p + 1]
            ]
            for j, (bit, double) in enumerate(pins):
                nets.append(self._plain(bit, stage))
                twos |= double << (5 * p + j)
                flips |= bit.inverted << (5 * p + j)
            nets += ["1'b0"] * (5 - len(pins))
        net = self._new()
        option = f", .INVERT({5 * positions}'h{flips:x})" if flips else ""
        self._body.append(
            f"  bnn_hardwired_compare #(.POSITIONS({positions}), .TWOS({5 * positions}'h{twos:x}),"
            f" .OFFSET({2 * positions}'h{offset:x}){option}) {net}_compare ("
            f".bits({{{', '.join(reversed(nets))}}}), .one(1'b0), .y({net}));"
        )
        return Bit(net, stage, time + delay)

    def add(self, columns: Sequence[Sequence[Bit]], constant: int, width: int) -> list[Bit]:
        """Columns of at most two bits, and a constant, added modulo 2^width."""
        bits = [bit for column in columns for bit in column]
        delay = _NET + _LUT + _CARRY_IN + width / 4 * _HOP + _CARRY_OUT
        stage, time = self._start(bits, delay)
        rows = []
        for r in range(2):
            row = [self._plain(c[r], stage, absorb=True) if len(c) > r else "1'b0" for c in columns]
            rows.append("{" + ", ".join(reversed(row)) + "}")
        first = next((i for i, c in enumerate(columns) if len(c) == 2), width)
        self.luts += width - (0 if constant else first)
        net = self._new(width)
        value = f" + {width}'h{constant % (1 << width):x}" if constant else ""
        self._body.append(f"  assign {net} = {rows[0]} + {rows[1]}{value};")
        return [Bit(f"{net}[{i}]", stage, time + delay) for i in range(width)]

    def later(self, bit: Bit, stage: int) -> Bit:
        """The bit after registers, at the start of `stage` (itself if it comes no earlier)."""
        if bit.value is not None or stage <= bit.stage:
            return bit
        return Bit(self._delay(bit, stage), stage, _START, bit.inverted)

    # -- time

    def _start(self, bits: Sequence[Bit], delay: float) -> tuple[int, float]:
        """Stage and time at which a block of `delay` may begin."""
        stage = max((bit.stage for bit in bits if bit.value is None), default=0)
        time = max(
            (bit.time_ns for bit in bits if bit.value is None and bit.stage == stage),
            default=_START,
        )
        if time + delay + _SETUP > self._period and time > _START:
            return stage + 1, _START
        return stage, time

    def _plain(self, bit: Bit, stage: int, absorb: bool = False) -> str:
        """The net itself at `stage`, inversion left to the block unless
        `absorb` (an expression)."""
        net = self._delay(bit, stage)
        return f"~{net}" if absorb and bit.inverted else net

    def _at(self, bit: Bit, stage: int) -> str:
        """An expression of the bit at `stage`."""
        return self._plain(bit, stage, absorb=True)

    def _delay(self, bit: Bit, stage: int) -> str:
        if bit.value is not None or stage == bit.stage:
            return bit.net
        key = (bit.net, stage - bit.stage)
        if key not in self._delayed:
            before = self._delay(bit, stage - 1)
            net = self._new(suffix="_q")
            self._body.append(f"  always_ff @(posedge ap_clk) if (ce) {net} <= {before};")
            self.registers += 1
            self._delayed[key] = net
        return self._delayed[key]

    # -- text

    def _new(self, width: int = 1, suffix: str = "") -> str:
        self._number += 1
        net = f"n{self._number}{suffix}"
        self._body.append(f"  logic {f'[{width - 1}:0] ' if width > 1 else ''}{net};")
        return net

    def netlist(self) -> str:
        """The module's body."""
        return "\n".join(self._body)

    def text(self, header: str, behaviour: Sequence[str]) -> str:
        """The module: the same by its definition where HW_BNN_SIM is defined, else the netlist."""
        ports = ["    input  logic ap_clk", "    input  logic ce", *self._ports]
        return "\n".join(
            [
                header.rstrip("\n"),
                f"module {self.name} (",
                ",\n".join(ports),
                ");",
                "",
                "`ifdef HW_BNN_SIM",
                "",
                *behaviour,
                "",
                "`else",
                "",
                self.netlist(),
                "",
                "`endif",
                "",
                f"endmodule : {self.name}",
                "",
            ]
        )
