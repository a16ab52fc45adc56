"""Constant subgraphs: computed whatever the operator, equally by both walks, within bounds."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.golden.importer import Importer
from hw_bnn.onnxfile import Node
from hw_bnn.onnxfile.constants import EXACT_BITS, fold
from hw_bnn.onnxfile.evaluate import EXACT, Budget
from tests.networks.constant_graphs import Net, perceptron

WALKS = {"golden": GoldenModel.from_onnx, "compile": import_model}
both = pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)


# -- what exporters write --


def tensor_norm(net: Net) -> str:
    """x / (max|x| - min|x| + eps): a scale that a normalisation of constants gives."""
    x = net.constant(net.rng.normal(0, 1, (1, 6)))
    high = net.compute("ReduceMax", net.compute("Abs", x), keepdims=0)
    low = net.compute("ReduceMin", net.compute("Abs", x), keepdims=0)
    span = net.compute("Add", net.compute("Sub", high, low), net.constant(1e-3))
    return net.compute("Div", high, span)


def power(net: Net) -> str:
    """2 ** -3, as Brevitas' scale implementations write it."""
    return net.compute("Pow", net.constant(2.0), net.constant(-3.0))


def odd_power(net: Net) -> str:
    return net.compute("Pow", net.constant(2.0), net.constant(-2.5))


def exponential(net: Net) -> str:
    return net.compute("Exp", net.constant(-1.7))


def norm_of_weights(net: Net) -> str:
    rows = net.constant(net.rng.normal(0, 1, (4, 6)))
    return net.compute("ReduceL2", rows, keepdims=1, axes=[1])


def root_of_root(net: Net) -> str:
    return net.compute("Sqrt", net.compute("Sqrt", net.constant(0.3)))


def filled(net: Net) -> str:
    fill = numpy_helper.from_array(np.array([0.25], np.float32))
    return net.compute("ConstantOfShape", net.whole(1), value=fill)


def chosen(net: Net) -> str:
    condition = net.compute("Greater", net.constant(0.3), net.constant(0.2))
    return net.compute("Where", condition, net.constant(0.3), net.constant(7.0))


def expanded(net: Net) -> str:
    return net.compute("Expand", net.constant([[0.3]]), net.whole(4, 1))


def ranged(net: Net) -> str:
    steps = net.compute("Range", net.constant(1.0), net.constant(5.0), net.constant(1.0))
    return net.compute("ReduceMean", net.compute("Cast", steps, to=TensorProto.FLOAT), keepdims=0)


SCALES = [tensor_norm, power, odd_power, exponential, norm_of_weights, root_of_root, filled, chosen,
          expanded, ranged]  # fmt: skip


@pytest.mark.parametrize("scale", SCALES)
def test_subgraphs_of_exporters_give_one_network_to_both(scale):
    pytest.importorskip("finn")
    from tests.compile.compile_stages import check_stages

    check_stages(perceptron(scale), seed=1, frames=16)


def test_constant_padding_whose_amounts_are_computed():
    """torch's ConstantPad2d: amounts, zeros of ConstantOfShape, Reshape, Slice, Transpose."""
    pytest.importorskip("finn")
    from tests.compile.compile_stages import check_stages

    net = Net((2, 4, 4), 3, 1)
    net.bipolar()
    fill = numpy_helper.from_array(np.array([0], np.int64))
    zeros = net.compute("ConstantOfShape", net.whole(4), value=fill)
    amounts = net.compute("Concat", net.whole(1, 0, 1, 1), zeros, axis=0)
    rows = net.compute("Reshape", amounts, net.whole(-1, 2))
    backwards = net.compute("Slice", rows, net.whole(-1), net.whole(-(2**63)), net.whole(0),
                            net.whole(-1))  # fmt: skip
    flat = net.compute("Reshape", net.compute("Transpose", backwards, perm=[1, 0]), net.whole(-1))
    pads = net.compute("Cast", flat, to=TensorProto.INT64)
    net.add("Pad", pads, net.constant(-1.0))
    net.conv(2, 3, 3)
    net.batch_norm(3)
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(3 * 4 * 3, 3)
    assert check_stages(net.model(), seed=1, frames=8) == 0


def test_shapes_are_integers_whatever_arithmetic_makes_of_them():
    """(7 - 1) / 2 * 2 of integers: division drops the rest, as ONNX says."""
    net = Net((6,), 3, 1)
    net.quant(4.0, 0.125, signed=0)
    half = net.compute("Div", net.whole(-7), net.whole(2))
    net.add("Reshape", net.compute("Concat", net.whole(1), net.compute("Mul", half, net.whole(-2)),
                                   axis=0))  # fmt: skip
    net.linear(6, 3)
    assert GoldenModel.from_onnx(net.model()).output_size == 3
    assert import_model(net.model()).graph.output


