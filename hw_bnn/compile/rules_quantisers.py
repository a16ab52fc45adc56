"""Rules of the import for quantisers: BipolarQuant, Quant/IntQuant and FINN's MultiThreshold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..errors import Unsupported
from .exact import Surd
from .integer_graph import MaxPool, Threshold, datatype_for
from .registry import rule
from .thresholds import Quantiser, bipolar, thresholds, uniform
from .values import Activation, Constant, QuantConstant, RealInput

MAX_LEVELS = 255


@rule("BipolarQuant")
def bipolar_quant(state, node):
    """sign(x)*scale. Precondition: the scale is a positive constant, one a tensor or one a channel."""
    scale = state.constant(node, 1)
    value = state.value(node, 0)
    if isinstance(value, Constant):
        state.values[node.output] = _bipolar_weights(value, scale, node)
        return
    _quantise(state, node, value, scale, lambda s: bipolar(s))


@rule("Quant", "IntQuant")
def quant(state, node):
    """clip(round(x/scale + zero)). Precondition: scale, zero point and bit width are constants."""
    name = node.name
    scale, zero, bits = (state.constant(node, i) for i in (1, 2, 3))
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 1))
    rounding = node.text("rounding_mode", "ROUND")
    width = np.unique(np.asarray(bits.array, dtype=np.float64))
    if width.size != 1 or width[0] != int(width[0]) or not 1 <= width[0] <= 16:
        raise Unsupported(
            f"bit width {width.tolist()}", node=name, remedy="use one whole number up to 8"
        )
    width = int(width[0])
    zeros = {Fraction(v) for v in np.asarray(zero.array, dtype=np.float64).reshape(-1).tolist()}
    if len(zeros) != 1 or next(iter(zeros)).denominator != 1:
        raise Unsupported(
            "a zero point per channel or not an integer",
            node=name,
            remedy="use one integer zero point",
        )
    point = next(iter(zeros))
    value = state.value(node, 0)
    if width == 1 and not signed and point:
        raise Unsupported(
            "a 1-bit unsigned quantiser with a zero point",
            node=name,
            remedy="use a signed 1-bit quantiser (bipolar)",
        )
    if isinstance(value, Constant):
        if width == 1 and signed:
            state.values[node.output] = _bipolar_weights(value, scale, node)
            return
        state.values[node.output] = _uniform_weights(
            value,
            scale,
            uniform(
                [Fraction(1)],
                point,
                width,
                signed=signed,
                narrow=narrow,
                rounding=rounding,
                node=name,
            ),
            node,
        )
        return
    _quantise(
        state,
        node,
        value,
        scale,
        lambda s: uniform(
            s, point, width, signed=signed, narrow=narrow, rounding=rounding, node=name
        ),
    )


@rule("MultiThreshold")
def multi_threshold(state, node):
    """FINN dialect: out_bias + out_scale * #{thresholds reached}; real thresholds, one row a channel.

    Precondition: integer steps, or a bipolar output (scale 2, bias -1).
    """
    name = node.name
    value = _activation(state, node, state.value(node, 0))
    table = state.constant(node, 1).exact()
    scale = Fraction(float(node.number("out_scale", 1.0)))
    bias = Fraction(float(node.number("out_bias", 0.0)))
    if (scale, bias) != (2, -1) and (scale != 1 or bias.denominator != 1):
        raise Unsupported(
            f"out_scale {float(scale)} and out_bias {float(bias)}",
            node=name,
            remedy="use scale 1 and an integer bias, or 2 and -1 for a bipolar output",
        )
    if table.ndim != 2 or len(table) not in (1, value.channels):
        raise Unsupported(
            f"thresholds of shape {table.shape} for {value.channels} channels",
            node=name,
            remedy="use one row a channel, or one row for all",
        )
    if scale == 2 and table.shape[1] != 1:
        raise Unsupported(
            f"out_scale 2 with {table.shape[1]} thresholds",
            node=name,
            remedy="use scale 1 and an integer bias",
        )
    high = int(bias) + int(scale) * table.shape[1]
    datatype = "BIPOLAR" if scale == 2 else datatype_for(int(bias), high)
    parts = []
    for row in table:
        bounds = [v.x for v in row]
        if any(v.d for v in row) or sorted(bounds) != bounds:
            raise Unsupported("thresholds that do not ascend", node=name, remedy="sort each row")
        parts.append(
            Quantiser(
                tuple(bounds),
                (False,) * len(bounds),
                (Fraction(1),),
                Fraction(0),
                int(bias),
                int(scale),
                datatype,
            )
        )
    emit_threshold(state, node, value, parts)


def emit_threshold(state, node, value: Activation, quantisers: list[Quantiser]) -> None:
    """Write the Threshold op (and the max-pools that waited for it) and its new activation."""
    first = quantisers[0]
    if len(first.bounds) > MAX_LEVELS:
        raise Unsupported(
            f"{len(first.bounds) + 1} levels",
            node=node.name,
            remedy=f"use at most {MAX_LEVELS + 1} (8 bits)",
        )
    value.no_border(node.name)
    source = state.tensors[value.tensor]
    low, high = state.bounds.get(value.tensor, (source.minimum, source.maximum))
    if len(quantisers) == 1:
        whole = replace(
            value,
            alpha=_by_channel(value.alpha, value, source, node),
            beta=_by_channel(value.beta, value, source, node),
        )
        scale = _by_channel(first.scale, value, source, node)
        table, negate = thresholds(whole, replace(first, scale=tuple(scale)), low, high)
    elif len(quantisers) != source.channels:
        raise Unsupported(
            "thresholds a position of a flattened map",
            node=node.name,
            remedy="use one row a channel, before flattening",
        )
    else:
        rows = []
        for c, quantiser in enumerate(quantisers):
            alpha, beta = value.at(c)
            one = Activation(value.tensor, value.labels, value.shape, [alpha], [beta], value.relu)
            rows.append(thresholds(one, quantiser, _at(low, c), _at(high, c)))
        table, negate = (np.concatenate(part) for part in zip(*rows, strict=True))
    negate = np.broadcast_to(negate, source.channels).copy()
    origin = node.output
    name = state.fresh(origin)
    state.add_tensor(name, source.shape, first.minimum, first.maximum, origin, first.datatype)
    state.ops.append(
        Threshold(node.name, [value.tensor], name, table, negate, first.bias, first.step)
    )
    for pool in value.pools:
        pooled = state.fresh(origin)
        state.add_tensor(
            pooled,
            pooled_shape(state.tensors[name].shape, pool.kernel, pool.stride, pool.pads),
            first.minimum,
            first.maximum,
            origin,
            first.datatype,
        )
        state.ops.append(
            MaxPool(
                pool.node,
                [name],
                pooled,
                pool.kernel,
                pool.stride,
                pool.minimum ^ negate,
                pool.pads,
            )
        )
        name = pooled
    scale = [Surd(s) for s in first.scale]
    if len(scale) > 1 and len({*first.scale}) == 1:
        scale = scale[:1]
    offset = [Surd(-first.zero * s) for s in first.scale][: len(scale)]
    state.values[origin] = Activation(
        name, value.labels, value.shape, scale, offset, flat=value.flat
    )


def _quantise(state, node, value, scale: Constant, make) -> None:
    name = node.name
    if isinstance(value, RealInput):
        scales = _positive(scale.exact().reshape(-1), name)
        if len(set(scales)) != 1:
            raise Unsupported(
                "an input quantiser with a scale per channel",
                node=name,
                remedy="use one scale for the input",
            )
        quantiser = make(scales[:1])
        activation = state.open_input(
            node.output, value.shape, quantiser.datatype, quantiser.minimum, quantiser.maximum
        )
        state.values[node.output] = activation.affine(
            [Surd(quantiser.scale[0])], [Surd(-quantiser.zero * quantiser.scale[0])], name
        )
        return
    value = _activation(state, node, value)
    scales = _positive(value.per_channel(scale, name), name)
    emit_threshold(state, node, value, [make(scales)])


def _activation(state, node, value) -> Activation:
    if not isinstance(value, Activation):
        raise Unsupported(
            f"{node.op_type} of a {type(value).__name__}",
            node=node.name,
            remedy="quantise activations or constants only",
        )
    return value


def _as_int(array: np.ndarray, node: str) -> np.ndarray:
    """An array of whole numbers as int64, or refused."""
    rounded = np.rint(np.asarray(array, dtype=np.float64)).astype(np.int64)
    if not np.array_equal(rounded, array):
        raise Unsupported(
            "weights are not integers", node=node, remedy="quantise them with BipolarQuant"
        )
    return rounded


def _positive(values, name: str) -> list[Fraction]:
    for v in values:
        if v.d or v.x <= 0:
            raise Unsupported(
                "a scale that is not a positive number", node=name, remedy="use a positive scale"
            )
    return [v.x for v in values]


def _bipolar_weights(value: Constant, scale: Constant, node) -> QuantConstant:
    array = value.array
    if array.dtype == object:
        ints = np.array([1 if v.sign() >= 0 else -1 for v in array.reshape(-1)]).reshape(
            array.shape
        )
    else:
        if not np.all(np.isfinite(array)):
            raise Unsupported(
                "weights hold NaN or infinity", node=node.name, remedy="retrain the model"
            )
        ints = np.where(array >= 0, 1, -1)
    exact = scale.exact()
    _positive(exact.reshape(-1), node.name)
    return QuantConstant(ints.astype(np.int64), exact)


def _uniform_weights(value: Constant, scale: Constant, quantiser: Quantiser, node) -> QuantConstant:
    """Quantised constant; ties and neighbourhoods of ties are settled in exact arithmetic."""
    scales = scale.exact()
    _positive(scales.reshape(-1), node.name)
    if quantiser.zero:
        raise Unsupported(
            "weights with a zero point", node=node.name, remedy="use symmetric weights"
        )
    w = np.asarray(value.array, dtype=np.float64)
    s = np.vectorize(float, otypes=[np.float64])(scales)
    real, full_scale = w / s, np.broadcast_to(scales, w.shape)
    ints = np.full(w.shape, quantiser.minimum, dtype=np.int64)
    for bound, strict in zip(quantiser.bounds, quantiser.strict, strict=True):
        above = real >= float(bound)
        for index in np.argwhere(np.abs(real - float(bound)) < 1e-6):
            i = tuple(index)
            exact = Fraction(float(w[i])) / full_scale[i].x
            above[i] = exact > bound or (exact == bound and not strict)
        ints += above
    return QuantConstant(_as_int(ints, node.name), scales)


def pooled_shape(shape, kernel, stride, pads=(0, 0, 0, 0)) -> tuple[int, int, int]:
    """(H, W, C) of a pool's output; pads are top, left, bottom, right."""
    height, width = shape[0] + pads[0] + pads[2], shape[1] + pads[1] + pads[3]
    return ((height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1, shape[2])


def _by_channel(values, value: Activation, source, node) -> list:
    """Of one number an element of a flattened map, one a channel.

    Raises:
        Unsupported: they vary by position.
    """
    if len(values) in (1, source.channels):
        return list(values)
    ordered = np.empty(len(values), dtype=object)
    ordered[np.arange(len(values)) if value.flat is None else value.flat] = list(values)
    pixels = ordered.reshape(-1, source.channels)
    if any(v != pixels[0, c] for row in pixels[1:] for c, v in enumerate(row)):
        raise Unsupported(
            "a scale or a BatchNorm that varies by position of a flattened map",
            node=node.name,
            remedy="put it before the flattening, one value a channel",
        )
    return list(pixels[0])


def _at(bound, c: int):
    return bound[c] if np.ndim(bound) else bound
