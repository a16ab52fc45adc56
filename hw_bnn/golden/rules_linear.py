"""Rules of layers that sum products: MatMul, Gemm, Conv."""

from __future__ import annotations

from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput, Unsupported
from ..onnxfile import Node
from .contraction import Contraction, contract
from .exact import ONE, ZERO, Surd, as_floats, distinct, exact_array, full
from .ops import Conv, Linear, Sum, output_size
from .registry import rule
from .values import UNIT, Constant, Integers, Weights

if TYPE_CHECKING:
    from .importer import Importer

WEIGHTS_REMEDY = (
    "train the network with weights of 1 to 8 bits and quantised activations (BipolarQuant, Quant; "
    "hw_bnn.nn, or Brevitas with QuantType.BINARY or INT)"
)


def read_weights(walk: Importer, node: Node, position: int) -> Weights:
    """The weights of a layer; constants that are integers, or all of one size, are taken too.

    Raises:
        Unsupported: they are float numbers.
    """
    value = walk.value(node, position)
    if isinstance(value, Weights):
        return value
    if not isinstance(value, Constant):
        raise Unsupported(
            "its weights are computed by the network",
            node=node.name,
            remedy="products of two activations are not supported",
        )
    if value.numbers.dtype == object:
        values = distinct(value.numbers)
        size, size_error = np.abs(as_floats(value.numbers)), value.error
        if values and values[0].sign() and all(abs(v) == abs(values[0]) for v in values):
            signs = np.vectorize(lambda v: v.sign(), otypes=[np.int64])(value.numbers)
            scale = full((1,) * signs.ndim, abs(values[0]))
            return Weights(signs, scale, float(np.max(size_error / size)))
        raise Unsupported(
            "its weights are the result of arithmetic", node=node.name, remedy=WEIGHTS_REMEDY
        )
    numbers = value.numbers
    if not np.isfinite(numbers).all():
        raise BadInput(
            "its weights are not all finite", node=node.name, remedy="export the model again"
        )
    ones = (1,) * numbers.ndim
    rounded = np.rint(numbers)
    if np.array_equal(rounded, numbers) and np.abs(rounded).max(initial=0) < 2**15:
        return Weights(rounded.astype(np.int64), exact_array(np.ones(ones)))
    size = np.abs(numbers)
    for axis in range(numbers.ndim if size.any() else 0):  # one size, or one along this axis
        rows = np.moveaxis(size, axis, 0).reshape(numbers.shape[axis], -1)
        if (rows == rows[:, :1]).all():
            shape = tuple(-1 if i == axis else 1 for i in range(numbers.ndim))
            same = (rows[:, 0] == rows[0, 0]).all()
            scale = exact_array(rows[:1, 0] if same else rows[:, 0])
            return Weights(
                np.where(numbers < 0, -1, 1).astype(np.int64),
                scale.reshape(ones if same else shape),
            )
    raise Unsupported(
        f"its weights {node.inputs[position]!r} are float numbers",
        node=node.name,
        remedy=WEIGHTS_REMEDY,
    )


@rule("MatMul", "Gemm")
def _matmul(walk: Importer, node: Node) -> Integers:
    if isinstance(walk.value(node, 0), Constant | Weights) and not isinstance(
        walk.value(node, 1), Constant | Weights
    ):
        raise Unsupported(
            "its left factor is the constant one",
            node=node.name,
            remedy="export it as activation times weights",
        )
    weights = read_weights(walk, node, 1)  # a float network is told by its weights first
    return _product(walk, node, walk.linear_input(node), weights)


@rule("XnorPopcountMatMul")
def _xnor_popcount(walk: Importer, node: Node) -> Integers:
    """Where x and w, both of 0 and 1, agree: (sum (2x - 1)(2w - 1) + K) / 2."""
    x, weights = walk.linear_input(node), read_weights(walk, node, 1)
    ends = [x.alpha * exact_array(end) + x.beta for end in (x.minimum, x.maximum)]
    two = x.binary or bool(np.all(x.maximum - x.minimum <= 1))
    bits = all(v in (ZERO, ONE) for part in ends for v in part.reshape(-1))
    if not (two and bits):
        raise Unsupported(
            "its input is not of 0 and 1",
            node=node.name,
            remedy="quantise it to BINARY (MultiThreshold with one threshold)",
        )
    if not (np.isin(weights.integers, (0, 1)).all() and weights.scale.reshape(-1)[0] == ONE):
        raise Unsupported(
            "its weights are not of 0 and 1", node=node.name, remedy="export the model again"
        )
    x = x.transform(Constant(np.array(2.0)), Constant(np.array(-1.0)))
    ones = exact_array(np.ones((1,) * weights.integers.ndim))
    out = _product(walk, node, x, Weights(2 * weights.integers - 1, ones))
    half = Constant(np.array(0.5))
    return out.transform(half, Constant(np.array(len(weights.integers) / 2)))


