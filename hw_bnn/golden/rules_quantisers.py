"""Rules of quantisers: BipolarQuant, Quant (IntQuant), MultiThreshold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput, Unsupported
from ..onnxfile import Node
from ..onnxfile.axes import axis as read_axis
from . import constants
from .evaluated import Evaluated
from .exact import ONE, ZERO, Surd, as_floats, distinct, exact_array, exact_in_float32
from .levels import (
    BIPOLAR,
    MOST_CONSTANT_BITS,
    MOST_LEVELS,
    Boundary,
    Levels,
    Rounding,
    find_thresholds,
    has_thresholds,
    quant_levels,
)
from .ops import Threshold
from .program import HostQuantiser, Quantiser, datatype_name
from .registry import rule
from .values import UNIT, Constant, Integers, Real, Value, Weights, frame_constant

if TYPE_CHECKING:
    from .importer import Importer


@rule("BipolarQuant")
def _bipolar_quant(walk: Importer, node: Node) -> Value:
    """scale * (+1 where v >= 0, else -1)."""
    value, scale = walk.value(node), _scale(walk, node)
    if isinstance(value, Constant):
        return _quantised_constant(node, value, BIPOLAR, scale, ZERO, divide=False)
    return _quantise(walk, node, value, BIPOLAR, scale, ZERO)


@rule("Quant", "IntQuant")
def _quant(walk: Importer, node: Node) -> Value:
    """scale * (clip(round(v/scale + zero_point)) - zero_point); one signed bit: scale * +-1."""
    value, scale = walk.value(node), _scale(walk, node)
    zero_point = walk.constant(node, 2)
    zeros, zero_error = zero_point.exact().reshape(-1), np.max(zero_point.error)
    bits = walk.constant(node, 3).exact().reshape(-1)
    if any(z != zeros[0] for z in zeros) or any(b != bits[0] for b in bits):
        raise Unsupported(
            "its zero point or bit width differs between channels",
            node=node.name,
            remedy="use one for the tensor",
        )
    if not zeros[0].is_rational():
        raise Unsupported(
            "its zero point is irrational", node=node.name, remedy="store it as a number"
        )
    if not bits[0].is_rational() or bits[0].x.denominator != 1:
        raise Unsupported(
            f"its bit width is {float(bits[0])}",
            node=node.name,
            remedy="use a whole number of bits",
        )
    signed, narrow = (bool(node.integer(name)) for name in ("signed", "narrow"))
    what = int(bits[0].x), signed, narrow, node.text("rounding_mode", "ROUND")
    if isinstance(value, Constant) and 16 < bits[0].x <= MOST_CONSTANT_BITS:
        return _quantised_constant(node, value, Rounding(*what), scale, zeros[0], divide=True)
    levels = quant_levels(*what)
    if isinstance(value, Constant):
        return _quantised_constant(node, value, levels, scale, zeros[0], divide=True)
    exact = zeros[0].sign() == 0 and not zero_error
    shift = None if exact else Constant(zeros[:1], zero_error)
    inverse = constants.reciprocal(scale)
    if isinstance(value, Real):
        factor = frame_constant(inverse, value.shape)[0]
        value = replace(value, alpha=value.alpha * factor, beta=value.beta * factor + zeros[0])
    elif isinstance(value, Integers) and not (_is_one(scale) and shift is None):
        walk.not_final(node, value)
        value = value.transform(inverse, shift)
        # a stage may divide, or multiply by a rounded reciprocal: one rounding more
        value = replace(value, error=value.error + UNIT * value.magnitude())
    out = _quantise(walk, node, value, levels, scale, zeros[0])
    return replace(out, error=out.error + zero_error * np.abs(as_floats(out.alpha)))


@rule("DequantizeLinear")
def _dequantise(walk: Importer, node: Node) -> Weights:
    """(q - zero) * scale of integers q that the file stores."""
    stored, scale = walk.constant(node, 0), _scale(walk, node)
    zero = walk.constant(node, 2) if node.has(2) else Constant(np.zeros((), np.int64))
    if not stored.integral or not zero.integral or node.integer("block_size", 0) != 0:
        raise Unsupported(
            "it makes real numbers of others than integers, or in blocks",
            node=node.name,
            remedy="store its weights as integers with one scale a tensor or one a channel",
        )
    shapes = [(1,) * len(stored.shape)] * 2
    for i, part in enumerate((scale, zero)):
        if part.shape not in ((), (1,)):
            axis = read_axis(node, node.integer("axis", 1), len(stored.shape))
            shapes[i] = tuple(-1 if at == axis else 1 for at in range(len(stored.shape)))
    exact_scale = scale.exact().reshape(shapes[0])
    integers = stored.numbers.astype(np.int64) - zero.numbers.astype(np.int64).reshape(shapes[1])
    np.broadcast_to(exact_scale, integers.shape)  # or they do not fit
    size = np.abs(as_floats(exact_scale))
    spread = np.broadcast_to(scale.error, scale.shape).reshape(exact_scale.shape)
    return Weights(integers, exact_scale, float((spread / size).max(initial=0.0)) + UNIT)


@rule("Sign")
def _sign(walk: Importer, node: Node) -> Value:
    """-1, 0 or 1."""
    value = walk.value(node)
    if isinstance(value, Weights):
        value = value.constant()
    if isinstance(value, Constant):
        signs = [v.sign() for v in value.exact().reshape(-1)]
        ones = exact_array(np.ones((1,) * len(value.shape)))
        return Weights(np.array(signs, np.int64).reshape(value.shape), ones)
    levels = Levels(-1, 1, (Boundary(Fraction(0)), Boundary(Fraction(0), strict=True)))
    return _quantise(walk, node, value, levels, Constant(np.ones(())), ZERO)


def _is_one(scale: Constant) -> bool:
    return all(s == ONE for s in scale.exact().reshape(-1))


def _scale(walk: Importer, node: Node) -> Constant:
    scale = walk.constant(node, 1)
    if any(s.sign() == 0 or not s.is_rational() for s in scale.exact().reshape(-1)):
        raise BadInput(
            "its scale is zero or irrational", node=node.name, remedy="export the model again"
        )
    return scale


def _quantise(
    walk: Importer, node: Node, value: Value, levels: Levels, scale: Constant, zero: Surd
) -> Integers:
    """A quantiser with one set of levels; value is in the units of their boundaries."""
    if not isinstance(value, Integers | Real):
        raise Unsupported(
            "it quantises weights a second time", node=node.name, remedy="quantise them once"
        )
    every = np.empty((1,) * len(value.shape), dtype=object)
    every[...] = levels
    numbers, error = frame_constant(scale, value.shape)
    offset = numbers * Surd(-zero.x)
    return _emit_quantiser(walk, node, value, every, numbers, offset, error)


def _emit_quantiser(
    walk: Importer,
    node: Node,
    value: Integers | Real,
    levels: np.ndarray,
    alpha: np.ndarray,
    beta: np.ndarray,
    scale_error: np.ndarray,
) -> Integers:
    one = levels.reshape(-1)[0]
    first, last, stride = one.first, one.last, one.stride
    binary = (first, last, stride) == (-1, 1, 2)
    minimum, maximum = (np.full((1,) * len(value.shape), v, np.int64) for v in (first, last))
    out = Integers(node.output, value.shape, alpha, beta, minimum, maximum, binary=binary)
    out = replace(out, error=_output_error(out, alpha, beta, scale_error))
    if isinstance(value, Real):
        return _on_host(walk, node, value, levels, out, stride)
    walk.not_final(node, value)
    if not has_thresholds(value, levels):
        walk.quantisers[node.output] = Quantiser(node.name, value, levels, None)
        return walk.emit(Evaluated(node.output, (value.name,), node.name, value, levels), out)
    thresholds = find_thresholds(node.output, value, first, stride, levels)
    walk.quantisers[node.output] = Quantiser(node.name, value, levels, thresholds)
    op = Threshold(
        node.output,
        (value.name,),
        node.name,
        first,
        stride,
        thresholds.direction,
        thresholds.values,
    )
    return walk.emit(op, out)


def _output_error(
    out: Integers, alpha: np.ndarray, beta: np.ndarray, scale_error: np.ndarray
) -> np.ndarray:
    """Bound on |float32 output - exact output| where the stage chose the same level."""
    largest = max(abs(int(out.minimum.min())), abs(int(out.maximum.max())))
    offsets = {abs(float(b)) for b in beta.reshape(-1)}
    exact = offsets == {0.0} and all(exact_in_float32(a, largest) for a in distinct(alpha))
    if exact or (largest == 1 and offsets == {0.0}):  # +-scale and 0 are float32 as scale is
        return np.broadcast_to(scale_error * largest, np.broadcast_shapes(alpha.shape, beta.shape))
    span = largest + np.abs(as_floats(beta)) / np.abs(as_floats(alpha))
    return scale_error * span + 2 * UNIT * (
        np.abs(as_floats(alpha)) * largest + np.abs(as_floats(beta))
    )


def _on_host(
    walk: Importer, node: Node, value: Real, levels: np.ndarray, out: Integers, stride: int
) -> Integers:
    """The quantiser of the graph input: its integers are the network's input."""
    if levels.size != 1 or out.alpha.size != 1 or out.beta.size != 1:
        raise Unsupported(
            "the graph input is quantised with more than one scale or threshold set",
            node=node.name,
            remedy="quantise the input per tensor",
        )
    scale, offset = out.alpha.reshape(-1)[0], out.beta.reshape(-1)[0]
    low, high = int(out.minimum.min()), int(out.maximum.max())
    walk.host = HostQuantiser(value, levels, low, stride, walk.graph.shape)
    opened = walk.open_input(
        node.output, value.shape, low, high, scale.x, offset.x, datatype_name(low, high, stride)
    )
    opened = replace(opened, error=np.asarray(out.error))
    walk.tensors[node.output] = opened
    return opened


