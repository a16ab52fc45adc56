"""QONNX file -> integer graph: every scale, BatchNorm and quantiser becomes integer thresholds.

One walk over the file's nodes in order. Each tensor is followed as an exact value (values.py); a
rule a kind of node (rules_*.py) says how the node changes it, or refuses it by name. Nothing
here depends on who wrote the file: constants may be folded or not, layers may be Gemm, MatMul or
Conv, weights may come through Transpose, quantisers may be BipolarQuant or one-bit Quant, maps
may be NCHW or NHWC.

Precondition: an ONNX file whose nodes stand in topological order (the ONNX standard).
Postcondition: an IntegerGraph with integer thresholds only,
whose raw scores equal those of the file.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from fractions import Fraction
from math import prod
from pathlib import Path

import onnx

from ..errors import Unsupported
from ..onnxfile import Graph, Node, Rule, walk
from ..onnxfile.axes import whole
from ..onnxfile.constants import check_digits, fold
from ..onnxfile.evaluate import Budget
from ..onnxfile.graph import LARGEST_FRAME
from .bends import Affine, Bends, Clip, Curve, Leak
from .input_layout import AXES, axes_of_input
from .integer_graph import Head, IntegerGraph, Op, Tensor, datatype_for
from .loadable import Loadable
from .registry import RULES
from .requant import Shape
from .values import Activation, Constant, QuantConstant, RealInput, Value

for _module in pkgutil.iter_modules([str(Path(__file__).parent)]):
    if _module.name.startswith("rules_"):  # each registers its rules
        importlib.import_module(f"{__package__}.{_module.name}")


class Lowering:
    """State of the walk.

    Args:
        model: the user's file.
        input_datatype: integer type of the graph input (UINT8, ...), if its first quantiser is to
            run on chip; by default the accelerator takes that quantiser's integers.
        input_scale: real value of one step of that type; an exact fraction.
        loadable: what every network has to fit that is loaded at run time; None where none is.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        input_datatype: str | None = None,
        input_scale: Fraction | None = None,
        loadable: Loadable | None = None,
    ):
        self.graph = Graph.of(model)
        self.loadable = loadable
        self.input_datatype, self.input_scale = input_datatype, input_scale
        self.values: dict[str, Value] = {
            name: Constant(array) for name, array in self.graph.constants.items()
        }
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self.requantisers: list[Shape | None] = []  # of the quantisers, None of thresholds
        self.budget = Budget()
        self.labels: set[str] = set()  # tensors that hold the label
        self.bounds: dict[str, tuple] = {}
        """Reachable integers of a tensor, (least, greatest), or lists of them a channel: tighter
        than its datatype."""
        self.model_shape: tuple[int, ...] | None = None
        self.transpose: tuple[int, ...] | None = None
        self.input: str | None = None
        self._named = 0

    def run(self) -> IntegerGraph:
        """Walk the graph.

        Raises:
            Unsupported: a node that cannot become exact hardware; names node, reason and remedy.
        """
        self._graph_input()
        walk(self.graph.nodes, RULES, self)
        return self._finish()

    def constants(self, node: Node) -> list[Constant | QuantConstant] | None:
        values = [self.value(node, i) for i, name in enumerate(node.inputs) if name]
        constants = [v for v in values if isinstance(v, Constant | QuantConstant)]
        return constants if len(constants) == len(values) else None

    def fold(self, node: Node) -> None:
        arrays = [self.constant(node, i).array if n else None for i, n in enumerate(node.inputs)]
        names = [name for name in node.outputs if name]
        results = fold(node, arrays, self.graph.opset, budget=self.budget)
        for name, array in zip(names, results, strict=True):
            self.values[name] = Constant(array)

    def apply(self, rule: Rule, node: Node) -> None:
        rule(self, node)
        value = self.values.get(node.output)
        if isinstance(value, Constant | QuantConstant):
            check_digits(value.array if isinstance(value, Constant) else value.scale)

    def shape(self, name: str) -> tuple[int, ...] | None:
        value = self.values.get(name)
        return value.shape if isinstance(value, Constant | QuantConstant) else None

    def frame(self, name: str) -> tuple[int, ...] | None:
        value = self.values.get(name)
        return value.shape[1:] if isinstance(value, Activation | RealInput) else None

    def _graph_input(self) -> None:
        name, shape = self.graph.input, (self.graph.batch, *self.graph.shape)
        if len(shape) not in AXES:
            raise Unsupported(
                f"the graph input {name!r} has the shape {list(shape)}",
                remedy="export it as (batch, features), (batch, channels, length) or "
                "(batch, channels, height, width) with fixed sizes",
            )
        annotated = self.graph.annotations.get(name)
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
        """Make `origin` the accelerator's integer input; its range is the type's unless given."""
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
        labels = tuple(axes_of_input(self.graph, origin, len(shape)))
        sizes = {"H": 1, **dict(zip(labels, shape, strict=True))}
        frame = tuple(sizes[axis] for axis in "HWC") if len(shape) > 2 else shape[1:]
        if labels[-1] != "C":
            self.transpose = (*range(1, len(shape) - 1), 0)
        self.model_shape, self.input = tuple(shape[1:]), self.fresh()
        low = int(dtype.min()) if minimum is None else minimum
        high = int(dtype.max()) if maximum is None else maximum
        self.add_tensor(self.input, frame, low, high, origin, datatype)
        return Activation(self.input, labels, shape)

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
        if prod(tensor.shape) > LARGEST_FRAME:
            raise Unsupported(
                f"{origin} has the shape {tensor.shape}, over {LARGEST_FRAME} numbers",
                remedy="check its padding and shapes",
            )
        if max(-tensor.minimum, tensor.maximum) >= 2**24:
            raise Unsupported(
                f"{origin} reaches {max(-tensor.minimum, tensor.maximum)}, beyond the 2^24 "
                "up to which FINN's float32 tensors hold integers exactly",
                remedy="use fewer inputs or fewer bits",
            )
        self.tensors[name] = tensor
        return tensor

    def producer(self, tensor: str) -> Op | None:
        """The op that writes a tensor of the integer graph; None for its input."""
        return next((op for op in self.ops if op.output == tensor), None)

    def fresh(self) -> str:
        """A name for a tensor of the integer graph. The user's names have no part in it, so that
        none of them can meet one of the compiler's."""
        self._named += 1
        return f"t{self._named - 1}"

    def value(self, node: Node, position: int) -> Value:
        """An input of a node.

        Raises:
            Unsupported: another node's further output, a mask or indices, which are no activation.
        """
        name = node.input(position)
        if name not in self.values:
            raise Unsupported(
                f"its input {name!r} is a further output of a node (a mask, indices)",
                node=node.name,
                remedy="use the first output of that node alone",
            )
        return self.values[name]

    def numbers(self, node: Node, position: int) -> list[int]:
        """A constant list of integers."""
        return whole(node, position, self.constant(node, position).array)

    def constant(self, node: Node, position: int) -> Constant:
        """An input that has to be a constant of the file, or computed from such."""
        value = self.value(node, position)
        if isinstance(value, QuantConstant):
            return value.constant()
        if not isinstance(value, Constant):
            raise Unsupported(
                f"its input {node.inputs[position]!r} is computed by the network and has to be a "
                "constant",
                node=node.name,
                remedy="multiply, shift and normalise activations by constants only",
            )
        return value

    def _finish(self) -> IntegerGraph:
        value = self.values.get(self.graph.output)
        if value is None:
            raise Unsupported(
                f"the graph's output {self.graph.output!r} is a further output of a node (a mask, "
                "indices)",
                remedy="let the network end in the first output of its last node",
            )
        shape = self.model_shape
        if not isinstance(value, Activation) or not self.ops or self.input is None or shape is None:
            raise Unsupported(
                "the network has no quantised layer: it is a float network",
                remedy="train it with weights of 1 to 8 bits and quantised activations "
                "(hw_bnn.nn, Brevitas)",
            )
        if value.pools:
            raise Unsupported(
                "a max-pool behind the last layer is not supported",
                node=value.pools[0].node,
                remedy="put the pool before the last layer's quantiser",
            )
        value.no_border(self.tensors[value.tensor].origin)
        if self.tensors[value.tensor].pixels > 1:
            raise Unsupported(
                f"the network ends in a map of shape {value.shape}, not in a list of scores",
                node=self.tensors[value.tensor].origin,
                remedy="end it with a dense layer or a global average pool",
            )
        value = self._ordered(value)
        head = Head(value.alpha, value.beta)
        return IntegerGraph(
            self.tensors, self.ops, self.input, value.tensor, head, shape, self.transpose,
            self.requantisers,
        )  # fmt: skip

    def _ordered(self, value: Activation) -> Activation:
        """The scores without last functions that keep their order, and what is equal, as it is.

        Raises:
            Unsupported: one makes different scores equal, or acts on each class in its own way.
        """
        values = [value.ends(c, *self._range(value, c)) for c in range(value.channels)]
        kept: list[Bends] = []
        for bends in value.bends:
            alike = len({*bends.each}) == 1
            first = bends.each[0]
            rising = (
                isinstance(first, Curve)
                or (isinstance(first, Leak) and first.slope.sign() > 0)
                or (isinstance(first, Affine) and first.gain.sign() > 0)
            )
            idle = not kept and all(
                isinstance(bend := bends.at(c), Clip) and bend.idle(*values[c])
                for c in range(value.channels)
            )
            if not (idle or (alike and rising)):
                raise Unsupported(
                    "the network ends in a function that makes different scores equal (ReLU, Clip, "
                    "HardSigmoid), or treats each class in its own way",
                    node=self.tensors[value.tensor].origin,
                    remedy="leave it out, or put a layer behind it",
                )
            if not idle:
                kept.append(bends)
        return replace(value, bends=[])

    def _range(self, value: Activation, channel: int) -> tuple[int, int]:
        tensor = self.tensors[value.tensor]
        low, high = self.bounds.get(value.tensor, (tensor.minimum, tensor.maximum))
        return (low[channel], high[channel]) if isinstance(low, list) else (low, high)


def lower(
    model: onnx.ModelProto,
    input_datatype: str | None = None,
    input_scale: Fraction | None = None,
    loadable: Loadable | None = None,
) -> IntegerGraph:
    """The integer graph of a QONNX file; see :class:`Lowering`."""
    return Lowering(model, input_datatype, input_scale, loadable).run()
