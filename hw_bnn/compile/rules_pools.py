"""Rules of the import for pools: maxima, which may wait for a quantiser, and sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import Unsupported
from ..onnxfile.axes import axes as read_axes
from .exact import Surd
from .integer_graph import MaxPool, SumPool, Threshold
from .registry import rule
from .requantising import Requantise
from .values import PendingPool
from .windows import check_axes, check_map, of_lines, padding, pooled_shape, settled, window


@rule("MaxPool")
@of_lines
def max_pool(state, node):
    """Per-channel maximum of the real values: of the integers,
    or the minimum where their scale is negative.

    Before a quantiser it waits: max and threshold commute exactly (thresholds.py settles the sign).
    """
    name = node.name
    value = settled(state.value(node, 0), node)
    kernel, stride = window(node)
    if node.integer("ceil_mode", 0) or any(d != 1 for d in node.integers("dilations", [1, 1])):
        raise Unsupported("a max-pool with ceil_mode or dilation", node=name, remedy="use neither")
    check_axes(state, value, node)
    if value.turns:
        raise Unsupported(
            "a max-pool behind a slope below 0, with no quantiser between them",
            node=name,
            remedy="quantise before the pool",
        )
    source = state.tensors[value.tensor]
    minimum = np.array([value.falls(c) for c in range(source.channels)])
    n, c, h, w = value.shape
    pads = padding(node, (h, w), kernel, stride, (1, 1))
    oh, ow, _ = pooled_shape((h, w, c), kernel, stride, pads)
    if min(oh, ow) < 1:
        raise Unsupported(
            f"a {kernel} pool on a {h}x{w} map", node=name, remedy="use a smaller pool"
        )
    producer = state.producer(value.tensor)
    if producer is None or isinstance(producer, (Threshold, Requantise, MaxPool)):
        output = state.fresh()
        state.add_tensor(
            output, (oh, ow, c), source.minimum, source.maximum, node.output, source.datatype
        )
        state.ops.append(MaxPool(name, [value.tensor], output, kernel, stride, minimum, pads))
        result = replace(value, tensor=output, shape=(n, c, oh, ow))
    else:
        pending = PendingPool(kernel, stride, minimum, pads, name)
        result = replace(value, shape=(n, c, oh, ow), pools=[*value.pools, pending])
    state.values[node.output] = result


@rule("GlobalMaxPool", "ReduceMax")
def other_maximum(state, node):
    """Maxima of whole maps are followed as a MaxPool (onnxfile/one_axis.py); this is none."""
    raise Unsupported(
        "a maximum over other axes than all those of a map",
        node=node.name,
        remedy="take it over H and W, of (batch, channels, height, width)",
    )


@rule("AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum")
@of_lines
def average_pool(state, node):
    """Sum of the window; the division joins the scale. Precondition: no padding, whole windows."""
    value = settled(state.value(node, 0), node)
    ordered = value.labels == ("N", "C", "H", "W") or node.op_type.startswith("Reduce")
    ordered |= node.op_type == "GlobalAveragePool" and value.labels[:2] == ("N", "C")
    if value.pools or value.bends or len(value.shape) < 3:
        raise Unsupported(
            "an average pool needs a quantised map as input",
            node=node.name,
            remedy="quantise before it",
        )
    check_map(state, value, node)
    if not ordered:
        check_axes(state, value, node)
    sizes = {"H": 1, "W": 1, **dict(zip(value.labels, value.shape, strict=True))}
    if "HW" in sizes:
        sizes["H"], sizes["W"] = state.tensors[value.tensor].shape[:2]
    height, width = sizes["H"], sizes["W"]
    if node.op_type == "AveragePool":
        kernel, stride = _average_window(node, height, width)
    else:
        _check_axes(state, node, value)
        kernel, stride = (height, width), (height, width)
    source = state.tensors[value.tensor]
    shape = pooled_shape((height, width, value.channels), kernel, stride)
    size = kernel[0] * kernel[1]
    output = state.fresh()
    state.add_tensor(output, shape, source.minimum * size, source.maximum * size, node.output)
    state.ops.append(SumPool(node.name, [value.tensor], output, kernel, stride))
    sizes |= {"H": shape[0], "W": shape[1], "HW": shape[0] * shape[1]}
    result = replace(
        value,
        tensor=output,
        shape=tuple(sizes[label] for label in value.labels),
        alpha=[a / Surd(size) for a in value.alpha],
    )
    if node.op_type == "ReduceSum":
        result = replace(result, alpha=value.alpha, beta=[b * Surd(size) for b in value.beta])
    if node.op_type.startswith("Reduce") and not node.integer("keepdims", 1):
        result = replace(result, shape=(sizes["N"], sizes["C"]), labels=("N", "C"))
    state.values[node.output] = result


def _average_window(node, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Kernel and stride of an average pool on a map.

    Raises:
        Unsupported: it has padding, or is larger than the map.
    """
    kernel, stride = window(node)
    if (
        any(padding(node, (height, width), kernel, stride, (1, 1)))
        or node.integer("ceil_mode", 0)
        or any(d != 1 for d in node.integers("dilations", [1, 1]))
    ):
        raise Unsupported(
            "an average pool with padding, ceil_mode or dilation",
            node=node.name,
            remedy="use none of them",
        )
    if height < kernel[0] or width < kernel[1]:
        raise Unsupported(
            f"a {kernel} pool on a {height}x{width} map",
            node=node.name,
            remedy="use a smaller pool",
        )
    return kernel, stride


def _check_axes(state, node, value) -> None:
    """Refuse a mean or sum over other axes than all but batch and channels."""
    if not node.op_type.startswith("Reduce"):
        return
    axes = node.integers("axes", None)
    if axes is None and node.has(1):
        axes = state.numbers(node, 1)
    named = {value.labels[axis] for axis in read_axes(node, axes or (), len(value.shape))}
    if named != {*value.labels} - {"N", "C"}:
        raise Unsupported(
            "a mean or sum over other axes than H and W", node=node.name, remedy="reduce H and W"
        )
