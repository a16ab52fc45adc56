"""From a QONNX file to a program of integer operations: one walk over its nodes.

A rule for each kind of node says what becomes of the exact values of its inputs (values.py): it
folds constants, extends an affine, or appends an integer operation (ops.py). Nothing is rounded on
the way and nothing depends on who wrote the file; a node that cannot be followed exactly is refused
by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ..errors import BadInput, Unsupported
from .exact import ONE, ZERO, MixedRoots, Surd, exact_in_float32
from .ops import Op
from .program import InputContract, Program, datatype_range
from .values import UNIT, Constant, Integers, Real, Value, Weights, integers, uniform

LARGEST_INTEGER = 2**62


Rule = Callable[["Importer", "Node"], Any]
RULES: dict[str, Rule] = {}


def rule(*op_types: str) -> Callable[[Rule], Rule]:
    """Register the rule of some op types. It returns the value of the node's first output."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(op_types, function))
        return function

    return register


class Node:
    """An ONNX node: its name for messages, attributes with defaults, inputs by position."""

    def __init__(self, proto: onnx.NodeProto):
        self.proto = proto
        self.op_type = proto.op_type
        self.inputs = list(proto.input)
        self.output = proto.output[0]
        self.name = proto.name or f"{proto.op_type}({proto.output[0]})"

    def attribute(self, name: str, default: Any = None) -> Any:
        for item in self.proto.attribute:
            if item.name == name:
                value = onnx.helper.get_attribute_value(item)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def has(self, position: int) -> bool:
        return position < len(self.inputs) and self.inputs[position] != ""


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
        self.graph = model.graph
        self.opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        self.requested = (input_datatype, input_scale)
        self.values: dict[str, Value] = {}
        self.program = Program()
        self.annotations = {
            item.tensor_name: entry.value
            for item in self.graph.quantization_annotation
            for entry in item.quant_parameter_tensor_names
            if entry.key == "finn_datatype"
        }
        self.batch = 1

    def run(self) -> Program:
        """Walk the graph.

        Raises:
            Unsupported: a node that cannot be followed exactly. BadInput: a number that cannot be.
        """
        from . import (  # noqa: F401
            rules_elementwise,
            rules_linear,
            rules_pool,
            rules_quantisers,
            rules_shapes,
        )

        for initializer in self.graph.initializer:
            self.values[initializer.name] = Constant(numpy_helper.to_array(initializer))
        self._open()
        for proto in self.graph.node:
            self._visit(Node(proto))
        return self._close()

    def _visit(self, node: Node) -> None:
        handler = RULES.get(node.op_type)
        if handler is None:
            raise Unsupported(
                f"the operator {node.op_type} is not supported",
                node=node.name,
                remedy=f"supported are {', '.join(sorted(RULES))}",
            )
        try:
            value = handler(self, node)
        except MixedRoots:
            raise Unsupported(
                "two BatchNormalizations of different variance meet, no quantiser between them",
                node=node.name,
                remedy="quantise between them, or fold them into one",
            ) from None
        except ZeroDivisionError:
            raise BadInput(
                "it divides by an exact zero", node=node.name, remedy="check the scales in the file"
            ) from None
        except ValueError as error:
            raise BadInput(
                f"it cannot be computed ({error})",
                node=node.name,
                remedy="check its constants and shapes",
            ) from None
        except BadInput as error:
            if error.node is None:
                raise type(error)(error.reason, node=node.name, remedy=error.remedy) from None
            raise
        if isinstance(value, Integers) and value.name == node.output:
            self.program.tensors[node.output] = (
                value  # with what followed the sum inside the node (bias)
            )
        for name in node.proto.output:
            if name:
                self.values[name] = value

    # -- reading inputs of nodes --

    def value(self, node: Node, position: int = 0) -> Value:
        if not node.has(position):
            raise BadInput(f"it has no input {position}", node=node.name)
        return self.values[node.inputs[position]]

    def constant(self, node: Node, position: int) -> Constant:
        """An input that has to be a constant of the file, or computed from such."""
        value = self.value(node, position)
        if isinstance(value, Weights):
            return value.constant()
        if not isinstance(value, Constant):
            raise Unsupported(
                f"its input {node.inputs[position]!r} has to be a constant",
                node=node.name,
                remedy="export the model with its parameters in the file",
            )
        return value

    def numbers(self, node: Node, position: int) -> list[int]:
        """A constant list of integers."""
        array = self.constant(node, position).numbers
        return [int(v.x) if isinstance(v, Surd) else int(v) for v in np.asarray(array).reshape(-1)]

    def linear_input(self, node: Node, position: int = 0) -> Integers:
        """An input that a sum of products may take: integers under an affine, not clipped."""
        value = self.value(node, position)
        if isinstance(value, Real):
            raise Unsupported(
                f"the graph input reaches {node.op_type} with no quantiser before it",
                node=node.name,
                remedy="quantise the input (QuantIdentity), annotate it with an integer type, or "
                "compile with an input datatype",
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
        largest = max(-int(value.minimum.min()), int(value.maximum.max()))
        if largest >= LARGEST_INTEGER:
            raise Unsupported(
                f"its integers reach {largest}, too large for 64 bits",
                node=op.node,
                remedy="use scales with a common factor",
            )
        self.program.ops.append(op)
        self.program.tensors[value.name] = value
        return value

    # -- both ends --

    def _open(self) -> None:
        free = [i for i in self.graph.input if i.name not in self.values]
        if len(free) != 1:
            names = ", ".join(i.name for i in free) or "none"
            raise Unsupported(
                f"the graph has {len(free)} inputs ({names})", remedy="give it exactly one"
            )
        name, tensor_type = free[0].name, free[0].type.tensor_type
        if not tensor_type.HasField("shape") or not tensor_type.shape.dim:
            raise BadInput(
                f"the graph input {name!r} has no shape in the file",
                remedy="export it with its shape, or run qonnx-cleanup on it",
            )
        dims = [d.dim_value for d in tensor_type.shape.dim]
        if any(d <= 0 for d in dims[1:]) or len(dims) < 2:
            raise BadInput(
                f"the graph input {name!r} has the shape {dims} (0: not fixed)",
                remedy="export it as (batch, features) or (batch, channels, height, width), "
                "all but the batch fixed",
            )
        self.batch, shape = max(dims[0], 1), tuple(dims[1:])
        self.program.graph_input = name
        datatype, scale = self.requested
        annotated = self.annotations.get(name, "FLOAT32")
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
            self.program.tensors[name] = self.values[name] = replace(opened, error=error)

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
        if self.program.input is not None:
            raise Unsupported(
                f"the graph input is quantised twice, into {self.program.input.tensor!r} "
                f"and {name!r}",
                remedy="quantise it once and share the result",
            )
        self.program.input = InputContract(
            datatype, minimum, maximum, tuple(shape), name, scale, offset
        )
        value = integers(
            name,
            shape,
            minimum,
            maximum,
            alpha=Surd(scale),
            beta=Surd(offset),
            binary=datatype == "BIPOLAR",
        )
        self.program.tensors[name] = self.values[name] = value
        return value

    def _close(self) -> Program:
        results = [self.values.get(output.name) for output in self.graph.output]
        if not results or any(r is not results[0] for r in results):
            raise Unsupported(f"the graph has {len(results)} outputs", remedy="give it exactly one")
        result = results[0]
        if not isinstance(result, Integers) or not self.program.ops:
            raise Unsupported(
                "no quantised layer was found: it is a float network",
                remedy="train it with 1-bit weights and quantised activations",
            )
        self.program.result = result
        return self.program