def _product(walk: Importer, node: Node, x: Integers, weights: Weights) -> Integers:
    integers, scale = weights.integers, weights.scale
    if integers.ndim != 2:
        raise Unsupported(
            f"its weights have the shape {integers.shape}", node=node.name, remedy="use a matrix"
        )
    gain = 1.0
    if node.op_type == "Gemm":
        if node.integer("transA", 0):
            raise Unsupported("transA is set", node=node.name, remedy="export it without")
        gain = node.number("alpha", 1.0)
        if node.integer("transB", 0):
            integers, scale = integers.T, scale.T
    integers, scale = integers.T, scale.T  # (M, K)
    if x.shape[-1:] != integers.shape[1:]:
        raise BadInput(
            f"its input has {x.shape[-1:]} features, its weights take {integers.shape[1]}",
            node=node.name,
            remedy="export the model again",
        )
    inputs = integers.shape[1]
    parts = {
        name: _along(getattr(x, name), len(x.shape) - 1, inputs, node.name)
        for name in ("alpha", "beta", "minimum", "maximum", "error")
    }
    result = contract(parts, integers, np.atleast_2d(scale), weights.relative_error, node.name)
    shape = (*x.shape[:-1], len(integers))
    row = (1,) * (len(shape) - 1) + (len(integers),)
    out = Integers(
        node.output,
        shape,
        result.alpha.reshape(row),
        result.beta.reshape(row),
        result.minimum.reshape(row),
        result.maximum.reshape(row),
        error=result.error.reshape(row),
    )
    out = walk.emit(Linear(node.output, (x.name,), node.name, result.integers), out)
    if gain != 1.0:
        out = out.transform(Constant(np.array(gain)), None)
    return _biased(walk, node, out, inputs) if node.has(2) else out


def _biased(walk: Importer, node: Node, value: Integers, inputs: int) -> Integers:
    """With the layer's bias, which float arithmetic may add before, after or inside the sum."""
    bias = walk.constant(node, 2)
    if node.op_type == "Gemm":
        gain = node.number("beta", 1.0)
        if gain != 1.0:
            from .constants import multiply

            bias = multiply(bias, Constant(np.array(gain)))
    else:
        column = (-1,) + (1,) * (len(value.shape) - 1)
        error = np.broadcast_to(bias.error, bias.shape).reshape(column)
        bias = Constant(bias.numbers.reshape(column), error)
    exact = bias.exact().reshape(-1)
    if all(b.sign() == 0 for b in exact):
        return value
    out = value.transform(None, bias)
    return replace(
        out,
        error=out.error
        + 1.01 * (inputs + 2) * UNIT * (value.magnitude() + np.abs(as_floats(exact)).max()),
    )


def _along(array: np.ndarray, axis: int, size: int, node: str) -> np.ndarray:
    """The entries of a broadcast array along one axis, the others being one value."""
    if any(n != 1 for i, n in enumerate(array.shape) if i != axis):
        raise Unsupported(
            "the scale of its input varies by position",
            node=node,
            remedy="quantise its input with one scale a tensor or channel",
        )
    return np.broadcast_to(array.reshape(-1), (size,))


@rule("Conv")
def _conv(walk: Importer, node: Node) -> Integers:
    weights = read_weights(walk, node, 1)
    x = walk.linear_input(node)
    if weights.integers.ndim != 4 or len(x.shape) != 3:
        raise Unsupported(
            f"it is a convolution over {weights.integers.ndim - 2} axes of frames of shape "
            f"{x.shape}",
            node=node.name,
            remedy="use convolutions over one or two axes, on (C, L) or (C, H, W)",
        )
    groups = node.integer("group", 1)
    outputs, per_group, *kernel = weights.integers.shape
    channels = x.shape[0]
    if per_group * groups != channels or outputs % groups:
        raise BadInput(
            f"{channels} channels do not fit weights {weights.integers.shape} in {groups} groups",
            node=node.name,
            remedy="export the model again",
        )
    strides, dilations, pads = window_attributes(node, kernel, x.shape[1:])
    value, x = np.zeros(channels, np.int64), x
    if any(pads):
        x, value = padding_integers(walk, node, x, ZERO)
    result = _conv_scales(x, weights, value if any(pads) else None, groups, node.name)
    size = tuple(
        output_size(n, k, s, pads[i], pads[i + 2], d)
        for i, (n, k, s, d) in enumerate(zip(x.shape[1:], kernel, strides, dilations, strict=True))
    )
    if min(size) < 1:
        raise BadInput(
            f"its kernel {tuple(kernel)} is larger than its input {x.shape}",
            node=node.name,
            remedy="export the model again",
        )
    column = (outputs, 1, 1)
    out = Integers(
        node.output,
        (outputs, *size),
        result.alpha.reshape(column),
        result.beta.reshape(column),
        result.minimum.reshape(column),
        result.maximum.reshape(column),
        error=result.error.reshape(column),
    )
    op = Conv(
        node.output,
        (x.name,),
        node.name,
        result.integers.reshape(weights.integers.shape),
        strides,
        pads,
        dilations,
        groups,
        value,
    )
    out = walk.emit(op, out)
    return _biased(walk, node, out, per_group * kernel[0] * kernel[1]) if node.has(2) else out


