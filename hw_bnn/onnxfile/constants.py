"""Constant subgraphs: a node all of whose inputs are constants is computed, whatever its operator.

Exporters write parameters as small programs: 2 ** bits, a weight divided by its norm, a border that
ConstantOfShape and Concat build. What the rules of both walks follow exactly (scales and biases in
rational numbers and roots, quantised weights as integers times a scale) stays theirs: see
:func:`kept`. All the rest is computed here, once and the same for both, by onnx's reference
evaluator (QONNX's operators: by qonnx), in float64 where the file has floats.

>>> from onnx import helper
>>> node = Node(helper.make_node("Range", ["a", "b", "c"], ["r"]))
>>> fold(node, [np.array(1), np.array(7), np.array(2)], 13)
[array([1, 3, 5])]
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..errors import BadInput, Unsupported
from .node import Node
from .support import QUANTISERS, STANDARD_DOMAINS

EXACT_ELEMENTS = 100_000
"""Constants of more elements are computed in float64: exact numbers are Python objects."""
EXACT_BITS = 2**14
"""Most binary digits of an exact number; a file that squares a number 60 times would need 2^60."""
LARGEST = 2**24
"""Elements of a constant at most, but for what the file itself holds."""
LARGEST_SLOW = 2**16
"""The same for operators that the evaluator computes element by element."""

RANDOM = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}
ARITHMETIC = {"Abs", "Add", "Div", "Mul", "Neg", "Pow", "Reciprocal", "Sqrt", "Sub"}
"""Exact in both walks, on constants that are no integers of the file (those are shapes)."""
STRUCTURE = {"Constant", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
"""Moves numbers about: the walks keep integers, scales and roots as they are."""
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
_VECTORISED = ARITHMETIC | STRUCTURE | {
    "And", "ArgMax", "ArgMin", "Cast", "CastLike", "Ceil", "Clip", "Concat", "ConstantOfShape", "Cos",
    "Equal", "Erf", "Exp", "Expand", "Floor", "Gather", "Gemm", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Log", "MatMul", "Max", "Mean", "Min", "Mod", "Not", "Or", "Pad", "Range",
    "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
    "ReduceSumSquare", "Relu", "Round", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Softmax",
    "Split", "Sum", "Tanh", "Tile", "Where", "Xor",
}  # fmt: skip


def kept(node: Node, values: Sequence[Any]) -> bool:
    """Whether a node of constants has exact rules in both walks.

    Args:
        values: what a walk knows of the inputs that are there; each has `shape`, `integral`
            (integers of the file) and `quantised` (integers times a scale).
    """
    if node.domain not in STANDARD_DOMAINS and node.op_type not in QUANTISERS:
        return False
    if node.op_type in STRUCTURE or node.op_type in QUANTISERS[:2] + QUANTISERS[3:]:
        return True
    if node.op_type == "Sign":
        return not any(v.quantised for v in values)
    if node.op_type == "Cast":
        return node.integer("to") in _FLOATS and not any(v.integral for v in values)
    return (
        node.op_type in ARITHMETIC
        and not all(v.integral for v in values)
        and prod(np.broadcast_shapes(*(v.shape for v in values))) <= EXACT_ELEMENTS
        and (node.op_type in ("Add", "Neg", "Sub") or not any(v.quantised for v in values))
    )


def fold(
    node: Node, arrays: Sequence[np.ndarray | None], opset: int, kind: type = np.float64
) -> list[np.ndarray]:
    """The outputs of a node of constants.

    Args:
        arrays: its inputs by position, None where one is left out; integers, bool, floats, or exact
            numbers (objects that float() takes).
        opset: version of the default operator set.
        kind: float type to compute in.

    Returns:
        An array an output, finite; floats as float64.

    Raises:
        Unsupported: the operator is not deterministic, or nobody knows it; the result would be
        larger than LARGEST. BadInput: its inputs do not fit it, or the result is not finite.
    """
    if node.op_type in RANDOM:
        raise Unsupported(
            f"{node.op_type} gives other numbers in every run",
            node=node.name,
            remedy="store the numbers in the file",
        )
    opset = _evaluated_as(node, opset)
    inputs = [None if a is None else _as(kind, a) for a in arrays]
    try:
        _bound(node, inputs, opset)
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("ignore")
            results = _evaluate(node, inputs, opset, kind)
    except (BadInput, ModuleNotFoundError):
        raise
    except NotImplementedError as error:
        raise Unsupported(
            f"the operator {node.op_type} is not known",
            node=node.name,
            remedy="fold constants before export",
        ) from error
    except Exception as error:  # the evaluator raises all kinds
        raise BadInput(
            f"it cannot be computed from its constants ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]})",
            node=node.name,
            remedy="check them in the file",
        ) from error
    return [_result(node, value) for value in results]


def float32_error(
    node: Node,
    arrays: Sequence[np.ndarray | None],
    errors: Sequence[np.ndarray | float],
    results: Sequence[np.ndarray],
    opset: int,
) -> list[np.ndarray | float]:
    """How far float32 arithmetic may be from the results of :func:`fold`, an array an output.

    No bound that holds for every operator is known, but the numbers are: the node is computed in
    float32 too, and at inputs that are moved by their own errors. Twice those differences, and four
    units of the results, are allowed.
    """
    if all(r.dtype.kind != "f" for r in results):
        return [0.0] * len(results)
    exact = [None if a is None else _as(np.float64, a) for a in arrays]
    moved = [
        a if a is None or a.dtype.kind != "f" else a + np.broadcast_to(e, a.shape)
        for a, e in zip(exact, errors, strict=True)
    ]
    try:
        rounded = fold(node, exact, opset, np.float32)
        shifted = fold(node, moved, opset) if np.any([np.any(e) for e in errors]) else results
    except BadInput:  # float32 overflows
        return [np.abs(np.asarray(r, np.float64)) for r in results]
    out: list[np.ndarray | float] = []
    for result, low, other in zip(results, rounded, shifted, strict=True):
        if result.dtype.kind != "f" or not low.shape == other.shape == result.shape:
            out.append(0.0 if result.dtype.kind != "f" else np.abs(result))
            continue
        difference = np.abs(low - result) + np.abs(other - result)
        out.append(2 * difference + 4 * 2.0**-24 * np.abs(result))
    return out


def check_digits(numbers: np.ndarray) -> None:
    """Refuse exact numbers (Surd: x + y*sqrt(d)) that have grown out of hand.

    Raises:
        BadInput: one has more than EXACT_BITS digits.
    """
    if numbers.dtype != object:
        return
    for number in {id(v): v for v in numbers.reshape(-1)}.values():
        for part in (number.x, number.y, number.d):
            if max(part.numerator.bit_length(), part.denominator.bit_length()) > EXACT_BITS:
                raise BadInput(
                    f"its exact numbers have more than {EXACT_BITS} binary digits",
                    remedy="fold constants before export",
                )


def _evaluated_as(node: Node, opset: int) -> int:
    """The version to ask of the evaluator, which knows some operators in their newer meaning only.

    Its BatchNormalization before 14 mixes in the statistics of its input, which inference does not.
    """
    if node.op_type == "BatchNormalization":
        if node.integer("training_mode", 0):
            raise Unsupported(
                "it is in training mode", node=node.name, remedy="export the model in eval mode"
            )
        return max(opset, 15)
    since = {"Hardmax": 13, "LogSoftmax": 13, "Softmax": 13, "Resize": 11, "Upsample": 99}
    if opset < since.get(node.op_type, 0):
        raise Unsupported(
            f"{node.op_type} of constants in version {opset} of the ONNX operator set",
            node=node.name,
            remedy="export it with opset 13 or newer",
        )
    return opset


def _as(kind: type, array: np.ndarray) -> np.ndarray:
    if array.dtype == object:
        array = np.array([float(v) for v in array.reshape(-1)]).reshape(array.shape)
    return array.astype(kind) if array.dtype.kind == "f" else array


def _bound(node: Node, inputs: Sequence[np.ndarray | None], opset: int) -> None:
    """Refuse before it is computed what would be too large."""
    slow = node.op_type not in _VECTORISED
    held = max((a.size for a in inputs if a is not None), default=1)
    limit = LARGEST_SLOW if slow else max(LARGEST, 4 * held)
    sizes = [prod(shape) for shape in _shapes(node, inputs, opset)]
    if slow:
        sizes.append(held)
    if sizes and max(sizes) > limit:
        raise Unsupported(
            f"its result has {max(sizes)} elements, more than {limit}",
            node=node.name,
            remedy="check its constants",
        )


def _shapes(node: Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[tuple[int, ...]]:
    """Shapes of the outputs, by onnx's inference; of those alone that it can tell.

    Raises:
        Unsupported: it cannot tell that of an operator whose result may be of any size.
    """
    if node.domain not in STANDARD_DOMAINS:
        return []
    floats = [None if a is None else _as(np.float32, a) for a in inputs]
    small = {
        i: numpy_helper.from_array(a, f"i{i}")
        for i, a in enumerate(floats)
        if a is not None and a.size <= 1024
    }
    model = _model(node, floats, opset, np.float32, list(small.values()))
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    found = []
    for info in inferred.graph.output:
        tensor = info.type.tensor_type
        dims = tensor.shape.dim
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in dims):
            found.append(tuple(d.dim_value for d in dims))
    if not found and node.op_type in _ENLARGING:
        raise Unsupported(
            "the size of its result cannot be told from the file",
            node=node.name,
            remedy="check its constants, or fold them before export",
        )
    return found


_ENLARGING = {
    "CenterCropPad", "ConstantOfShape", "Expand", "OneHot", "Pad", "Range", "Resize", "Tile",
}  # fmt: skip


def _model(node: Node, inputs, opset: int, kind: type, stored=()) -> onnx.ModelProto:
    """A model of this node alone; its inputs are called i0, i1, ..."""
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    del proto.input[:]
    proto.input.extend("" if a is None else f"i{i}" for i, a in enumerate(inputs))
    if kind is np.float64:
        _widen(proto)
    names = {tensor.name for tensor in stored}
    given = [
        helper.make_tensor_value_info(
            f"i{i}", helper.np_dtype_to_tensor_dtype(a.dtype), list(a.shape)
        )
        for i, a in enumerate(inputs)
        if a is not None and f"i{i}" not in names
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    graph = helper.make_graph([proto], "constants", given, outputs, list(stored))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _widen(proto: onnx.NodeProto) -> None:
    """What a node says of float32, said of float64."""
    for attribute in proto.attribute:
        if attribute.name in ("to", "dtype") and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.DOUBLE
        if attribute.HasField("t") and attribute.t.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(attribute.t).astype(np.float64)
            attribute.t.CopyFrom(numpy_helper.from_array(array))


def _evaluate(node: Node, inputs, opset: int, kind: type) -> list[Any]:
    if node.domain not in STANDARD_DOMAINS:
        return _by_qonnx(node, inputs)
    from onnx.reference import ReferenceEvaluator

    feeds = {f"i{i}": a for i, a in enumerate(inputs) if a is not None}
    return ReferenceEvaluator(_model(node, inputs, opset, kind)).run(None, feeds)


def _by_qonnx(node: Node, inputs) -> list[Any]:
    """Operators of QONNX, whatever domain the exporter gives them."""
    from qonnx.custom_op.registry import getCustomOp

    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    proto.domain = "qonnx.custom_op.general"
    try:
        op = getCustomOp(proto)
    except Exception as error:  # it asserts
        raise NotImplementedError(node.op_type) from error
    context = {n: a for n, a in zip(node.inputs, inputs, strict=True) if n}
    op.execute_node(context, helper.make_graph([proto], "constants", [], []))
    return [context[name] for name in node.outputs if name]


def _result(node: Node, value: Any) -> np.ndarray:
    array = np.asarray(value) if isinstance(value, np.ndarray | np.generic) else None
    if array is None or array.dtype.kind not in "biuf":
        raise Unsupported(
            f"{node.op_type} gives no numbers", node=node.name, remedy="fold it before export"
        )
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            raise BadInput(
                f"its result {node.output!r} holds NaN or infinity",
                node=node.name,
                remedy="check its constants",
            )
    return array
