"""QONNX file -> integer graph: every scale, BatchNorm and quantiser becomes integer thresholds.

One walk over the file's nodes in order. Each tensor is followed as an exact value (values.py); a rule a
kind of node (rules_*.py) says how the node changes it, or refuses it by name. Nothing here depends on who
wrote the file: constants may be folded or not, layers may be Gemm, MatMul or Conv, weights may come through
Transpose, quantisers may be BipolarQuant or one-bit Quant, maps may be NCHW or NHWC.

Precondition: an ONNX file whose nodes stand in topological order (the ONNX standard).
Postcondition: an IntegerGraph with integer thresholds only, whose raw scores equal those of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import onnx
from onnx import numpy_helper

from ..errors import BadInput, Unsupported
from .integer_graph import Head, IntegerGraph, Op, Tensor, datatype_for
from .values import Activation, Constant, QuantConstant, RealInput, Value

Rule = Callable[["Lowering", onnx.NodeProto], None]
RULES: dict[str, Rule] = {}


def rule(*op_types: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of these ONNX or QONNX op types."""

    def register(function: Rule) -> Rule:
        for op_type in op_types:
            RULES[op_type] = function
        return function

    return register


class Lowering:
    """State of the walk.

    Args:
        model: the user's file.
        input_datatype: integer type of the graph input (UINT8, ...), if its first quantiser is to run on
            chip; by default the accelerator takes that quantiser's integers.
        input_scale: real value of one step of that type; an exact fraction.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        input_datatype: str | None = None,
        input_scale: Fraction | None = None,
    ):
        self.graph = model.graph
        self.input_datatype, self.input_scale = input_datatype, input_scale
        self.values: dict[str, Value] = {}
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self.labels: set[str] = set()  # tensors that hold the label
        self.bounds: dict[
            str, tuple
        ] = {}  # reachable integers a channel, tighter than the datatype
        self.model_shape: tuple[int, ...] | None = None
        self.transpose: tuple[int, ...] | None = None
        self.input: str | None = None
        self.channels_last = False
        self.uses = _count_uses(self.graph)
        self.annotations = {
            a.tensor_name: {p.key: p.value for p in a.quant_parameter_tensor_names}.get(
                "finn_datatype"
            )
            for a in self.graph.quantization_annotation
        }

    def run(self) -> IntegerGraph:
        """Walk the graph.

        Raises:
            Unsupported: a node that cannot become exact hardware; names node, reason and remedy.
        """
        from . import rules_elementwise, rules_layers, rules_quantisers, rules_shapes  # noqa: F401

        for initializer in self.graph.initializer:
            self.values[initializer.name] = Constant(numpy_helper.to_array(initializer))
        self._graph_input()
        for node in self.graph.node:
            handler = RULES.get(node.op_type)
            if handler is None:
                raise Unsupported(
                    f"operator {node.op_type} is not supported",
                    node=node_name(node),
                    remedy=f"supported are {', '.join(sorted(RULES))}",
                )
            try:
                handler(self, node)
            except Unsupported as error:
                if error.node is None:
                    raise Unsupported(
                        error.reason, node=node_name(node), remedy=error.remedy
                    ) from error
                raise
            except ZeroDivisionError:
                raise Unsupported(
                    "a division by zero",
                    node=node_name(node),
                    remedy="check the constants of the exported model",
                ) from None
        return self._finish()

    def _graph_input(self) -> None:
        free = [i for i in self.graph.input if i.name not in self.values]
        if len(free) != 1:
            raise Unsupported(
                f"the graph has {len(free)} inputs ({', '.join(i.name for i in free)})",
                remedy="give it one input",
            )
        (graph_input,) = free
        dims = [d.dim_value for d in graph_input.type.tensor_type.shape.dim]
        if len(dims) not in (2, 4) or any(d <= 0 for d in dims[1:]):
            raise Unsupported(
                f"the graph input {graph_input.name} has shape {dims}",
                remedy="export it as (batch, features) or (batch, channels, height, width) "
                "with fixed sizes",
            )
        shape = (max(dims[0], 1), *dims[1:])
        self.channels_last = _enters_channels_last(self.graph, graph_input.name)
        name = graph_input.name
        annotated = self.annotations.get(name)
        if annotated not in (None, "FLOAT32"):
            self.values[name] = self.open_input(name, shape, annotated)
        elif self.input_datatype is not None:
            value = self.open_input(name, shape, self.input_datatype)
            self.values[name] = value.affine(
                [self._surd(self.input_scale or Fraction(1))], None, name
            )
        else:
            self.values[name] = RealInput(shape)

    @staticmethod
    def _surd(value):
        from .exact import Surd

        return Surd(value)

    def open_input(
        self,
        origin: str,
        shape: tuple[int, ...],
        datatype: str,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> Activation:
        """Make `origin` the integer input of the accelerator; its range is the type's unless given."""
        from qonnx.core.datatype import DataType

        if self.input is not None:
            raise Unsupported(
                "the graph input is quantised in two ways",
                remedy="quantise it once and let both branches read that",
            )
        try:
            dtype = DataType[datatype]
            usable = dtype.is_integer() and dtype.bitwidth() <= 16
        except KeyError:
            usable = False
        if not usable:
            raise Unsupported(
                f"the input {origin} has the type {datatype}",
                remedy="use BIPOLAR or an integer type of up to 16 bits",
            )
        if len(shape) == 4:
            labels = ("N", "H", "W", "C") if self.channels_last else ("N", "C", "H", "W")
            sizes = dict(zip(labels, shape, strict=True))
            frame = (sizes["H"], sizes["W"], sizes["C"])
            self.transpose = None if self.channels_last else (1, 2, 0)
        else:
            labels, frame = ("N", "C"), (shape[1],)
        self.model_shape, self.input = tuple(shape[1:]), "global_in"
        low = int(dtype.min()) if minimum is None else minimum
        high = int(dtype.max()) if maximum is None else maximum
        self.add_tensor("global_in", frame, low, high, origin, datatype)
        return Activation("global_in", labels, shape)

    def add_tensor(
        self, name: str, shape, minimum: int, maximum: int, origin: str, datatype: str | None = None
    ) -> Tensor:
        tensor = Tensor(
            name,
            tuple(int(s) for s in shape),
            datatype or datatype_for(minimum, maximum),
            int(minimum),
            int(maximum),
            origin,
        )
        if max(-tensor.minimum, tensor.maximum) >= 2**24:
            raise Unsupported(
                f"{origin} reaches {max(-tensor.minimum, tensor.maximum)}, beyond the 2^24 "
                "up to which FINN's float32 tensors hold integers exactly",
                remedy="use fewer inputs or fewer bits",
            )
        self.tensors[name] = tensor
        return tensor

    def fresh(self, origin: str) -> str:
        """A name for a tensor of the integer graph that stands for the user's tensor `origin`."""
        base = "".join(ch if ch.isalnum() else "_" for ch in origin) or "t"
        name, n = base, 0
        while name in self.tensors:
            n += 1
            name = f"{base}_{n}"
        return name

    def constant(self, name: str, node: onnx.NodeProto) -> Constant:
        value = self.values.get(name)
        if isinstance(value, QuantConstant):
            return value.constant()
        if not isinstance(value, Constant):
            raise Unsupported(
                f"input {name} has to be a constant",
                node=node_name(node),
                remedy="export the model with its parameters inside the file",
            )
        return value

    def _finish(self) -> IntegerGraph:
        outputs = list(self.graph.output)
        if len(outputs) != 1:
            raise Unsupported(f"the graph has {len(outputs)} outputs", remedy="give it one output")
        value = self.values.get(outputs[0].name)
        if value is None:
            raise BadInput(f"the graph output {outputs[0].name} is written by no node")
        if not isinstance(value, Activation) or not self.ops:
            raise Unsupported(
                "the network has no quantised layer: it is a float network",
                remedy="train it with bipolar weights and quantised activations (hw_bnn.nn, Brevitas)",
            )
        if value.pools:
            raise Unsupported(
                "a max-pool behind the last layer is not supported",
                node=value.pools[0].node,
                remedy="put the pool before the last layer's quantiser",
            )
        if value.relu or value.pad:
            raise Unsupported(
                "the network ends in a ReLU or in padding",
                node=value.tensor,
                remedy="leave it out, or put a layer behind it",
            )
        if self.tensors[value.tensor].pixels > 1:
            raise Unsupported(
                f"the network ends in a map of shape {value.shape}, not in a list of scores",
                node=self.tensors[value.tensor].origin,
                remedy="end it with a dense layer or a global average pool",
            )
        head = Head(value.alpha, value.beta)
        return IntegerGraph(
            self.tensors, self.ops, self.input, value.tensor, head, self.model_shape, self.transpose
        )


