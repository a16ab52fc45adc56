"""Rules of the import for quantisers: BipolarQuant, Quant/IntQuant, Sign, FINN's MultiThreshold."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..errors import Unsupported
from ..onnxfile.axes import axis as read_axis
from .exact import Surd, as_floats
from .integer_graph import Threshold, datatype_for
from .loadable import type_of
from .registry import rule
from .requantising import Requantise, form
from .thresholds import Column, Integers, Quantiser, bipolar, level, quant_integers, thresholds
from .values import Activation, Constant, QuantConstant, RealInput, told
from .windows import write_pool


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
    """(clip(round(x/scale + zero)) - zero)*scale; one signed bit:
    (sign(x/scale + zero) - zero)*scale.

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


@rule("DequantizeLinear")
def dequantize_linear(state, node):
    """scale*(x - zero) of a constant x of integers: weights or a bias as ONNX's own format has
    them. Precondition: scale and zero point are one a tensor or one along an axis.
    """
    name, value = node.name, state.constant(node, 0)
    rank = value.array.ndim
    parts = [state.constant(node, i) for i in (1, 2) if node.has(i)]
    if not all(p.integral for p in (value, *parts[1:])) or node.integer("block_size", 0):
        raise Unsupported(
            "a constant that is not stored as integers, or in blocks",
            node=name,
            remedy="store integers with one scale a tensor or one a channel",
        )
    column = [1] * rank
    if any(p.array.size > 1 for p in parts):
        column[read_axis(node, node.integer("axis", 1), rank)] = -1
    scale, *zero = (np.reshape(p.array, column if p.array.size > 1 else [1] * rank) for p in parts)
    integers = value.array.astype(np.int64)
    for point in zero:
        integers = integers - point.astype(np.int64)
    if any(size not in (1, whole) for size, whole in zip(scale.shape, integers.shape, strict=True)):
        raise Unsupported(
            f"a scale of {scale.size} numbers for a constant of shape {integers.shape}",
            node=name,
            remedy="use one a tensor or one a channel",
        )
    exact = Constant(scale).exact()
    _nonzero(exact.reshape(-1), name)
    state.values[node.output] = QuantConstant(integers, exact)


@rule("Sign")
def sign(state, node):
    """-1, 0 or 1: Larq's sign is Sign(Sign(x) + 0.1), of which the second never gives 0."""
    value, one = state.value(node, 0), (Fraction(1),)
    if isinstance(value, Constant):
        signs = np.array([v.sign() for v in value.exact().reshape(-1)], dtype=np.int64)
        ones = Constant(np.ones((1,) * value.array.ndim)).exact()
        state.values[node.output] = QuantConstant(signs.reshape(value.array.shape), ones)
        return
    zero = Fraction(0)
    quantiser = Quantiser((zero, zero), (False, True), one, one, zero, -1, 1, "INT2")
    if isinstance(value, RealInput):
        _quantise_input(state, node, value, quantiser)
    else:
        emit_quantiser(state, node, _activation(state, node, value), [quantiser])


def _one(constant: Constant, what: str, name: str) -> Fraction:
    values = set(constant.exact().reshape(-1))
    if len(values) != 1 or next(iter(values)).d:
        raise Unsupported(f"a {what} per channel", node=name, remedy="use one for the tensor")
    return values.pop().x


@rule("MultiThreshold")
def multi_threshold(state, node):
    """FINN's: out_bias + out_scale * #{thresholds reached}; real thresholds, a row a channel."""
    value = state.value(node, 0)
    table = state.constant(node, 1).exact()
    if table.ndim != 2 or any(t.d for t in table.reshape(-1)):
        raise Unsupported(
            f"thresholds of shape {table.shape}, or irrational ones",
            node=node.name,
            remedy="give them as numbers, one row a channel",
        )
    scale = Fraction(node.number("out_scale", 1.0))
    bias = Fraction(node.number("out_bias", 0.0))
    axis = _threshold_axis(node, len(value.shape))
    rows = [tuple(sorted(t.x for t in row)) for row in table]
    if len(rows) not in (1, value.shape[axis]):
        raise Unsupported(
            f"{len(rows)} rows of thresholds for {value.shape[axis]} channels",
            node=node.name,
            remedy="use one row a channel, or one row for all",
        )
    if len(set(rows)) == 1:
        rows = rows[:1]
    quantisers = [_steps(row, scale, bias, node) for row in rows]
    if isinstance(value, RealInput):
        if len(quantisers) > 1:
            raise Unsupported(
                "an input quantiser with thresholds of several kinds",
                node=node.name,
                remedy="use one row of thresholds for the input, or give input_datatype=",
            )
        _quantise_input(state, node, value, quantisers[0])
        return
    value = _activation(state, node, value)
    if len(quantisers) > 1 and value.labels[axis] != "C":
        raise Unsupported(
            f"thresholds a position of axis {axis} of {value.shape}, which is not the channels",
            node=node.name,
            remedy="set its data_layout (NC, NCHW, NHWC)",
        )
    emit_quantiser(state, node, value, quantisers)


