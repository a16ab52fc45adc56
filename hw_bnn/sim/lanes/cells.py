"""Cells of 7-series as Yosys maps to them, by the behaviour of Yosys' xilinx/cells_sim.v."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .block_ram import block_ram
from .dsp import dsp
from .netlist import Builder, Cell, Column, Net, Place, Port

Handler = Callable[[Builder, Cell], None]


def _constant(value: str) -> Handler:
    def handle(b: Builder, cell: Cell) -> None:
        for net in cell.pins("P" if value == "1" else "G"):
            b.lut(int(value), (), net)

    return handle


def _lut(size: int) -> Handler:
    def handle(b: Builder, cell: Cell) -> None:
        b.lut(cell.number("INIT"), [cell.pin(f"I{k}") for k in range(size)], cell.pin("O"))

    return handle


def _lut6_2(b: Builder, cell: Cell) -> None:
    inputs = [cell.pin(f"I{k}") for k in range(6)]
    table = cell.number("INIT")
    for net in cell.pins("O6"):
        b.lut(table, inputs, net)
    for net in cell.pins("O5"):
        b.lut(table & 0xFFFFFFFF, inputs[:5], net)


def _logic(table: int, inputs: Sequence[str]) -> Handler:
    def handle(b: Builder, cell: Cell) -> None:
        b.lut(table, [cell.pin(name) for name in inputs], cell.pin("O"))

    return handle


def _carry4(b: Builder, cell: Cell) -> None:
    """CO[i] = S[i] ? carry : DI[i], O[i] = S[i] xor carry; the carry of bit 0 is CI or CYINIT."""
    first = b.fresh(1)[0]
    b.lut(0b1110, [cell.pin("CI"), cell.pin("CYINIT")], first)
    carry: Net = first
    outs, sums = cell.pins("CO"), cell.pins("O")
    for i, (s, d) in enumerate(zip(cell.pins("S", 4), cell.pins("DI", 4), strict=True)):
        if i < len(sums):
            b.lut(0b0110, [s, carry], sums[i])
        out = outs[i] if i < len(outs) else b.fresh(1)[0]
        b.lut(0xCA, [d, carry, s], out)
        carry = out


def _flop(reset: str, value: int, asynchronous: bool) -> Handler:
    def handle(b: Builder, cell: Cell) -> None:
        if cell.number("IS_C_INVERTED"):
            raise cell.refuse("its clock is inverted")
        inverted = cell.number(f"IS_{reset}_INVERTED")
        if asynchronous and (cell.pin(reset) != "0" or inverted):
            raise cell.refuse(f"{reset}, which acts without the clock, is in use")
        b.clocked(cell, cell.pin("C"))
        enable: Net = cell.pins("CE")[0] if cell.pins("CE") else "1"
        b.flop(
            cell.pin("D"), cell.pin("Q"), enable, cell.pin(reset), value,
            cell.bits("INIT", 1, value)[0], (cell.number("IS_D_INVERTED"), inverted),
        )  # fmt: skip

    return handle


def _read(b: Builder, address: Sequence[Net], columns: Sequence[Column], nets: Sequence[Net],
          shift: int | None = None) -> None:  # fmt: skip
    """Nets that show the columns' bits at an address, without a clock."""

    def make(nodes: tuple[int, ...]) -> list[int]:
        made = [b.logic.source() for _ in nets]
        places = [Place(c, 0, node) for c, node in zip(columns, made, strict=True)]
        b.circuit.ports.append(Port("read", nodes, 1, places, shift=shift))
        return made

    b.element(address, nets, make)


def _write(b: Builder, address: Sequence[Net], columns: Sequence[Column], nets: Sequence[Net],
           enable: Net, shift: int | None = None) -> None:  # fmt: skip
    def resolve() -> None:
        places = [Place(c, 0, b.node(net)) for c, net in zip(columns, nets, strict=True)]
        port = Port("write", b.at(address), 1, places, enable=b.node(enable), shift=shift)
        b.circuit.ports.append(port)

    b.later(resolve)


def _wclk(b: Builder, cell: Cell, name: str = "WCLK") -> None:
    if cell.number(f"IS_{name}_INVERTED"):
        raise cell.refuse("its clock is inverted")
    b.clocked(cell, cell.pin(name))