def _conv_scales(
    x: Integers, weights: Weights, padding: np.ndarray | None, groups: int, node: str
) -> Contraction:
    """contract() for each group of a convolution, its inputs being (channel, kernel position)."""
    outputs, per_group = weights.integers.shape[:2]
    taps = weights.integers[0, 0].size
    matrix = weights.integers.reshape(outputs, -1)
    if weights.scale.size == 1 or weights.scale.shape[1:] == (1, 1, 1):
        scale = weights.scale.reshape(-1, 1)
    else:
        scale = np.broadcast_to(weights.scale, weights.integers.shape).reshape(outputs, -1)
    channel = {
        name: _along(getattr(x, name), 0, x.shape[0], node)
        for name in ("alpha", "beta", "minimum", "maximum", "error")
    }
    if padding is not None:
        channel["minimum"] = np.minimum(channel["minimum"], padding)
        channel["maximum"] = np.maximum(channel["maximum"], padding)
    parts = []
    share = outputs // groups
    for g in range(groups):
        inputs = {
            name: np.repeat(array[g * per_group : (g + 1) * per_group], taps)
            for name, array in channel.items()
        }
        rows = slice(g * share, (g + 1) * share)
        parts.append(
            contract(
                inputs,
                matrix[rows],
                scale if len(scale) == 1 else scale[rows],
                weights.relative_error,
                node,
            )
        )
    if groups == 1:
        return parts[0]
    return Contraction(
        *(
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("integers", "alpha", "beta", "minimum", "maximum", "error")
        )
    )


def padding_integers(
    walk: Importer, node: Node, x: Integers, value: Surd
) -> tuple[Integers, np.ndarray]:
    """The integer per channel that stands for a real padding value: (value - beta) / alpha.

    Where it is no integer, the tensor's integers are multiplied until it is one (a map of 0 and 1
    that means -1 and +1 is padded with a half).

    Returns:
        (the input, perhaps rescaled; int64 (C,)).
    """
    alpha = _along(x.alpha, 0, x.shape[0], node.name)
    beta = _along(x.beta, 0, x.shape[0], node.name)
    wanted = []
    for a, b in zip(alpha, beta, strict=True):
        difference = value - b
        number = ZERO if difference.sign() == 0 else difference / a
        if not number.is_rational():
            raise Unsupported(
                "its padding value falls between the levels of its input",
                node=node.name,
                remedy="quantise its input before the padding",
            )
        wanted.append(number.x)
    multiple = lcm(*(w.denominator for w in wanted))
    if multiple >= 2**16 or max(abs(w) for w in wanted) >= 2**31:
        raise Unsupported(
            f"its padding value {float(value):g} has no useful common measure with the "
            "levels of its input",
            node=node.name,
            remedy="pad with a level of the input",
        )
    if multiple > 1:
        name = f"{node.output}/input*{multiple}"
        scaled = replace(
            x,
            name=name,
            alpha=x.alpha / Surd(multiple),
            minimum=x.minimum * multiple,
            maximum=x.maximum * multiple,
            binary=False,
        )
        factor = np.full((1,) * len(x.shape), multiple, np.int64)
        x = walk.emit(Sum(name, (x.name,), node.name, (factor,)), scaled)
    return x, np.array([int(w * multiple) for w in wanted], dtype=np.int64)


def window_attributes(node: Node, kernel, size) -> tuple[tuple, tuple, tuple]:
    """(strides, dilations, pads (top, left, bottom, right)) with auto_pad resolved."""
    strides = tuple(node.integers("strides", [1, 1]))
    dilations = tuple(node.integers("dilations", [1, 1]))
    pads = tuple(node.integers("pads", [0, 0, 0, 0]))
    mode = node.text("auto_pad", "NOTSET")
    if mode == "VALID":
        pads = (0, 0, 0, 0)
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        total = [
            max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
            for n, k, s, d in zip(size, kernel, strides, dilations, strict=True)
        ]
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        pads = (*less, *more) if mode == "SAME_UPPER" else (*more, *less)
    elif mode not in ("NOTSET", ""):
        raise BadInput(f"its auto_pad is {mode}", node=node.name, remedy="use explicit pads")
    if len(strides) != 2 or len(dilations) != 2 or len(pads) != 4 or min(pads) < 0:
        raise Unsupported(
            f"its strides {strides}, dilations {dilations} or pads {pads} are not those of "
            "a 2-D window",
            node=node.name,
            remedy="use 2-D windows without cropping",
        )
    return strides, dilations, pads
