"""Attributes have a type, whatever an exporter wrote."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper

from hw_bnn.errors import BadInput
from hw_bnn.onnxfile import Node


def node(**attributes) -> Node:
    return Node(helper.make_node("Odd", ["x", "", "z"], ["y"], name="odd", **attributes))


READERS = ("integer", "integers", "number", "numbers", "text", "tensor")
VALUES = {
    "integer": 3,
    "integers": [1, 2],
    "number": 0.5,
    "numbers": [0.5, 2.0],
    "text": "SAME_UPPER",
    "tensor": numpy_helper.from_array(np.arange(3)),
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("reader", READERS)
def test_an_attribute_is_read_as_what_it_is_or_refused(kind, reader):
    made = node(a=VALUES[kind])
    if reader != kind:
        with pytest.raises(BadInput, match="odd: its attribute a is .*, not "):
            getattr(made, reader)("a", None)
        return
    found = getattr(made, reader)("a", None)
    wanted = np.arange(3) if kind == "tensor" else VALUES[kind]
    assert np.array_equal(found, wanted)


def test_missing_attributes_have_their_default_or_are_refused():
    assert node().integer("a", 7) == 7 and node().integers("a", None) is None
    with pytest.raises(BadInput, match="odd: it has no attribute a"):
        node().integer("a")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_attributes_that_are_no_numbers(number):
    with pytest.raises(BadInput, match="odd: its attribute a is"):
        node(a=float(number)).number("a", 1.0)
    with pytest.raises(BadInput, match="odd: its attribute a is"):
        node(a=[1.0, float(number)]).numbers("a", None)
    with pytest.raises(BadInput, match="odd: its tensor holds NaN or infinity"):
        node(a=numpy_helper.from_array(np.array([number], np.float32))).tensor("a")


def test_an_attribute_that_stands_twice():
    made = node(a=1)
    made.proto.attribute.append(helper.make_attribute("a", 2))
    with pytest.raises(BadInput, match="it has 2 attributes a"):
        made.integer("a", 0)


def test_inputs_by_position():
    assert [node().has(i) for i in range(4)] == [True, False, True, False]
    assert node().input(2) == "z"
    for position in (1, 3):
        with pytest.raises(BadInput, match=f"odd: it has no input {position}"):
            node().input(position)


def test_names_for_messages():
    assert Node(helper.make_node("Relu", ["x"], ["y"])).name == "Relu(y)"
