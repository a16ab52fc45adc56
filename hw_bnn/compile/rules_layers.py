"""Rules of the import for layers: MatMul, Gemm, Conv, and the padding before them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..errors import BadInput, Unsupported
from ..onnxfile.axes import axes as read_axes
from ..onnxfile.parts import Part
from .exact import ZERO, Surd
from .integer_graph import Linear
from .loadable import annotated, declare
from .registry import rule
from .rules_channels import joined, part_of
from .values import Activation, Constant, QuantConstant, RealInput
from .windows import check_axes, of_lines, padding, written_pools

MAX_SIDES = 8
"""Groups of several input channels that become a layer each, side by side; weights that are loaded
at run time belong to one layer."""
MAX_WEIGHT_BITS = 8  # of a file; bnn_wide_mvau.sv takes one more, for weights that a pass negates


@rule("MatMul", "Gemm")
def dense(state, node):
    """out = x*W (+ bias). Precondition: x on one scale, W of integers times a scale a row."""
    name = node.name
    weights = _weights(state, node)
    alpha = Surd(1)
    if node.op_type == "Gemm":
        if node.integer("transA", 0):
            raise Unsupported("Gemm with transA", node=name, remedy="export without transA")
        alpha = Surd(Fraction(float(node.number("alpha", 1.0))))
        if node.integer("transB", 0):
            scale = weights.scale.reshape((1,) * (2 - weights.scale.ndim) + weights.scale.shape)
            weights = replace(weights, integers=weights.integers.T, scale=scale.T)
    if weights.integers.ndim != 2:
        raise Unsupported(
            f"weights of shape {weights.integers.shape}", node=name, remedy="use a matrix"
        )
    value, _ = _layer_input(state, node)
    result = _product(state, node, value, weights, alpha)
    if node.op_type == "Gemm" and node.has(2):
        factor = Surd(Fraction(float(node.number("beta", 1.0))))
        bias = result.per_channel(state.constant(node, 2), name)
        result = result.affine(None, [b * factor for b in bias], name)
    state.values[node.output] = result


@rule("XnorPopcountMatMul")
def xnor_popcount(state, node):
    """FINN's layer of 0 and 1: counts where they agree, (K + sum (2x - 1)*(2w - 1)) / 2.

    Precondition: x of 0 and 1 (a MultiThreshold to BINARY), w of 0 and 1.
    """
    value, _ = _layer_input(state, node)
    source = state.tensors[value.tensor]
    alpha, beta = value.at(0)
    reals = {alpha * Surd(q) + beta for q in (source.minimum, source.maximum)}
    bits = source.datatype == "BIPOLAR" or source.maximum - source.minimum == 1
    if not bits or reals != {ZERO, Surd(1)}:
        raise Unsupported(
            "its input is not of 0 and 1",
            node=node.name,
            remedy="quantise it to BINARY (MultiThreshold with one threshold)",
        )
    array = np.asarray(state.constant(node, 1).exact())
    if array.ndim != 2 or not set(array.reshape(-1)) <= {ZERO, Surd(1)}:
        raise Unsupported(
            "its weights are not of 0 and 1", node=node.name, remedy="export the model again"
        )
    signs = np.where(array == ZERO, -1, 1).astype(np.int64)
    weights = QuantConstant(signs, Constant(np.ones((1, 1))).exact(), "BIPOLAR")
    value = value.affine([Surd(2)], [Surd(-1)], node.name)
    result = _product(state, node, value, weights, Surd(1))
    half = Surd(1) / Surd(2)
    state.values[node.output] = result.affine([half], [half * Surd(len(signs))], node.name)


def _product(state, node, value: Activation, weights: QuantConstant, alpha: Surd) -> Activation:
    """The integer layer of x*W, times alpha."""
    name = node.name
    if len(value.shape) != 2 or value.shape[1] != weights.integers.shape[0]:
        raise Unsupported(
            f"{value.shape} times {weights.integers.shape}",
            node=name,
            remedy="flatten maps before a dense layer; a layer of each position is a convolution "
            "with a kernel of 1, its channels in axis 1",
        )
    matrix, scale = weights.integers.T, _row_scale(weights, axis=1, name=name)
    if value.flat is not None:
        ordered = np.empty_like(matrix)
        ordered[:, value.flat] = matrix
        matrix = ordered
    op = Linear(name, [value.tensor], state.fresh(), matrix.astype(np.int16))
    op.declared = weights.declared
    scale = [alpha * s for s in scale]
    return _emit_linear(state, node, op, value, scale, (matrix.shape[0],), ("N", "C"))


@rule("Conv")
@of_lines
def conv(state, node):
    """2-D convolution. Precondition: as dense; padding of any exact integer value."""
    name = node.name
    weights = _weights(state, node)
    if weights.integers.ndim != 4:
        raise Unsupported(
            f"weights of shape {weights.integers.shape}",
            node=name,
            remedy="use a convolution over one or two axes of the map",
        )
    value, pad = _layer_input(state, node)
    check_axes(state, value, node)
    groups, (m, c) = node.integer("group", 1), weights.integers.shape[:2]
    if value.channels != c * groups or groups < 1 or m % groups:
        raise Unsupported(
            f"{value.channels} input channels for weights of {c} in {groups} groups",
            node=name,
            remedy="check the exported model",
        )
    sides = groups if 1 < groups <= MAX_SIDES and c > 1 and state.loadable is None else 1
    parts = _sides(state, node, value, weights, sides)
    found = [
        _convolution(state, node, channels, rows, pad, groups // sides) for channels, rows in parts
    ]
    result = found[0]
    for further in found[1:]:
        result = joined(state, node, result, further)
    if node.has(2):
        bias = state.constant(node, 2).exact().reshape(-1)
        result = result.affine(None, list(bias), name)
    state.values[node.output] = result


def _sides(
    state, node, value: Activation, weights: QuantConstant, groups: int
) -> list[tuple[Activation, QuantConstant]]:
    """Input channels and weights of each group of a convolution, to become layers side by side."""
    if groups == 1:
        return [(value, weights)]
    m, c = len(weights.integers) // groups, value.channels // groups
    scale = weights.scale.reshape((1,) * (4 - weights.scale.ndim) + weights.scale.shape)
    found = []
    for g in range(groups):
        ranges = [range(size) for size in value.shape]
        ranges[1] = range(g * c, (g + 1) * c)
        rows = slice(g * m, (g + 1) * m)
        part = QuantConstant(weights.integers[rows], scale[rows] if len(scale) > 1 else scale)
        found.append((part_of(state, node, value, Part(node.output, tuple(ranges))), part))
    return found


def _convolution(
    state, node, value: Activation, weights: QuantConstant, pad: tuple | None, groups: int
) -> Activation:
    """The integer layer of a convolution, without its bias."""
    name = node.name
    m, _, kh, kw = weights.integers.shape
    sizes = dict(zip(value.labels, value.shape, strict=True))
    stride = tuple(node.integers("strides", [1, 1]))
    dilation = tuple(node.integers("dilations", [1, 1]))
    pads = padding(node, (sizes["H"], sizes["W"]), (kh, kw), stride, dilation)
    if pad:  # the border of a Pad node is in the user's shape already
        sizes["H"], sizes["W"] = (
            sizes["H"] - pad[0][0] - pad[0][2],
            sizes["W"] - pad[0][1] - pad[0][3],
        )
    pads, pad_value = _merge_padding(state, node, value, pads, pad)
    source = state.tensors[value.tensor]
    oh = (sizes["H"] + pads[0] + pads[2] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (sizes["W"] + pads[1] + pads[3] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    if min(oh, ow) < 1:
        raise Unsupported(
            f"a {kh}x{kw} kernel on a map of {source.shape}",
            node=name,
            remedy="use a smaller kernel or more padding",
        )
    op = Linear(
        name,
        [value.tensor],
        state.fresh(),
        weights.integers.transpose(0, 2, 3, 1).astype(np.int16),
        stride,
        pads,
        dilation,
        pad_value,
        weights.declared,
        groups,
    )
    scale = _row_scale(weights, axis=0, name=name)
    result = _emit_linear(state, node, op, value, scale, (oh, ow, m), value.labels)
    return replace(result, shape=(value.shape[0], m, oh, ow))


@rule("Pad")
def pad(state, node):
    """Constant padding of H, W. Precondition: a convolution without padding of its own follows."""
    name = node.name
    if node.text("mode", "constant") != "constant":
        raise Unsupported(
            f"padding mode {node.text('mode')}", node=name, remedy="use constant padding"
        )
    pads = node.integers("pads", None)
    if pads is None:
        pads = state.numbers(node, 1)
    amount = Fraction(node.number("value", 0.0))
    if node.has(2):
        exact = state.constant(node, 2).exact().reshape(-1)[0]
        if exact.d:
            raise Unsupported(
                "its padding value is irrational", node=name, remedy="store it as a number"
            )
        amount = exact.x
    value = state.value(node, 0)
    if not any(pads):
        state.values[node.output] = value
        return
    rank = len(value.shape)
    if not isinstance(value, Activation) or rank not in (3, 4) or value.pad:
        raise Unsupported(
            "padding is supported on quantised maps only, once",
            node=name,
            remedy="pad behind the quantiser, right before the convolution",
        )
    if node.has(3):
        axes = read_axes(node, state.numbers(node, 3), rank)
        full = [0] * 2 * rank
        if len(pads) != 2 * len(axes):
            raise BadInput(
                f"its pads {pads} are not two an axis", node=name, remedy="export the model again"
            )
        for i, axis in enumerate(axes):
            full[axis], full[axis + rank] = pads[i], pads[i + len(axes)]
        pads = full
    begin = {"H": 0, "W": 0, **dict(zip(value.labels, pads[:rank], strict=True))}
    end = {"H": 0, "W": 0, **dict(zip(value.labels, pads[rank:], strict=True))}
    if begin["N"] or end["N"] or begin["C"] or end["C"] or min(pads) < 0:
        raise Unsupported(
            "padding of batch or channels, or cropping", node=name, remedy="pad H and W only"
        )
    box = (begin["H"], begin["W"], end["H"], end["W"])
    grown = {"H": box[0] + box[2], "W": box[1] + box[3]}
    sizes = zip(value.labels, value.shape, strict=True)
    shape = tuple(size + grown.get(label, 0) for label, size in sizes)
    state.values[node.output] = replace(value, shape=shape, pad=(box, amount))


def _emit_linear(state, node, op: Linear, value: Activation, scale, shape, labels) -> Activation:
    source = state.tensors[value.tensor]
    low, high = source.minimum, source.maximum
    if any(op.pads):
        low, high = min(low, op.pad_value), max(high, op.pad_value)
    flat = op.weights.reshape(len(op.weights), -1).astype(np.int64)
    plus, minus = np.maximum(flat, 0).sum(1), np.minimum(flat, 0).sum(1)
    minimum, maximum = plus * low + minus * high, plus * high + minus * low
    if state.loadable is None:
        op.declared = None  # these weights alone
    else:  # whatever weights are loaded
        largest = declare(op, state.ops, state.loadable)
        maximum = np.full(len(flat), largest * max(-low, high) * flat.shape[1])
        minimum = -maximum
    state.add_tensor(op.output, shape, int(minimum.min()), int(maximum.max()), node.output)
    state.bounds[op.output] = (minimum.tolist(), maximum.tolist())
    state.ops.append(op)
    (alpha,), beta = {*value.alpha}, value.beta[0]
    offset = [ZERO]
    if beta != ZERO:
        sums = flat.sum(1).tolist()
        every = scale * (len(sums) // len(scale))
        offset = [beta * s * Surd(k) for s, k in zip(every, sums, strict=True)]
    batch = value.shape[0]
    return Activation(op.output, labels, (batch, *shape), [alpha * s for s in scale], offset)


def _layer_input(state, node):
    """The quantised input of a layer and its padding, or why it cannot be one."""
    name, value = node.name, state.value(node, 0)
    if isinstance(value, RealInput):
        raise Unsupported(
            "its input is the graph input, which no quantiser has made integer",
            node=name,
            remedy="put an input quantiser into the model (Brevitas QuantIdentity), annotate "
            "the input with a QONNX integer datatype, or give input_datatype=",
        )
    pooled = isinstance(value, Activation) and value.pools
    if pooled and not isinstance(state.producer(value.tensor), Linear):
        value = written_pools(state, value, node)
    if not isinstance(value, Activation) or value.pools or value.bends:
        raise Unsupported(
            "its input is not quantised",
            node=name,
            remedy="quantise it with BipolarQuant or Quant (Brevitas QuantIdentity)",
        )
    if isinstance(state.producer(value.tensor), Linear) and len({*value.alpha}) == 1:
        raise Unsupported(
            "two layers without a quantiser between them",
            node=name,
            remedy="put a quantiser between them, or multiply the two matrices",
        )
    if len({*value.alpha}) != 1 or len({*value.beta}) != 1:
        raise Unsupported(
            "its input has a scale or an offset per channel",
            node=name,
            remedy="use one scale for the quantiser before it",
        )
    return replace(value, alpha=value.alpha[:1], beta=value.beta[:1]), value.pad


def _weights(state, node) -> QuantConstant:
    """Integers of up to MAX_WEIGHT_BITS and their scale.

    Constants of the file that are integers, or all of one size, are taken too.

    Raises:
        Unsupported: float weights, computed ones, or ones of more bits.
    """
    name, value = node.name, state.value(node, 1)
    if isinstance(value, Constant) and value.array.dtype != object and value.array.size:
        whole = np.rint(value.array)
        if np.array_equal(whole, value.array) and np.abs(whole).max() < 2**31:
            one = Constant(np.ones((1,) * value.array.ndim)).exact()
            declared = annotated(state.graph.annotations.get(node.input(1)), whole)
            return _narrow(QuantConstant(whole.astype(np.int64), one, declared), name)
        sizes = _sizes(value.array)
        if sizes is not None:  # +-s already; of a channel of zeros the sign is free
            signs = np.where(value.array >= 0, 1, -1).astype(np.int64)
            return QuantConstant(signs, Constant(sizes).exact())
    if isinstance(value, Constant) and value.array.dtype == object and value.array.size:
        flat = value.array.reshape(-1)
        size = flat[0] if flat[0].sign() > 0 else -flat[0]
        signs = np.array([1 if v == size else -1 if v == -size else 0 for v in flat], np.int64)
        if size.sign() and signs.all():
            scale = np.full((1,) * value.array.ndim, size, dtype=object)
            return QuantConstant(signs.reshape(value.array.shape), scale)
    if isinstance(value, Constant):
        raise Unsupported(
            "its weights are float",
            node=name,
            remedy="quantise them (BipolarQuant, Quant; Brevitas QuantType.BINARY or INT)",
        )
    if not isinstance(value, QuantConstant):
        raise Unsupported(
            "its weights, the second factor, are not a constant",
            node=name,
            remedy="use constant weights, with the activation as the first factor",
        )
    return _narrow(value, name)


def _sizes(array: np.ndarray) -> np.ndarray | None:
    """The absolute values of weights +-s: one, or one along an axis (a layer whose BatchNorm an
    exporter has multiplied into the weights); None of others."""
    size = np.abs(array)
    for axis in (None, *range(array.ndim)):
        others = tuple(a for a in range(array.ndim) if a != axis)
        largest = size.max(axis=others, keepdims=True)
        if largest.any() and (size == largest).all():
            return largest
    return None


def _narrow(value: QuantConstant, name: str) -> QuantConstant:
    """The weights, if they fit two's complement of MAX_WEIGHT_BITS."""
    end = 1 << (MAX_WEIGHT_BITS - 1)
    least, greatest = int(value.integers.min()), int(value.integers.max())
    if least < -end or greatest >= end:
        raise Unsupported(
            f"its weights take values from {least} to {greatest}, "
            f"over {MAX_WEIGHT_BITS} signed bits",
            node=name,
            remedy=f"quantise them to at most {MAX_WEIGHT_BITS} bits, signed",
        )
    return value


