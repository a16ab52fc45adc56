"""Memories as C++ tables: a row is a word of the RTL's memory file, in limbs of 64
bits, lowest first.

>>> print(table("sets", limb_rows(["1", "0"], 1)), end="")
static const unsigned long long sets[2][1] = {
    {0x1}, {0x0}};
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def limb_rows(words: Sequence[str], bits: int) -> np.ndarray:
    """Words of a memory file (hexadecimal, `bits` bits) as uint64 (words, limbs)."""
    limbs = max(1, -(-bits // 64))
    raw = b"".join(int(word, 16).to_bytes(8 * limbs, "little") for word in words)
    return np.frombuffer(raw, "<u8").reshape(-1, limbs)


def bit_rows(bits: np.ndarray) -> np.ndarray:
    """Rows of single bits, (rows, N) of 0 and 1, as uint64 (rows, limbs); bit 0 lowest."""
    packed = np.packbits(bits, axis=1, bitorder="little")
    limbs = -(-packed.shape[1] // 8)
    full = np.zeros((len(packed), 8 * limbs), np.uint8)
    full[:, : packed.shape[1]] = packed
    return full.view("<u8")


def table(name: str, rows: np.ndarray) -> str:
    """A constant of plain numbers, which compiles at once whatever its size."""
    lines, line = [], "   "
    for i, row in enumerate(rows.tolist()):
        text = "{" + ", ".join(f"{limb:#x}" for limb in row) + "}"
        text += "," if i + 1 < len(rows) else "};"
        if len(line) + len(text) >= 99 and line.strip():
            lines.append(line)
            line = "   "
        line += f" {text}"
    size = f"[{len(rows)}][{rows.shape[1]}]"
    return f"static const unsigned long long {name}{size} = {{\n" + "\n".join([*lines, line]) + "\n"
