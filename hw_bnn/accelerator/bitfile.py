"""What a bitstream says of itself: the header of AMD's .bit files, and the comments of Lattice's.

AMD's header is 13 bytes (a length 9, nine bytes, a length 1), then fields of a letter, a length of
two bytes and a text that ends in zero: a is the design with options, b the part, c the date, d the
time; e has a length of four bytes and is followed by the bits (PYNQ's parse_bit_header reads it
so). ECP5 files begin with 0xFF 0x00, then comments that end in zero, up to 0xFF (Project Trellis,
libtrellis/src/Bitstream.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput
from ..files.given import open_file

_AMD = bytes.fromhex("00090ff00ff00ff00ff0000001")
_LATTICE = b"\xff\x00"
_HEAD = 4096  # bytes: far more than any header


@dataclass(frozen=True)
class BitFile:
    """A bitstream's header; what it does not tell is None."""

    family: str  # "AMD" or "Lattice"
    design: str | None
    part: str | None
    date: str | None
    tool: str


def read_bitfile(path: Path) -> BitFile | None:
    """The header of a bitstream; None for a file that is none.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        with open_file(path) as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror})") from error
    if head.startswith(_AMD):
        return _amd(head)
    return _lattice(head) if head.startswith(_LATTICE) else None


def _amd(head: bytes) -> BitFile:
    fields, at = {}, len(_AMD)
    while at + 3 <= len(head) and head[at : at + 1] in b"abcd":
        length = int.from_bytes(head[at + 1 : at + 3], "big")
        if at + 3 + length > len(head):  # the file is cut off
            break
        fields[chr(head[at])] = _text(head[at + 3 : at + 3 + length])
        at += 3 + length
    design, *options = (fields.get("a") or "").split(";")
    version = next((o.split("=")[1] for o in options if o.startswith("Version=")), None)
    moment = " ".join(filter(None, [fields.get("c"), fields.get("d")]))
    return BitFile(
        "AMD", design or None, fields.get("b"), moment or None,
        f"Vivado {version}" if version else "Vivado or ISE",
    )  # fmt: skip


def _lattice(head: bytes) -> BitFile:
    end = head.find(b"\xff", len(_LATTICE))
    lines = [_text(part) for part in head[len(_LATTICE) : end].split(b"\0") if part]
    told = dict(line.split(": ", 1) for line in lines if ": " in line)
    tool = "Project Trellis" if any("Trellis" in line for line in lines) else "not told"
    return BitFile("Lattice", told.get("Design name"), told.get("Part"), told.get("Date"), tool)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("ascii", "replace")
