"""The integer operations of a network, in their plain form: numpy int64, obvious maths.

This is the specification. A program is a list of operations; each reads named tensors and writes
one. A tensor of N frames is an int64 array (N, *shape) in the layout of the user's file; all that
was real in the file (scales, biases, BatchNormalization) has gone into the thresholds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import product

import numpy as np

from .levels import MANY_LEVELS

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Op(ABC):
    """output: name of the tensor it writes; inputs: those it reads; node: the user's node."""

    output: str
    inputs: tuple[str, ...]
    node: str

    @abstractmethod
    def run(self, *arrays: np.ndarray) -> np.ndarray:
        """The output of N frames, int64 (N, ...), of the inputs in order, int64 (N, ...)."""


@dataclass(frozen=True)
class Linear(Op):
    """y[..., m] = sum_k weights[m, k] * x[..., k]."""

    weights: np.ndarray  # int64 (M, K)

    def run(self, *arrays):
        (x,) = arrays
        return x @ self.weights.T


@dataclass(frozen=True)
class Conv(Op):
    """y[n,m,i,j] = sum_{c,u,v} weights[m,c,u,v] * x[n, c, i*s0 + u*d0 - p0, j*s1 + v*d1 - p1].

    NCHW; a group of `groups` sees its own share of the channels. Outside the map x is pad[c].
    """

    weights: np.ndarray  # int64 (M, C/groups, KH, KW)
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]  # top, left, bottom, right
    dilations: tuple[int, int]
    groups: int
    pad: np.ndarray  # int64 (C,)

    def run(self, *arrays):
        (x,) = arrays
        x = pad_map(x, self.pads, self.pad)
        windows = window_view(x, self.weights.shape[2:], self.strides, self.dilations)
        per_in, per_out = self.weights.shape[1], len(self.weights) // self.groups
        parts = [
            np.einsum(
                "ncijuv,mcuv->nmij",
                windows[:, g * per_in : (g + 1) * per_in],
                self.weights[g * per_out : (g + 1) * per_out],
                optimize=True,
            )
            for g in range(self.groups)
        ]
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Pad(Op):
    """Constant padding of every frame axis; value[c] outside (broadcasts against the frame)."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: np.ndarray  # int64, as many axes as the frame

    def run(self, *arrays):
        (x,) = arrays
        shape = tuple(
            b + s + a for b, s, a in zip(self.before, x.shape[1:], self.after, strict=True)
        )
        out = np.broadcast_to(self.value, (len(x), *shape)).copy()
        inner = tuple(slice(b, b + s) for b, s in zip(self.before, x.shape[1:], strict=True))
        out[(slice(None), *inner)] = x
        return out


@dataclass(frozen=True)
class Pool(Op):
    """Maximum over each window, or minimum where values fall with the integer (sign[c] < 0).

    NCHW, or NHWC with channels_last. Padding never wins.
    """

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    sign: np.ndarray  # int64 (C,) or (1,): 1 or -1
    channels_last: bool = False

    def run(self, *arrays):
        (x,) = arrays
        x = np.moveaxis(x, -1, 1) if self.channels_last else x
        sign = self.sign.reshape(-1, 1, 1)
        lowest = np.full(x.shape[1], np.iinfo(np.int64).min // 2)
        windows = window_view(
            pad_map(x * sign, self.pads, lowest), self.kernel, self.strides, self.dilations
        )
        out = windows.max(axis=(-2, -1)) * sign
        return np.moveaxis(out, 1, -1) if self.channels_last else out


@dataclass(frozen=True)
class SumPool(Op):
    """Sum over each window of an NCHW map; padding adds pad[c]."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    pad: np.ndarray  # int64 (C,)

    def run(self, *arrays):
        (x,) = arrays
        return window_view(pad_map(x, self.pads, self.pad), self.kernel, self.strides, (1, 1)).sum(
            axis=(-2, -1)
        )


