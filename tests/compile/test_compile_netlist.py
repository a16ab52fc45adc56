"""A kernel of each kind as gates: two small networks that hold them all, equal to golden."""

import numpy as np
import onnx
import pytest

from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder
from tests.networks.shuffled import shuffled
from tests.networks.small_onnx import perceptron
from tests.networks.support_case import norm

pytest.importorskip("finn")
pytest.importorskip("pyosys", reason="needs Yosys: pip install 'hw-bnn[synth]'")

import hw_bnn as hb
from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model
from hw_bnn.golden import GoldenModel
from hw_bnn.kernels import KERNELS
from hw_bnn.simulation import simulate
from hw_bnn.synth import synth

pytestmark = pytest.mark.slow


def residual_network() -> onnx.ModelProto:
    """All kernels but the hard-wired one: borders, windows, groups, pools, a join, a last norm."""
    made = Builder((2, 6, 6), 5, batch=1)
    made.quant(4.0, 0.125)
    made.conv(2, 4, pads=(1, 1, 1, 1), habit="int4")
    norm(made, 4, 6.0)
    shortcut = made.quant(3.0, 0.5)
    made.bipolar()
    made.add("MaxPool", kernel_shape=[2, 2], strides=[1, 1], pads=[1, 1, 0, 0])
    made.conv(4, 4, pads=(1, 1, 1, 1))
    norm(made, 4, 6.0)
    made.quant(3.0, 0.5)
    made.add("Add", shortcut, first=False)
    half = made.quant(3.0, 0.5)
    made.add("Concat", half, axis=1)
    made.add("Slice", *(made.constant(n, np.int64) for n in ([2], [6], [1])))
    made.conv(4, 4, pads=(1, 1, 1, 1), group=4)
    norm(made, 4, 6.0)
    made.quant(3.0, 0.5)
    made.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    made.quant(5.0, 0.125)  # of so many levels that a requantiser is cheaper than thresholds
    made.add("Flatten", axis=1)
    made.linear(36, 5)
    norm(made, 5, 6.0)
    return made.model()


RESIDUAL = dict(target_cycles=1500, fifo_sizing="none", check=False)
CONTEXTS = dict(runtime_weights=True, contexts=2, ensemble=True, fifo_sizing="none", check=False)
BESIDE = {"frame_repeat", "ensemble"}
"""Kernels of accelerators with contexts alone."""

HARDWIRED = dict(hardwired="all", fifo_sizing="none", check=False)


def accelerator(model: onnx.ModelProto, folder, options) -> Description:
    """Compile to FOLDER/accelerator; the description."""
    onnx.save(model, folder / "network.onnx")
    return Description.load(
        compile_model(folder / "network.onnx", folder / "accelerator", **options)
    )


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """(residual, hardwired): (folder, description, golden model)."""
    found = []
    for model, options in (
        (residual_network(), RESIDUAL),
        (perceptron((12, 7, 6, 3), 5), HARDWIRED),
    ):
        folder = tmp_path_factory.mktemp("gates")
        description = accelerator(model, folder, options)
        found.append((folder / "accelerator", description, GoldenModel.from_onnx(model)))
    return found


def test_they_hold_every_kernel(networks):
    held = {node.kernel for _, description, _ in networks for node in description.nodes}
    assert held == {*KERNELS} - BESIDE


@pytest.mark.parametrize(("network", "family"), [
    pytest.param(0, "xc7", id="residual-xc7"),
    pytest.param(0, "ecp5", id="residual-ecp5", marks=pytest.mark.full),
    pytest.param(1, "xc7", id="hardwired-xc7"), pytest.param(1, "ecp5", id="hardwired-ecp5"),
])  # fmt: skip
def test_gates_equal_the_golden_model(networks, network, family):
    folder, _, golden = networks[network]
    synth(folder, family)
    x = random_integers(golden, 60)
    scores = golden.scores(x)
    for stall in (0.0, 0.4):
        gates = simulate(folder, x, engine="netlist", family=family, stall=stall)
        np.testing.assert_array_equal(gates.scores, scores)
        np.testing.assert_array_equal(gates.labels, golden.labels(scores))


def test_gates_of_contexts(tmp_path):
    """Two networks' weights in one accelerator: every frame through both and summed, as gates."""
    files = [tmp_path / "network.onnx", tmp_path / "other.onnx"]
    description = accelerator(perceptron((12, 8, 4)), tmp_path, CONTEXTS)
    onnx.save(shuffled(onnx.load(files[0]), 1), files[1])
    assert {node.kernel for node in description.nodes} >= BESIDE
    folder = tmp_path / "accelerator"
    hb.weights(files[0], folder, tmp_path / "new", contexts=files[1:])
    synth(folder, "xc7")
    golden = [GoldenModel.from_onnx(file) for file in files]
    x = random_integers(golden[0], 40)
    gates = simulate(folder, x, engine="netlist", weights=tmp_path / "new", stall=0.3)
    scores = [model.scores(x) for model in golden]
    labels = np.stack([g.labels(s) for g, s in zip(golden, scores, strict=True)], 1)
    assert np.array_equal(gates.scores, sum(scores))
    assert np.array_equal(gates.labels, (labels[:, :, None] == np.arange(4)).sum(1))
