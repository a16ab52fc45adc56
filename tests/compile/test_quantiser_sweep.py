"""Quant and BipolarQuant over all parameters: golden = float64 = dataflow graph, or refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import BadInput
from hw_bnn.golden import GoldenModel
from tests.compile.float64_network import float64_outputs
from tests.compile.integer_execution import integer_scores
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder

ROUNDINGS = ("ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN", "FLOOR", "CEIL", "UP", "DOWN")
SCALES = {
    "0.5": 0.5,
    "-0.25": -0.25,
    "channels": np.array([0.5, -0.25, 1.0, 2.0, -1.0, 0.125]),
}


def network(place, bits, signed, narrow, zero, rounding="ROUND", scale=0.5):
    """Input, dense, BatchNorm, quantiser, dense; the quantiser under test in one place."""
    made = Builder((9,), seed=bits, batch=4)
    under_test = dict(zero=zero, signed=signed, narrow=narrow, mode=rounding)
    if place == "input":
        made.quant(float(bits), scale, **under_test)
    else:
        made.quant(4.0, 0.5, signed=0)
    made.linear(9, 6)
    made.batch_norm(6)
    if place == "activation":
        made.quant(float(bits), scale, **under_test)
        if np.size(scale) > 1:  # the next layer's input has one scale only
            return made.model()
    else:
        made.bipolar()
    if place != "weights":
        made.linear(6, 3)
        return made.model()
    at = made.at
    made.at = made.constant(made.rng.uniform(-1, 1, (6, 3)))
    weights = made.quant(float(bits), scale if np.size(scale) == 1 else SCALES["0.5"], **under_test)
    made.at = at
    made.add("MatMul", weights)
    return made.model()


def check(model, frames=16):
    """True where all are equal; False where the compiler refuses."""
    try:
        golden = GoldenModel.from_onnx(model)
    except BadInput as error:
        assert error.remedy
        with pytest.raises(BadInput):
            import_model(model)
        return False
    x = random_integers(golden, frames)
    scores = golden.scores(x)
    real = golden.real_input(x).astype(np.float64)
    expected = float64_outputs(model, real)
    np.testing.assert_allclose(golden.real_outputs(scores), expected, rtol=1e-9, atol=1e-9)
    try:
        graph = import_model(model).graph
    except BadInput as error:
        assert error.remedy
        return False
    np.testing.assert_array_equal(integer_scores(graph, x), scores)
    return True


@pytest.mark.parametrize("place", ["input", "activation", "weights"])
@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_ranges_and_zero_points(place, bits):
    compiled = sum(
        check(network(place, bits, signed, narrow, zero))
        for signed, narrow, zero in product((0, 1), (0, 1), (0.0, 1.0, -1.0, 3.0, 0.75))
    )
    # All but quantisers of one level and, of weights, zero points that are not whole.
    expected = (12, 16) if place == "weights" else (15, 20)
    assert compiled == expected[bits > 1]


@pytest.mark.parametrize("place", ["input", "activation"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_roundings_and_scales(place, rounding):
    for name, scale in SCALES.items():
        for bits, zero in ((3, 0.0), (3, 1.0), (2, 0.5)):
            fits = not (place == "input" and name == "channels")
            assert check(network(place, bits, 1, 0, zero, rounding, scale)) == fits
