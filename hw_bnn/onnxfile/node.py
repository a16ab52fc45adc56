"""A node of the file, with attributes that have a type: what an exporter wrote is checked
when it is read.

    strides = node.integers("strides", [1, 1])     # [1, 1] where the file has no such attribute
    kernel = node.integers("kernel_shape")         # has to be there
    epsilon = node.number("epsilon", 1e-5)         # finite

>>> from onnx import helper
>>> node = Node(helper.make_node("Conv", ["x", "w"], ["y"], name="c1", group="two"))
>>> node.name, node.inputs, node.output
('c1', ('x', 'w'), 'y')
>>> node.integer("group", 1)
Traceback (most recent call last):
...
hw_bnn.errors.BadInput: c1: its attribute group is a string, not an integer; export the model again
"""

from __future__ import annotations

from math import isfinite
from typing import Any, TypeVar

import numpy as np
import onnx
from onnx import AttributeProto

from ..errors import BadInput
from .tensor import AGAIN, numbers

Default = TypeVar("Default")

REQUIRED: Any = object()
"""Default of an attribute that has to be there."""

_WORDS: dict[int, str] = {
    AttributeProto.INT: "an integer",
    AttributeProto.FLOAT: "a number",
    AttributeProto.STRING: "a string",
    AttributeProto.INTS: "a list of integers",
    AttributeProto.FLOATS: "a list of numbers",
    AttributeProto.STRINGS: "a list of strings",
    AttributeProto.TENSOR: "a tensor",
    AttributeProto.SPARSE_TENSOR: "a sparse tensor",
}


class Node:
    """Attributes:
    name: for messages: the file's, or the op type and output where it gives none.
    op_type, domain: as in the file.
    inputs, outputs: names of tensors by position, "" where one is left out.
    output: the first of the outputs.
    """

    def __init__(self, proto: onnx.NodeProto):
        self.proto = proto
        self.op_type, self.domain = proto.op_type, proto.domain
        self.inputs, self.outputs = tuple(proto.input), tuple(proto.output)
        self.output = self.outputs[0] if self.outputs else ""
        self.name = proto.name or f"{proto.op_type}({self.output})"

    def __repr__(self) -> str:
        return f"Node({self.name}: {self.op_type})"

    # -- inputs --

    def has(self, position: int) -> bool:
        """Whether the file gives this input."""
        return position < len(self.inputs) and self.inputs[position] != ""

    def input(self, position: int) -> str:
        """Name of an input that has to be there.

        Raises:
            BadInput: the file leaves it out.
        """
        if not self.has(position):
            raise BadInput(f"it has no input {position}", node=self.name, remedy=AGAIN)
        return self.inputs[position]

    # -- attributes: the default is given back as it is where the file has none. Each raises
    #    BadInput for one that has to be there and is not, is there twice, or has another type --

    def integer(self, name: str, default: Default = REQUIRED) -> int | Default:
        """An INT attribute, signed 64 bits."""
        return self._read(name, AttributeProto.INT, default, lambda item: item.i)

    def integers(self, name: str, default: Default = REQUIRED) -> list[int] | Default:
        """An INTS attribute, each signed 64 bits; of any length."""
        return self._read(name, AttributeProto.INTS, default, lambda item: list(item.ints))

    def number(self, name: str, default: Default = REQUIRED) -> float | Default:
        """A FLOAT attribute, finite: the float32 number of the file."""
        return self._read(name, AttributeProto.FLOAT, default, lambda item: item.f)

    def numbers(self, name: str, default: Default = REQUIRED) -> list[float] | Default:
        """A FLOATS attribute, each finite: float32 numbers; of any length."""
        return self._read(name, AttributeProto.FLOATS, default, lambda item: list(item.floats))

    def text(self, name: str, default: Default = REQUIRED) -> str | Default:
        """A STRING attribute; bytes that are no UTF-8 become U+FFFD."""
        return self._read(
            name, AttributeProto.STRING, default, lambda item: item.s.decode(errors="replace")
        )

    def tensor(self, name: str, default: Default = REQUIRED) -> np.ndarray | Default:
        """A TENSOR attribute, checked as every tensor of the file (tensor.py): integers, bool, or
        finite floats of 32 or 64 bits."""
        return self._read(
            name, AttributeProto.TENSOR, default, lambda item: numbers(item.t, self.name)
        )

    def constant(self) -> np.ndarray:
        """The numbers of a Constant node, in whichever attribute they stand."""
        for name, read, dtype in (
            ("value", self.tensor, None),
            ("value_float", self.number, np.float32),
            ("value_floats", self.numbers, np.float32),
            ("value_int", self.integer, np.int64),
            ("value_ints", self.integers, np.int64),
        ):
            value = read(name, None)
            if value is not None:
                return np.asarray(value, dtype)
        raise BadInput(
            "it holds no numbers", node=self.name, remedy="store the constant as a tensor"
        )

    def _read(self, name: str, kind: int, default: Any, value) -> Any:
        found = [item for item in self.proto.attribute if item.name == name]
        if not found:
            if default is REQUIRED:
                raise BadInput(f"it has no attribute {name}", node=self.name, remedy=AGAIN)
            return default
        if len(found) > 1:
            raise BadInput(f"it has {len(found)} attributes {name}", node=self.name, remedy=AGAIN)
        (item,) = found
        if item.type != kind:
            got = _WORDS.get(item.type, "of a type of its own")
            raise BadInput(
                f"its attribute {name} is {got}, not {_WORDS[kind]}", node=self.name, remedy=AGAIN
            )
        read = value(item)
        floats = [read] if kind == AttributeProto.FLOAT else read
        if kind in (AttributeProto.FLOAT, AttributeProto.FLOATS) and not all(map(isfinite, floats)):
            raise BadInput(f"its attribute {name} is {read}", node=self.name, remedy=AGAIN)
        return read
