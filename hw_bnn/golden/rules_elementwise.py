"""Rules of element-wise nodes: affines, BatchNormalization, ReLU and Clip, residual sums."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput, Unsupported
from ..onnxfile import Node
from . import constants
from .curves import Leak, Sigmoid, Tanh
from .exact import Surd, as_floats, distinct, exact_array, exact_in_float32
from .ops import Sum
from .registry import rule
from .values import UNIT, Constant, Integers, Real, Value, Weights, frame_constant

if TYPE_CHECKING:
    from .importer import Importer

BATCHNORM_ROUNDINGS = 10
"""Bound on the roundings that any usual float32 form of BatchNormalization does to one
value; see ties.py."""


def transform(
    walk: Importer, node: Node, value: Value, scale: Constant | None, shift: Constant | None
) -> Value:
    """value * scale + shift for an activation or the graph input."""
    if isinstance(value, Integers):
        walk.not_final(node, value)
        return value.transform(scale, shift)
    if isinstance(value, Real):
        alpha, beta = value.alpha, value.beta
        if scale is not None:
            factor = frame_constant(scale, value.shape)[0]
            alpha, beta = alpha * factor, beta * factor
        if shift is not None:
            beta = beta + frame_constant(shift, value.shape)[0]
        return replace(value, alpha=alpha, beta=beta)
    raise Unsupported(
        "arithmetic on quantised weights",
        node=node.name,
        remedy="quantise the weights last, right before the layer",
    )


@rule("Add", "Sub")
def _add(walk: Importer, node: Node) -> Value:
    left, right = (_plain(walk.value(node, i)) for i in (0, 1))  # a quantised bias
    minus = node.op_type == "Sub"
    if isinstance(left, Constant) and isinstance(right, Constant):
        return constants.add(left, constants.negative(right) if minus else right)
    if isinstance(right, Constant):
        return transform(walk, node, left, None, constants.negative(right) if minus else right)
    if isinstance(left, Constant):
        factor = Constant(np.array(-1.0)) if minus else None
        return transform(walk, node, right, factor, left)
    if left is right:
        return transform(walk, node, left, Constant(np.array(0.0 if minus else 2.0)), None)
    if isinstance(left, Integers) and isinstance(right, Integers):
        if left.name == right.name and not (left.clipped or right.clipped):
            return _same_integers(walk, node, left, right, -1 if minus else 1)
        return residual(walk, node, left, right, -1 if minus else 1)
    if isinstance(left, Real) and isinstance(right, Real) and left.path == right.path:
        alpha, beta = (right.alpha, right.beta) if not minus else (-right.alpha, -right.beta)
        return replace(left, alpha=left.alpha + alpha, beta=left.beta + beta)
    raise Unsupported(
        "it adds the graph input or weights to an activation",
        node=node.name,
        remedy="quantise both branches",
    )


def _plain(value: Value) -> Value:
    return value.constant() if isinstance(value, Weights) else value


@rule("Mul")
def _mul(walk: Importer, node: Node) -> Value:
    left, right = walk.value(node, 0), walk.value(node, 1)
    if isinstance(right, Weights):
        left, right = right, left
    if isinstance(left, Weights):
        if isinstance(right, Constant) and constants.covers(left, right):
            return constants.scaled(left, right)
        left, right = left.constant(), _plain(right)
    if isinstance(left, Constant) and isinstance(right, Constant):
        return constants.multiply(left, right)
    if isinstance(right, Constant):
        return transform(walk, node, left, right, None)
    if isinstance(left, Constant):
        return transform(walk, node, right, left, None)
    raise Unsupported(
        "it multiplies two activations",
        node=node.name,
        remedy="only products with constants are exact on integers",
    )


@rule("Div")
def _div(walk: Importer, node: Node) -> Value:
    left, divisor = walk.value(node, 0), walk.constant(node, 1)
    if isinstance(left, Weights):
        if isinstance(walk.value(node, 1), Constant) and constants.covers(left, divisor):
            return constants.scaled(left, constants.reciprocal(divisor))
        left = left.constant()
    if isinstance(left, Constant):
        return constants.divide(left, divisor)
    return transform(walk, node, left, constants.reciprocal(divisor), None)


@rule("Neg")
def _neg(walk: Importer, node: Node) -> Value:
    value = walk.value(node)
    if isinstance(value, Weights):
        return replace(value, integers=-value.integers)
    if isinstance(value, Constant):
        return constants.negative(value)
    return transform(walk, node, value, Constant(np.array(-1.0)), None)


@rule("Sqrt", "Reciprocal", "Abs", "Pow")
def _constant_function(walk: Importer, node: Node) -> Value:
    value = walk.constant(node, 0)
    if node.op_type == "Pow":
        (exponent,) = walk.constant(node, 1).exact().reshape(-1)
        if not exponent.is_rational():
            raise ValueError("an irrational exponent")
        return constants.power(value, exponent.x)
    return {
        "Sqrt": constants.square_root,
        "Reciprocal": constants.reciprocal,
        "Abs": constants.absolute,
    }[node.op_type](value)


@rule("BatchNormalization")
def _batch_normalization(walk: Importer, node: Node) -> Value:
    """(v - mean) * gamma / sqrt(variance + epsilon) + bias, per channel (axis 1 of the file)."""
    value = walk.value(node)
    if node.integer("training_mode", 0):
        raise Unsupported(
            "it is in training mode", node=node.name, remedy="export the model in eval mode"
        )
    if not isinstance(value, Integers | Real):
        raise Unsupported(
            "BatchNormalization of a constant", node=node.name, remedy="fold it first"
        )
    parameters = [walk.constant(node, i) for i in range(1, 5)]
    gamma, bias, mean, variance = (p.exact().reshape(-1) for p in parameters)
    epsilon = Surd(Fraction(node.number("epsilon", float(np.float32(1e-5)))))
    channels = value.shape[0]
    if any(p.size != channels for p in (gamma, bias, mean, variance)):
        raise BadInput(
            f"its parameters do not fit {channels} channels",
            node=node.name,
            remedy="export the model again",
        )
    factor = np.empty(channels, dtype=object)
    for c in range(channels):
        total = variance[c] + epsilon
        if not total.is_rational():
            raise Unsupported(
                "its variance is irrational", node=node.name, remedy="store it as a number"
            )
        if total.sign() <= 0:
            raise BadInput(
                f"its variance plus epsilon is {float(total):g} in channel {c}",
                node=node.name,
                remedy="export the model again",
            )
        factor[c] = gamma[c] / Surd.sqrt(total.x)
    column = (channels,) + (1,) * (len(value.shape) - 1)
    offset = (bias - mean * factor).reshape(column)
    scale, shift = Constant(factor.reshape(column)), Constant(offset)
    if isinstance(value, Real):
        return transform(walk, node, value, scale, shift)
    walk.not_final(node, value)
    out = value.transform(scale, shift)
    errors = [np.broadcast_to(p.error, p.shape).reshape(-1) for p in parameters]
    total = as_floats(variance) + float(epsilon)
    slack = _factor_slack(as_floats(gamma), total, errors[0], errors[3])
    size, centre, raised = (np.abs(as_floats(p)).reshape(column) for p in (factor, mean, bias))
    slack, shift_error, centre_error = (e.reshape(column) for e in (slack, *errors[1:3]))
    size, magnitude = size + slack, value.magnitude()
    centred = magnitude + value.error + centre + centre_error
    rounding = BATCHNORM_ROUNDINGS * UNIT * (size * centred + raised + shift_error)
    computed = size * centre_error + slack * (magnitude + centre) + shift_error  # parameters
    return replace(out, error=size * value.error + computed + rounding)


def _factor_slack(
    gamma: np.ndarray, total: np.ndarray, gamma_error: np.ndarray, total_error: np.ndarray
) -> np.ndarray:
    """How far gamma / sqrt(total) may lie off where both are computed with errors; float64 (C,).

    |g'/sqrt(t') - g/sqrt(t)| <= eg/sqrt(t) + (|g| + eg) * (1/sqrt(t - et) - 1/sqrt(t)); infinite
    where float32 cannot tell t from 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        root, least = np.sqrt(total), np.sqrt(np.maximum(total - total_error, 0.0))
        difference = np.where(total_error > 0, total_error / (root * least * (root + least)), 0.0)
    return 1.01 * (gamma_error / root + (np.abs(gamma) + gamma_error) * difference)


