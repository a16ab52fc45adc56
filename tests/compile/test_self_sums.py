"""Sums, differences, negations of one tensor: affines, no hardware; diamonds of two quantisers."""

from __future__ import annotations

import numpy as np
import pytest

from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.integer_graph import Add
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from tests.compile.float64_network import float64_outputs
from tests.compile.integer_execution import integer_scores
from tests.float_executor import compare
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder


def _doubled(made):
    made.add("Add", made.at)


def _difference(made):
    made.add("Sub", made.at)
    made.add("Add", made.constant(0.25))


def _negated(made):
    made.add("Neg")


def _plus_scaled(made):
    source = made.at
    made.add("Mul", made.constant(-2.5))
    made.add("Add", made.constant(0.5))
    made.add("Add", source)


def _minus_scaled(made):
    source = made.at
    made.add("Div", made.constant(4.0))
    made.add("Sub", source)


def _twice_around(made):
    _doubled(made)
    _negated(made)
    _doubled(made)


FORMS = [_doubled, _difference, _negated, _plus_scaled, _minus_scaled, _twice_around]
NAMES = [form.__name__.strip("_") for form in FORMS]


def network(form, place, shape=(9,)):
    made = Builder(shape, 3, batch=4)
    if place == "input":
        form(made)
    made.quant(4.0, 0.25)
    if place == "quantised":
        form(made)
    if len(shape) == 1:
        made.linear(9, 6)
    else:
        made.conv(shape[0], 6)
        if place == "behind a pool":
            made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
            form(made)
    if place == "accumulators":
        form(made)
    made.batch_norm(6)
    if place == "behind BatchNorm":
        form(made)
    if place == "behind ReLU":
        made.add("Relu")
        form(made)
    made.quant(3.0, 0.5)
    if len(shape) > 1:
        made.add("Flatten", axis=1)
        if place == "flattened":
            form(made)
    made.linear(6 * {"behind a pool": 4}.get(place, 16) if len(shape) > 1 else 6, 4)
    if place == "scores":
        form(made)
    return made.model()


def check(model):
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 16)
    scores = golden.scores(x)
    expected = float64_outputs(model, golden.real_input(x))
    np.testing.assert_allclose(golden.real_outputs(scores), expected, rtol=1e-9, atol=1e-9)
    graph = import_model(model).graph
    assert not any(isinstance(op, Add) for op in graph.ops)
    np.testing.assert_array_equal(integer_scores(graph, x), scores)


VECTOR = ["quantised", "accumulators", "behind BatchNorm", "scores"]


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
@pytest.mark.parametrize("place", VECTOR)
def test_of_vectors(form, place):
    check(network(form, place))


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
@pytest.mark.parametrize("place", ["accumulators", "behind a pool", "flattened"])
def test_of_maps(form, place):
    check(network(form, place, (2, 6, 6)))


@pytest.mark.parametrize("form", [_doubled, _plus_scaled, _negated])
def test_of_the_graph_input(form):
    check(network(form, "input"))


def test_a_product_of_activations_is_refused():
    for form in ("square", "gate"):
        made = Builder((9,), 3, batch=4)
        made.quant(4.0, 0.25)
        made.linear(9, 6)
        left = made.bipolar()
        if form == "gate":
            made.quant(2.0, 0.5)
        made.add("Mul", left)
        made.linear(6, 3)
        for reader in (import_model, GoldenModel.from_onnx):
            with pytest.raises(Unsupported, match="two activations") as caught:
                reader(made.model())
            assert caught.value.node.startswith("Mul")
            assert caught.value.remedy


@pytest.mark.parametrize("op", ["Add", "Sub"])
def test_a_diamond_of_two_quantisers(op):
    made = Builder((9,), 3, batch=4)
    made.quant(4.0, 0.25)
    made.linear(9, 6)
    made.batch_norm(6)
    source = made.at
    left = made.quant(3.0, 0.5, 1.0)
    made.at = source
    made.bipolar(1.5)
    made.add(op, left)
    made.quant(3.0, 1.0)
    made.linear(6, 3)
    golden = GoldenModel.from_onnx(made.model())
    x = random_integers(golden, 32)
    expected = float64_outputs(made.model(), golden.real_input(x))
    np.testing.assert_allclose(golden.real_outputs(golden.scores(x)), expected, atol=1e-9)
    graph = import_model(made.model()).graph
    np.testing.assert_array_equal(integer_scores(graph, x), golden.scores(x))


@pytest.mark.parametrize("op", ["Add", "Mul", "PRelu"])
@pytest.mark.parametrize("channels", [1, 6])
def test_constants_that_would_make_a_tensor_larger_are_refused(op, channels):
    made = Builder((2, 6, 6), 3, batch=4)
    made.quant(4.0, 0.25)
    made.conv(2, channels)
    made.add(op, made.constant(np.ones((5, 1, 1))))
    made.bipolar()
    for reader in (import_model, GoldenModel.from_onnx):
        with pytest.raises(Unsupported, match="does not fit"):
            reader(made.model())


def test_negated_weights_are_weights():
    """Neg of 2-bit weights with a scale a row: integers negated, in golden as in the compiler."""
    net = Builder((6,), 3, 1)
    start = net.quant(4.0, 0.125, signed=0)
    net.at = net.constant(net.rng.normal(0, 1, (4, 6)))
    net.bipolar(net.rng.uniform(0.1, 0.9, (4, 1)).astype(np.float32))
    weights = net.add("Neg")
    net.at = start
    net.add("Gemm", weights, transB=1)
    net.batch_norm(4)
    net.bipolar()
    net.linear(4, 3)
    model = net.model()
    golden = GoldenModel.from_onnx(model)
    assert compare(model, golden, np.random.default_rng(1).integers(0, 16, (64, 6))) is None
    check(model)


def test_two_pools_of_one_map_before_a_quantiser_are_refused_by_name():
    """Both wait for the quantiser behind the sum: their maxima are not those of one tensor."""
    net = Builder((2, 6, 6), 3, 1)
    net.bipolar()
    before = net.conv(2, 3)
    first = net.add("MaxPool", source=before, kernel_shape=[2, 2], strides=[2, 2])
    net.add("MaxPool", source=before, kernel_shape=[2, 2], strides=[2, 2])
    net.add("Add", first)
    net.bipolar()
    net.add("Flatten")
    net.linear(12, 3)
    with pytest.raises(Unsupported, match="a residual addition right behind a pool"):
        import_model(net.model())
