"""Rules of the import for arithmetic with constants: Mul, Add, Sub, Div,
BatchNormalization, ReLU, ...

Each multiplies or shifts the exact affine of its input; none touches the integers.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx

from ..errors import BadInput, Unsupported
from ..onnxfile.axes import axis as read_axis
from .bends import Clip, Curve, Leak
from .exact import ZERO, Surd, compare, reciprocal_root
from .registry import rule
from .residual import residual
from .values import Activation, Constant, QuantConstant, RealInput, Value, told

IDENTITY = ("Identity", "Dropout")
MONOTONE_HEAD = ("Softmax", "LogSoftmax")
AFTER_LABEL = {"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "TopK", "ArgMax"}


@rule(*IDENTITY)
def identity(state, node):
    """The input itself. Precondition: inference mode."""
    if node.op_type == "Dropout" and node.has(2) and state.constant(node, 2).array.any():
        raise Unsupported("it is in training mode", node=node.name, remedy="export it in eval mode")
    state.values[node.output] = state.value(node, 0)


@rule("Cast")
def cast(state, node):
    """Precondition: to float32 or float64 (to anything behind the label)."""
    target = node.integer("to")
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    if target not in floats and node.inputs[0] not in state.labels:
        raise Unsupported(
            f"a cast to {onnx.TensorProto.DataType.Name(target)}",
            node=node.name,
            remedy="cast to float32 only, or leave the cast out",
        )
    state.values[node.output] = state.value(node, 0)


@rule(*MONOTONE_HEAD)
def monotone_head(state, node):
    """Softmax keeps raw scores and argmax. Precondition: the last node, but for TopK or ArgMax."""
    value = _activation(state.value(node, 0), node)
    axis = read_axis(node, node.integer("axis", -1), len(value.shape))
    if not _is_last(state, node, {"TopK", "ArgMax"}) or value.labels[axis] != "C":
        raise Unsupported(
            f"{node.op_type} inside the network is not supported",
            node=node.name,
            remedy="only a last Softmax can be left out exactly",
        )
    state.values[node.output] = value


def _is_last(state, node, allowed: set[str]) -> bool:
    """Whether nothing but nodes of these types reads what this node writes."""
    readers = [n for n in state.graph.nodes if set(n.inputs) & set(node.outputs)]
    return all(n.op_type in allowed and _is_last(state, n, AFTER_LABEL) for n in readers)


@rule("Constant")
def constant(state, node):
    state.values[node.output] = Constant(node.constant())


@rule("Sqrt", "Reciprocal", "Abs", "Pow")
def constant_function(state, node):
    """Functions of constants, exactly. Precondition: the input is a constant."""
    array = state.constant(node, 0).exact()
    function = {
        "Sqrt": _root,
        "Reciprocal": lambda v: Surd(1) / v,
        "Abs": lambda v: v if v.sign() >= 0 else -v,
    }.get(node.op_type)
    if function is None:
        (exponent,) = state.constant(node, 1).exact().reshape(-1)
        if exponent.d:
            raise Unsupported("an irrational exponent")
        function = _power(exponent.x)
    state.values[node.output] = Constant(_map(function, array))


@rule("Neg")
def negative(state, node):
    """alpha, beta <- -alpha, -beta."""
    value = state.value(node, 0)
    if isinstance(value, QuantConstant):
        result: Value = replace(value, integers=-value.integers)
    elif isinstance(value, Constant):
        result = Constant(_map(lambda v: -v, value.exact()))
    else:
        result = scaled(value, Surd(-1), node)
    state.values[node.output] = result


def scaled(value: Value, factor: Surd, node) -> Activation | RealInput:
    """A tensor times one number."""
    if isinstance(value, RealInput):
        return value
    return _activation(value, node).affine([factor], None, node.name)


@rule("Mul", "Div")
def scale(state, node):
    """alpha, beta <- alpha*s, beta*s. Precondition: one side is a constant, not a divisor of 0."""
    left, right = (state.value(node, i) for i in (0, 1))
    invert = node.op_type == "Div"
    if isinstance(left, Constant) and isinstance(right, Constant):
        _constants(
            state, node, left, right, (lambda a, b: a / b) if invert else (lambda a, b: a * b)
        )
        return
    if isinstance(left, QuantConstant | Constant) and isinstance(right, QuantConstant | Constant):
        state.values[node.output] = _quantised_product(left, right, invert)
        return
    left, right = (v.constant() if isinstance(v, QuantConstant) else v for v in (left, right))
    if isinstance(left, Constant) and not invert:
        left, right = right, left
    if not isinstance(right, Constant):
        raise Unsupported(
            f"{node.op_type} of two activations is not supported",
            node=node.name,
            remedy="only constants can scale an activation: learn a gate as a BatchNorm's gain",
        )
    if isinstance(left, RealInput):
        state.values[node.output] = left.broadcast(right, node.name)
        return
    activation = _activation(left, node)
    factors = activation.per_channel(right, node.name)
    if invert:
        factors = [Surd(1) / f for f in factors]
    state.values[node.output] = activation.affine(factors, None, node.name)


def _quantised_product(left, right, invert: bool) -> Constant | QuantConstant:
    """Quantised weights times or by a constant: a gain a channel (XNOR-Net's alpha)
    enters the scale.

    A constant of whole numbers, one an element, is a mask and enters the integers. All else is a
    constant, exact, but quantised no longer.
    """
    if not invert and not isinstance(left, QuantConstant):
        left, right = right, left
    shape = np.broadcast_shapes(left.shape, right.shape)
    if isinstance(left, Constant) or isinstance(right, QuantConstant) or shape != left.shape:
        left, right = (v.constant() if isinstance(v, QuantConstant) else v for v in (left, right))
        a, b = left.exact(), right.exact()
        return Constant(np.asarray(a / b if invert else a * b, dtype=object))
    array = right.array
    if (
        not invert
        and array.dtype.kind in "iuf"
        and array.size == left.integers.size > max(array.shape, default=0)
        and np.isin(array, (-1, 0, 1)).all()
    ):
        declared = left.declared if array.all() or left.declared != "BIPOLAR" else None
        return QuantConstant(left.integers * array.astype(np.int64), left.scale, declared)
    factor = right.exact()
    scale = left.scale / factor if invert else left.scale * factor
    return replace(left, scale=np.asarray(scale, dtype=object))


@rule("Add", "Sub")
def shift(state, node):
    """beta <- beta + c, or the sum of two integer tensors on one scale (residual.py)."""
    left, right = (
        v.constant() if isinstance(v, QuantConstant) else v
        for v in (state.value(node, i) for i in (0, 1))
    )  # a quantised bias
    subtract = node.op_type == "Sub"
    if isinstance(left, Constant) and isinstance(right, Constant):
        _constants(
            state, node, left, right, (lambda a, b: a - b) if subtract else (lambda a, b: a + b)
        )
        return
    if left is right:
        state.values[node.output] = scaled(left, Surd(0 if subtract else 2), node)
        return
    if isinstance(left, RealInput) and isinstance(right, RealInput):
        if left != right:
            raise Unsupported(
                "a sum of the graph input with another arrangement of itself",
                node=node.name,
                remedy="quantise both branches before adding",
            )
        state.values[node.output] = left
        return
    if isinstance(left, Activation) and isinstance(right, Activation):
        residual(state, node, left, right, subtract)
        return
    if isinstance(left, Constant):
        left, right = right, left
        if subtract:  # c - x = -x + c
            left = scaled(left, Surd(-1), node)
            subtract = False
    if not isinstance(right, Constant):
        raise Unsupported(
            "it adds the graph input to an activation",
            node=node.name,
            remedy="quantise both branches before adding",
        )
    if isinstance(left, RealInput):
        state.values[node.output] = left.broadcast(right, node.name)
        return
    activation = _activation(left, node)
    terms = activation.per_channel(right, node.name)
    if subtract:
        terms = [-t for t in terms]
    state.values[node.output] = activation.affine(None, terms, node.name)


@rule("BatchNormalization")
def batch_norm(state, node):
    """gamma*(x - mean)/sqrt(var + eps) + beta, the root kept exact as a Surd.

    Precondition: inference mode, var + eps > 0.
    """
    name = node.name
    if node.integer("training_mode", 0):
        raise Unsupported("it is in training mode", node=name, remedy="export it in eval mode")
    value = state.value(node, 0)
    if isinstance(value, RealInput):
        state.values[node.output] = value
        return
    value = _activation(value, node)
    gamma, shift_, mean, variance = (
        _channel_vector(state.constant(node, i), value, name) for i in range(1, 5)
    )
    epsilon = Fraction(float(np.float32(node.number("epsilon", 1e-5))))
    inverse = []
    for c, v in enumerate(variance):
        if v + epsilon <= 0:
            raise BadInput(
                f"its variance plus epsilon is {float(v + epsilon):g} in channel {c}",
                node=name,
                remedy="export the model again",
            )
        inverse.append(reciprocal_root(v + epsilon))
    value = value.affine(None, [Surd(-m) for m in mean], name)
    value = value.affine(
        [Surd(g) * i for g, i in zip(gamma, inverse, strict=True)], [Surd(b) for b in shift_], name
    )
    state.values[node.output] = value


@rule("Relu", "Clip", "HardSigmoid", "LeakyRelu", "PRelu", "Tanh", "Sigmoid")
def bent(state, node):
    """A function before a quantiser, which it bends the levels of (bends.py)."""
    value = _activation(state.value(node, 0), node)
    value.no_border(node.name)
    if node.op_type in ("Tanh", "Sigmoid"):
        result = value.bent(lambda: Curve(node.op_type))
    elif node.op_type in ("LeakyRelu", "PRelu"):
        result = _leak(state, node, value)
    elif node.op_type == "Relu":
        result = value.bent(Clip, [ZERO], [None])
    elif node.op_type == "HardSigmoid":  # max(0, min(1, alpha*x + beta))
        gain, shift = (
            _number(node, key, default) for key, default in (("alpha", 0.2), ("beta", 0.5))
        )
        result = value.affine([gain], [shift], node.name).bent(Clip, [ZERO], [Surd(1)])
    else:
        low, high = (_limit(state, node, value, i, key) for i, key in ((1, "min"), (2, "max")))
        result = value.bent(_clip, low, high)
    state.values[node.output] = result


def _limit(state, node, value: Activation, position: int, key: str) -> list[Surd | None]:
    """A limit of Clip: an input, or before opset 11 an attribute, or none."""
    if node.has(position):
        return list(value.per_channel(state.constant(node, position), node.name))
    number = node.number(key, None)
    return [None if number is None else Surd(Fraction(number))]


def _clip(low: Surd | None, high: Surd | None) -> Clip:
    """ONNX: where low is above high, everything becomes high."""
    crossed = low is not None and high is not None and compare(low, high) > 0
    return Clip(high if crossed else low, high)


def _leak(state, node, value: Activation) -> Activation:
    if node.op_type == "LeakyRelu":
        slopes = [_number(node, "alpha", 0.01)]
    else:
        slopes = value.per_channel(state.constant(node, 1), node.name)
    return value.bent(lambda s: Leak(s) if s.sign() else Clip(ZERO, None), slopes)


def _number(node, key: str, default: float) -> Surd:
    """An attribute; its default is the float32 number that ONNX writes as a decimal."""
    return Surd(Fraction(float(np.float32(node.number(key, default)))))


@rule("TopK", "ArgMax")
def top_k(state, node):
    """The label. Precondition: the last node, k = 1; the raw scores stay the output."""
    if node.op_type == "TopK" and (state.numbers(node, 1) != [1] or not node.integer("largest", 1)):
        raise Unsupported(
            "only the largest score (k = 1) is supported",
            node=node.name,
            remedy="take further ranks from the raw scores on the host",
        )
    value = _activation(state.value(node, 0), node)
    axis = node.integer("axis", -1 if node.op_type == "TopK" else 0)
    axis = read_axis(node, axis, len(value.shape))
    if value.labels[axis] != "C" or node.integer("select_last_index", 0):
        raise Unsupported(
            "a label over another axis than the classes, or the last of equal scores",
            node=node.name,
            remedy="take the first largest along the classes",
        )
    if not _is_last(state, node, AFTER_LABEL):
        raise Unsupported(
            f"{node.op_type} inside the network is not supported",
            node=node.name,
            remedy="let it be the last node",
        )
    state.labels.update(node.outputs)
    for name in node.outputs:
        state.values[name] = value


def _activation(value, node) -> Activation:
    if not isinstance(value, Activation):
        raise Unsupported(
            f"{node.op_type} of {told(value)}",
            node=node.name,
            remedy="leave it out, where the input quantiser's range limits the values anyway, do "
            "it on the host, or put it behind a quantised layer",
        )
    return value


def _channel_vector(constant: Constant, value: Activation, name: str) -> list[Fraction]:
    values = [v.x for v in constant.exact().reshape(-1)]
    if any(v.d for v in constant.exact().reshape(-1)):
        raise Unsupported("irrational parameters", node=name, remedy="store them as numbers")
    if len(values) != value.shape[1] or value.labels[1] != "C":
        raise Unsupported(
            f"{len(values)} channels for an input of shape {value.shape}",
            node=name,
            remedy="normalise axis 1, the channels",
        )
    return values


def _map(function, array: np.ndarray) -> np.ndarray:
    out = np.empty(array.shape, dtype=object)
    flat_in, flat_out = array.reshape(-1), out.reshape(-1)
    for i, v in enumerate(flat_in):
        flat_out[i] = function(v)
    return out


def _constants(state, node, left: Constant, right: Constant, function) -> None:
    a, b = np.broadcast_arrays(left.exact(), right.exact())
    out = np.empty(a.shape, dtype=object)
    out.reshape(-1)[:] = [function(x, y) for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True)]
    state.values[node.output] = Constant(out)


def _power(exponent: Fraction):
    """v -> v**exponent for the exponents 1/2, -1/2 and 1 to 8, -1 to -8."""
    if abs(exponent) == Fraction(1, 2):
        return _root if exponent > 0 else lambda v: Surd(1) / _root(v)
    if exponent.denominator != 1 or not 1 <= abs(exponent) <= 8:
        raise Unsupported(f"the power {float(exponent)}")

    def power(value: Surd) -> Surd:
        out = value
        for _ in range(abs(int(exponent)) - 1):
            out = out * value
        return out if exponent > 0 else Surd(1) / out

    return power


def _root(value: Surd) -> Surd:
    if value.d or value.x < 0:
        raise Unsupported("square root of a negative number or of a root")
    return Surd(0, 1, value.x)
