"""Memory files: rows of fields packed from the least significant bit, one hexadecimal word a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MemoryWords:
    """Contents of a memory file: words of `bits` useful bits, as hexadecimal strings."""

    bits: int
    words: list[str]

    def text(self) -> str:
        return "\n".join(self.words) + "\n"


def memory(fields: np.ndarray, bits: int) -> MemoryWords:
    """Rows of integers (words, fields), `bits` bits a field, as a memory."""
    return MemoryWords(bits * np.shape(fields)[1], hex_words(fields, bits))


def hex_words(fields: np.ndarray, bits: int) -> list[str]:
    """Pack rows of integers.

    Args:
        fields: int array (words, fields); two's complement where negative.
        bits: width of a field.

    Returns:
        One lower-case hexadecimal string a word, all of the same length.

    >>> hex_words(np.array([[1, 0, 1, 1], [-1, 0, 0, 0]]), 1)
    ['d', '1']
    >>> hex_words(np.array([[3, -2]]), 4)
    ['e3']
    """
    fields = np.asarray(fields, dtype=np.int64)
    words, count = fields.shape
    positions = np.arange(bits, dtype=np.int64)
    planes = ((fields[:, :, None] >> positions) & 1).astype(np.uint8).reshape(words, count * bits)
    packed = np.packbits(planes, axis=1, bitorder="little")
    digits = -(-count * bits // 4)
    return [row.tobytes()[::-1].hex().zfill(digits)[-digits:] for row in packed]
