"""Windows over maps: kernel, strides, padding as ONNX writes them, what may stand below."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import Unsupported
from ..onnxfile import Node
from ..onnxfile.one_axis import turned
from .integer_graph import MaxPool
from .values import Activation, Constant, PendingPool, QuantConstant, told

LINE = ("N", "C", "W", "H")
"""Axes of a line that a file shows as a map of width 1: Keras' pools over one axis."""


def of_lines(rule: Callable[..., None]) -> Callable[..., None]:
    """A rule of windows on (N, C, H, W) that takes LINE, too: height and width change places."""

    @functools.wraps(rule)
    def either(state, node: Node) -> None:
        value = state.value(node, 0)
        if not isinstance(value, Activation) or value.labels != LINE or 1 not in value.shape[2:]:
            rule(state, node)
            return
        names = [f"{node.output}/turned{i}" for i in range(2 if node.op_type == "Conv" else 1)]
        state.values[names[0]] = _exchanged(value)
        if node.op_type == "Conv":
            state.values[names[1]] = _exchanged_weights(state.value(node, 1))
        rule(state, turned(node, *names))
        state.values[node.output] = _exchanged(state.values[node.output])

    return either


def _exchanged(value: Activation) -> Activation:
    if len(value.labels) < 4:  # a mean has taken both
        return value
    labels, shape = ([*axes[:2], axes[3], axes[2]] for axes in (value.labels, value.shape))
    return replace(value, labels=tuple(labels), shape=tuple(shape))


def _exchanged_weights(value):
    if isinstance(value, Constant) and value.array.ndim == 4:
        return Constant(value.array.swapaxes(2, 3))
    if isinstance(value, QuantConstant) and value.integers.ndim == 4:
        scale = value.scale.reshape((1,) * (4 - value.scale.ndim) + value.scale.shape)
        return replace(value, integers=value.integers.swapaxes(2, 3), scale=scale.swapaxes(2, 3))
    return value


def check_map(state, value: Activation, node) -> None:
    """Refuse a vector that a reshape shows as a map: its tensor has no pixels."""
    if len(state.tensors[value.tensor].shape) != 3:
        raise Unsupported(
            f"{node.op_type} of a vector that was reshaped to {value.shape}",
            node=node.name,
            remedy="reshape the network's input before its quantiser; elsewhere use a dense layer, "
            "which a 1x1 convolution of one pixel is, and leave the pool out",
        )


def check_axes(state, value: Activation, node) -> None:
    """Refuse what is no map, and other axes than (batch, channels, height, width)."""
    check_map(state, value, node)
    if value.labels != ("N", "C", "H", "W"):
        raise Unsupported(
            f"an input with axes {value.labels}",
            node=node.name,
            remedy=f"{node.op_type} reads (batch, channels, height, width): of a channels-last map "
            "put Transpose(0, 3, 1, 2) before it",
        )


def settled(value, node) -> Activation:
    """`value`, if it is an activation whose padding, where it has some, has been used up."""
    if not isinstance(value, Activation):
        raise Unsupported(
            f"{node.op_type} of {told(value)}",
            node=node.name,
            remedy="put it behind the input quantiser (Brevitas QuantIdentity), or do it on the "
            "host",
        )
    value.no_border(node.name)
    return value


def window(node) -> tuple[tuple[int, int], tuple[int, int]]:
    """(kernel, stride) of a 2-D pool."""
    kernel = tuple(node.integers("kernel_shape"))
    if len(kernel) != 2:
        raise Unsupported(
            f"a pool of {len(kernel)} dimensions", node=node.name, remedy="use 2-D pools"
        )
    return kernel, tuple(node.integers("strides", [1, 1]))


def padding(node, size, kernel, stride, dilation) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of a convolution or pool on a map of `size` (height, width)."""
    auto = node.text("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        return tuple(node.integers("pads", [0] * 4)) if auto == "NOTSET" else (0, 0, 0, 0)
    low, high = [], []
    for s, k, t, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-s // t) - 1) * t + d * (k - 1) + 1 - s, 0)
        small = total // 2
        low.append(small if auto == "SAME_UPPER" else total - small)
        high.append(total - low[-1])
    return (low[0], low[1], high[0], high[1])


def pooled_shape(shape, kernel, stride, pads=(0, 0, 0, 0)) -> tuple[int, int, int]:
    """(H, W, C) of a pool's output; pads are top, left, bottom, right."""
    height, width = shape[0] + pads[0] + pads[2], shape[1] + pads[1] + pads[3]
    return ((height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1, shape[2])


def write_pool(state, pool: PendingPool, name: str, minimum: np.ndarray, origin: str) -> str:
    """Write a max-pool that waited; the name of its output."""
    source, pooled = state.tensors[name], state.fresh()
    state.add_tensor(
        pooled,
        pooled_shape(source.shape, pool.kernel, pool.stride, pool.pads),
        source.minimum,
        source.maximum,
        origin,
        source.datatype,
    )
    state.ops.append(
        MaxPool(pool.node, [name], pooled, pool.kernel, pool.stride, minimum, pool.pads)
    )
    return pooled


def written_pools(state, value: Activation, node) -> Activation:
    """`value` with the max-pools that waited for a quantiser written before it."""
    name = value.tensor
    for pool in value.pools:
        below, name = name, write_pool(state, pool, name, pool.minimum, node.output)
        if below in state.bounds:
            state.bounds[name] = state.bounds[below]
    return replace(value, tensor=name, pools=[])
