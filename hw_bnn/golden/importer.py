"""From a QONNX file to a program of integer operations: one walk over its nodes.

A rule for each kind of node says what becomes of the exact values of its inputs (values.py):
it folds constants, extends an affine, or appends an integer operation (ops.py). Nothing is
rounded on the way and nothing depends on who wrote the file; a node that cannot be followed
exactly is refused by name.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import onnx

from ..errors import BadInput, Unsupported
from ..onnxfile import Graph, Node, Rule, walk
from ..onnxfile.axes import whole
from ..onnxfile.constants import check_digits, float32_error, fold
from ..onnxfile.evaluate import Budget
from ..onnxfile.graph import LARGEST_FRAME
from . import (  # noqa: F401  each registers its rules
    rules_elementwise,
    rules_linear,
    rules_pool,
    rules_quantisers,
    rules_shapes,
    rules_trunc,
)
from .exact import ONE, ZERO, Surd, exact_in_float32
from .ops import Op
from .program import HostQuantiser, InputContract, Program, Quantiser, datatype_range
from .registry import RULES
from .values import UNIT, Constant, Integers, Real, Value, Weights, integers, uniform

LARGEST_INTEGER = 2**62


class Importer:
    """State of the walk.

    Args:
        model: the file.
        input_datatype, input_scale: take the graph input as raw integers of this type times this
            scale, rather than the integers behind its first quantiser.
    """

    def __init__(
        self, model: onnx.ModelProto, input_datatype: str | None, input_scale: Fraction | None
    ):
        self.graph = Graph.of(model)
        self.opset, self.batch = self.graph.opset, self.graph.batch
        self.requested = (input_datatype, input_scale)
        self.values: dict[str, Value] = {
            name: Constant(array) for name, array in self.graph.constants.items()
        }
        self.budget = Budget()
        # what becomes the program
        self.ops: list[Op] = []
        self.quantisers: dict[str, Quantiser] = {}
        self.tensors: dict[str, Integers] = {}
        self.input: InputContract | None = None
        self.host: HostQuantiser | None = None

    def run(self) -> Program:
        """Walk the graph.

        Raises:
            Unsupported: a node that cannot be followed exactly. BadInput: a number that cannot be.
        """
        self._open()
        walk(self.graph.nodes, RULES, self)
        return self._close()

    # -- one node --

    def constants(self, node: Node) -> list[Constant | Weights] | None:
        values = [self.value(node, i) for i, name in enumerate(node.inputs) if name]
        constants = [v for v in values if isinstance(v, Constant | Weights)]
        return constants if len(constants) == len(values) else None

    def fold(self, node: Node) -> None:
        values = [self.constant(node, i) if name else None for i, name in enumerate(node.inputs)]
        arrays = [None if v is None else v.numbers for v in values]
        errors = [0.0 if v is None else v.error for v in values]
        results = fold(node, arrays, self.opset, budget=self.budget)
        bounds = float32_error(node, arrays, errors, results, self.opset, self.budget)
        names = [name for name in node.outputs if name]
        for name, numbers, error in zip(names, results, bounds, strict=True):
            self.values[name] = Constant(numbers, error)

    def apply(self, rule: Rule, node: Node) -> None:
        value = rule(self, node)
        if isinstance(value, tuple):  # of each output, in order
            self.values.update(
                (name, each) for name, each in zip(node.outputs, value, strict=True) if name
            )
            return
        if isinstance(value, Constant | Weights):
            check_digits(value.numbers if isinstance(value, Constant) else value.scale)
        if isinstance(value, Integers) and value.name == node.output:
            # with what followed the sum inside the node (bias)
            self.tensors[node.output] = value
        # further outputs are masks and indices, but for TopK's: both stand for the label
        for name in node.outputs if node.op_type == "TopK" else node.outputs[:1]:
            if name:
                self.values[name] = value

    def shape(self, name: str) -> tuple[int, ...] | None:
        value = self.values.get(name)
        return value.shape if isinstance(value, Constant | Weights) else None

    def frame(self, name: str) -> tuple[int, ...] | None:
        value = self.values.get(name)
        return value.shape if isinstance(value, Integers | Real) else None

    # -- reading inputs of nodes --

    def value(self, node: Node, position: int = 0) -> Value:
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

    def constant(self, node: Node, position: int) -> Constant:
        """An input that has to be a constant of the file, or computed from such."""
        value = self.value(node, position)
        if isinstance(value, Weights):
            return value.constant()
        if not isinstance(value, Constant):
            raise Unsupported(
                f"its input {node.inputs[position]!r} is computed by the network and has to be a "
                "constant",
                node=node.name,
                remedy="multiply, shift and normalise activations by constants only",
            )
        return value

    def numbers(self, node: Node, position: int) -> list[int]:
        """A constant list of integers."""
        return whole(node, position, self.constant(node, position).numbers)

    def linear_input(self, node: Node, position: int = 0) -> Integers:
        """An input that a sum of products may take: integers under an affine, not clipped."""
        value = self.value(node, position)
        if isinstance(value, Real):
            raise Unsupported(
                f"the graph input reaches {node.op_type} with no quantiser before it",
                node=node.name,
                remedy="put an input quantiser into the model (Brevitas QuantIdentity), annotate "
                "the input with a QONNX integer datatype, or give input_datatype= "
                "(UINT8 for pixels)",
            )
        if not isinstance(value, Integers):
            raise Unsupported(
                f"its input {node.inputs[position]!r} is a constant",
                node=node.name,
                remedy="fold constants first",
            )
        self.not_final(node, value)
        if value.clipped:
            raise Unsupported(
                "a ReLU or Clip feeds it with no quantiser between them",
                node=node.name,
                remedy="quantise the activation (QuantReLU)",
            )
        return value

    def not_final(self, node: Node, value: Integers) -> None:
        if value.final is not None:
            raise Unsupported(
                f"it follows {value.final}, which takes the scores",
                node=node.name,
                remedy="end the network there",
            )

    # -- writing --

    def emit(self, op: Op, value: Integers) -> Integers:
        """Append an operation that makes `value`."""
        if prod(value.shape) > LARGEST_FRAME:
            raise Unsupported(
                f"its frames have the shape {value.shape}, over {LARGEST_FRAME} numbers",
                node=op.node,
                remedy="check its padding and shapes",
            )
        largest = max(-int(value.minimum.min()), int(value.maximum.max()))
        if largest >= LARGEST_INTEGER:
            raise Unsupported(
                f"its integers reach {largest}, too large for 64 bits",
                node=op.node,
                remedy="use scales with a common factor",
            )
        self.ops.append(op)
        self.tensors[value.name] = value
        return value

    # -- both ends --

    def _open(self) -> None:
        name, shape = self.graph.input, self.graph.shape
        datatype, scale = self.requested
        annotated = self.graph.annotations.get(name, "FLOAT32")
        if datatype is None and annotated != "FLOAT32":
            datatype = annotated
        if datatype is None:
            self.values[name] = Real(shape, uniform(shape, ONE), uniform(shape, ZERO))
            return
        minimum, maximum = datatype_range(datatype)
        scale = Fraction(1) if scale is None else Fraction(scale)
        if scale == 0:
            raise BadInput("the input scale is 0", remedy="give the real value of one input step")
        opened = self.open_input(name, shape, minimum, maximum, scale, Fraction(0), datatype)
        largest = max(-minimum, maximum)
        if not exact_in_float32(Surd(scale), largest):  # a float stage is fed rounded numbers
            error = np.full((1,) * len(shape), UNIT * abs(float(scale)) * largest)
            self.tensors[name] = self.values[name] = replace(opened, error=error)

    def open_input(
        self,
        name: str,
        shape,
        minimum: int,
        maximum: int,
        scale: Fraction,
        offset: Fraction,
        datatype: str,
    ) -> Integers:
        """Make the tensor `name` the integer input of the network."""
        if self.input is not None:
            raise Unsupported(
                f"the graph input is quantised twice, into {self.input.tensor!r} and {name!r}",
                remedy="quantise it once and share the result",
            )
        self.input = InputContract(datatype, minimum, maximum, tuple(shape), name, scale, offset)
        value = integers(
            name,
            shape,
            minimum,
            maximum,
            alpha=Surd(scale),
            beta=Surd(offset),
            binary=datatype == "BIPOLAR",
        )
        self.tensors[name] = self.values[name] = value
        return value

    def _close(self) -> Program:
        result = self.values.get(self.graph.output)
        if result is None:
            raise Unsupported(
                f"the graph's output {self.graph.output!r} is a further output of a node (a mask, "
                "indices)",
                remedy="let the network end in the first output of its last node",
            )
        if not isinstance(result, Integers) or not self.ops or self.input is None:
            raise Unsupported(
                "no quantised layer was found: it is a float network",
                remedy="train it with weights of 1 to 8 bits and quantised activations",
            )
        return Program(
            self.ops, self.quantisers, self.tensors, self.input, self.host, _ordered(result)
        )


def _ordered(result: Integers) -> Integers:
    """The scores without a last Tanh, Sigmoid or LeakyReLU, which keep their order and
    what is equal.

    Raises:
        Unsupported: each class has a function of its own.
    """
    while result.inner is not None:
        alike = result.alpha.size == result.beta.size == 1 and result.function.keeps_order
        limited = result.low is not None or result.high is not None
        if limited or not alike or result.alpha.reshape(-1)[0].sign() <= 0:
            raise Unsupported(
                "the network ends in a function that treats each class in its own way, or limits "
                "it",
                node=result.name,
                remedy="leave it out, or put a layer behind it",
            )
        result = result.inner
    return result
