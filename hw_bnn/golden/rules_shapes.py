"""Rules of nodes that move numbers about (reshapes, transposes, constants) and of final ones."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper

from ..errors import BadInput, Unsupported
from ..onnxfile import Node
from ..onnxfile.axes import axes as read_axes
from ..onnxfile.axes import axis as read_axis
from ..onnxfile.axes import flatten_axis, permutation, sizes
from ..onnxfile.parts import parts
from ..onnxfile.support import REFUSED
from .ops import Concat, Op, Part, Reshape, Transpose, slices
from .registry import rule
from .values import UNIT, Constant, Integers, Real, Value, Weights

if TYPE_CHECKING:
    from .importer import Importer


@rule("Identity", "Dropout")
def _identity(walk: Importer, node: Node) -> Value:
    if node.op_type == "Dropout" and node.has(2) and walk.constant(node, 2).numbers.any():
        raise Unsupported("it is in training mode", node=node.name, remedy="export it in eval mode")
    return walk.value(node)


@rule("Cast")
def _cast(walk: Importer, node: Node) -> Value:
    """To float32 or float64; behind the label to anything."""
    value, target = walk.value(node), helper.tensor_dtype_to_np_dtype(node.integer("to"))
    if isinstance(value, Constant) and value.numbers.dtype == np.float64:
        return replace(value, error=value.error + UNIT * np.abs(value.numbers))
    if target not in (np.float32, np.float64) and not (isinstance(value, Integers) and value.final):
        raise Unsupported(
            f"it casts an activation to {target}", node=node.name, remedy="use a quantiser"
        )
    return value


@rule("Constant")
def _constant(walk: Importer, node: Node) -> Constant:
    return Constant(node.constant())


@rule("Shape")
def _shape(walk: Importer, node: Node) -> Constant:
    value = walk.value(node)
    shape = value.shape if isinstance(value, Constant) else (walk.batch, *value.shape)
    return Constant(
        np.array(shape[node.integer("start", 0) : node.integer("end", None)], dtype=np.int64)
    )


_JOINED = ("alpha", "beta", "minimum", "maximum", "error")


@rule("Concat")
def _concat(walk: Importer, node: Node) -> Integers:
    inputs = [walk.value(node, i) for i in range(len(node.inputs))]
    values = [v for v in inputs if isinstance(v, Integers)]
    if len(values) < len(inputs):
        raise Unsupported(
            "it joins an activation with constants or with the graph input",
            node=node.name,
            remedy=REFUSED["Concat"],
        )
    rank = len(values[0].shape)
    axis = read_axis(node, node.integer("axis"), rank + 1) - 1
    for value in values:
        walk.not_final(node, value)
        if value.clipped or len(value.shape) != rank or axis < 0:
            raise Unsupported(
                "it joins activations that are clipped, of several ranks, or along the batch",
                node=node.name,
                remedy="quantise them first and join channels",
            )
    shape = list(values[0].shape)
    shape[axis] = sum(v.shape[axis] for v in values)

    def joined(name: str) -> np.ndarray:
        parts = [getattr(v, name) for v in values]
        common = np.broadcast_shapes(*(p.shape[:axis] + (1,) + p.shape[axis + 1 :] for p in parts))
        return np.concatenate(
            [
                np.broadcast_to(p, common[:axis] + (v.shape[axis],) + common[axis + 1 :])
                for p, v in zip(parts, values, strict=True)
            ],
            axis=axis,
        )

    alpha, beta, minimum, maximum, error = map(joined, _JOINED)
    out = Integers(
        node.output,
        tuple(shape),
        alpha,
        beta,
        minimum,
        maximum,
        error=error,
        binary=all(v.binary for v in values),
    )
    return walk.emit(Concat(node.output, tuple(v.name for v in values), node.name, axis), out)


@rule("Split", "Slice")
def _parts(walk: Importer, node: Node) -> tuple[Value, ...]:
    value = walk.value(node)
    if not isinstance(value, Integers):
        raise Unsupported(
            f"{node.op_type} of the graph input or of a constant",
            node=node.name,
            remedy=REFUSED[node.op_type],
        )
    walk.not_final(node, value)
    found = []
    for part in parts(node, (walk.batch, *value.shape), walk.numbers):
        batch, *frame = part.ranges
        if batch != range(walk.batch) or not all(map(len, frame)):
            raise Unsupported(
                f"{node.op_type} of the batch, or of nothing",
                node=node.name,
                remedy=REFUSED[node.op_type],
            )
        if not part.output:
            found.append(value)
            continue
        op = Part(part.output, (value.name,), node.name, tuple(frame))
        found.append(walk.emit(op, _of_part(value, part.output, tuple(frame))))
    return tuple(found)


def _of_part(value: Integers, name: str, ranges: tuple[range, ...]) -> Integers:
    def kept(array: np.ndarray) -> np.ndarray:
        array = np.asarray(array)
        sizes = zip(slices(ranges), array.shape, strict=True)
        return array[tuple(slice(None) if size == 1 else s for s, size in sizes)]

    return value.moved(name, tuple(map(len, ranges)), kept)


@rule("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def _reshape(walk: Importer, node: Node) -> Value:
    value = walk.value(node)
    if isinstance(value, Constant | Weights):
        shape = value.shape if isinstance(value, Constant) else value.integers.shape
        return _move_constant(value, lambda a: a.reshape(_target(walk, node, shape, frames=False)))
    if isinstance(value, Integers) and value.final is not None:
        return value  # the label, of another shape than the scores that stand for it
    target = _target(walk, node, (walk.batch, *value.shape), frames=True)
    if not target or target[0] != walk.batch or prod(target[1:]) != prod(value.shape):
        raise Unsupported(
            f"it mixes the frames of a batch: {(walk.batch, *value.shape)} to {target}",
            node=node.name,
            remedy="keep the first axis as the batch",
        )
    target = tuple(target[1:]) or (1,)  # torch's squeeze(1) of one score: the frame keeps an axis
    if target == value.shape:
        return value
    back = Reshape(node.output, (), node.name, value.shape)
    return _move(walk, node, value, Reshape(node.output, (), node.name, target), back)


def _target(walk: Importer, node: Node, shape: tuple[int, ...], *, frames: bool) -> tuple[int, ...]:
    """The whole shape that a reshaping node gives; of frames, the batch is the first axis."""
    if node.op_type == "Flatten":
        axis = flatten_axis(node, len(shape))
        return prod(shape[:axis]), prod(shape[axis:])
    if node.op_type == "Reshape":
        wanted = sizes(node, walk.numbers(node, 1))
        if not node.integer("allowzero", 0):
            wanted = [shape[i] if w == 0 else w for i, w in enumerate(wanted)]
        if -1 in wanted:
            rest = -prod(wanted)
            if rest <= 0 or prod(shape) % rest:
                raise BadInput(
                    f"{shape} cannot be reshaped to {wanted}",
                    node=node.name,
                    remedy="export the model again",
                )
            wanted = [prod(shape) // rest if w == -1 else w for w in wanted]
        return tuple(wanted)
    axes = walk.numbers(node, 1) if node.has(1) else node.integers("axes", None)
    if node.op_type == "Squeeze":
        if axes is None:  # the batch of frames is no axis to drop
            axes = [i for i, s in enumerate(shape) if s == 1 and not (frames and i == 0)]
        drop = read_axes(node, axes, len(shape))
        if any(shape[i] != 1 for i in drop):
            raise BadInput(
                f"it drops axes of {shape} that are longer than 1",
                node=node.name,
                remedy="export the model again",
            )
        return tuple(s for i, s in enumerate(shape) if i not in drop)
    if axes is None:
        raise BadInput("it names no axes", node=node.name, remedy="export the model again")
    rank = len(shape) + len(axes)
    new = read_axes(node, axes, rank)
    kept = iter(shape)
    return tuple(1 if i in new else next(kept) for i in range(rank))


@rule("Transpose")
def _transpose(walk: Importer, node: Node) -> Value:
    value = walk.value(node)
    if isinstance(value, Constant | Weights):
        rank = (value.numbers if isinstance(value, Constant) else value.integers).ndim
        axes = permutation(node, rank)
        return _move_constant(value, lambda a: a.transpose(axes))
    axes = permutation(node, len(value.shape) + 1)
    if isinstance(value, Integers):
        walk.not_final(node, value)
    if axes[0] != 0:
        raise Unsupported(
            f"its permutation {axes} moves the batch axis",
            node=node.name,
            remedy="keep the first axis in place",
        )
    frame = tuple(a - 1 for a in axes[1:])
    back = Transpose(node.output, (), node.name, tuple(int(i) for i in np.argsort(frame)))
    return _move(walk, node, value, Transpose(node.output, (), node.name, frame), back)


def _move_constant(value: Constant | Weights, function) -> Constant | Weights:
    if isinstance(value, Constant):
        error = (
            value.error
            if np.ndim(value.error) == 0
            else function(np.broadcast_to(value.error, value.shape))
        )
        return Constant(function(value.numbers), error)
    integers = function(value.integers)
    if value.scale.size == 1:
        scale = value.scale.reshape((1,) * integers.ndim)
    else:
        scale = function(np.broadcast_to(value.scale, value.integers.shape))
    return replace(value, integers=integers, scale=_shrunk(scale))


def _shrunk(scale: np.ndarray) -> np.ndarray:
    """Axes along which a broadcast array does not vary, back to length 1."""
    for axis in range(scale.ndim):
        first = np.take(scale, [0], axis=axis)
        if scale.shape[axis] > 1 and (scale == first).all():
            scale = first
    return scale


def _move(walk: Importer, node: Node, value: Real | Integers, op: Op, back: Op) -> Real | Integers:
    """A reshape or transpose of frames, and of everything that broadcasts against them."""
    shape = op.run(np.empty((1, *value.shape), np.int8)).shape[1:]

    def moved(array: np.ndarray) -> np.ndarray:
        array = np.asarray(array)
        if array.size == 1:
            return array.reshape((1,) * len(shape))
        if isinstance(op, Transpose):
            return array.transpose(op.axes)
        if [s for s in shape if s != 1] == [s for s in value.shape if s != 1]:
            sizes = zip(array.shape, value.shape, strict=True)
            kept = iter([have for have, size in sizes if size != 1])
            return array.reshape([1 if size == 1 else next(kept) for size in shape])
        return np.broadcast_to(array, value.shape).reshape(shape)

    if isinstance(value, Real):
        return replace(
            value,
            shape=shape,
            alpha=moved(value.alpha),
            beta=moved(value.beta),
            path=(*value.path, op),
            back=(back, *value.back),
        )
    out = value.moved(node.output, shape, moved)
    return walk.emit(replace(op, inputs=(value.name,)), out)


@rule("Softmax", "LogSoftmax", "ArgMax", "TopK")
def _final(walk: Importer, node: Node) -> Integers:
    """Nodes that keep the order of the scores; the labels are their argmax, whatever they give."""
    value = walk.value(node)
    if not isinstance(value, Integers):
        raise Unsupported("it acts on no activation", node=node.name)
    axis = node.integer(
        "axis",
        {"ArgMax": 0}.get(node.op_type, -1 if walk.opset >= 13 or node.op_type == "TopK" else 1),
    )
    axis = read_axis(node, axis, len(value.shape) + 1) - 1
    if axis < 0 or value.shape[axis] != prod(value.shape):
        raise Unsupported(
            "it runs along another axis than the classes",
            node=node.name,
            remedy="take it over the scores of a frame",
        )
    if node.integer("select_last_index", 0) or node.integer("largest", 1) == 0:
        raise Unsupported(
            "it wants the last or the smallest score",
            node=node.name,
            remedy="take the first of the largest",
        )
    return replace(value, final=node.name)