def _row_scale(weights: QuantConstant, axis: int, name: str) -> list[Surd]:
    rank = weights.integers.ndim
    scale = weights.scale.reshape((1,) * (rank - weights.scale.ndim) + weights.scale.shape)
    if any(size > 1 for i, size in enumerate(scale.shape) if i != axis):
        raise Unsupported(
            "a weight scale that varies inside a neuron",
            node=name,
            remedy="use one scale a tensor or one an output channel",
        )
    return list(scale.reshape(-1))


def _merge_padding(state, node, value: Activation, pads, pending):
    """One box, one integer for padding by the convolution (real 0) and by a Pad before it."""
    name = node.name
    if pending is None and not any(pads):
        return tuple(pads), 0
    if pending is not None and any(pads):
        raise Unsupported(
            "a Pad node before a convolution that pads too", node=name, remedy="pad in one place"
        )
    box, real = pending if pending is not None else (tuple(pads), 0)
    level = (Surd(real) - value.beta[0]) / value.alpha[0]
    source = state.tensors[value.tensor]
    integer = level.x.numerator if not level.d and level.x.denominator == 1 else None
    allowed = (
        (-1, 0, 1) if source.datatype == "BIPOLAR" else range(source.minimum, source.maximum + 1)
    )
    if integer is None or integer not in allowed:
        raise Unsupported(
            f"padding with {float(real)} is no integer of the padded tensor "
            f"({source.datatype}, scale {float(value.alpha[0])})",
            node=name,
            remedy="pad with a value that the quantiser before it can take, or with 0",
        )
    return box, integer
