"""The fast execution: bit-packed XNOR-popcount for binary maps, exact BLAS sums for the others.

Tensors of this form have the frames in the *last* axis, (*frame shape, N), so that one weight meets
a long run of memory. Three kinds:

- Bits: a map of -1 and +1, packed along its channels, bit c % 64 of word c // 64, 1 for +1.
- Counts: behind a binary layer, d = number of inputs that differ from the weights:
  dot = K - 2*d + correction. A zero outside of a map is packed as -1, and the weights that meet it
  are added to the correction, which then depends on the position.
- Dense: float32 holding integers below 2^24 (float64 below 2^53, int64 beyond): sums of such
  numbers are exact in any order, so BLAS may do them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import prod

import numpy as np
from threadpoolctl import ThreadpoolController

from . import ops
from .bits import BLOCK, Bits, Counts, Tensor, as_dense, mismatches, pack, pack_rows, window_planes
from .engine import needed
from .ops import Op
from .packed_dense import DENSE, dense_dtype, dense_threshold
from .program import Program
from .values import Integers


class PackedEngine:
    """Executes a program in the fast form, on blocks of frames, in one thread a processor."""

    def __init__(self, program: Program, threads: int | None = None):
        self.program = program
        self.threads = threads or len(os.sched_getaffinity(0))
        self.steps: dict[str, Callable[..., Tensor]] = {
            op.output: _step(program, op) for op in program.ops
        }
        positions = max((prod(v.shape[1:]) for v in program.tensors.values()), default=1)
        widest = max((prod(v.shape) for v in program.tensors.values()), default=1)
        self.frames = max(1, min(1024, max(2 * BLOCK // positions, 4), 2**25 // widest))

    def run(self, x: np.ndarray, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Execute frames x (N, *shape); the tensors of these names, int64 (N, *their shape)."""
        todo = needed(self.program, wanted)
        out = {
            name: np.empty((len(x), *self.program.tensors[name].shape), np.int64) for name in wanted
        }

        def part(start: int) -> None:
            frames = slice(start, min(start + self.frames, len(x)))
            tensors = self._part(x[frames], todo, wanted)
            for name in wanted:
                _store(tensors[name], out[name][frames])

        starts = range(0, len(x), self.frames)
        if len(starts) < 2 or self.threads < 2:
            for start in starts:
                part(start)
        else:
            # a processor has its own block of frames already: BLAS threads beside them
            # would only wait
            with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(part, starts))
        return out

    def _part(self, x: np.ndarray, todo: list[Op], wanted: tuple[str, ...]) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {self.program.input.tensor: self._enter(x)}
        last_use = {name: i for i, op in enumerate(todo) for name in op.inputs}
        for i, op in enumerate(todo):
            tensors[op.output] = self.steps[op.output](*(tensors[name] for name in op.inputs))
            for name in set(op.inputs):
                if last_use[name] == i and name not in wanted:
                    del tensors[name]
        return tensors

    def _enter(self, x: np.ndarray) -> Tensor:
        """A batch (N, *shape) with the frames moved to the last axis."""
        value = self.program.tensors[self.program.input.tensor]
        if value.binary and x.ndim == 2:
            return Bits(pack_rows(x > 0), x.shape[1])
        if value.binary:
            return Bits(pack(np.moveaxis(x > 0, 0, -1)), x.shape[1])
        return np.ascontiguousarray(np.moveaxis(x, 0, -1).astype(dense_dtype(value)))


@cache
def _blas() -> ThreadpoolController:
    """The loaded BLAS; looking for it takes milliseconds."""
    return ThreadpoolController()


def _store(tensor: Tensor, out: np.ndarray) -> None:
    """Write a tensor's integers to out, int64 (N, *shape)."""
    if isinstance(tensor, Counts) and tensor.correction is None:
        np.multiply(np.moveaxis(tensor.mismatches, -1, 0), -2, out=out, dtype=np.int64)
        out += tensor.inputs
    else:
        out[...] = np.moveaxis(as_dense(tensor), -1, 0)


def _step(program: Program, op: Op) -> Callable[..., Tensor]:
    """The fast form of one operation."""
    value = program.tensors[op.output]
    sources = [program.tensors[name] for name in op.inputs]
    if isinstance(op, ops.Linear | ops.Conv) and _is_binary(op, sources[0]):
        return _binary_layer(op, sources[0].shape)
    if isinstance(op, ops.Threshold):
        return _threshold(op, value)
    dense = DENSE[type(op)](op, sources, value)
    bits = _on_bits(op, sources, value)

    def step(*tensors: Tensor) -> Tensor:
        if bits is not None and all(isinstance(t, Bits) for t in tensors):
            return bits(*tensors)
        return dense(*map(as_dense, tensors))

    return step


def _is_binary(op: ops.Linear | ops.Conv, source: Integers) -> bool:
    """Whether XNOR-popcount does it: input and weights are +-1, a correction makes the padding."""
    if not source.binary or not (np.abs(op.weights) == 1).all():
        return False
    if isinstance(op, ops.Linear):
        return len(source.shape) == 1
    return op.groups == 1 and bool(
        np.isin(op.pad, (-1, 0, 1)).all() and (op.pad == op.pad[0]).all()
    )