@rule("LeakyRelu", "PRelu", "Tanh", "Sigmoid")
def _curve(walk: Importer, node: Node) -> Value:
    """Functions between a layer and its quantiser (curves.py)."""
    value = _bendable(walk, node)
    if node.op_type in ("Tanh", "Sigmoid"):
        return value.bent(Tanh() if node.op_type == "Tanh" else Sigmoid())
    slack = np.zeros(())
    if node.op_type == "LeakyRelu":
        slope = exact_array(
            np.full((1,) * len(value.shape), np.float32(node.number("alpha", 0.01)))
        )
    else:
        slope, slack = frame_constant(walk.constant(node, 1), value.shape)
    if not any(s.sign() for s in slope.reshape(-1)):
        value = replace(value, error=value.error + slack * value.magnitude())
        return _limited(value, Constant(np.zeros(())), None)
    return value.bent(Leak(slope, slack))


@rule("HardSigmoid")
def _hard_sigmoid(walk: Importer, node: Node) -> Value:
    """max(0, min(1, alpha*v + beta))."""
    gain, shift = (
        Constant(np.array(np.float32(node.number(name, default))))
        for name, default in (("alpha", 0.2), ("beta", 0.5))
    )
    value = _bendable(walk, node).transform(gain, shift)
    return _limited(value, Constant(np.zeros(())), Constant(np.ones(())))