# -- one operator --


def computed(op_type, *inputs, opset=13, **attributes):
    names = [f"i{i}" if a is not None else "" for i, a in enumerate(inputs)]
    node = Node(helper.make_node(op_type, names, ["out"], **attributes))
    arrays = [None if a is None else np.asarray(a) for a in inputs]
    return fold(node, arrays, opset)[0]


def test_floats_are_computed_in_float64():
    x = np.float32([0.1, 0.7])
    assert np.array_equal(computed("Exp", x), np.exp(x.astype(np.float64)))
    half = numpy_helper.from_array(np.array([0.1], np.float32))
    filled_ = computed("ConstantOfShape", np.array([2]), value=half)
    assert filled_.dtype == np.float64 and np.array_equal(
        filled_, np.float64(np.float32([0.1] * 2))
    )
    assert computed("Cast", np.array([3]), to=TensorProto.FLOAT).dtype == np.float64


def test_normalisation_is_that_of_inference_in_every_version():
    x = np.random.default_rng(0).normal(0, 1, (5, 3))
    parameters = [np.array(v) for v in ([1.0, 2, 3], [0.5, 0, 1], [0.1, 0.2, 0.3], [1.0, 2, 4])]
    gamma, beta, mean, variance = parameters
    wanted = (x - mean) / np.sqrt(variance + np.float32(1e-5)) * gamma + beta
    for opset in (9, 13, 15):
        found = computed("BatchNormalization", x, *parameters, opset=opset)
        assert np.allclose(found, wanted, rtol=1e-12)
    with pytest.raises(Unsupported, match="training mode"):
        computed("BatchNormalization", x, *parameters, opset=15, training_mode=1)
    with pytest.raises(Unsupported, match="Softmax of constants in version 11"):
        computed("Softmax", x, opset=11)


BOMBS = {
    "ConstantOfShape": lambda net: net.compute("ConstantOfShape", net.whole(10**6, 10**6)),
    "Range": lambda net: net.compute(
        "Range", net.constant(0.0), net.constant(1e9), net.constant(1.0)
    ),
    "Range without a step": lambda net: net.compute(
        "Range", net.constant(0.0), net.constant(1.0), net.constant(0.0)
    ),
    "Tile": lambda net: net.compute("Tile", net.constant([1.0]), net.whole(10**12)),
    "Expand": lambda net: net.compute("Expand", net.constant([1.0]), net.whole(10**5, 10**5)),
    "Pad": lambda net: net.compute("Pad", net.constant([1.0]), net.whole(10**12, 0)),
    "Resize": lambda net: net.compute(
        "Resize", net.constant([[[[1.0]]]]), "", "", net.whole(1, 1, 10**5, 10**5)
    ),
    "OneHot": lambda net: net.compute(
        "OneHot", net.whole(1), net.whole(10**12), net.constant([0.0, 1.0])
    ),
    "outer product": lambda net: net.compute(
        "Add", net.constant(np.ones((1, 9000))), net.constant(np.ones((9000, 1)))
    ),
    "squared 40 times": lambda net: squared(net, 40),
    "pool of a large window": lambda net: net.compute(
        "MaxPool", net.constant(np.ones((1, 1, 250, 250))), kernel_shape=[100, 100]
    ),
    "convolution": lambda net: net.compute(
        "Conv", net.constant(np.ones((1, 64, 30, 30))), net.constant(np.ones((64, 64, 9, 9)))
    ),
    "product of matrices": lambda net: net.compute("MatMul", *[zeros(net, 1500, 1500)] * 2),
    "einsum": lambda net: net.compute("Einsum", *[zeros(net, 1000, 1000)] * 2, equation="ij,jk->i"),
    "many exact numbers": lambda net: squared(net, 9, np.random.default_rng(0).random(30_000)),
    "loop": lambda net: looped(net),
    "not finite": lambda net: net.compute("Log", net.constant(0.0)),
    "overflow": lambda net: net.compute("Exp", net.constant(1e4)),
    "text": lambda net: net.compute("Cast", net.constant(1.0), to=TensorProto.STRING),
    "no such axis": lambda net: net.compute("ReduceMax", net.constant(1.0), axes=[7]),
    "inputs left out": lambda net: net.compute("Exp", ""),
    "division by zero": lambda net: net.compute("Div", net.constant(1.0), net.constant(0.0)),
    "division of integers by zero": lambda net: net.compute("Div", net.whole(1), net.whole(0)),
}


