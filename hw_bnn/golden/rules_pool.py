"""Rules of pools and of padding as a node of its own."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput, Unsupported
from ..onnxfile import Node
from ..onnxfile.axes import axes as read_axes
from .curves import slope
from .exact import ZERO, Surd, exact_array
from .ops import Pad, Pool, SumAxes, SumPool, output_size
from .registry import rule
from .rules_linear import padding_integers, window_attributes
from .values import UNIT, Constant, Integers

if TYPE_CHECKING:
    from .importer import Importer


def _window(node: Node, value: Integers, ceil: bool) -> tuple:
    """(kernel, strides, pads, dilations, output size) of a pool on (C, H, W)."""
    if len(value.shape) != 3:
        raise Unsupported(
            f"it pools frames of shape {value.shape}",
            node=node.name,
            remedy="use 2-D pools on (C, H, W)",
        )
    kernel = tuple(node.integers("kernel_shape", ()))
    if len(kernel) != 2:
        raise Unsupported(f"its kernel is {kernel}", node=node.name, remedy="use 2-D pools")
    strides, dilations, pads = window_attributes(node, kernel, value.shape[1:])
    if any(p >= k for p, k in zip(pads, kernel * 2, strict=True)):
        raise Unsupported(
            "its padding is as large as its kernel", node=node.name, remedy="pad less"
        )
    top, left, bottom, right = pads
    around, sizes = [top, left, bottom, right], []
    for i, size in enumerate(value.shape[1:]):
        n = output_size(size, kernel[i], strides[i], around[i], around[i + 2], dilations[i])
        if ceil:
            whole = dilations[i] * (kernel[i] - 1) + 1
            n = -(-(size + around[i] + around[i + 2] - whole) // strides[i]) + 1
            if (n - 1) * strides[i] >= size + around[i]:
                n -= 1
            reach = (n - 1) * strides[i] + whole
            around[i + 2] = max(around[i + 2], reach - size - around[i])
        sizes.append(n)
    if min(sizes) < 1:
        raise BadInput(
            f"its kernel {kernel} is larger than its input {value.shape}",
            node=node.name,
            remedy="export the model again",
        )
    return kernel, strides, tuple(around), dilations, tuple(sizes)


def _activation(walk: Importer, node: Node) -> Integers:
    value = walk.value(node)
    if not isinstance(value, Integers):
        raise Unsupported(
            f"{node.op_type} of the graph input before its quantiser",
            node=node.name,
            remedy="put it behind the input quantiser, or do it on the host",
        )
    walk.not_final(node, value)
    return value


@rule("MaxPool")
def _max_pool(walk: Importer, node: Node) -> Integers:
    """The largest real value: the largest integer where alpha >= 0, else the smallest."""
    value = _activation(walk, node)
    if value.turns:
        raise Unsupported(
            "a max-pool behind a slope below 0, with no quantiser between them",
            node=node.name,
            remedy="quantise before the pool",
        )
    ceil = bool(node.integer("ceil_mode", 0))
    kernel, strides, pads, dilations, size = _window(node, value, ceil)

    def kept(part: np.ndarray) -> np.ndarray:
        if any(n != 1 for n in part.shape[1:]):
            raise Unsupported(
                "the scale of its input varies by position",
                node=node.name,
                remedy="quantise before the pool",
            )
        return part

    out = value.moved(node.output, (value.shape[0], *size), kept)
    frames = [((c,) + (0,) * len(size), value.shape) for c in range(value.shape[0])]
    sign = np.array([-1 if slope(value, index) < 0 else 1 for index in frames], np.int64)
    return walk.emit(
        Pool(node.output, (value.name,), node.name, kernel, strides, pads, dilations, sign), out
    )


@rule("GlobalMaxPool", "ReduceMax")
def _other_maximum(walk: Importer, node: Node) -> Integers:
    """Maxima of whole maps are followed as a MaxPool (onnxfile/one_axis.py); this is none."""
    raise Unsupported(
        "a maximum over other axes than all those of a map",
        node=node.name,
        remedy="take it over H and W, of (batch, channels, height, width)",
    )


@rule("AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum")
def _average(walk: Importer, node: Node) -> Integers:
    """The sum of the integers, its scale divided by their number."""
    value = _activation(walk, node)
    if value.clipped:
        raise Unsupported(
            "a ReLU feeds it with no quantiser between them",
            node=node.name,
            remedy="quantise the activation (QuantReLU)",
        )
    if node.op_type == "AveragePool":
        return _average_pool(walk, node, value)
    rank = len(value.shape)
    keep = True
    if node.op_type == "GlobalAveragePool":
        axes = tuple(range(1, rank))
    else:
        named = walk.numbers(node, 1) if node.has(1) else node.integers("axes", None)
        keep = bool(node.integer("keepdims", 1))
        axes = tuple(sorted(a - 1 for a in read_axes(node, named or (), rank + 1)))
        if not axes or axes[0] < 0:
            raise Unsupported(
                "it reduces the batch", node=node.name, remedy="reduce axes of a frame"
            )
    count = prod(value.shape[a] for a in axes)
    if any(getattr(value, name).shape[a] != 1 for name in ("alpha", "beta") for a in axes):
        raise Unsupported(
            "the scale of its input varies along what it sums",
            node=node.name,
            remedy="quantise before the sum",
        )
    shape = tuple(1 if i in axes else s for i, s in enumerate(value.shape))
    small = tuple(s for i, s in enumerate(shape) if i not in axes)

    def reduced(array: np.ndarray) -> np.ndarray:
        return (
            array
            if keep
            else array.reshape(tuple(s for i, s in enumerate(array.shape) if i not in axes))
        )

    mean = node.op_type != "ReduceSum"
    error = _sum_error(value, count, mean)
    number = Surd(count)
    low, high = (
        np.asarray(f(part, axis=axes, keepdims=True)) * count
        for f, part in ((np.min, value.minimum), (np.max, value.maximum))
    )
    out = Integers(
        node.output,
        shape if keep else small,
        reduced(value.alpha / number if mean else value.alpha),
        reduced(value.beta if mean else value.beta * number),
        reduced(low),
        reduced(high),
        error=reduced(np.max(error, axis=axes, keepdims=True)),
    )
    return walk.emit(SumAxes(node.output, (value.name,), node.name, axes, keep), out)


def _sum_error(value: Integers, count: int, mean: bool) -> np.ndarray:
    """count terms in any order, then a division (or a product with a rounded reciprocal)."""
    size, error = value.magnitude(), value.error
    total = count * (error + 1.01 * (count + 3) * UNIT * (size + error))
    total = np.broadcast_to(
        total,
        np.broadcast_shapes(total.shape, value.alpha.shape, value.beta.shape, value.minimum.shape),
    )
    return total / count if mean else total


def _average_pool(walk: Importer, node: Node, value: Integers) -> Integers:
    if node.integer("ceil_mode", 0):
        raise Unsupported("its ceil_mode is set", node=node.name, remedy="pad explicitly")
    kernel, strides, pads, dilations, size = _window(node, value, False)
    if dilations != (1, 1):
        raise Unsupported("it is dilated", node=node.name, remedy="use dilation 1")
    channels, filler = value.shape[0], np.zeros(value.shape[0], np.int64)
    count = np.full((1, *size), prod(kernel))
    if any(pads):
        if node.integer("count_include_pad", 0):
            value, filler = padding_integers(walk, node, value, ZERO)
        else:
            ones = SumPool("", (), "", kernel, strides, pads, np.zeros(1, np.int64))
            count = ones.run(np.ones((1, 1, *value.shape[1:]), np.int64))[0]
    if (count == count.reshape(-1)[0]).all():
        count = count[:, :1, :1]
    if any(n != 1 for name in ("alpha", "beta") for n in getattr(value, name).shape[1:]):
        raise Unsupported(
            "the scale of its input varies by position",
            node=node.name,
            remedy="quantise before the pool",
        )
    number = exact_array(count)
    largest = int(count.max())
    column = np.broadcast_to(filler, channels).reshape(-1, 1, 1)
    low = np.minimum(value.minimum, column) if any(pads) else value.minimum
    high = np.maximum(value.maximum, column) if any(pads) else value.maximum
    low, high = (np.minimum(low, 0), np.maximum(high, 0)) if any(pads) else (low, high)
    out = Integers(
        node.output,
        (channels, *size),
        value.alpha / number,
        value.beta + exact_array(np.zeros((1,) * 3)),
        low * largest,
        high * largest,
        error=_sum_error(value, prod(kernel), True),
    )
    return walk.emit(
        SumPool(node.output, (value.name,), node.name, kernel, strides, pads, filler), out
    )


@rule("Pad")
def _pad(walk: Importer, node: Node) -> Integers:
    """Constant padding with a real value, as the integer that stands for it."""
    value = _activation(walk, node)
    if node.text("mode", "constant") != "constant":
        raise Unsupported(
            f"its mode is {node.text('mode')}", node=node.name, remedy="use constant padding"
        )
    if value.clipped:
        raise Unsupported(
            "a ReLU feeds it with no quantiser between them",
            node=node.name,
            remedy="quantise the activation (QuantReLU)",
        )
    before, after = _pad_amounts(walk, node, len(value.shape) + 1)
    number, error = ZERO, 0.0
    if node.has(2):
        constant = walk.constant(node, 2)
        number, error = constant.exact().reshape(-1)[0], np.max(constant.error)
    elif (amount := node.number("value", None)) is not None:
        number = Constant(np.array(amount)).exact().reshape(-1)[0]
    if not any(before) and not any(after):
        return value
    value, filler = padding_integers(walk, node, value, number)
    filler = filler.reshape(-1, *(1,) * (len(value.shape) - 1))
    if (filler == filler.reshape(-1)[0]).all():
        filler = filler.reshape(-1)[:1].reshape((1,) * len(value.shape))
    elif before[0] or after[0]:
        raise Unsupported(
            "it pads channels of several scales", node=node.name, remedy="pad positions only"
        )
    if (before[0] or after[0]) and any(getattr(value, n).shape[0] != 1 for n in ("alpha", "beta")):
        raise Unsupported(
            "it pads channels of several scales", node=node.name, remedy="pad positions only"
        )
    shape = tuple(b + s + a for b, s, a in zip(before, value.shape, after, strict=True))
    binary = value.binary and bool(np.isin(filler, (-1, 1)).all())
    lowest = int(value.minimum.min()) if before[0] or after[0] else value.minimum
    highest = int(value.maximum.max()) if before[0] or after[0] else value.maximum
    out = replace(
        value,
        name=node.output,
        shape=shape,
        minimum=np.minimum(lowest, filler),
        maximum=np.maximum(highest, filler),
        error=np.maximum(value.error, error),
        binary=binary,
    )
    return walk.emit(Pad(node.output, (value.name,), node.name, before, after, filler), out)


def _pad_amounts(walk: Importer, node: Node, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(before, after) for each axis of a frame."""
    amounts = walk.numbers(node, 1) if node.has(1) else list(node.integers("pads", ()))
    axes = read_axes(node, walk.numbers(node, 3) if node.has(3) else range(rank), rank)
    if len(amounts) != 2 * len(axes) or min(amounts, default=0) < 0:
        raise Unsupported(f"its pads are {amounts}", node=node.name, remedy="pad without cropping")
    before, after = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = amounts[i], amounts[len(axes) + i]
    if before[0] or after[0]:
        raise Unsupported("it pads the batch", node=node.name, remedy="pad axes of a frame")
    return tuple(before[1:]), tuple(after[1:])