def _binary_layer(op: ops.Linear | ops.Conv, shape: tuple[int, ...]) -> Callable[[Tensor], Counts]:
    """XNOR-popcount of a Linear or Conv with weights -1 and +1 on a binary input."""
    if isinstance(op, ops.Linear):
        weights = pack((op.weights > 0).T).T.copy()  # (M, W)
        inputs = op.weights.shape[1]

        def linear(x: Tensor) -> Counts:
            words = _packed(x).words
            return Counts(mismatches(list(words), weights, inputs), inputs, None)

        return linear
    return _binary_conv(op, shape)


def _binary_conv(op: ops.Conv, shape: tuple[int, ...]) -> Callable[[Tensor], Counts]:
    outputs, channels, height, width = op.weights.shape
    inputs = channels * height * width
    packed = pack(np.moveaxis(op.weights > 0, 0, -1))  # (W, KH, KW, M)
    weights = np.ascontiguousarray(packed.reshape(-1, outputs).T)  # plane order: word, row, column
    correction = None
    if any(op.pads) and op.pad[0] != -1:
        outside = ops.pad_map(np.zeros((1, *shape), np.int64), op.pads, np.ones(1, np.int64))
        met = ops.Conv("", (), "", op.weights, op.strides, (0,) * 4, op.dilations, 1, op.pad).run(
            outside
        )
        correction = met[0] * (1 + int(op.pad[0]))  # a packed -1 stands for pad: w * (pad - (-1))
    top, left, bottom, right = op.pads

    def conv(x: Tensor) -> Counts:
        words = _packed(x).words
        if any(op.pads):
            words = np.pad(words, ((0, 0), (top, bottom), (left, right), (0, 0)))
        planes = [
            plane
            for word in words
            for plane in window_planes(word, (height, width), op.strides, op.dilations)
        ]
        return Counts(mismatches(planes, weights, inputs), inputs, correction)

    return conv


def _packed(x: Tensor) -> Bits:
    if isinstance(x, Bits):
        return x
    dense = as_dense(x)
    return Bits(pack(dense > 0), len(dense))


def _threshold(op: ops.Threshold, value) -> Callable[[Tensor], Tensor]:
    binary = (op.first, op.stride, op.values.shape[-1]) == (-1, 2, 1)
    if not binary:
        dense = dense_threshold(op, value)
        return lambda x: dense(as_dense(x))
    direction = op.direction[..., None]
    falls = direction < 0
    # a <= t is not (a >= t + 1)
    least = op.values[..., 0][..., None] + falls
    flips = pack(np.broadcast_to(falls, (*value.shape, 1))) if falls.any() else None
    limits: dict = {}

    def step(x: Tensor) -> Bits:
        if isinstance(x, Counts):
            if not limits:
                limits["counts"] = _count_limit(x, least)
            reached = np.less_equal(x.mismatches, limits["counts"])
        else:
            reached = np.greater_equal(as_dense(x), least)
        words = pack(reached)
        if flips is not None:
            np.bitwise_xor(words, flips, out=words)
        return Bits(words, reached.shape[0])

    return step


def _count_limit(x: Counts, least: np.ndarray) -> np.ndarray:
    """K - 2*d + correction >= t as d <= limit, in the type of d unless a limit is negative."""
    correction = 0 if x.correction is None else x.correction[..., None]
    limit = np.minimum((x.inputs + correction - least) // 2, x.inputs)
    if limit.min() < 0:
        return limit.astype(np.int64)
    return limit.astype(x.mismatches.dtype)


def _on_bits(op: Op, sources, value) -> Callable[..., Tensor] | None:
    """Forms that keep packed words packed, where there are such."""
    if (
        isinstance(op, ops.Pool)
        and not any(op.pads)
        and not op.channels_last
        and (op.sign == op.sign[0]).all()
    ):
        merge = np.bitwise_or if op.sign[0] > 0 else np.bitwise_and
        return lambda x: Bits(
            np.stack(
                [
                    merge.reduce(window_planes(word, op.kernel, op.strides, op.dilations))
                    for word in x.words
                ]
            ),
            x.channels,
        )
    if isinstance(op, ops.Reshape) and sources[0].shape[0] == op.shape[0]:
        return lambda x: Bits(x.words.reshape(len(x.words), *op.shape[1:], -1), x.channels)
    if (
        isinstance(op, ops.Pad)
        and value.binary
        and (op.value == op.value.reshape(-1)[0]).all()
        and not (op.before[0] or op.after[0])
    ):
        amounts = ((0, 0), *zip(op.before[1:], op.after[1:], strict=True), (0, 0))
        filler = pack(np.full((sources[0].shape[0], 1), op.value.reshape(-1)[0] > 0))[:, 0]

        def pad(x: Bits) -> Bits:
            return Bits(
                np.stack(
                    [
                        np.pad(word, amounts[1:], constant_values=fill)
                        for word, fill in zip(x.words, filler, strict=True)
                    ]
                ),
                x.channels,
            )

        return pad
    return None