def _bendable(walk: Importer, node: Node) -> Integers:
    value = walk.value(node)
    if not isinstance(value, Integers):
        raise Unsupported(
            f"{node.op_type} acts on the graph input or a constant",
            node=node.name,
            remedy="leave it out, where the input quantiser's range limits the values anyway, or "
            "do it on the host",
        )
    walk.not_final(node, value)
    return value


@rule("Relu", "Clip")
def _clip(walk: Importer, node: Node) -> Value:
    value = _bendable(walk, node)
    if node.op_type == "Relu":
        return _limited(value, Constant(np.zeros(())), None)
    low, high = (_limit(walk, node, i, name) for i, name in ((1, "min"), (2, "max")))
    return _limited(value, low, high)


def _limited(value: Integers, lowest: Constant | None, highest: Constant | None) -> Integers:
    """max(low, .), then min(., high): where they cross, high holds.

    Neither enlarges an error: the result is off by the largest of the value's and the limits'.
    """
    ones = (1,) * len(value.shape)
    for limit in (lowest, highest):
        if limit is not None and np.any(limit.error):
            value = replace(value, error=np.maximum(value.error, np.max(limit.error)))
    if lowest is not None:
        low = lowest.exact().reshape(ones)
        value = replace(
            value,
            low=low if value.low is None else _extreme(value.low, low, 1),
            high=None if value.high is None else _extreme(value.high, low, 1),
        )
    if highest is not None:
        high = highest.exact().reshape(ones)
        value = replace(
            value,
            high=high if value.high is None else _extreme(value.high, high, -1),
            low=None if value.low is None else _extreme(value.low, high, -1),
        )
    return value


def _limit(walk: Importer, node: Node, position: int, attribute: str) -> Constant | None:
    if node.has(position):
        return walk.constant(node, position)
    limit = node.number(attribute, None)
    return None if limit is None else Constant(np.array(limit))


def _extreme(a: np.ndarray, b: np.ndarray, sign: int) -> np.ndarray:
    """Element-wise maximum (sign 1) or minimum (sign -1) of exact numbers."""
    pick = np.frompyfunc(lambda u, v: u if sign * u.sign_of_difference(v) >= 0 else v, 2, 1)
    return np.asarray(pick(a, b), dtype=object)


