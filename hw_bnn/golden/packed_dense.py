"""Integer operations on floating-point numbers that hold the integers exactly.

Integers below 2^24 are exact in float32, below 2^53 in float64, and so is every sum whose terms'
sizes sum to less: then the order of a sum, and so BLAS, cannot matter. Beyond 2^53 the same code
runs on int64.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from . import ops
from .bits import window_planes
from .evaluated import Evaluated
from .values import Integers

Step = Callable[..., np.ndarray]

LARGEST_TABLE = 2**22
"""Entries of a look-up table (all channels) by which a quantiser of many levels may be replaced."""


def largest(value: Integers) -> int:
    return max(abs(int(value.minimum.min())), abs(int(value.maximum.max())))


Number = type[np.float32] | type[np.float64] | type[np.int64]


def dtype_for(bound: int) -> Number:
    return np.float32 if bound < 2**24 else np.float64 if bound < 2**53 else np.int64


def dense_dtype(value: Integers) -> Number:
    """The type that holds this tensor."""
    return dtype_for(largest(value))


def _linear(op: ops.Linear, sources: list[Integers], value: Integers) -> Step:
    bound = int(np.abs(op.weights).sum(axis=1).max(initial=0)) * largest(sources[0])
    dtype = dtype_for(bound)
    weights = op.weights.astype(dtype)

    def step(x):
        if x.ndim == 2:
            return weights @ x.astype(dtype, copy=False)
        return np.moveaxis(
            np.tensordot(weights, x.astype(dtype, copy=False), axes=(1, x.ndim - 2)), 0, -2
        )

    return step


def _conv(op: ops.Conv, sources: list[Integers], value: Integers) -> Step:
    reach = max(largest(sources[0]), int(np.abs(op.pad).max(initial=0)))
    dtype = dtype_for(int(np.abs(op.weights).sum(axis=(1, 2, 3)).max(initial=0)) * reach)
    outputs, per_group, height, width = op.weights.shape
    share = outputs // op.groups
    weights = op.weights.reshape(op.groups, share, -1).astype(dtype)
    pad = pad_frames(op.pads, op.pad)

    def step(x):
        x = pad(x)
        parts = []
        for g in range(op.groups):
            columns = columns_of(x[g * per_group : (g + 1) * per_group], op, dtype)
            parts.append(
                (weights[g] @ columns.reshape(len(columns), -1)).reshape(share, *columns.shape[1:])
            )
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return step


def columns_of(x: np.ndarray, op: ops.Conv, dtype: Number) -> np.ndarray:
    """(C, H, W, N) -> (C*KH*KW, OH, OW, N): for each weight of a filter, what it meets."""
    kernel = op.weights.shape[2:]
    first = window_planes(x[0], kernel, op.strides, op.dilations)
    out = np.empty((len(x) * len(first), *first[0].shape), dtype)
    for c, channel in enumerate(x):
        for i, plane in enumerate(window_planes(channel, kernel, op.strides, op.dilations)):
            out[c * len(first) + i] = plane
    return out


def pad_frames(pads, value: np.ndarray) -> Step:
    """Padding of (C, H, W, N) with value[c]."""
    top, left, bottom, right = pads

    def pad(x):
        if not any(pads):
            return x
        c, h, w, n = x.shape
        out = np.empty((c, h + top + bottom, w + left + right, n), x.dtype)
        out[...] = value.reshape(-1, 1, 1, 1)
        out[:, top : top + h, left : left + w] = x
        return out

    return pad


def _pad(op: ops.Pad, sources: list[Integers], value: Integers) -> Step:
    inner = tuple(slice(b, b + s) for b, s in zip(op.before, sources[0].shape, strict=True))

    def step(x):
        out = np.empty((*value.shape, x.shape[-1]), dense_dtype(value))
        out[...] = op.value[..., None]
        out[inner] = x
        return out

    return step


def _pool(op: ops.Pool, sources: list[Integers], value: Integers) -> Step:
    sign = op.sign.reshape(-1, 1, 1, 1)
    lowest = np.full(1, -2 * largest(sources[0]) - 1)
    pad = pad_frames(op.pads, lowest)

    def step(x):
        x = np.moveaxis(x, -2, 0) if op.channels_last else x
        flipped = (op.sign < 0).any()
        x = pad((x * sign).astype(x.dtype) if flipped else x)
        out = np.stack(
            [np.maximum.reduce(window_planes(c, op.kernel, op.strides, op.dilations)) for c in x]
        )
        out = (out * sign).astype(x.dtype) if flipped else out
        return np.moveaxis(out, 0, -2) if op.channels_last else out

    return step


def _sum_pool(op: ops.SumPool, sources: list[Integers], value: Integers) -> Step:
    reach = max(largest(sources[0]), int(np.abs(op.pad).max(initial=0)))
    dtype = dtype_for(reach * prod(op.kernel))
    pad = pad_frames(op.pads, op.pad)

    def step(x):
        planes = [
            window_planes(c, op.kernel, op.strides, (1, 1))
            for c in pad(x.astype(dtype, copy=False))
        ]
        return np.stack([np.add.reduce(p) for p in planes])

    return step


def _sum_axes(op: ops.SumAxes, sources: list[Integers], value: Integers) -> Step:
    dtype = dtype_for(largest(sources[0]) * prod(sources[0].shape[a] for a in op.axes))
    return lambda x: x.astype(dtype, copy=False).sum(axis=op.axes, keepdims=op.keep)


def _sum(op: ops.Sum, sources: list[Integers], value: Integers) -> Step:
    bound = sum(
        int(np.abs(f).max(initial=0)) * largest(s) for f, s in zip(op.factors, sources, strict=True)
    )
    dtype = dtype_for(bound)
    factors = [f[..., None].astype(dtype) for f in op.factors]

    def step(*arrays):
        terms = [
            x.astype(dtype, copy=False) if (f == 1).all() else f * x.astype(dtype, copy=False)
            for f, x in zip(factors, arrays, strict=True)
        ]
        out = terms[0]
        for term in terms[1:]:
            out = out + term
        return out

    return step


def _reshape(op: ops.Reshape, sources, value) -> Step:
    return lambda x: x.reshape(*op.shape, x.shape[-1])


def _transpose(op: ops.Transpose, sources, value) -> Step:
    return lambda x: np.ascontiguousarray(x.transpose(*op.axes, len(op.axes)))


def _concat(op: ops.Concat, sources, value) -> Step:
    return lambda *arrays: np.concatenate(arrays, axis=op.axis)


def _part(op: ops.Part, sources, value) -> Step:
    return lambda x: x[ops.slices(op.ranges)]


def _evaluated(op: Evaluated, sources, value: Integers) -> Step:
    dtype = dense_dtype(value)
    return lambda x: np.moveaxis(
        op.run(np.moveaxis(x, -1, 0).astype(np.int64)), 0, -1
    ).astype(dtype)  # fmt: skip


DENSE: dict[type, Callable[..., Step]] = {
    Evaluated: _evaluated,
    ops.Linear: _linear,
    ops.Conv: _conv,
    ops.Pad: _pad,
    ops.Pool: _pool,
    ops.SumPool: _sum_pool,
    ops.SumAxes: _sum_axes,
    ops.Sum: _sum,
    ops.Reshape: _reshape,
    ops.Transpose: _transpose,
    ops.Concat: _concat,
    ops.Part: _part,
}


def dense_threshold(op: ops.Threshold, value: Integers) -> Step:
    """A quantiser of many levels: comparisons where they are few, else a table per channel.

    Its levels are counted on (sets, positions): rows of the input that share their thresholds.
    """
    dtype = dense_dtype(value)
    levels = op.values.shape[-1]
    per_channel = op.direction.size in (1, op.direction.shape[0] if op.direction.ndim else 1)
    if levels <= 16 or not per_channel:
        return _counted(op, dtype)
    thresholds, falls = op.values.reshape(-1, levels), op.direction.reshape(-1) < 0
    low, high = int(op.values.min()) - 1, int(op.values.max()) + 1
    if (high - low + 1) * len(thresholds) > LARGEST_TABLE:
        return _searched(op, thresholds, falls, dtype)
    axis = np.arange(low, high + 1)
    counts = np.stack(
        [
            levels - np.searchsorted(t[::-1], axis, side="left")
            if f
            else np.searchsorted(t, axis, side="right")
            for t, f in zip(thresholds, falls, strict=True)
        ]
    )
    table = (op.first + op.stride * counts).astype(dtype)

    def step(x):
        index = np.clip(x, low, high).astype(np.intp) - low
        if len(table) == 1:
            return table[0].take(index)
        out = np.empty(x.shape, dtype)
        for c in range(len(x)):
            table[c].take(index[c], out=out[c])
        return out

    return step


def _counted(op: ops.Threshold, dtype: Number) -> Step:
    falls = (op.direction < 0)[..., None]
    least = [op.values[..., i][..., None] + falls for i in range(op.values.shape[-1])]
    levels = len(least)

    def step(x):
        count = np.zeros(x.shape, np.uint16)
        for threshold in least:
            count += x >= threshold
        rising = op.first + op.stride * count.astype(dtype)
        if not falls.any():
            return rising.astype(dtype)
        return np.where(
            falls, op.first + op.stride * (levels - count.astype(dtype)), rising
        ).astype(dtype)

    return step


def _searched(op: ops.Threshold, thresholds: np.ndarray, falls: np.ndarray, dtype: Number) -> Step:
    levels = thresholds.shape[1]

    def step(x):
        rows = x.reshape(1, -1) if len(thresholds) == 1 else x.reshape(len(x), -1)
        out = np.empty(rows.shape, dtype)
        for c, row in enumerate(rows):
            if falls[c]:
                count = levels - np.searchsorted(thresholds[c][::-1], row, side="left")
            else:
                count = np.searchsorted(thresholds[c], row, side="right")
            out[c] = op.first + op.stride * count
        return out.reshape(x.shape)

    return step