@dataclass(frozen=True)
class SumAxes(Op):
    """Sum along some axes of the frame (counted without the batch)."""

    axes: tuple[int, ...]
    keep: bool

    def run(self, *arrays):
        (x,) = arrays
        return x.sum(axis=tuple(a + 1 for a in self.axes), keepdims=self.keep)


@dataclass(frozen=True)
class Threshold(Op):
    """first + stride * (number of thresholds reached); see levels.Thresholds."""

    first: int
    stride: int
    direction: np.ndarray
    values: np.ndarray

    def run(self, *arrays):
        (x,) = arrays
        if self.values.shape[-1] > MANY_LEVELS:
            return self.first + self.stride * self._search(x)
        count = np.zeros(x.shape, np.int64)
        for level in range(self.values.shape[-1]):
            threshold = self.values[..., level]
            count += np.where(self.direction < 0, x <= threshold, x >= threshold)
        return self.first + self.stride * count

    def _search(self, x):
        """The same count by bisection, for each of the sets: many levels are of few sets."""
        count = np.zeros(x.shape, np.int64)
        for where in np.ndindex(self.direction.shape):
            sizes = zip(where, self.direction.shape, strict=True)
            part = (slice(None), *(slice(None) if size == 1 else i for i, size in sizes))
            values = np.sort(self.values[where])
            if self.direction[where] < 0:
                count[part] = len(values) - np.searchsorted(values, x[part], side="left")
            else:
                count[part] = np.searchsorted(values, x[part], side="right")
        return count


@dataclass(frozen=True)
class Sum(Op):
    """sum_i factors[i] * x_i; each factor broadcasts against the frame."""

    factors: tuple[np.ndarray, ...]

    def run(self, *arrays):
        return sum(factor * x for factor, x in zip(self.factors, arrays, strict=True))


@dataclass(frozen=True)
class Reshape(Op):
    shape: tuple[int, ...]  # of the frame

    def run(self, *arrays):
        (x,) = arrays
        return x.reshape(len(x), *self.shape)


@dataclass(frozen=True)
class Transpose(Op):
    axes: tuple[int, ...]  # of the frame

    def run(self, *arrays):
        (x,) = arrays
        return x.transpose(0, *(a + 1 for a in self.axes))


@dataclass(frozen=True)
class Concat(Op):
    axis: int  # of the frame

    def run(self, *arrays):
        return np.concatenate(arrays, axis=self.axis + 1)


@dataclass(frozen=True)
class Part(Op):
    """The elements of the frame with these indices, an axis each."""

    ranges: tuple[range, ...]

    def run(self, *arrays):
        (x,) = arrays
        return x[(slice(None), *slices(self.ranges))]


def slices(ranges: tuple[range, ...]) -> tuple[slice, ...]:
    """What numpy takes for ranges of indices, which may run backwards to index 0."""
    return tuple(slice(r.start, None if r.stop < 0 else r.stop, r.step) for r in ranges)


def pad_map(x: np.ndarray, pads: tuple[int, int, int, int], value: np.ndarray) -> np.ndarray:
    """(N,C,H,W) with pads (top, left, bottom, right), filled with value[c]."""
    top, left, bottom, right = pads
    if not any(pads):
        return x
    n, c, h, w = x.shape
    out = np.empty((n, c, h + top + bottom, w + left + right), x.dtype)
    out[...] = value.reshape(-1, 1, 1)
    out[:, :, top : top + h, left : left + w] = x
    return out


def window_view(x: np.ndarray, kernel, strides, dilations) -> np.ndarray:
    """(N,C,H,W) -> (N,C,OH,OW,KH,KW), a view."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(2, 3))
    return view[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]


def output_size(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> int:
    """Positions of a window along one axis."""
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


def positions(shape: tuple[int, ...]):
    """All index tuples of an array of this shape."""
    return product(*(range(s) for s in shape))