def _lut_ram(letters: str, width: int, depth: int) -> Handler:
    """Read ports by letter, all written at the last letter's address: RAM32M, RAM64M, ..."""
    bits = depth.bit_length() - 1

    def handle(b: Builder, cell: Cell) -> None:
        _wclk(b, cell)
        at = cell.pins(f"ADDR{letters[-1]}", bits)
        for letter in letters:
            columns = b.columns(cell.bits(f"INIT_{letter}", width * depth), width)
            shown = cell.pins(f"DO{letter}")
            _read(b, cell.pins(f"ADDR{letter}", bits), columns[: len(shown)], shown)
            _write(b, at, columns, cell.pins(f"DI{letter}", width), cell.pin("WE"))

    return handle


def _dual_ram(depth: int, *, dual: bool = True) -> Handler:
    """One bit wide: SPO (or O) at the write address A, DPO at DPRA."""
    bits = depth.bit_length() - 1

    def pins(cell: Cell, name: str) -> list[Net]:
        return cell.pins(name, bits) if cell.pins(name) else [
            cell.pin(f"{name}{i}") for i in range(bits)
        ]  # fmt: skip

    def handle(b: Builder, cell: Cell) -> None:
        _wclk(b, cell)
        columns = b.columns(cell.bits("INIT", depth), 1)
        for name, address in (("SPO", "A"), ("DPO", "DPRA")) if dual else (("O", "A"),):
            if cell.pins(name):
                _read(b, pins(cell, address), columns, cell.pins(name))
        _write(b, pins(cell, "A"), columns, cell.pins("D", 1), cell.pin("WE"))

    return handle


def _shift(depth: int, last: str | None) -> Handler:
    """SRL16E and its kin: Q is what D was A + 1 enabled edges ago; `last` shows the oldest bit."""
    bits = depth.bit_length() - 1

    def handle(b: Builder, cell: Cell) -> None:
        _wclk(b, cell, "CLK")
        shift = len(b.circuit.shifts)
        b.circuit.shifts.append(depth)
        columns = b.columns(cell.bits("INIT", depth), 1)
        address = cell.pins("A", bits) if depth == 32 else [cell.pin(f"A{i}") for i in range(bits)]
        if cell.pins("Q"):
            _read(b, address, columns, cell.pins("Q"), shift)
        if last and cell.pins(last):
            _read(b, ["1"] * bits, columns, cell.pins(last), shift)
        enable: Net = cell.pins("CE")[0] if cell.pins("CE") else "1"
        _write(b, [], columns, cell.pins("D", 1), enable, shift)

    return handle


CELLS: dict[str, Handler] = {
    "VCC": _constant("1"), "GND": _constant("0"),
    "BUFG": _logic(0b10, ["I"]), "INV": _logic(0b01, ["I"]),
    **{f"LUT{k}": _lut(k) for k in range(1, 7)}, "LUT6_2": _lut6_2,
    **{name: _logic(0xCA, ["I0", "I1", "S"]) for name in ("MUXF7", "MUXF8", "MUXF9")},
    "CARRY4": _carry4,
    "FDRE": _flop("R", 0, False), "FDSE": _flop("S", 1, False),
    "FDCE": _flop("CLR", 0, True), "FDPE": _flop("PRE", 1, True),
    "RAM32M": _lut_ram("ABCD", 2, 32), "RAM64M": _lut_ram("ABCD", 1, 64),
    "RAM32M16": _lut_ram("ABCDEFGH", 2, 32), "RAM64M8": _lut_ram("ABCDEFGH", 1, 64),
    "RAM32X1D": _dual_ram(32), "RAM64X1D": _dual_ram(64), "RAM128X1D": _dual_ram(128),
    "RAM32X1S": _dual_ram(32, dual=False), "RAM64X1S": _dual_ram(64, dual=False),
    "SRL16E": _shift(16, None), "SRLC16E": _shift(16, "Q15"), "SRLC32E": _shift(32, "Q31"),
    "RAMB18E1": block_ram, "RAMB36E1": block_ram, "DSP48E1": dsp,
    "$scopeinfo": lambda b, cell: None,
}  # fmt: skip
