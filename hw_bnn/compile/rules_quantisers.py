"""Rules of the import for quantisers: BipolarQuant, Quant/IntQuant and FINN's MultiThreshold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..errors import Unsupported
from .exact import Surd, as_floats
from .integer_graph import MaxPool, Threshold, datatype_for
from .registry import rule
from .thresholds import Integers, Quantiser, bipolar, level, quant_integers, thresholds
from .values import Activation, Constant, QuantConstant, RealInput

MAX_LEVELS = 255


@rule("BipolarQuant")
def bipolar_quant(state, node):
    """sign(x)*scale. Precondition: the scale is a constant, one a tensor or one a channel."""
    scale = state.constant(node, 1)
    value = state.value(node, 0)
    if isinstance(value, Constant):
        one = Constant(np.ones((), dtype=np.float32))
        sign = quant_integers(1, signed=True, narrow=False, rounding="ROUND")
        state.values[node.output] = _weights(value, one, scale, Fraction(0), sign, node)
        return
    _quantise(state, node, value, scale, bipolar)


@rule("Quant", "IntQuant")
def quant(state, node):
    """(clip(round(x/scale + zero)) - zero)*scale; one signed bit: (sign(x/scale + zero) - zero)*scale.

    Precondition: scale, zero point and bit width are constants, the last two one a tensor.
    """
    name = node.name
    scale, zero, bits = (state.constant(node, i) for i in (1, 2, 3))
    width, point = _one(bits, "bit width", name), _one(zero, "zero point", name)
    value = state.value(node, 0)
    most = 32 if isinstance(value, Constant) else 16
    if width.denominator != 1 or not 1 <= width <= most:
        raise Unsupported(
            f"bit width {float(width):g}", node=name, remedy="use a whole number of bits, up to 8"
        )
    signed, narrow = (bool(node.integer(key)) for key in ("signed", "narrow"))
    integers = quant_integers(
        int(width),
        signed=signed,
        narrow=narrow,
        rounding=node.text("rounding_mode", "ROUND"),
    )
    if isinstance(value, Constant):
        state.values[node.output] = _weights(value, scale, scale, point, integers, node)
        return
    _quantise(state, node, value, scale, lambda s: integers.quantiser(s, point))


def _one(constant: Constant, what: str, name: str) -> Fraction:
    values = set(constant.exact().reshape(-1))
    if len(values) != 1 or next(iter(values)).d:
        raise Unsupported(f"a {what} per channel", node=name, remedy="use one for the tensor")
    return values.pop().x


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
        unit = _by_channel(first.unit, value, source, node)
        table, negate = thresholds(whole, replace(first, unit=tuple(unit)), low, high)
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
    name = state.fresh()
    state.add_tensor(name, source.shape, first.minimum, first.maximum, origin, first.datatype)
    state.ops.append(
        Threshold(node.name, [value.tensor], name, table, negate, first.bias, first.step)
    )
    for pool in value.pools:
        pooled = state.fresh()
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
        scales = _nonzero(scale.exact().reshape(-1), name)
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
    scales = _nonzero(value.per_channel(scale, name), name)
    emit_threshold(state, node, value, [make(scales)])


def _activation(state, node, value) -> Activation:
    if not isinstance(value, Activation):
        raise Unsupported(
            f"{node.op_type} of a {type(value).__name__}",
            node=node.name,
            remedy="quantise activations or constants only",
        )
    return value


def _nonzero(values, name: str) -> list[Fraction]:
    for v in values:
        if v.d or not v.x:
            raise Unsupported(
                "a scale that is 0 or irrational", node=name, remedy="use a scale other than 0"
            )
    return [v.x for v in values]


def _weights(
    value: Constant, unit: Constant, scale: Constant, zero: Fraction, integers: Integers, node
) -> QuantConstant:
    """A constant behind its quantiser: scale * (q - zero) with q the integer of value/unit + zero.

    Where float64 comes near a half or a whole number, on which all roundings turn, the exact numbers
    decide.

    Precondition: a whole zero point; the scale broadcasts against the constant.
    """
    name, array = node.name, value.array
    if array.dtype != object and not np.all(np.isfinite(array)):
        raise Unsupported("weights hold NaN or infinity", node=name, remedy="retrain the model")
    if zero.denominator != 1:
        raise Unsupported(
            f"weights with the zero point {float(zero):g}", node=name, remedy="use a whole one"
        )
    units, scales = (Constant(np.asarray(c.exact(), dtype=object)) for c in (unit, scale))
    _nonzero(units.array.reshape(-1), name)
    _nonzero(scales.array.reshape(-1), name)
    try:
        divisor = np.broadcast_to(units.array, array.shape)
        np.broadcast_to(scales.array, array.shape)
    except ValueError:
        raise Unsupported(
            f"a scale of shape {scale.array.shape} for a constant of shape {array.shape}",
            node=name,
            remedy="use one scale a tensor or one an output channel",
        ) from None
    number = as_floats(array) if array.dtype == object else array.astype(np.float64)
    y = number / as_floats(divisor) + float(zero)
    out, doubtful = _rounded(y, 1e-9 * (1 + np.abs(y) + abs(float(zero))), integers)
    known: dict[tuple, int] = {}
    for index in zip(*np.nonzero(doubtful), strict=True):
        key = (array[index] if array.dtype == object else array[index].item(), divisor[index])
        if key not in known:
            real = key[0] if array.dtype == object else Surd(Fraction(key[0]))
            known[key] = integers.nearest(real / key[1] + Surd(zero))
        out[index] = known[key]
    return QuantConstant(out - int(zero), scales.array)


def _rounded(y: np.ndarray, margin: np.ndarray, integers: Integers):
    """(integers nearest to y, where y lies within a margin of a number on which the rounding turns)."""
    if integers.bipolar:
        return np.where(y >= 0, 1, -1).astype(np.int64), np.abs(y) <= margin
    down, up = (float(level(k, integers.rounding)[0] - k) + 1 for k in (0, 1))
    whole = np.floor(y)
    turn = down % 1  # a half or a whole number, on both sides of 0
    doubtful = np.floor(y - margin - turn) != np.floor(y + margin - turn)
    whole += y - whole > np.where(whole < 0, down, up)
    return np.clip(whole, integers.low, integers.high).astype(np.int64), doubtful


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
