"""Maps of -1 and +1 packed into 64-bit words, frames in the last axis, and XNOR-popcount on them.

>>> import numpy as np
>>> words = pack(np.array([[True, False], [True, True], [False, True]]))      # 3 channels, 2 frames
>>> words
array([[3, 6]], dtype=uint64)
>>> mismatches([words[0]], np.array([[0b111]], dtype=np.uint64), 3)           # against three +1
array([[1, 1]], dtype=uint8)
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from math import prod

import numpy as np

WORD = 64
BLOCK = 32_768
"""Words of one step of the XNOR loop: they and their counts stay in the second-level cache."""
LONG = 32
"""Weight rows that make the inner loop of the XNOR long enough to run along them."""


@dataclass
class Bits:
    words: np.ndarray  # uint64 (ceil(C/64), *positions, N)
    channels: int

    @property
    def positions(self) -> tuple[int, ...]:
        return self.words.shape[1:-1]

    def dense(self) -> np.ndarray:
        """-1 and +1 as float32 (C, *positions, N)."""
        bits = unpack(self.words, self.channels)
        return bits.astype(np.float32) * np.float32(2) - np.float32(1)


@dataclass
class Counts:
    mismatches: np.ndarray  # uint8, uint16 or uint32 (M, *positions, N)
    inputs: int
    correction: np.ndarray | None  # int64 (M, *positions)

    def dense(self) -> np.ndarray:
        """The dot products, float32 (M, *positions, N); |dot| <= K < 2^23."""
        out = np.float32(self.inputs) - np.float32(2) * self.mismatches.astype(np.float32)
        return (
            out if self.correction is None else out + self.correction[..., None].astype(np.float32)
        )


Tensor = Bits | Counts | np.ndarray


def pack(bits: np.ndarray) -> np.ndarray:
    """bool (C, *rest) -> uint64 (ceil(C/64), *rest)."""
    if bits.ndim == 2 and bits.T.flags.c_contiguous:
        return pack_rows(bits.T)
    channels, rest = bits.shape[0], bits.shape[1:]
    words = -(-channels // WORD)
    flat = np.ascontiguousarray(bits).view(np.uint8).reshape(channels, -1)
    if channels % 8:
        flat = np.concatenate([flat, np.zeros((-channels % 8, flat.shape[1]), np.uint8)])
    eights = flat.reshape(-1, 8, flat.shape[1])
    rows = np.zeros((words * 8, flat.shape[1]), np.uint8)
    part = rows[: len(eights)]
    for bit in range(7, -1, -1):  # Horner: quicker than np.packbits along the first axis
        np.add(part, part, out=part)
        np.bitwise_or(part, eights[:, bit], out=part)
    columns = np.ascontiguousarray(rows.reshape(words, 8, -1).transpose(0, 2, 1))
    return columns.view("<u8").reshape(words, *rest)


def unpack(words: np.ndarray, channels: int) -> np.ndarray:
    """uint64 (W, *rest) -> uint8 0 or 1 (C, *rest)."""
    rest = words.shape[1:]
    rows = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), -1, 8).transpose(0, 2, 1)
    bits = np.unpackbits(rows.reshape(len(words) * 8, -1), axis=0, bitorder="little")
    return bits[:channels].reshape(channels, *rest)


def pack_rows(bits: np.ndarray) -> np.ndarray:
    """bool (N, K) -> uint64 (ceil(K/64), N): a batch as it comes from outside."""
    frames, inputs = bits.shape
    if inputs % 8 == 0 and bits.flags.c_contiguous:  # several times as quick as along an axis
        rows = np.packbits(bits.reshape(-1), bitorder="little").reshape(frames, -1)
    else:
        rows = np.packbits(bits, axis=1, bitorder="little")
    if inputs % WORD:
        full = np.zeros((frames, -(-inputs // WORD) * 8), np.uint8)
        full[:, : rows.shape[1]] = rows
        rows = full
    return np.ascontiguousarray(np.ascontiguousarray(rows).view("<u8").T)


def mismatches(planes: list[np.ndarray], weights: np.ndarray, inputs: int) -> np.ndarray:
    """How many bits of the planes differ from each weight row.

    Args:
        planes: P arrays uint64 of one shape S.
        weights: uint64 (M, P).
        inputs: largest possible count; it decides the result's type.

    Returns:
        uint8, uint16 or uint32 (M, *S). In memory the axis M comes last where S is one axis and M
        is long: pack() then has the bits of a frame side by side.
    """
    shape, outputs = planes[0].shape, len(weights)
    # a copy costs 1/outputs of what the loop below saves by running over one stretch of memory
    planes = [np.ascontiguousarray(plane).reshape(-1) for plane in planes]
    dtype = np.uint8 if inputs < 2**8 else np.uint16 if inputs < 2**16 else np.uint32
    columns = list(np.ascontiguousarray(weights.T))
    if len(shape) == 1 and outputs >= LONG:
        return _differences(planes, columns, dtype).T
    return _differences(columns, planes, dtype).reshape(outputs, *shape)


def _differences(rows: list[np.ndarray], columns: list[np.ndarray], dtype) -> np.ndarray:
    """out[r, c] = sum over p of popcount(rows[p][r] ^ columns[p][c]); P words in each, uint64."""
    height, width = len(rows[0]), len(columns[0])
    out = np.empty((height, width), dtype)
    step = max(1, min(height, BLOCK // max(width, 1)))
    different, counts, partial = _scratch((step, width))
    for start in range(0, height, step):
        block = slice(start, min(start + step, height))
        n = block.stop - block.start
        target = out[block]
        sums = target if dtype is np.uint8 else partial[:n]
        group = len(rows) if dtype is np.uint8 else 3  # three words count to 192, within uint8
        for first in range(0, len(rows), group):
            for p in range(first, min(first + group, len(rows))):
                np.bitwise_xor(rows[p][block, None], columns[p], out=different[:n])
                if p == first:
                    np.bitwise_count(different[:n], out=sums)
                else:
                    np.bitwise_count(different[:n], out=counts[:n])
                    np.add(sums, counts[:n], out=sums)
            if dtype is not np.uint8 and first == 0:
                target[...] = sums
            elif dtype is not np.uint8:
                np.add(target, sums, out=target)
    return out


_buffers = threading.local()


def _scratch(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """This thread's uint64, uint8, uint8: fresh pages at each call cost as much as the work."""
    size = prod(shape)
    if getattr(_buffers, "size", -1) < size:
        _buffers.size = max(size, BLOCK)
        _buffers.arrays = [np.empty(_buffers.size, t) for t in (np.uint64, np.uint8, np.uint8)]
    return tuple(a[:size].reshape(shape) for a in _buffers.arrays)


def as_dense(tensor: Tensor) -> np.ndarray:
    return tensor if isinstance(tensor, np.ndarray) else tensor.dense()


def window_planes(x: np.ndarray, kernel, strides, dilations) -> list[np.ndarray]:
    """Views of x (H, W, N), one for each kernel position, row by row: what it sees, (OH, OW, N)."""
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    height, width = (
        (n - span) // s + 1 for n, span, s in zip(x.shape, spans, strides, strict=False)
    )
    return [
        x[
            u * dilations[0] : u * dilations[0] + (height - 1) * strides[0] + 1 : strides[0],
            v * dilations[1] : v * dilations[1] + (width - 1) * strides[1] + 1 : strides[1],
        ]
        for u in range(kernel[0])
        for v in range(kernel[1])
    ]
