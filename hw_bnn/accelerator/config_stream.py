"""New contents for an accelerator's memories, as the words of its config port.

    words = load_words(accelerator, folder / "rtl")     # uint32, one a beat of s_axis_cfg
    words = load_words(accelerator, folder / "rtl", only=2)    # of context 2 alone

What a packet and a load are stands at the head of rtl/bnn_config_gate.sv.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, CheckFailed, Unsupported
from .description import Description

MAGIC = 0xB1
BEGIN, END, CONTENTS, NEXT = 0, 1, 2, 3
CHUNK_BITS = 32
ERRORS = (
    "nothing", "a packet's CRC",
    "a packet's address or length: contents out of turn, more than a context has, or no context",
    "a packet longer than the gate keeps", "contents or an end outside a load",
    "an end before all contents", "an order or a length that there is not",
    "a frame that named a context that there is not",
)  # fmt: skip
"""What bits 7:4 of the status say."""

WRONG = 0xFA
"""Bits of the status that are 0 after a load that ended right: under way, at work, a fault."""
CONFIG = "config.bin"
"""In rtl/: the contents of all memories as words of the config port, where there is one."""

MOST_CONTEXTS = 255
"""A frame names one in 8 bits of s_axis_tuser."""

ConfigWords = NDArray[np.uint32]


def config_file(context: int) -> str:
    """In rtl/: the same of one context, where there are several."""
    return f"config_{context}.bin"


def chunks(bits: int) -> int:
    """Words of the port that a memory word takes.

    >>> chunks(32), chunks(33)
    (1, 2)
    """
    return -(-bits // CHUNK_BITS)


def packet(order: int, address: int, contents: Sequence[int] = ()) -> list[int]:
    """Header, contents and CRC.

    >>> [hex(word) for word in packet(CONTENTS, 3, [4])]
    ['0xb1020001', '0x3', '0x4', '0xba771e57']
    """
    words = [MAGIC << 24 | order << 16 | len(contents), address, *contents]
    data = b"".join(word.to_bytes(4, "little") for word in words)
    return [*words, zlib.crc32(data)]


def ending(longest: int) -> list[int]:
    """Words of 0 that end whatever packet of at most `longest` contents was broken off: contents,
    address and CRC, and a header that was withdrawn while its bits were summed.
    """
    return [0] * (longest + 3)


def name_of(contents: ConfigWords) -> int:
    """What a load calls a context's contents, and the port tells of it: their CRC-32, 1 for 0.

    >>> hex(name_of(np.array([1, 2], "<u4")))
    '0x381177c'
    """
    return zlib.crc32(contents.astype("<u4").tobytes()) or 1


def load_of(contents: Mapping[int, ConfigWords], longest: int) -> ConfigWords:
    """A load: what ends a load broken off before, its packets, its end.

    Args:
        contents: of each context that is loaded, by its number. longest: contents of a packet.
    """
    words, begins = ending(longest), BEGIN
    ended: list[int] = []
    for context, new in contents.items():
        words += packet(begins, context, ended)
        for at in range(0, len(new), longest):
            words += packet(CONTENTS, at, [int(word) for word in new[at : at + longest]])
        begins, ended = NEXT, [name_of(new)]
    return np.array([*words, *packet(END, len(new), ended)], "<u4")


def context_contents(accelerator: Description, rtl: Path) -> list[ConfigWords]:
    """The contents of each context's memories, in the order of the chain.

    Raises:
        BadInput: a memory file is not as the accelerator tells.
    """
    contexts = accelerator.contexts
    parts: list[list[int]] = [[] for _ in range(contexts)]
    for node in accelerator.nodes:
        for memory in sorted(node.memories, key=lambda m: m.number or 0):
            if memory.number is None:
                continue
            lines = _lines(rtl / memory.file, memory.words, memory.bits)
            rows = memory.words // contexts
            for i, part in enumerate(parts):
                for line in lines[i * rows : (i + 1) * rows]:
                    part.extend(_cut(line, chunks(memory.bits)))
    return [np.array(part, "<u4") for part in parts]


def load_words(accelerator: Description, rtl: Path, only: int | None = None) -> ConfigWords:
    """A load of the memory files' contents.

    Args:
        accelerator: one with a config port. rtl: folder with the memory files.
        only: the context that is loaded, by its own contents; all by default.

    Raises:
        BadInput: a memory file is not as the accelerator tells.
    """
    assert accelerator.config is not None  # who asks for a load has looked
    each = context_contents(accelerator, rtl)
    chosen = range(len(each)) if only is None else [only]
    return load_of({i: each[i] for i in chosen}, accelerator.config.longest)


def write_loads(accelerator: Description, rtl: Path) -> None:
    """Write what the port takes: all contexts, and where there are several each alone; and the
    names of what the memory files hold.
    """
    assert accelerator.config is not None  # as above
    each, longest = context_contents(accelerator, rtl), accelerator.config.longest
    (rtl / CONFIG).write_bytes(load_of(dict(enumerate(each)), longest).tobytes())
    for i, contents in enumerate(each if len(each) > 1 else []):
        (rtl / config_file(i)).write_bytes(load_of({i: contents}, longest).tobytes())
    empty = accelerator.config.empty
    lines = [f"{0 if empty else name_of(contents):08x}\n" for contents in each]
    (rtl / accelerator.config.loaded).write_text("".join(lines))


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
    from .folder import read_accelerator

    check_fits(accelerator, read_accelerator(weights), weights)
    return np.fromfile(Path(weights) / "rtl" / CONFIG, "<u4")


def first_load(accelerator: Description, rtl: Path) -> ConfigWords | None:
    """The load of the accelerator's own contents that has to come before its first frame; None
    where memories have them from the start.
    """
    if accelerator.config is None or not accelerator.config.empty:
        return None
    return load_words(accelerator, rtl)


def check_status(status: int) -> None:
    """Raise where a load did not end right.

    Raises:
        CheckFailed: the port refused it.
    """
    if status & WRONG or not status >> 8 & 255:
        raise CheckFailed(f"the config port refused the weights: {status_text(status)}")


def status_text(status: int) -> str:
    """The port's status word in words.

    >>> status_text(0x0101)
    'frames enter; 1 load, 0 packets refused'
    >>> status_text(0x010014)[:62]
    'frames wait for a load (some contents are new, some old, or no'
    """
    state = "frames enter" if status & 1 else "frames wait for a load"
    if status & 4:
        state += " (some contents are new, some old, or none are there)"
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
