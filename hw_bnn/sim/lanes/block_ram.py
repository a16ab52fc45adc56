"""RAMB18E1 and RAMB36E1, by the behaviour of cells/bnn_block_ram.v.

A port of width 1, 2, 4 reads and writes bits, one of 9, 18, 36, 72 bytes with a ninth bit each. All
ports see the same bits in words of their own width, so a memory is as many columns as its narrowest
port has bits; wider ports have several rows a word.
"""

from __future__ import annotations

from dataclasses import dataclass

from .logic import ZERO
from .netlist import Builder, Cell, Column, Net, Place, Port

_FIXED = {
    "DOA_REG": "an output register", "DOB_REG": "an output register",
    "IS_CLKARDCLK_INVERTED": "an inverted clock", "IS_CLKBWRCLK_INVERTED": "an inverted clock",
}  # fmt: skip
_NAMED = {"INIT_FILE": "NONE", "RAM_EXTENSION_A": "NONE", "RAM_EXTENSION_B": "NONE",
          "EN_ECC_READ": "FALSE", "EN_ECC_WRITE": "FALSE"}  # fmt: skip


@dataclass
class _Side:
    """One port of the cell: nets by role, lowest bit first."""

    read: int  # widths, 0: none
    write: int
    mode: str
    address: list[Net]
    enable: Net
    reset: Net
    flips: tuple[int, int]  # of enable and reset
    writes: list[Net]  # a byte each
    data: list[Net]
    parity: list[Net]
    shown: list[Net]
    shown_parity: list[Net]
    start: tuple[list[int], list[int]]  # of the output, data and parity
    reset_value: tuple[list[int], list[int]]