def node_name(node: onnx.NodeProto) -> str:
    """The user's name of a node, or its op type and output where it has none."""
    return node.name or f"{node.op_type}({node.output[0]})"


def attribute(node: onnx.NodeProto, name: str, default=None):
    """Value of a node's attribute; strings as str."""
    for item in node.attribute:
        if item.name == name:
            value = onnx.helper.get_attribute_value(item)
            return value.decode() if isinstance(value, bytes) else value
    return default


def _count_uses(graph: onnx.GraphProto) -> dict[str, int]:
    uses: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            uses[name] = uses.get(name, 0) + 1
    for output in graph.output:
        uses[output.name] = uses.get(output.name, 0) + 1
    return uses


def _enters_channels_last(graph: onnx.GraphProto, name: str) -> bool:
    """Whether a 4-D input is NHWC: element-wise nodes, then a Transpose to NCHW."""
    through = {"Mul", "Add", "Sub", "Div", "Quant", "IntQuant", "BipolarQuant", "Identity", "Cast"}
    names = {name}
    for node in graph.node:
        if node.input and node.input[0] in names:
            if node.op_type == "Transpose":
                return list(attribute(node, "perm", [])) == [0, 3, 1, 2]
            if node.op_type in through:
                names.add(node.output[0])
    return False


def lower(
    model: onnx.ModelProto, input_datatype: str | None = None, input_scale: Fraction | None = None
) -> IntegerGraph:
    """The integer graph of a QONNX file; see :class:`Lowering`."""
    return Lowering(model, input_datatype, input_scale).run()


def as_int(array: np.ndarray, node: str) -> np.ndarray:
    """An array of whole numbers as int64, or refused."""
    rounded = np.rint(np.asarray(array, dtype=np.float64)).astype(np.int64)
    if not np.array_equal(rounded, array):
        raise Unsupported(
            "weights are not integers", node=node, remedy="quantise them with BipolarQuant"
        )
    return rounded