def zeros(net: Net, *shape: int) -> str:
    return net.compute("ConstantOfShape", net.whole(*shape))


def looped(net: Net) -> str:
    info = [helper.make_tensor_value_info(n, t, []) for n, t in (("i", TensorProto.INT64),
            ("more", TensorProto.BOOL), ("v", TensorProto.FLOAT))]  # fmt: skip
    outputs = [helper.make_tensor_value_info(n, t, []) for n, t in (("again", TensorProto.BOOL),
               ("w", TensorProto.FLOAT))]  # fmt: skip
    nodes = [
        helper.make_node("Identity", ["more"], ["again"]),
        helper.make_node("Neg", ["v"], ["w"]),
    ]
    body = helper.make_graph(nodes, "body", info, outputs)
    yes = net.constant(True, bool)
    return net.compute("Loop", net.whole(10**12), yes, net.constant(1.0), body=body)


def squared(net: Net, times: int, start=1.1) -> str:
    at = net.constant(start)
    for _ in range(times):
        at = net.compute("Mul", at, at)
    return at


@pytest.mark.timeout(120)  # a result that is made takes hours, or all memory
@both
@pytest.mark.parametrize("bomb", BOMBS)
def test_results_out_of_bounds_are_refused_before_they_are_made(bomb, walk):
    model = perceptron(BOMBS[bomb])
    with pytest.raises(BadInput) as caught:
        walk(model)
    assert caught.value.node and caught.value.remedy


def test_all_nodes_of_a_file_share_one_budget():
    budget, node = Budget(2500), Node(helper.make_node("Exp", ["x"], ["y"]))
    for _ in range(2):
        fold(node, [np.ones(1000)], 13, budget=budget)
    with pytest.raises(Unsupported, match="the file's constants take more work"):
        fold(node, [np.ones(1000)], 13, budget=budget)


def test_exact_numbers_are_paid_for_before_they_are_computed():
    golden = Importer(perceptron(lambda net: squared(net, 3)), None, None)
    golden.budget = Budget(2 * EXACT)
    with pytest.raises(Unsupported, match="the file's constants take more work"):
        golden.run()


def test_exact_numbers_stay_short():
    with pytest.raises(BadInput, match=f"more than {EXACT_BITS} binary digits"):
        GoldenModel.from_onnx(perceptron(lambda net: squared(net, 40)))


@both
@pytest.mark.parametrize("op_type", ["RandomNormal", "RandomUniform", "RandomNormalLike"])
def test_random_numbers_are_refused_by_name(op_type, walk):
    def scale(net):
        if op_type.endswith("Like"):
            return net.compute(op_type, net.constant([1.0]))
        return net.compute(op_type, shape=[1])

    with pytest.raises(Unsupported, match=f"{op_type} gives other numbers in every run"):
        walk(perceptron(scale))


@both
def test_dropout_of_constants_passes_them_and_is_refused_in_training(walk):
    def dropped(net, *inputs):
        return net.compute("Dropout", net.constant([0.5]), *inputs)

    walk(perceptron(dropped))
    with pytest.raises(Unsupported, match="training mode"):
        walk(perceptron(lambda net: dropped(net, "", net.constant(True, bool))))


# -- NaN and infinity --


def nodes_and_parameters():
    model = perceptron(power)
    names = [i.name for i in model.graph.initializer]
    return [(n, v) for n in names for v in (np.nan, np.inf, -np.inf)]


@both
@pytest.mark.parametrize(("name", "value"), nodes_and_parameters())
def test_parameters_that_are_no_numbers_are_refused_by_node_and_tensor(name, value, walk):
    model = perceptron(power)
    tensor = next(i for i in model.graph.initializer if i.name == name)
    array = numpy_helper.to_array(tensor).copy()
    array.reshape(-1)[-1] = value
    tensor.CopyFrom(numpy_helper.from_array(array, name))
    with pytest.raises(BadInput, match=f"its tensor '{name}' holds NaN or infinity") as caught:
        walk(model)
    reader = next(n for n in model.graph.node if name in n.input)
    assert caught.value.node == reader.name


@both
def test_what_nothing_reads_may_hold_anything(walk):
    model = perceptron(power)
    model.graph.initializer.append(numpy_helper.from_array(np.array([np.nan]), "junk"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1.0]), "one"))
    model.graph.node.insert(0, helper.make_node("RandomNormal", [], ["noise"], shape=[3]))
    model.graph.node.insert(0, helper.make_node("Odd", ["x"], ["dead"], domain="nobody"))
    walk(model)
