"""Trunc, QONNX's shift to fewer bits: golden = the integer graph = its definition in float64."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from tests.compile.float64_network import float64_outputs
from tests.compile.integer_execution import integer_scores
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder, shape_of

MODES = ("FLOOR", "ROUND", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN", "round")


def network(mode="FLOOR", size=2, shift=2, bits=8, zero=0.0, signed=1, narrow=0, inputs=6):
    """8-bit map - 4x4 convolution - 8-bit map - pool of size x size - Trunc - dense layer."""
    net = Builder((2, 6, 6), 3, 2)
    net.quant(8.0, 1 / 64)
    net.conv(2, 4, 3, pads=(1, 1, 1, 1))
    scale = np.float32(0.3)
    net.quant(8.0, scale, signed=signed)
    net.add("AveragePool", kernel_shape=[size] * 2, strides=[size] * 2)
    unit = np.float32(scale / np.float32(size * size))
    parameters = (unit, zero, 10.0, np.float32(unit * 2.0**shift), float(bits))[: inputs - 1]
    net.add(
        "Trunc", *map(net.constant, parameters), rounding_mode=mode, signed=signed, narrow=narrow
    )
    net.add("Flatten", axis=1)
    net.linear(shape_of(net)[1], 4)
    return net.model()


def check(model: onnx.ModelProto) -> None:
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 40, 1)
    scores = golden.scores(x)
    assert len(np.unique(scores)) > 4
    expected = float64_outputs(model, golden.real_input(x))
    np.testing.assert_allclose(golden.real_outputs(scores), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(integer_scores(import_model(model).graph, x), scores)


@pytest.mark.parametrize("mode", MODES)
def test_rounding(mode):
    check(network(mode))


@pytest.mark.parametrize(
    "options",
    [
        {"size": 3, "shift": 3},
        {"bits": 3},
        {"bits": 4, "narrow": 1, "mode": "ROUND"},
        {"signed": 0, "bits": 5, "shift": 3},
        {"zero": 4.0, "mode": "ROUND"},
        {"zero": 2.0},
        {"shift": 0},
        {"shift": -1, "bits": 10},
    ],
    ids=str,
)
def test_scales_widths_and_zero_points(options):
    check(network(**options))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"inputs": 5}, "first version.*export it as version 2"),
        ({"shift": 1.5}, "power of two times the scale"),
        ({"bits": 1}, "one signed bit.*use 2 bits or more"),
        ({"mode": "STOCHASTIC"}, "use ROUND"),
    ],
    ids=str,
)
def test_refused(options, why):
    model = network(**options)
    for read in (import_model, GoldenModel.from_onnx):
        with pytest.raises(Unsupported, match=why):
            read(model)


def test_brevitas_truncated_average_pool(tmp_path):
    pytest.importorskip("finn")
    torch = pytest.importorskip("torch")
    from hw_bnn.export import export_model
    from hw_bnn.nn.mlp import Input
    from hw_bnn.nn.quantised import convolution, last_layer
    from tests.compile.compile_stages import check_stages

    from brevitas.nn import QuantIdentity, TruncAvgPool2d  # isort: skip

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        Input(bits=8).build(), convolution(2, 4, 3), torch.nn.BatchNorm2d(4),
        QuantIdentity(bit_width=8, return_quant_tensor=True), TruncAvgPool2d(2, 2),
        torch.nn.Flatten(), last_layer(36, 5),
    )  # fmt: skip
    x = torch.randint(0, 256, (4, 2, 6, 6)).float()
    model.train()(x)
    export_model(model.eval(), tmp_path / "net.onnx", x)
    file = onnx.load(tmp_path / "net.onnx")
    assert "Trunc" in [node.op_type for node in file.graph.node]
    check_stages(file, frames=8)
