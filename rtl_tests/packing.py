"""Words of streams and memory files from numpy arrays: element 0 in the least significant bits.

>>> [hex(word) for word in pack_words(np.array([[1, 2, -1, 3]]), bits=4, lanes=2)]
['0x21', '0x3f']
"""

from __future__ import annotations

import numpy as np


def pack(elements, bits: int) -> int:
    """One word: element i, two's complement, at bit i*bits."""
    mask, word = (1 << bits) - 1, 0
    for i, element in enumerate(np.asarray(elements).reshape(-1).tolist()):
        word |= (int(element) & mask) << (i * bits)
    return word


def pack_words(elements, bits: int, lanes: int) -> list[int]:
    """Words of `lanes` elements each, from an array whose last axis is a multiple of lanes."""
    elements = np.asarray(elements)
    return [pack(row, bits) for row in elements.reshape(-1, lanes)]


def random_bits(rng, bits: int) -> int:
    """A random number of `bits` bits."""
    return int.from_bytes(rng.bytes((bits + 7) // 8), "little") & ((1 << bits) - 1)
