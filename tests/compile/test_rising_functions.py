"""ReLU, Clip, LeakyReLU, Tanh, ... and affines before a quantiser: exact integer thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from hw_bnn.compile.bends import Clip, Curve, Leak, Side
from hw_bnn.compile.exact import Surd
from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from tests.compile.float64_network import float64_outputs
from tests.compile.integer_execution import integer_scores
from tests.networks.qonnx_graph import compare, random_integers
from tests.networks.qonnx_networks import Builder


def _clip(made, low, high):
    made.add("Clip", *(made.constant(v) if v is not None else "" for v in (low, high)))


def _slopes(made):
    made.add(
        "PRelu", made.constant(made.rng.uniform(0.05, 1.5, (6, 1, 1)[: 1 if made.flat else 3]))
    )


FUNCTIONS = {
    "hardtanh": lambda made: _clip(made, -1.0, 1.0),
    "clip above": lambda made: _clip(made, None, 0.75),
    "clip below": lambda made: _clip(made, -0.5, None),
    "clip crossed": lambda made: _clip(made, 0.5, -0.25),
    "relu": lambda made: made.add("Relu"),
    "relu6": lambda made: _clip(made, 0.0, 6.0),
    "leaky": lambda made: made.add("LeakyRelu", alpha=0.1),
    "leaky by default": lambda made: made.add("LeakyRelu"),
    "prelu": _slopes,
    "tanh": lambda made: made.add("Tanh"),
    "sigmoid": lambda made: made.add("Sigmoid"),
    "hardsigmoid": lambda made: made.add("HardSigmoid"),
    "hardsigmoid of Keras 3": lambda made: made.add("HardSigmoid", alpha=1 / 6, beta=0.5),
}
QUANTISERS = {
    "sign": lambda made: made.bipolar(),
    "one bit": lambda made: made.quant(1.0, 0.5),
    "2 bits": lambda made: made.quant(2.0, 0.5, signed=0),
    "4 bits": lambda made: made.quant(4.0, 0.125),
    "zero point": lambda made: made.quant(3.0, 0.25, 3.0, signed=0, mode="FLOOR"),
    "negative": lambda made: made.quant(3.0, -0.25),
}
BETWEEN = {
    "": lambda made: None,
    "halved": lambda made: made.add("Sub", made.constant(0.5)),
    "turned": lambda made: made.add("Mul", made.constant(-1.5)),
    "per channel": lambda made: made.add(
        "Mul", made.constant(made.rng.uniform(-2, 2, (6, 1, 1)[: 1 if made.flat else 3]))
    ),
    "and back": lambda made: (made.add("Neg"), made.add("LeakyRelu", alpha=0.5)),
}


def network(function, quantiser, between="", shape=(9,), pool=False):
    made = Builder(shape, 7, batch=4)
    made.flat = len(shape) == 1
    made.quant(4.0, 0.25)
    if made.flat:
        made.linear(9, 6)
    else:
        made.conv(shape[0], 6)
    made.batch_norm(6)
    FUNCTIONS[function](made)
    BETWEEN[between](made)
    if pool:
        made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    QUANTISERS[quantiser](made)
    if not made.flat:
        made.add("Flatten", axis=1)
    made.linear(6 if made.flat else 6 * (4 if pool else 16), 4)
    return made.model()


def check(model, frames=24):
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, frames)
    scores = golden.scores(x)
    expected = float64_outputs(model, golden.real_input(x))
    np.testing.assert_allclose(golden.real_outputs(scores), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(integer_scores(import_model(model).graph, x), scores)
    return golden, x


@pytest.mark.parametrize("function", FUNCTIONS)
def test_before_every_quantiser(function):
    for quantiser in QUANTISERS:
        check(network(function, quantiser))


@pytest.mark.parametrize("between", BETWEEN)
def test_with_arithmetic_between(between):
    for function in ("hardtanh", "relu", "prelu", "tanh", "hardsigmoid"):
        for quantiser in ("sign", "4 bits"):
            check(network(function, quantiser, between))


@pytest.mark.parametrize("function", ["clip above", "prelu", "tanh"])
def test_on_maps_with_a_pool(function):
    for between in ("turned", "per channel"):
        check(network(function, "2 bits", between, (2, 6, 6)))
        check(network(function, "2 bits", between, (2, 6, 6), pool=True))


@pytest.mark.parametrize("function", ["hardtanh", "leaky", "tanh", "sigmoid", "hardsigmoid"])
def test_qonnx_differs_by_proven_ties_alone(function):
    model = network(function, "4 bits")
    golden, x = check(model)
    assert not compare(model, golden, x).mismatches


@pytest.mark.parametrize("function", ["tanh", "sigmoid", "leaky"])
def test_at_the_end_the_order_stays(function):
    made = Builder((9,), 7, batch=4)
    made.quant(4.0, 0.25)
    made.linear(9, 6)
    made.batch_norm(6)
    FUNCTIONS[function](made)
    model = made.model()
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 64)
    scores = golden.scores(x)
    expected = float64_outputs(model, golden.real_input(x))
    np.testing.assert_array_equal(golden.labels(scores), expected.argmax(axis=1))
    np.testing.assert_array_equal(integer_scores(import_model(model).graph, x), scores)


@pytest.mark.parametrize("function", ["hardsigmoid", "relu", "prelu"])
def test_at_the_end_no_other(function):
    made = Builder((9,), 7, batch=4)
    made.flat = True
    made.quant(4.0, 0.25)
    made.linear(9, 6)
    FUNCTIONS[function](made)
    with pytest.raises(Unsupported, match="makes different scores equal"):
        import_model(made.model())


def test_levels_are_pulled_back():
    side = Side(Surd(-1), True, False)
    assert Leak(Surd(2)).pull(side)[0].t == Surd(-1) / Surd(2)
    assert Clip(Surd(-1), None).pull(side) == [True]
    assert Clip(None, Surd(-2)).pull(side) == [False]
    assert Curve("Tanh").pull(side) == [True]
    low, high = Curve("Sigmoid").pull(Side(Surd(1) / Surd(4), True, False))
    assert float(low.t) == float(high.t) == pytest.approx(-np.log(3), abs=1e-15)
    assert (high.t - low.t).sign() > 0