def _quantised_constant(
    node: Node,
    value: Constant,
    levels: Levels | Rounding,
    scale: Constant,
    zero: Surd,
    divide: bool,
) -> Weights:
    """Weights behind their quantiser."""
    if zero.x.denominator != 1:
        raise Unsupported(
            f"the zero point {float(zero)} of its weights is no integer",
            node=node.name,
            remedy="use a whole zero point",
        )
    numbers = value.numbers
    if numbers.dtype != object and not np.isfinite(numbers).all():
        raise BadInput(
            "its weights are not all finite", node=node.name, remedy="export the model again"
        )
    exact_scale = scale.exact()
    exact_scale = exact_scale.reshape((1,) * (numbers.ndim - exact_scale.ndim) + exact_scale.shape)
    if exact_scale.ndim > numbers.ndim or any(
        s not in (1, n) for s, n in zip(exact_scale.shape, numbers.shape, strict=True)
    ):
        raise BadInput(
            f"its scale of shape {scale.shape} does not fit weights {numbers.shape}",
            node=node.name,
            remedy="export the model again",
        )
    units = exact_scale if divide else exact_array(np.ones((1,) * numbers.ndim))
    if isinstance(levels, Rounding):
        integers = _rounded_numbers(numbers, levels, units, zero) - int(zero.x)
    else:
        integers = quantise_numbers(numbers, levels, units, zero) - int(zero.x)
    size = np.abs(as_floats(exact_scale))
    relative = float((np.broadcast_to(scale.error, exact_scale.shape) / size).max(initial=0.0))
    largest = int(np.abs(integers).max(initial=0))
    if largest > 1 and not all(exact_in_float32(s, largest) for s in distinct(exact_scale)):
        relative += UNIT
    return Weights(integers, exact_scale, relative)


