"""One node of constants, executed: by onnx's reference evaluator, or QONNX's operators by qonnx.

A file may ask for a constant of 10^12 elements in a few bytes, so what a node would give is
measured first, by onnx's shape inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt, prod
from typing import Any, cast

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
MOST_WORK = 2**28
"""Multiplications (or the like) of one node at most."""
SLOW = 2**6
"""What one step of an operator costs, in those, that the evaluator takes in Python."""
EXACT = 2**9
"""What arithmetic of one exact number costs, in those."""
BUDGET = 2**29
"""Multiplications of all constants of a file together, for each walk."""

_VECTORISED = {
    "Abs", "Add", "Div", "Flatten", "Identity", "Mul", "Neg", "Pow", "Reciprocal", "Reshape",
    "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze",
    "And", "ArgMax", "ArgMin", "Cast", "CastLike", "Ceil", "Clip", "Concat", "ConstantOfShape",
    "Cos", "Equal", "Erf", "Exp", "Expand", "Floor", "Gather", "Gemm", "Greater", "GreaterOrEqual",
    "Less", "LessOrEqual", "Log", "MatMul", "Max", "Mean", "Min", "Mod", "Not", "Or", "Pad",
    "Range", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare", "Relu", "Round", "Shape", "Sigmoid", "Sign", "Sin", "Size",
    "Slice", "Softmax", "Split", "Sum", "Tanh", "Tile", "Where", "Xor",
}  # fmt: skip
_RECURRENT = {"Attention", "DFT", "Det", "GRU", "GridSample", "LSTM", "LRN", "RNN", "STFT"}
_ENLARGING = {
    "CenterCropPad", "ConstantOfShape", "Expand", "OneHot", "Pad", "Range", "Resize", "Tile",
}  # fmt: skip


class Budget:
    """What a walk may still spend on constants: many nodes ask for as much as a large one."""

    def __init__(self, left: int = BUDGET):
        self.left = left

    def spend(self, work: int, node: Node) -> None:
        """Pay for a node before it is computed.

        Args:
            work: in multiplications.

        Raises:
            Unsupported: it is more than MOST_WORK, or more than is left.
        """
        self.left -= work
        if work > MOST_WORK or self.left < 0:
            whose = "its constants take" if work > MOST_WORK else "the file's constants take"
            most = MOST_WORK if work > MOST_WORK else BUDGET
            raise Unsupported(
                f"{whose} more work than {most} multiplications",
                node=node.name,
                remedy="fold constants before export",
            )


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


def check_size(node: Node, inputs: Sequence[np.ndarray | None], opset: int, budget: Budget) -> None:
    """Refuse before it is computed what would be too large, or take too long.

    Args:
        inputs: by position, None where one is left out.
        budget: what is left for the file; the node's work is taken from it.

    Raises:
        Unsupported: the result has more elements than LARGEST (LARGEST_SLOW), or nobody can
            tell how many; the node's work is above MOST_WORK or the budget; it holds a graph of
            its own (Loop).
            Exception: onnx's inference says that the inputs do not fit.
    """
    if any(item.HasField("g") or item.graphs for item in node.proto.attribute):
        raise Unsupported(
            f"{node.op_type} holds a graph of its own",
            node=node.name,
            remedy="fold constants before export",
        )
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
    terms = _terms(node, inputs)
    budget.spend(
        max([held, *sizes, max(sizes, default=held) * terms]) * (SLOW if slow else 1), node
    )


def _terms(node: Node, inputs: Sequence[np.ndarray | None]) -> int:
    """Terms that each element of the result is made of: 1 for what is element by element.

    For an operator that is not known here (a recurrent layer), as many as its largest input holds
    along its two longest axes.
    """
    shapes = [() if a is None else a.shape for a in inputs]
    if node.op_type in ("MatMul", "Gemm", "MatMulInteger", "QLinearMatMul"):
        first = shapes[0][-2:] if shapes else ()
        return max(first if node.op_type == "Gemm" else first[-1:], default=1)
    if node.op_type == "Einsum":
        letters: dict[str, int] = {}
        terms = node.text("equation").replace(" ", "").split("->")[0].split(",")
        for term, shape in zip(terms, shapes, strict=False):
            letters.update(zip(term.replace(".", ""), shape[-len(term) :], strict=False))
        return prod(letters.values()) * max(
            (prod(s) for s in shapes if "." in str(terms)), default=1
        )
    kernel = prod(node.integers("kernel_shape", [1]))
    if "Conv" in node.op_type:
        return max(kernel, prod(shapes[1][1:]) if len(shapes) > 1 else 1)
    if "Pool" in node.op_type or node.op_type in ("Col2Im", "Im2Col"):
        return kernel
    if node.op_type in _VECTORISED or max(map(prod, shapes), default=1) <= 2**10:
        return kernel
    return prod(sorted(max(shapes, key=prod))[-2:]) if node.op_type in _RECURRENT else kernel


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
        NotImplementedError: nobody knows the operator. Exception: whatever the evaluator raises
            where the inputs do not fit.
    """
    if node.domain not in STANDARD_DOMAINS:
        return _by_qonnx(node, inputs)
    from onnx.reference import ReferenceEvaluator

    feeds = {f"i{i}": a for i, a in enumerate(inputs) if a is not None}
    found = ReferenceEvaluator(_model(node, inputs, opset, kind)).run(None, feeds)
    return cast(list[Any], found)  # a dict when asked for intermediate results, alone


def _by_qonnx(node: Node, inputs) -> list[Any]:
    """Operators of QONNX, whatever domain the exporter gives them."""
    from qonnx.custom_op.registry import getCustomOp

    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    proto.domain = "qonnx.custom_op.general"
    try:
        op = getCustomOp(proto)
    except Exception as error:  # it asserts
        raise NotImplementedError(node.op_type) from error  # as onnx's evaluator tells of its own
    context = {n: a for n, a in zip(node.inputs, inputs, strict=True) if n}
    op.execute_node(context, helper.make_graph([proto], "constants", [], []))
    return [context[name] for name in node.outputs if name]
