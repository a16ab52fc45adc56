"""New contents for an accelerator's memories, as the words of its config port.

    words = load_words(accelerator, folder / "rtl")     # uint32, one a beat of s_axis_cfg

What a packet and a load are stands at the head of rtl/bnn_config_gate.sv.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, CheckFailed, Unsupported
from .description import Description

MAGIC = 0xB1
BEGIN, END, CONTENTS = 0, 1, 2
CHUNK_BITS = 32
ERRORS = (
    "nothing", "a packet's CRC",
    "a packet's address or length: contents out of turn, or more than a load has",
    "a packet longer than the gate keeps", "contents or an end outside a load",
    "an end before all contents", "an order that there is not",
)  # fmt: skip
"""What bits 7:4 of the status say."""

ConfigWords = NDArray[np.uint32]


def chunks(bits: int) -> int:
    """Words of the port that a memory word takes.

    >>> chunks(32), chunks(33)
    (1, 2)
    """
    return -(-bits // CHUNK_BITS)


def packet(order: int, address: int, contents: Sequence[int] = ()) -> list[int]:
    """Header, contents and CRC.

    >>> [hex(word) for word in packet(CONTENTS, 3, [4])]
    ['0xb1020001', '0x3', '0x4', '0x0']
    """
    words = [MAGIC << 24 | order << 16 | len(contents), address, *contents]
    data = b"".join(word.to_bytes(4, "little") for word in words)
    return [*words, zlib.crc32(data)]


def ending(longest: int) -> list[int]:
    """Words of 0 that end whatever packet of at most `longest` contents was broken off: contents,
    address and CRC, and a header that was withdrawn while its bits were summed.
    """
    return [0] * (longest + 3)


def load_words(accelerator: Description, rtl: Path) -> ConfigWords:
    """A load of all memories: what ends a load broken off before, its packets, its end.

    Args:
        accelerator: one with a config port. rtl: folder with the memory files.

    Raises:
        BadInput: a memory file is not as the accelerator tells.
    """
    assert accelerator.config is not None  # who asks for a load has looked
    contents = [
        chunk
        for node in accelerator.nodes
        for memory in sorted(node.memories, key=lambda m: m.number or 0)
        if memory.number is not None
        for line in _lines(rtl / memory.file, memory.words, memory.bits)
        for chunk in _cut(line, chunks(memory.bits))
    ]
    longest = accelerator.config.longest
    words = ending(longest) + packet(BEGIN, 0)
    for at in range(0, len(contents), longest):
        words += packet(CONTENTS, at, contents[at : at + longest])
    return np.array([*words, *packet(END, len(contents))], "<u4")


def refuse_port(accelerator: Description, what: str) -> None:
    """Refuse an accelerator with a config port where that is not served.

    Args:
        what: the command or form that has no such port.

    Raises:
        Unsupported: it has one.
    """
    if accelerator.config is not None:
        raise not_served(what)


def not_served(what: str) -> Unsupported:
    """The refusal of `refuse_port`."""
    return Unsupported(
        f"{what} does not serve the port by which weights are loaded at run time",
        remedy="compile without runtime_weights=True",
    )


def check_fits(accelerator: Description, other: Description, source: str | Path) -> None:
    """Refuse contents that were made for other RTL than the accelerator's.

    Args:
        other: the accelerator that the contents come from. source: what to name.

    Raises:
        BadInput: the first file of rtl/ that differs is named.
    """
    if accelerator.config is None:
        raise BadInput(
            "the accelerator takes no weights at run time",
            remedy="compile it with runtime_weights=True",
        )
    mine, its = accelerator.hashes, other.hashes
    for name in (f"rtl/{file}" for file in accelerator.sources):
        if name not in its or mine[name] != its[name]:
            raise BadInput(
                f"{source} is not for this accelerator: its {name} is another",
                remedy="make it with `hw-bnn weights MODEL ACCELERATOR`; both by the same hw_bnn",
            )


def read_load(accelerator: Description, weights: str | Path) -> ConfigWords:
    """The load in a folder that `hw-bnn weights` (or `compile`) wrote.

    Raises:
        BadInput: the folder is damaged, or for another accelerator.
    """
    from .folder import CONFIG, read_accelerator

    check_fits(accelerator, read_accelerator(weights), weights)
    return np.fromfile(Path(weights) / "rtl" / CONFIG, "<u4")


def check_status(status: int) -> None:
    """Raise where a load did not end right.

    Raises:
        CheckFailed: the port refused it.
    """
    if status & 0xFF != 1 or not status >> 8 & 255:
        raise CheckFailed(f"the config port refused the weights: {status_text(status)}")


def status_text(status: int) -> str:
    """The port's status word in words.

    >>> status_text(0x0101)
    'frames enter; 1 load, 0 packets refused'
    >>> status_text(0x010014)[:62]
    'frames wait for a load (some contents are new, some old); 0 lo'
    """
    state = "frames enter" if status & 1 else "frames wait for a load"
    if status & 4:
        state += " (some contents are new, some old)"
    loads, refused, error = status >> 8 & 255, status >> 16 & 255, status >> 4 & 15
    told = f"{state}; {loads} load{'s' * (loads != 1)}, "
    told += f"{refused} packet{'s' * (refused != 1)} refused"
    return f"{told}, first for {ERRORS[error]}" if error else told


def _cut(line: int, size: int) -> Iterator[int]:
    for i in range(size):
        yield line >> CHUNK_BITS * i & (1 << CHUNK_BITS) - 1


def _lines(path: Path, words: int, bits: int) -> list[int]:
    try:
        lines = [int(line, 16) for line in path.read_text().split()]
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error})", remedy="compile again") from error
    if len(lines) != words or max(lines) >> bits:
        raise BadInput(f"{path} is not {words} words of {bits} bits", remedy="compile again")
    return lines