def block_ram(b: Builder, cell: Cell) -> None:
    """Declare the cell's memory and ports."""
    for name, what in _FIXED.items():
        if cell.number(name):
            raise cell.refuse(f"it has {what} ({name})")
    for name, value in _NAMED.items():
        if cell.text(name, value) != value:
            raise cell.refuse(f"{name} is {cell.text(name, value)}")
    sides = _sides(b, cell)
    rows = 64 if cell.kind == "RAMB18E1" else 128
    data = [bit for i in range(rows) for bit in cell.bits(f"INIT_{i:02X}", 256)]
    parity = [bit for i in range(rows // 8) for bit in cell.bits(f"INITP_{i:02X}", 256)]
    for bits, part in ((data, 0), (parity, 1)):
        widths = [_split(w)[part] for s in sides for w in (s.read, s.write) if _split(w)[part]]
        if widths:
            columns = b.columns(bits, min(widths))
            for side in sides:
                _connect(b, cell, side, columns, part)
        else:
            _zero(b, [net for s in sides for net in (s.shown, s.shown_parity)[part]])


def _split(width: int) -> tuple[int, int]:
    """Data and parity bits of a port's width."""
    return (width, 0) if width < 9 else (width // 9 * 8, width // 9)


def _sides(b: Builder, cell: Cell) -> list[_Side]:
    half, parity = (16, 2) if cell.kind == "RAMB18E1" else (32, 4)
    widths = {
        name: cell.number(name)
        for name in ("READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B")
    }
    alone = cell.text("RAM_MODE", "TDP") == "SDP"
    wide = 2 * (half + parity)
    in_a, in_b = cell.pins("DIADI", half), cell.pins("DIBDI", half)
    inp_a, inp_b = cell.pins("DIPADIP", parity), cell.pins("DIPBDIP", parity)
    out_a, out_b = cell.pins("DOADO"), cell.pins("DOBDO")
    outp_a, outp_b = cell.pins("DOPADOP"), cell.pins("DOPBDOP")
    wide_read = alone and widths["READ_WIDTH_A"] == wide
    wide_write = alone and widths["WRITE_WIDTH_B"] == wide

    def value(kind: str, letters: str) -> tuple[list[int], list[int]]:
        both = [cell.bits(f"{kind}_{letter}", half + parity) for letter in letters]
        return sum((x[:half] for x in both), []), sum((x[half:] for x in both), [])

    def side(letter: str, port: str, read: int, write: int, **nets: list[Net]) -> _Side:
        outputs = "AB" if letter == "A" and wide_read else letter
        if read or write:
            b.clocked(cell, cell.pin(f"CLK{port}CLK"))
        enable, reset = f"EN{port}EN", "RSTRAMARSTRAM" if letter == "A" else "RSTRAMB"
        enable = enable if letter == "A" else "ENBWREN"
        return _Side(
            read, write, cell.text(f"WRITE_MODE_{letter}", "WRITE_FIRST"),
            cell.pins(f"ADDR{port}ADDR", 16)[: 14 if half == 16 else 15],
            cell.pin(enable), cell.pin(reset),
            (cell.number(f"IS_{enable}_INVERTED"), cell.number(f"IS_{reset}_INVERTED")),
            cell.pins("WEA", 4) if letter == "A" else cell.pins("WEBWE", 8),
            start=value("INIT", outputs), reset_value=value("SRVAL", outputs), **nets,
        )  # fmt: skip

    if not wide_read:
        _zero(b, [*out_b, *outp_b] if alone else [])
    return [
        side("A", "ARD", widths["READ_WIDTH_A"], 0 if alone else widths["WRITE_WIDTH_A"],
             data=in_a, parity=inp_a, shown=out_a + (out_b if wide_read else []),
             shown_parity=outp_a + (outp_b if wide_read else [])),
        side("B", "BWR", 0 if alone else widths["READ_WIDTH_B"], widths["WRITE_WIDTH_B"],
             data=[*in_a, *in_b] if wide_write else in_b,
             parity=[*inp_a, *inp_b] if wide_write else inp_b,
             shown=[] if alone else out_b, shown_parity=[] if alone else outp_b),
    ]  # fmt: skip


def _zero(b: Builder, nets: list[Net]) -> None:
    for net in nets:
        b.lut(0, (), net)


def _connect(b: Builder, cell: Cell, side: _Side, columns: list[Column], part: int) -> None:
    """The data (part 0) or parity (part 1) bits of one side."""
    shown = (side.shown, side.shown_parity)[part]
    given = (side.data, side.parity)[part]
    read, write = _split(side.read)[part], _split(side.write)[part]
    if side.mode == "WRITE_FIRST" and read and write and side.read != side.write:
        raise cell.refuse("a port that reads and writes in different widths")
    _zero(b, shown[read:])
    sources = [b.source(net) for net in shown[:read]]
    per_byte = 1 if part else 8

    def resolve() -> None:
        logic = b.logic
        enable, reset = b.node(side.enable), b.node(side.reset)
        enable = logic.invert(enable) if side.flips[0] else enable
        reset = logic.invert(reset) if side.flips[1] else reset
        writes = [
            logic.conjunction(enable, b.node(net))
            for net in side.writes[: 1 if side.write < 9 else side.write // 9]
        ]
        if not side.write:
            writes = []
        if read:
            through = side.mode == "WRITE_FIRST" and bool(write)
            places = [
                _place(
                    columns, j, source,
                    b.node(given[j]) if through else ZERO,
                    writes[j // per_byte] if through else ZERO,
                    side.reset_value[part][j] & 1, side.start[part][j],
                )
                for j, source in enumerate(sources)
            ]  # fmt: skip
            moves = enable
            if side.mode == "NO_CHANGE" and write:
                moves = logic.conjunction(enable, logic.invert(logic.either(*writes)))
            b.circuit.ports.append(
                Port("synchronous", _address(b, side, read, part), read // len(columns), places,
                     moves, logic.conjunction(reset, enable))
            )  # fmt: skip
        for k, node in enumerate(writes if write else []):
            bits = range(k * per_byte, min(write, (k + 1) * per_byte))
            places = [_place(columns, j, b.node(given[j])) for j in bits]
            b.circuit.ports.append(
                Port("write", _address(b, side, write, part), write // len(columns), places, node)
            )

    b.later(resolve)


def _address(b: Builder, side: _Side, width: int, part: int) -> tuple[int, ...]:
    """Nodes of the row's number, in words of this many bits."""
    bits = width * 8 if part else width
    return b.at(side.address[bits.bit_length() - 1 :])


def _place(columns: list[Column], j: int, node: int, *more: int) -> Place:
    return Place(columns[j % len(columns)], j // len(columns), node, *more)