def _threshold_axis(node, rank: int) -> int:
    """Axis of the channels: by data_layout, else QONNX's usual one of this rank."""
    layout = node.text("data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "NC")
    if len(layout) != rank or "C" not in layout:
        raise Unsupported(
            f"data_layout {layout} for a tensor of {rank} axes",
            node=node.name,
            remedy="set it to NC, NCHW or NHWC",
        )
    return layout.index("C")


def _steps(bounds: tuple[Fraction, ...], scale: Fraction, bias: Fraction, node) -> Quantiser:
    """The quantiser of one row: steps of 1 from bias/scale where that is whole, else from 0.

    One threshold with scale 2 and bias -1 is a bipolar one.
    """
    if not scale:
        raise Unsupported("out_scale 0", node=node.name, remedy="export the model again")
    one, never = (Fraction(1),), (False,) * len(bounds)
    if len(bounds) == 1 and (scale, bias) == (2, -1):
        return Quantiser(bounds, never, one, one, Fraction(0), -1, 2, "BIPOLAR")
    first = bias / scale
    start = int(first) if first.denominator == 1 else 0
    datatype = datatype_for(start, start + len(bounds))
    offset = start - first  # value = scale * (q - offset), but thresholds know of none
    shifted = tuple(b + offset for b in bounds)
    return Quantiser(shifted, never, one, (scale,), offset, start, 1, datatype)


def emit_quantiser(state, node, value: Activation, quantisers: list[Quantiser]) -> None:
    """Write the op of a quantiser (and the max-pools that waited for it) and its new activation.

    Args:
        quantisers: one for all, one a channel, or one an element of a flattened map;
            alike but for their bounds.
    """
    first = quantisers[0]
    value.no_border(node.name)
    source = state.tensors[value.tensor]
    low, high = state.bounds.get(value.tensor, (source.minimum, source.maximum))
    columns = _columns(value, source, quantisers)
    found = form(columns, source.datatype, source.channels, (low, high),
                 loadable=state.loadable, index=len(state.requantisers))  # fmt: skip
    state.requantisers.append(None if found is None else found.shape)
    pools, name = value.pools, value.tensor
    if found is not None and found.turns:  # what turns does not commute with a maximum
        for pool in pools:
            name = write_pool(state, pool, name, pool.minimum, source.origin)
        source, pools = state.tensors[name], []
    name, origin = state.fresh(), node.output
    if found is not None:
        falls = found.falls
        state.add_tensor(name, source.shape, first.minimum, first.maximum, origin, first.datatype)
        state.ops.append(Requantise(node.name, [source.name], name, found.table, found.shape))
    else:
        first, falls = _thresholds(state, node, source, columns, (low, high), name)
    for pool in pools:
        name = write_pool(state, pool, name, pool.minimum ^ falls, origin)
    scale = [Surd(s) for s in first.scale]
    if len(scale) > 1 and len({*first.scale}) == 1:
        scale = scale[:1]
    offset = [Surd(-first.zero * s) for s in first.scale][: len(scale)]
    state.values[origin] = Activation(
        name, value.labels, value.shape, scale, offset, flat=value.flat
    )


def _thresholds(state, node, source, columns, bounds, name: str) -> tuple[Quantiser, np.ndarray]:
    """Write the Threshold op of a tensor; its quantiser, and which channels' levels fall."""
    low, high = bounds
    first = columns[0].quantiser
    if len(columns) > source.channels:  # one an element
        low, high = (np.tile(b, source.pixels) if np.ndim(b) else b for b in (low, high))
    table, negate = thresholds(columns, low, high)
    if (first.minimum, first.maximum) == (-1, 1) and np.array_equal(table[:, 0], table[:, -1]):
        table, first = (
            table[:, :1],
            replace(first, bounds=first.bounds[:1], step=2, datatype="BIPOLAR"),
        )
    size = len(columns) if len(columns) > source.channels else source.channels
    negate = np.broadcast_to(negate, size).copy()
    state.add_tensor(name, source.shape, first.minimum, first.maximum, node.output, first.datatype)
    state.ops.append(
        Threshold(node.name, [source.name], name, table, negate, first.bias, first.step)
    )
    return first, negate


def _columns(value: Activation, source, quantisers: list[Quantiser]) -> list[Column]:
    """What precedes and makes the levels: one for all, one a channel, or, only where they vary by
    position of a flattened map, one an element in the integer graph's order."""
    units = [q.unit for q in quantisers]
    lists: list[Sized] = [value.alpha, value.beta, quantisers, *units]
    lists += [bends.each for bends in value.bends]
    count = max(map(len, lists))
    columns = []
    for c in range(count):
        quantiser = quantisers[c if len(quantisers) > 1 else 0]
        unit = quantiser.unit[c if len(quantiser.unit) > 1 else 0]
        columns.append(Column(*value.at(c), value.bends_at(c), quantiser, unit))
    if count in (1, source.channels):
        return columns
    ordered = np.empty(count, dtype=object)
    ordered[np.arange(count) if value.flat is None else value.flat] = columns
    pixels = ordered.reshape(-1, source.channels)
    if all(row[c].same(pixels[0, c]) for row in pixels[1:] for c in range(source.channels)):
        return list(pixels[0])
    if source.pixels * source.channels != count:  # a max-pool waits between
        raise Unsupported(
            "thresholds that vary by position of a flattened map, behind a max-pool",
            remedy="quantise before the pool, or normalise channels before flattening",
        )
    return list(ordered)


def _quantise_input(state, node, value: RealInput, quantiser: Quantiser) -> None:
    """The host's quantiser: its integers are the accelerator's input."""
    scale, zero = Surd(quantiser.scale[0]), Surd(quantiser.zero)
    opened = state.open_input(
        node.output, value.shape, quantiser.datatype, quantiser.minimum, quantiser.maximum
    )
    state.values[node.output] = opened.affine([scale], [-zero * scale], node.name)


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
        _quantise_input(state, node, value, make(scales[:1]))
        return
    value = _activation(state, node, value)
    scales = _nonzero(value.per_channel(scale, name), name)
    emit_quantiser(state, node, value, [make(scales)])


def _activation(state, node, value) -> Activation:
    if not isinstance(value, Activation):
        raise Unsupported(
            f"{node.op_type} of {told(value)}",
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

    Where float64 comes near a half or a whole number, on which all roundings turn, the exact
    numbers decide.

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
    y = number / as_floats(units.array) + float(zero)
    out, doubtful = _rounded(y, 1e-9 * (1 + np.abs(y) + abs(float(zero))), integers)
    known: dict[tuple, int] = {}
    for index in zip(*np.nonzero(doubtful), strict=True):
        key = (array[index] if array.dtype == object else array[index].item(), divisor[index])
        if key not in known:
            real = key[0] if array.dtype == object else Surd(Fraction(key[0]))
            known[key] = integers.nearest(real / key[1] + Surd(zero))
        out[index] = known[key]
    whole = not integers.bipolar or bool(zero)
    least, greatest = integers.low - int(zero), integers.high - int(zero)
    declared = type_of(least, greatest) if whole else "BIPOLAR"
    return QuantConstant(out - int(zero), scales.array, declared)


def _rounded(y: np.ndarray, margin: np.ndarray, integers: Integers):
    """(integers nearest to y, where y is within a margin of where the rounding turns)."""
    if integers.bipolar:
        return np.where(y >= 0, 1, -1).astype(np.int64), np.abs(y) <= margin
    down, up = (float(level(k, integers.rounding)[0] - k) + 1 for k in (0, 1))
    whole = np.floor(y)
    turn = down % 1  # a half or a whole number, on both sides of 0
    doubtful = np.floor(y - margin - turn) != np.floor(y + margin - turn)
    whole += y - whole > np.where(whole < 0, down, up)
    return np.clip(whole, integers.low, integers.high).astype(np.int64), doubtful
