"""The shell's registers: `boards/shell/regs.yaml` and what is generated from it.

    registers = load()
    registers["CTRL"].offset, registers["CTRL"].fields["IDLE"].mask

`python -m hw_bnn.boards.registers` writes the generated parts of the repository anew: the RTL's
package bnn_shell_regs.sv, the driver's constants and the table in docs/boards.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from . import BOARD_FILES

SOURCE = BOARD_FILES / "shell" / "regs.yaml"
PACKAGE = BOARD_FILES / "shell" / "rtl" / "bnn_shell_regs.sv"
DRIVER = BOARD_FILES / "pynq" / "driver" / "registers.py"
DOCUMENT = BOARD_FILES.parent / "docs" / "boards.md"
LINE_LENGTH = 100
ACCESSES = ("rw", "ro", "w1s", "w1c")
IP_XACT_ACCESS = {"rw": "read-write", "ro": "read-only", "w1s": "read-write", "w1c": "read-write"}
"""access -> what Vivado's IPs and handoffs call it."""


@dataclass(frozen=True)
class Field:
    """Bits low..high of a register."""

    name: str
    high: int
    low: int
    access: str
    help: str

    @property
    def mask(self) -> int:
        return (1 << self.high + 1) - (1 << self.low)


@dataclass(frozen=True)
class Register:
    """A 32-bit register at a byte offset."""

    name: str
    offset: int
    access: str
    help: str
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass(frozen=True)
class Map:
    """All registers, by name, in the order of their offsets."""

    name: str
    magic: int
    major: int
    minor: int
    address_bits: int
    registers: dict[str, Register]

    @property
    def version(self) -> int:
        """What register VERSION reads."""
        return self.major << 16 | self.minor

    def __getitem__(self, name: str) -> Register:
        return self.registers[name]

    def __iter__(self):
        return iter(self.registers.values())


@lru_cache(maxsize=1)
def load(path: Path = SOURCE) -> Map:
    """Read and check regs.yaml.

    Raises:
        ValueError: two registers or fields overlap, an offset is no multiple of 4, an
            unknown access.
    """
    document = yaml.safe_load(path.read_text())
    registers: dict[str, Register] = {}
    for entry in document["registers"]:
        fields, used = {}, 0
        for part in entry.get("fields", ()):
            one = Field(
                part["name"], part["bits"][0], part["bits"][-1], part["access"], part["help"]
            )
            _expect(0 <= one.low <= one.high < 32, f"{entry['name']}.{one.name}: wrong bits")
            _expect(not used & one.mask, f"{entry['name']}.{one.name} overlaps another field")
            _expect(one.access in ACCESSES, f"{entry['name']}.{one.name}: access {one.access}")
            used |= one.mask
            fields[one.name] = one
        made = Register(entry["name"], entry["offset"], entry["access"], entry["help"], fields)
        _expect(made.offset % 4 == 0, f"{made.name}: offset {made.offset:#x} is no multiple of 4")
        _expect(
            made.offset < 1 << document["address_bits"], f"{made.name}: outside the address space"
        )
        _expect(made.access in ACCESSES, f"{made.name}: access {made.access}")
        _expect(made.name not in registers, f"{made.name} is there twice")
        _expect(
            made.offset not in {r.offset for r in registers.values()}, f"{made.name}: offset taken"
        )
        registers[made.name] = made
    ordered = dict(sorted(registers.items(), key=lambda item: item[1].offset))
    version = document["version"]
    return Map(document["name"], document["magic"], version["major"], version["minor"],
               document["address_bits"], ordered)  # fmt: skip


def _expect(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(f"{SOURCE.name}: {sentence}")


def rtl_package(registers: Map) -> str:
    """Text of bnn_shell_regs.sv: R_<register> = offset, <REGISTER>_<FIELD> = bit, ID, version."""
    bits = registers.address_bits
    status = max(f.high for f in registers["STATUS"].fields.values()) + 1
    lines = [
        "// bnn_shell_regs: offsets and bits of the shell's registers. "
        f"Generated from {SOURCE.name}.",
        "package bnn_shell_regs;",
        "  /* verilator lint_off UNUSEDPARAM */",
        f"  localparam int AXIL_ADDR_BITS = {bits};",
        f"  localparam int STATUS_BITS = {status};",
        f"  localparam bit [31:0] ID_VALUE = 32'h{registers.magic:08x};",
        f"  localparam bit [31:0] VERSION_VALUE = 32'h{registers.version:08x};",
    ]
    for register in registers:
        lines.append(
            f"  localparam bit [{bits - 1}:0] R_{register.name} = {bits}'h{register.offset:03x};"
        )
    for register in registers:
        for part in register.fields.values():
            if part.high == part.low:
                lines.append(f"  localparam int {register.name}_{part.name} = {part.low};")
    lines += ["  /* verilator lint_on UNUSEDPARAM */", "endpackage : bnn_shell_regs", ""]
    return "\n".join(lines)


def driver_constants(registers: Map) -> str:
    """The driver's text, as the formatter leaves it: REGISTERS, FIELDS, ID, VERSION_MAJOR."""
    lines = [f"ID = 0x{registers.magic:08X}", f"VERSION_MAJOR = {registers.major}", "REGISTERS = {"]
    lines += [f'    "{r.name}": 0x{r.offset:02X},' for r in registers]
    lines += ["}", "FIELDS = {  # register -> field -> mask"]
    for register in registers:
        if register.fields:
            parts = [f'"{f.name}": 0x{f.mask:X}' for f in register.fields.values()]
            line = f'    "{register.name}": {{{", ".join(parts)}}},'
            if len(line) <= LINE_LENGTH:
                lines.append(line)
            else:
                lines += [f'    "{register.name}": {{', *(f"        {p}," for p in parts), "    },"]
    return "\n".join([*lines, "}", ""])


def table(registers: Map) -> str:
    """Markdown table of all registers and fields."""
    lines = ["| offset | register | bits | access | meaning |", "|---|---|---|---|---|"]
    for r in registers:
        lines.append(f"| {r.offset:#04x} | `{r.name}` | | {r.access} | {r.help} |")
        for f in r.fields.values():
            bits = f"{f.high}:{f.low}" if f.high != f.low else f"{f.low}"
            lines.append(f"| | `{f.name}` | {bits} | {f.access} | {f.help} |")
    return "\n".join([*lines, ""])


def between(text: str, made: str, comment: tuple[str, str] = ("# ", "")) -> str:
    """TEXT with what stands between the lines "registers: begin" and "registers: end" replaced."""
    begin, end = (f"{comment[0]}registers: {word}{comment[1]}\n" for word in ("begin", "end"))
    before, rest = text.split(begin, 1)
    _, after = rest.split(end, 1)
    return f"{before}{begin}{made}{end}{after}"


def generated(registers: Map) -> dict[Path, str]:
    """File -> its text as regs.yaml makes it, of the files that are there."""
    result = {PACKAGE: rtl_package(registers)}
    if DRIVER.is_file():
        result[DRIVER] = between(DRIVER.read_text(), driver_constants(registers))
    if DOCUMENT.is_file():
        result[DOCUMENT] = between(DOCUMENT.read_text(), table(registers), ("<!-- ", " -->"))
    return result


def main() -> None:
    for path, text in generated(load()).items():
        path.write_text(text)


if __name__ == "__main__":
    main()