def quantise_numbers(
    numbers: np.ndarray, levels: Levels, scale: np.ndarray, zero: Surd
) -> np.ndarray:
    """Integers of a quantiser on constants: exact, and quick but for numbers near a boundary.

    y = number/scale + zero is computed in float64 with a relative error below 2^-50; where it comes
    within 1e-9 of a boundary (relative to the numbers involved) the exact numbers decide.
    """
    divisor = np.broadcast_to(scale, numbers.shape)
    approximate = as_floats(numbers) if numbers.dtype == object else numbers.astype(np.float64)
    approximate = approximate / as_floats(scale) + float(zero)
    at = np.array([float(b.at) for b in levels.boundaries])
    count = np.searchsorted(at, approximate, side="right")
    margin = 1e-9 * (np.abs(approximate) + abs(float(zero)) + 1.0)
    below = np.searchsorted(at, approximate - margin, side="left")
    above = np.searchsorted(at, approximate + margin, side="right")
    doubtful = below != above
    flat, out = numbers.reshape(-1), count.reshape(-1).copy()
    for i in np.flatnonzero(doubtful.reshape(-1)):
        number = flat[i] if numbers.dtype == object else Surd(Fraction(flat[i].item()))
        y = number / divisor.reshape(-1)[i] + zero
        out[i] = sum(b.reached(y) for b in levels.boundaries)
    return levels.first + levels.stride * out.reshape(numbers.shape).astype(np.int64)


