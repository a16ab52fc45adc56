"""DSP48E1 bit by bit: registers, a signed 25 x 18 multiplier and P = Z +- (X + Y + carry).

What is modelled: constant INMODE 0, CARRYINSEL 0, ALUMODE 0 or 3, X and Y by constants; Z (0, C or
P) by constants or nets. Cascades, the pre-adder, SIMD and pattern detection are refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from .logic import ONE, ZERO, Logic
from .netlist import Builder, Cell, Net

_TEXTS = {"A_INPUT": "DIRECT", "B_INPUT": "DIRECT", "USE_DPORT": "FALSE", "USE_SIMD": "ONE48"}
_OUTPUTS = ("PCOUT", "ACOUT", "BCOUT", "CARRYOUT", "CARRYCASCOUT", "MULTSIGNOUT", "PATTERNDETECT",
            "PATTERNBDETECT", "OVERFLOW", "UNDERFLOW")  # fmt: skip
_MUST_BE_ZERO = ("INMODE", "CARRYINSEL")
_CONTROL = ("ALUMODE", "OPMODE", "CARRYIN")  # refused where they have a register and are in use


def dsp(b: Builder, cell: Cell) -> None:
    """Declare the cell's registers and arithmetic."""
    _check(cell)
    for name in _OUTPUTS:
        b.absent(cell, name)
    a = _registers(b, cell, "A", cell.pins("A", 30), cell.number("AREG", 1))
    d = _registers(b, cell, "B", cell.pins("B", 18), cell.number("BREG", 1))
    c = _register(b, cell, cell.pins("C", 48), "CEC", "RSTC", cell.number("CREG", 1))
    m = b.fresh(43)
    b.element([*a[:25], *d], m, lambda nodes: _product(b.logic, nodes[:25], nodes[25:]))
    m = _register(b, cell, m, "CEM", "RSTM", cell.number("MREG", 1))
    shown = cell.pins("P")
    p = shown + b.fresh(48 - len(shown))
    registered = cell.number("PREG", 1)
    results = b.fresh(48) if registered else p
    opmode = cell.pins("OPMODE", 7)
    held: list[Net] = p if registered else ["0"] * 48
    if not registered and (opmode[5] != "0" or opmode[:2] == ["0", "1"]) and opmode[4] != "1":
        raise cell.refuse("the sum is fed back without a register")
    inputs = [*m, *a, *d, *c, *held, *opmode[4:6], cell.pin("CARRYIN")]
    minus = cell.pins("ALUMODE", 4)[0] == "1"

    def add(nodes: tuple[int, ...]) -> list[int]:
        parts, at = [], 0
        for size in (43, 30, 18, 48, 48, 2, 1):
            parts.append(list(nodes[at : at + size]))
            at += size
        return _sum(b.logic, parts, opmode, minus)

    b.element(inputs, results, add)
    if registered:
        _flops(b, cell, results, p, "CEP", "RSTP")


def _check(cell: Cell) -> None:
    for name, value in _TEXTS.items():
        if cell.text(name, value) != value:
            raise cell.refuse(f"{name} is {cell.text(name, value)}")
    for name in _MUST_BE_ZERO:
        if set(cell.pins(name)) - {"0"}:
            raise cell.refuse(f"{name} is not 0")
    for name in _CONTROL:
        if cell.number(f"{name}REG", 1) and set(cell.pins(name)) - {"0"}:
            raise cell.refuse(f"{name} has a register")
    inverted = [f"IS_{pin}_INVERTED" for pin in ("CLK", "ALUMODE", "CARRYIN", "INMODE", "OPMODE")]
    for name in inverted:
        if cell.number(name):
            raise cell.refuse(f"{name} is set")
    opmode, alumode = cell.pins("OPMODE", 7), cell.pins("ALUMODE", 4)
    x, y = opmode[:2], opmode[2:4]
    product = x == ["1", "0"]
    known = product == (y == ["1", "0"]) and set(x + y) <= {"0", "1"} and opmode[6] == "0"
    # Z = 1 is the cascade's input
    cascade = opmode[4] != "0" and opmode[5] != "1" and set(cell.pins("PCIN")) - {"0", "x"}
    if not known or cascade:
        raise cell.refuse(f"OPMODE {''.join(map(str, reversed(opmode)))} is not modelled")
    if alumode not in (["0"] * 4, ["1", "1", "0", "0"]):
        raise cell.refuse(f"ALUMODE {''.join(map(str, reversed(alumode)))} is not modelled")