def _same_integers(
    walk: Importer, node: Node, left: Integers, right: Integers, sign: int
) -> Integers:
    """a*x + b plus or minus c*x + d of one tensor x: (a +- c)*x + (b +- d), no operation at all."""
    for value in (left, right):
        walk.not_final(node, value)
    factor = Surd(sign)
    out = replace(
        left,
        alpha=np.asarray(left.alpha + right.alpha * factor, dtype=object),
        beta=np.asarray(left.beta + right.beta * factor, dtype=object),
    )
    size, error = left.magnitude() + right.magnitude(), left.error + right.error
    return replace(out, error=error + UNIT * (size + error))


def residual(walk: Importer, node: Node, left: Integers, right: Integers, sign: int) -> Integers:
    """left + sign * right on a common scale g: alpha = g*m with integers m for both.

    Raises:
        Unsupported: the scales have no common measure, the shapes differ, or one is a clipped
        value.
    """
    for value in (left, right):
        walk.not_final(node, value)
        if value.clipped:
            raise Unsupported(
                "a ReLU feeds a sum with no quantiser between them",
                node=node.name,
                remedy="quantise the branch before the sum (QuantReLU)",
            )
    if left.shape != right.shape:
        raise Unsupported(
            f"it adds activations of shapes {left.shape} and {right.shape}",
            node=node.name,
            remedy="give both branches one shape",
        )
    shape = np.broadcast_shapes(left.alpha.shape, right.alpha.shape)
    scale, first, second = (np.empty(shape, dtype=object) for _ in range(3))
    pairs = zip(
        np.broadcast_to(left.alpha, shape).reshape(-1),
        np.broadcast_to(right.alpha, shape).reshape(-1),
        strict=True,
    )
    known: dict = {}
    for i, pair in enumerate(pairs):
        if pair not in known:
            known[pair] = _common_scale(*pair, node)
        scale.reshape(-1)[i], first.reshape(-1)[i], second.reshape(-1)[i] = known[pair]
    one, two = first.astype(np.int64), sign * second.astype(np.int64)
    beta = left.beta + (right.beta if sign > 0 else -right.beta)
    ends = [_product_range(factor, value) for factor, value in ((one, left), (two, right))]
    size = left.magnitude() + right.magnitude()
    error = left.error + right.error
    fits = _on_grid(scale, ends) and not np.any(error) and _all_zero(left.beta, right.beta)
    error = error + (0.0 if fits else UNIT) * (size + error)
    out = Integers(
        node.output,
        left.shape,
        scale,
        np.asarray(beta, dtype=object),
        ends[0][0] + ends[1][0],
        ends[0][1] + ends[1][1],
        error=np.asarray(error),
    )
    return walk.emit(Sum(node.output, (left.name, right.name), node.name, (one, two)), out)


def _all_zero(*arrays: np.ndarray) -> bool:
    return all(v.sign() == 0 for array in arrays for v in array.reshape(-1))


def _on_grid(scale: np.ndarray, ends) -> bool:
    """Whether every sum g * integer of this range is a float32 number."""
    largest = max(int(np.abs(e).max()) for pair in ends for e in pair) * 2
    return all(exact_in_float32(g, largest) for g in distinct(scale))


def _product_range(factor: np.ndarray, value: Integers):
    a, b = factor * value.minimum, factor * value.maximum
    return np.minimum(a, b), np.maximum(a, b)


def _common_scale(a: Surd, b: Surd, node: Node) -> tuple[Surd, int, int]:
    """(g, m, n) with a = g*m, b = g*n, m and n integers without common factor."""
    if a.sign() == 0 or b.sign() == 0:
        return (b, 0, 1) if a.sign() == 0 else (a, 1, 0)
    ratio = a / b
    if not ratio.is_rational():
        raise Unsupported(
            "the two branches have scales of irrational ratio (a BatchNormalization "
            "stands in one of them)",
            node=node.name,
            remedy="quantise both branches to one scale before the sum",
        )
    m, n = ratio.x.numerator, ratio.x.denominator
    if max(abs(m), n) >= 2**31:
        raise Unsupported(
            f"the scales of the two branches, {float(a):g} and {float(b):g}, have no "
            "useful common measure",
            node=node.name,
            remedy="quantise both branches to one scale before the sum",
        )
    assert gcd(m, n) == 1
    return a / Surd(m), m, n