def _rounded_numbers(
    numbers: np.ndarray, rounding: Rounding, scale: np.ndarray, zero: Surd
) -> np.ndarray:
    """As quantise_numbers, number by number: for a bias of 32 bits, whose levels are too many."""
    exact = exact_array(numbers) * np.asarray(
        np.frompyfunc(lambda s: s.reciprocal(), 1, 1)(scale), dtype=object
    )
    out = [rounding.nearest(y + zero) for y in np.asarray(exact, dtype=object).reshape(-1)]
    return np.array(out, dtype=np.int64).reshape(numbers.shape)


@rule("MultiThreshold")
def _multi_threshold(walk: Importer, node: Node) -> Integers:
    """out_bias + out_scale * (number of thresholds t with v >= t), thresholds (C or 1, T)."""
    value = walk.value(node)
    if not isinstance(value, Integers | Real):
        raise Unsupported("it acts on a constant", node=node.name, remedy="fold constants first")
    constant = walk.constant(node, 1)
    table = constant.exact()
    if table.ndim != 2 or not 0 < table.shape[1] <= MOST_LEVELS:
        raise BadInput(
            f"its thresholds have the shape {table.shape}",
            node=node.name,
            remedy="give them as (channels, levels)",
        )
    if not all(t.is_rational() for t in table.reshape(-1)):
        raise Unsupported(
            "its thresholds are irrational", node=node.name, remedy="store them as numbers"
        )
    scale = Fraction(node.number("out_scale", 1.0))
    bias = Fraction(node.number("out_bias", 0.0))
    if scale == 0:
        raise BadInput("its out_scale is 0", node=node.name, remedy="export the model again")
    axis = _channel_axis(node, len(value.shape) + 1) - 1
    if table.shape[0] not in (1, value.shape[axis]):
        raise BadInput(
            f"its {table.shape[0]} threshold sets do not fit {value.shape[axis]} channels",
            node=node.name,
            remedy="export the model again",
        )
    first, stride, alpha, beta = _integer_form(table.shape[1], scale, bias)
    shape = [1] * len(value.shape)
    rows = [tuple(sorted(t.x for t in row)) for row in table]
    rows = rows[:1] if len(set(rows)) == 1 else rows
    shape[axis] = len(rows)
    levels = np.empty(len(rows), dtype=object)
    for c, row in enumerate(rows):
        levels[c] = Levels(first, stride, tuple(Boundary(t) for t in row))
    ones = (1,) * len(value.shape)
    if isinstance(value, Integers) and np.any(constant.error):  # as an error of what they meet
        errors = np.broadcast_to(constant.error, table.shape).max(axis=1)
        column = [len(table) if i == axis else 1 for i in range(len(value.shape))]
        value = replace(value, error=value.error + errors.reshape(column))
    return _emit_quantiser(
        walk,
        node,
        value,
        levels.reshape(shape),
        _one(alpha, ones),
        _one(beta, ones),
        np.zeros(ones),
    )


def _one(value: Fraction, shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty(shape, dtype=object)
    out[...] = Surd(value)
    return out


def _integer_form(levels: int, scale: Fraction, bias: Fraction):
    """(first, stride, alpha, beta): -1 and 1 for a bipolar output, else steps of one."""
    if levels == 1 and (scale, bias) == (2, -1):
        return -1, 2, Fraction(1), Fraction(0)
    if (bias / scale).denominator == 1:
        return int(bias / scale), 1, scale, Fraction(0)
    return 0, 1, scale, bias


def _channel_axis(node: Node, rank: int) -> int:
    """QONNX: by the node's data layout; without one, axis 1."""
    layout = node.text("data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "")
    return layout.index("C") if "C" in layout and len(layout) == rank else 1
