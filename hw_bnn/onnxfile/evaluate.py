"""One node of constants, executed: by onnx's reference evaluator, or QONNX's operators by qonnx.

A file may ask for a constant of 10^12 elements in a few bytes, so what a node would give is measured
first, by onnx's shape inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt, prod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..errors import Unsupported
from .node import Node
from .support import STANDARD_DOMAINS

LARGEST = 2**24
"""Elements of a constant at most, but for what the file itself holds."""
LARGEST_SLOW = 2**16
"""The same for operators that the evaluator computes element by element."""

_VECTORISED = {
    "Abs", "Add", "Div", "Flatten", "Identity", "Mul", "Neg", "Pow", "Reciprocal", "Reshape", "Sqrt",
    "Squeeze", "Sub", "Transpose", "Unsqueeze",
    "And", "ArgMax", "ArgMin", "Cast", "CastLike", "Ceil", "Clip", "Concat", "ConstantOfShape", "Cos",
    "Equal", "Erf", "Exp", "Expand", "Floor", "Gather", "Gemm", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Log", "MatMul", "Max", "Mean", "Min", "Mod", "Not", "Or", "Pad", "Range",
    "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
    "ReduceSumSquare", "Relu", "Round", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Softmax",
    "Split", "Sum", "Tanh", "Tile", "Where", "Xor",
}  # fmt: skip
_ENLARGING = {
    "CenterCropPad", "ConstantOfShape", "Expand", "OneHot", "Pad", "Range", "Resize", "Tile",
}  # fmt: skip


def version_for(node: Node, opset: int) -> int:
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


def floats_as(kind: type, array: np.ndarray) -> np.ndarray:
    """An array in one float type; integers and bool stay what they are.

    Args:
        kind: np.float32 or np.float64.
        array: any shape; floats, integers, bool, or exact numbers x + y*sqrt(d) (objects with
            rational x, y, d), which go to the nearest float64 first.

    Raises:
        OverflowError: an exact number is beyond float64.
    """
    if array.dtype == object:
        array = np.array([nearest(v) for v in array.reshape(-1)], np.float64).reshape(array.shape)
    return array.astype(kind) if array.dtype.kind == "f" else array


def nearest(number: Any) -> float:
    """The float64 nearest to x + y*sqrt(d): one number, however a walk writes the exact one.

    Raises:
        OverflowError: it is beyond float64.
    """
    x = Fraction(number.x)
    square = Fraction(number.y) ** 2 * number.d  # |y*sqrt(d)| = sqrt(p*q) / q
    if not square:
        return float(x)
    under, bits = square.numerator * square.denominator, 128
    while True:
        step = Fraction(1, square.denominator << bits)
        root = isqrt(under << 2 * bits) * step
        low, high = (root, root + step) if number.y > 0 else (-root - step, -root)
        if float(x + low) == float(x + high):
            return float(x + low)
        bits *= 2


def check_size(node: Node, inputs: Sequence[np.ndarray | None], opset: int) -> None:
    """Refuse before it is computed what would be too large.

    Raises:
        Unsupported: the result has more elements than LARGEST (LARGEST_SLOW), or nobody can tell how
            many. Exception: onnx's inference says that the inputs do not fit.
    """
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
    floats = [None if a is None else floats_as(np.float32, a) for a in inputs]
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


def _model(node: Node, inputs, opset: int, kind: type, stored=()) -> onnx.ModelProto:
    """A model of this node alone; its inputs are called i0, i1, ..."""
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    if proto.domain in STANDARD_DOMAINS:
        proto.domain = ""  # the evaluator knows no other name of it
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


def evaluate(node: Node, inputs: Sequence[np.ndarray | None], opset: int, kind: type) -> list[Any]:
    """What a node gives, an entry an output.

    Args:
        inputs: by position, None where one is left out.
        kind: np.float64 takes the float32 that the node's attributes name for float64.

    Raises:
        NotImplementedError: nobody knows the operator. Exception: whatever the evaluator raises where
            the inputs do not fit.
    """
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
