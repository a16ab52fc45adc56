"""Memory files: rows of fields packed from the least significant bit, one hexadecimal word a line."""

from __future__ import annotations

import numpy as np


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
