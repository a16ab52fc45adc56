"""Mutators of arrays that are given as inputs (.npy, .npz)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

SHAPE = (9, 12)  # frames of the base "mlp"


def load(_materials: Path, base: str) -> np.ndarray:
    random = np.random.default_rng(2)
    integers = random.integers(0, 8, SHAPE)
    return integers if base == "integers" else integers.astype(np.float32)


def dtype(array, rng):
    kinds = ("int8", "uint8", "bool", "uint64", ">i4", "float16", "float64", "complex64", "U3",
    "S2", "O", "M8[s]",
             [("a", "i4"), ("b", "f4")])  # fmt: skip
    kind = kinds[int(rng.integers(len(kinds)))]
    return np.zeros(array.shape, kind) if isinstance(kind, list) else array.astype(kind)


def value(array, rng):
    array = array.copy()
    values = (-1, 8, 2**31, -(2**63), 1e-45, 1e38, np.nan, np.inf, -np.inf, 0.49999997, 2.5)
    chosen = values[int(rng.integers(len(values)))]
    if array.size and array.dtype.kind in "iuf":
        with np.errstate(all="ignore"):
            array.reshape(-1)[int(rng.integers(array.size))] = (
                chosen
                if array.dtype.kind == "f"
                else int(np.clip(np.nan_to_num(chosen), -100, 100))
            )
    return array


def shape(array, rng):
    ways = (
        lambda a: a.reshape(-1), lambda a: a[:0], lambda a: a[:, :-1], lambda a: a[0],
        lambda a: a.T,
        lambda a: a.reshape(-1)[:1].reshape(()), lambda a: a[None], lambda a: a[..., None],
        lambda a: a.reshape(len(a), 3, -1), lambda a: np.concatenate([a] * 40),
        lambda a: a.reshape((1,) * 20 + a.shape),
    )  # fmt: skip
    try:
        return ways[int(rng.integers(len(ways)))](array)
    except (ValueError, IndexError):  # changed before
        return array


def order(array, rng):
    return np.asfortranarray(array) if rng.integers(2) else array[::-1]


def archive(array, rng):
    """An .npz (as bytes), or a pickle in an .npy."""
    file = io.BytesIO()
    if rng.integers(2):
        np.savez(file, **{("arr_0", "x", "../x")[int(rng.integers(3))]: array})
    else:
        np.save(file, np.array([{"a": array}, print], object), allow_pickle=True)
    return file.getvalue()


def header(array, rng):
    """A header that is not true of the data."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    data = file.getvalue()
    old = str(array.shape).encode()
    new = (
        b"(9, 12000000000)",
        b"(-9, 12)",
        b"(9, 12.0)",
        b"(9999999999, 12)",
        b"()",
        b"[9, 12]",
        b"(9, 'a')",
    )
    return data.replace(old, new[int(rng.integers(len(new)))].ljust(len(old)), 1)


def _arrays_only(function):
    def change(array, rng):
        return array if isinstance(array, bytes) else function(array, rng)

    return change


MUTATORS = {f.__name__: _arrays_only(f) for f in (dtype, value, shape, order, archive, header)}
