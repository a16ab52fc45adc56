"""Axes, permutations and shapes of a node: as ONNX means them, or refused, by both walks."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.onnxfile import Node
from hw_bnn.onnxfile.axes import axes, axis, flatten_axis, permutation, sizes, whole
from hw_bnn.onnxfile.walk import naming
from tests.float_executor import compare
from tests.networks.qonnx_networks import Builder

WALKS = {"golden": GoldenModel.from_onnx, "compile": import_model}
both = pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)


def constants(net: Builder, op_type: str, source: str, *inputs: str, **attributes) -> str:
    """A node beside the main path."""
    at = net.at
    out = net.add(op_type, *inputs, source=source, **attributes)
    net.at = at
    return out


def whole_numbers(net: Builder, *values: int) -> str:
    return net.constant(list(values), np.int64)


def perceptron(middle, batch: int = 1) -> onnx.ModelProto:
    """4-bit input (1, 6), `middle(net)`, dense of 6 to 3."""
    net = Builder((6,), 3, batch)
    net.quant(4.0, 0.125, signed=0)
    middle(net)
    net.linear(6, 3)
    return net.model()


def convolution(middle) -> onnx.ModelProto:
    """4-bit map (2, 4, 4), `middle(net)`, 3x3 convolution, pooled to scores."""
    net = Builder((2, 4, 4), 3, 1)
    net.quant(4.0, 0.125, signed=0)
    middle(net)
    return net.model()


def test_squeeze_of_a_constant_drops_its_first_axis_too():
    """(1, 2) without its axis of 1 is (2,), whose sum along axis 0 is one number."""
    pytest.importorskip("finn")
    from tests.compile.compile_stages import check_stages

    def scaled(net: Builder) -> None:
        flat = constants(net, "Squeeze", net.constant([[1.0, 3.0]]))
        total = constants(net, "ReduceSum", flat, whole_numbers(net, 0), keepdims=0)
        net.add("Mul", total)
        net.add("Sub", net.constant(3.3))
        net.bipolar()

    model = perceptron(scaled)
    golden = GoldenModel.from_onnx(model)
    frames = np.random.default_rng(1).integers(0, 16, (64, 6))
    assert compare(model, golden, frames) is None
    assert check_stages(model, seed=1, frames=16) == 0


MALFORMED = {
    "Unsqueeze twice": lambda net: net.add("Unsqueeze", whole_numbers(net, 1, 1)),
    "Unsqueeze twice, from both ends": lambda net: net.add("Unsqueeze", whole_numbers(net, 1, -3)),
    "Unsqueeze beyond": lambda net: net.add("Unsqueeze", whole_numbers(net, 5)),
    "Squeeze beyond": lambda net: net.add("Squeeze", whole_numbers(net, 3)),
    "Squeeze of a long axis": lambda net: net.add("Squeeze", whole_numbers(net, 1)),
    "Flatten beyond": lambda net: net.add("Flatten", axis=4),
    "Transpose of one axis twice": lambda net: net.add("Transpose", perm=[0, 0]),
    "Transpose from the back": lambda net: net.add("Transpose", perm=[0, -1]),
    "Reshape with two open sizes": lambda net: net.add("Reshape", whole_numbers(net, 1, -2, -3)),
    "Softmax beyond": lambda net: net.add("Softmax", axis=2),
    "ArgMax beyond": lambda net: net.add("ArgMax", axis=3),
    "Constant unsqueezed twice": lambda net: net.add(
        "Mul", constants(net, "Unsqueeze", net.constant(2.0), whole_numbers(net, 0, 0))
    ),
}


@both
@pytest.mark.parametrize("middle", MALFORMED.values(), ids=MALFORMED)
def test_axes_that_are_none_are_refused(middle, walk):
    net = Builder((6,), 3, 1)
    net.quant(4.0, 0.125, signed=0)
    net.linear(6, 6)
    middle(net)
    with pytest.raises(BadInput, match="axis|axes|perm|shape") as caught:
        walk(net.model())
    assert caught.value.node and "KeyError" not in str(caught.value)


def _padded(net: Builder) -> None:
    axes_ = whole_numbers(net, 2, 6)
    net.add("Pad", whole_numbers(net, 1, 1, 1, 1), net.constant(0.0), axes_)
    net.conv(2, 3)


REDUCED = {
    "ReduceMean twice": lambda net: net.add("ReduceMean", axes=[2, 2]),
    "ReduceMean from both ends": lambda net: net.add("ReduceMean", axes=[3, -1, 2]),
    "ReduceSum beyond": lambda net: net.add("ReduceSum", whole_numbers(net, 2, 7)),
    "Pad beyond": _padded,
}


@both
@pytest.mark.parametrize("middle", REDUCED.values(), ids=REDUCED)
def test_reduced_and_padded_axes_are_of_the_tensor(middle, walk):
    with pytest.raises(BadInput, match="axis|axes"):
        walk(convolution(middle))


def test_a_generator_that_runs_dry_is_an_error_of_the_node():
    with pytest.raises(BadInput, match="cannot be computed"), naming("node"):
        tuple(next(iter(())) for _ in range(2))


@both
@pytest.mark.parametrize("of_constant", [False, True])
def test_a_mask_is_no_activation(of_constant, walk):
    def masked(net: Builder) -> None:
        before = net.at
        source = net.constant([1.0] * 6) if of_constant else before
        mask = constants(net, "Dropout", source, outputs=2) + "_"
        number = constants(net, "Cast", mask, to=TensorProto.FLOAT)
        net.add("Mul" if of_constant else "Add", number, source=before)

    with pytest.raises(Unsupported, match="is a further output of a node"):
        walk(perceptron(masked))


@both
def test_indices_of_a_pool_are_no_activation(walk):
    def indexed(net: Builder) -> None:
        net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], outputs=2)
        net.at += "_"
        net.add("Cast", to=TensorProto.FLOAT)
        net.conv(2, 3, 1)

    with pytest.raises(Unsupported, match="is a further output of a node"):
        walk(convolution(indexed))


@both
def test_a_network_that_ends_in_a_mask_is_refused(walk):
    def masked(net: Builder) -> None:
        net.conv(2, 3, 4)
        net.add("Flatten")
        net.add("Dropout", outputs=2)
        net.at += "_"

    with pytest.raises(Unsupported, match="is a further output of a node"):
        walk(convolution(masked))


# -- the readers --

NODE = Node(helper.make_node("Squeeze", ["x", "a"], ["y"], name="n"))


def test_axes_count_from_both_ends():
    assert axis(NODE, -1, 4) == 3
    assert axes(NODE, [3, -4], 4) == [3, 0]
    for wrong in ([0, -4], [4], [-5]):
        with pytest.raises(BadInput):
            axes(NODE, wrong, 4)


def test_attributes():
    def node(**attributes) -> Node:
        return Node(helper.make_node("Any", ["x"], ["y"], **attributes))

    assert permutation(node(), 3) == [2, 1, 0]
    assert permutation(node(perm=[1, 0]), 2) == [1, 0]
    assert [flatten_axis(node(axis=a), 2) for a in (-2, 0, 2)] == [0, 0, 2]
    assert sizes(NODE, [0, -1, 3]) == [0, -1, 3]
    for wrong in ([-1, -1], [-2]):
        with pytest.raises(BadInput):
            sizes(NODE, wrong)
    with pytest.raises(BadInput):
        permutation(node(perm=[0]), 2)


def test_lists_of_integers_hold_integers():
    assert whole(NODE, 1, np.array([1.0, 2.0])) == [1, 2]
    with pytest.raises(BadInput, match="'a' holds 1.5"):
        whole(NODE, 1, np.array([1.5]))
