"""Mutators of bytes: what a torn download, a bad disk or an editor does to any file."""

from __future__ import annotations

import numpy as np


def truncate(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(len(data) + 1))]


def flip_bit(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    if found:
        found[int(rng.integers(len(found)))] ^= 1 << int(rng.integers(8))
    return bytes(found)


def flip_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 9)) if found else 0):
        found[int(rng.integers(len(found)))] = int(rng.integers(256))
    return bytes(found)


def zero_run(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data) + 1))
    length = min(int(rng.integers(1, 200)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def cut_out(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data) + 1))
    return data[:start] + data[start + int(rng.integers(1, 40)) :]


def double_part(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data) + 1))
    part = data[start : start + int(rng.integers(1, 200))]
    return data[:start] + part + data[start:]


def append_junk(data: bytes, rng: np.random.Generator) -> bytes:
    return data + rng.bytes(int(rng.integers(1, 60)))


def nothing_or_text(data: bytes, rng: np.random.Generator) -> bytes:
    return (b"", b"\n", b"{}", b"[]", b"null", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x80\x02.")[
        int(rng.integers(8))
    ]


MUTATORS = {
    f.__name__: f
    for f in (
        truncate,
        flip_bit,
        flip_bytes,
        zero_run,
        cut_out,
        double_part,
        append_junk,
        nothing_or_text,
    )
}