def _registers(b: Builder, cell: Cell, letter: str, nets: list[Net], count: int) -> list[Net]:
    """None, one (enabled by CE<letter>2) or two registers."""
    if count == 2:
        nets = _register(b, cell, nets, f"CE{letter}1", f"RST{letter}", 1)
    return _register(b, cell, nets, f"CE{letter}2", f"RST{letter}", min(count, 1))


def _register(
    b: Builder, cell: Cell, nets: list[Net], ce: str, reset: str, count: int
) -> list[Net]:
    if not count:
        return nets
    made = b.fresh(len(nets))
    _flops(b, cell, nets, made, ce, reset)
    return made


def _flops(b: Builder, cell: Cell, d: Sequence[Net], q: Sequence[Net], ce: str, rst: str) -> None:
    b.clocked(cell, cell.pin("CLK"))
    for one, other in zip(d, q, strict=True):
        b.flop(one, other, cell.pin(ce), cell.pin(rst), 0, 0)


def _narrow(bits: Sequence[int]) -> list[int]:
    """A two's complement number without repeated sign bits."""
    kept = list(bits)
    while len(kept) > 1 and kept[-1] == kept[-2]:
        kept.pop()
    return kept


def _extended(bits: Sequence[int], width: int) -> list[int]:
    return [*bits[:width], *[bits[-1]] * (width - len(bits))]


def _added(logic: Logic, a: Sequence[int], b: Sequence[int], carry: int) -> list[int]:
    """a + b + carry in the width of a."""
    result = []
    for x, y in zip(a, b, strict=True):
        result.append(logic.lut(0x96, (x, y, carry)))
        carry = logic.lut(0xE8, (x, y, carry))
    return result


def _product(logic: Logic, a: Sequence[int], b: Sequence[int]) -> list[int]:
    """a * b of signed numbers, 43 bits: a row of ANDs for every bit of b, the sign's taken away."""
    a, b = _narrow(a), _narrow(b)
    if len(b) > len(a):
        a, b = b, a
    total: list[int] = [ZERO]
    for j, bit in enumerate(b):
        row = [logic.lut(0b1000, (x, bit)) for x in a]
        width = max(len(total), j + len(row)) + 1
        high = _extended(total, width)[j:]
        other = _extended(row, width - j)
        if j == len(b) - 1:
            high = _added(logic, high, [logic.invert(x) for x in other], ONE)
        else:
            high = _added(logic, high, other, ZERO)
        total = _narrow([*_extended(total, width)[:j], *high])
    return _extended(total, 43)


def _sum(logic: Logic, parts: list[list[int]], opmode: list[Net], minus: bool) -> list[int]:
    """P's next value; parts: M, A, B, C, P, two bits that choose Z, the carry."""
    m, a, b, c, p, (z0, z1), (carry,) = parts
    nothing = [ZERO] * 48
    first, second = ("".join(map(str, part)) for part in (opmode[:2], opmode[2:4]))
    x = {"00": nothing, "01": p, "10": _extended(m, 48), "11": [*b, *a]}[first]
    y = {"00": nothing, "10": nothing, "01": [ONE] * 48, "11": c}[second]
    # Z: 00 nothing, 01 the cascade (0), 10 P, 11 C
    chosen = [logic.choose(z0, one, other) for one, other in zip(c, p, strict=True)]
    z = [logic.conjunction(z1, bit) for bit in chosen]
    both = _added(logic, x, y, carry)
    if not minus:
        return _added(logic, z, both, ZERO)
    # Z - (X + Y + carry) as ~(~Z + (X + Y + carry))
    inverse = _added(logic, [logic.invert(bit) for bit in z], both, ZERO)
    return [logic.invert(bit) for bit in inverse]
