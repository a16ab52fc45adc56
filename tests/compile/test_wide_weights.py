"""Weights of 2 to 8 bits: every stage equal, least and greatest weights included."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

from hw_bnn.accelerator import Description
from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.verify import failed, verify
from tests.compile.compile_stages import check_stages, dataflow_scores
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder

INPUTS = {"bipolar": None, "uint1": (1, 0), "uint4": (4, 0), "int8": (8, 1)}


def quantised_input(net: Builder, inputs: str) -> None:
    if INPUTS[inputs] is None:
        net.bipolar()
    else:
        width, signed = INPUTS[inputs]
        net.quant(float(width), 0.125, signed=signed)


def weights(net: Builder, shape: tuple[int, ...], bits: int, extreme: bool) -> str:
    """Of any value; in `extreme` ones least or greatest: of two outputs all least, all greatest."""
    at, end = net.at, 1 << bits - 1
    values = net.rng.integers(-end, end, shape)
    if extreme:
        values = net.rng.choice([-end, end - 1], shape)
        values[0], values[1] = -end, end - 1
    net.at = net.constant(values * 0.25)
    quantised = net.quant(float(bits), 0.25)
    net.at = at
    return quantised


def convolutions(bits: int, inputs: str) -> onnx.ModelProto:
    """3x7x7, zero-padded 3x3 to 4, 3x3 of stride 2 to 6, dense to 4; extreme weights."""
    net = Builder((3, 7, 7), 1, 1)
    quantised_input(net, inputs)
    size = 9.0 if inputs == "int8" else 1.0  # of what a layer reads, in real numbers
    for outputs, reads, how in ((4, 3, {"pads": [1, 1, 1, 1]}), (6, 4, {"strides": [2, 2]})):
        kernel = weights(net, (outputs, reads, 3, 3), bits, True)
        net.add("Conv", kernel, kernel_shape=[3, 3], **how)
        size *= (1 << bits - 3 if bits > 2 else 0.5) * (9 * reads) ** 0.5
        net.batch_norm(outputs, spread=size)
        size = 1.0 if bits == 2 else size**0.5
        net.bipolar() if bits == 2 else net.quant(4.0, size / 4)
    net.add("Flatten", axis=1)
    net.add("Gemm", weights(net, (4, 54), bits, True), transB=1)
    return net.model()


def perceptron(bits, inputs, last=None, extreme=False, seed=0, signs=1) -> onnx.ModelProto:
    """12-8-4 with weights of `bits`; in `extreme` ones every weight is the least or greatest."""
    net = Builder((12,), seed, 1)
    quantised_input(net, inputs)
    for outputs, reads, width in ((8, 12, bits), (4, 8, last or bits)):
        end = 1 << width - 1
        net.add("Gemm", weights(net, (outputs, reads), width, extreme), transB=1)
        if outputs == 8:
            net.batch_norm(8, spread=float(end * 4))
            net.bipolar() if signs else net.quant(3.0, float(end))
    return net.model()


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("bits", (2, 3, 8))
def test_dense(bits, inputs):
    check_stages(perceptron(bits, inputs, extreme=bits == 8, seed=bits, signs=bits % 2), frames=64)


EXTREMES = [(2, "int8"), (2, "bipolar"), (8, "int8"), (8, "bipolar")]


def verified(model: onnx.ModelProto, folder: Path, target_cycles: int, also=()) -> dict:
    """The summary of 1,000 frames, all-least and all-greatest inputs among them."""
    onnx.save(model, folder / "net.onnx")
    x = random_integers(GoldenModel.from_onnx(model), 1000, 1)
    x[:2], x[2:4] = x.min(), x.max()
    x[4:40] = np.random.default_rng(2).choice([x.min(), x.max()], (36, *x.shape[1:]))
    np.save(folder / "x.npy", x)
    summary = verify(
        folder / "net.onnx", inputs=folder / "x.npy", target_cycles=target_cycles, also=also,
        out=folder / "out",
    )  # fmt: skip
    assert failed(summary) is None
    assert summary["frames"]["rtl"] == 1000
    assert not any(summary["mismatches"].values())
    return summary


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "inputs"), EXTREMES)
def test_1000_frames_of_extremes_in_rtl(bits, inputs, tmp_path):
    """At a folding that pauses."""
    gates = ["netlist"] if (bits, inputs) == (8, "int8") else []
    summary = verified(perceptron(bits, inputs, extreme=True), tmp_path, 24, gates)
    if gates:  # products in DSP blocks, simulated as such
        nodes = Description.load(tmp_path / "out" / "accelerator").nodes
        assert sum(node.parameters.get("MULTIPLY", 0) for node in nodes)
        assert summary["frames"]["netlist"]


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "inputs"), EXTREMES)
def test_1000_frames_of_extremes_through_convolutions(bits, inputs, tmp_path):
    """Zero padding too, whose border sums reach other ends."""
    verified(convolutions(bits, inputs), tmp_path, 500)


@pytest.mark.parametrize(("bits", "inputs"), [(2, "uint4"), (8, "bipolar")])
def test_zero_padded_convolution(bits, inputs):
    """Exact zeros around a map of -1 and +1: thresholds by position, of weights of any size."""
    net = Builder((2, 5, 5), 1, 1)
    net.bipolar() if inputs == "bipolar" else net.quant(4.0, 0.125, signed=0)
    for channels in (2, 4):
        net.conv(channels, 4, 3, pads=(1, 1, 1, 1), habit=f"int{bits}")
        net.batch_norm(4)
        net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(100, 3, f"int{bits}")
    check_stages(net.model(), frames=32)


def test_the_least_weight_may_be_negated():
    """A falling BatchNorm negates its channel's weights: -128 becomes 128."""
    model = perceptron(8, "uint4", extreme=True)
    graph = import_model(model).graph
    assert max(op.weights.max() for op in graph.ops if hasattr(op, "weights")) == 128
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 64, 1)
    assert np.array_equal(dataflow_scores(model, x), golden.scores(x))


@pytest.mark.parametrize("values", ([-2.0, 2.0], [-3.0, 0.0, 5.0], [1.0, 0.0], [0.0, 0.0]))
def test_integers_of_the_file_are_weights(values):
    """Without a quantiser, as FINN's own files have them."""
    net = Builder((6,), 0, 1)
    net.quant(4.0, 0.125, signed=0)
    net.add("Gemm", net.constant(net.rng.choice(values, (4, 6))), transB=1)
    check_stages(net.model(), frames=32)


def test_labels_are_those_of_the_real_scores():
    """Scores of a class have the parity of its own weights, not of the layer's largest."""
    for seed in range(40):
        net = Builder((5,), seed, 1)
        net.bipolar()
        at, net.at = net.at, net.constant(net.rng.integers(-2, 2, (3, 5)).astype(float))
        weights = net.quant(2.0, 1.0)
        net.at = at
        net.add("Gemm", weights, net.constant(np.round(net.rng.normal(0, 1, 3), 2)), transB=1)
        golden, head = GoldenModel.from_onnx(net.model()), import_model(net.model()).affine()
        x = np.array(list(itertools.product((-1, 1), repeat=5)))
        scores = golden.scores(x)
        found = np.argmax(scores * head.a + head.b, axis=1)
        assert np.array_equal(found, golden.labels(scores)), seed


def test_a_label_of_too_many_scores_is_refused():
    net = Builder((500,), 0, 1)
    net.quant(8.0, 0.125, signed=0)
    at, net.at = net.at, net.constant(np.full((10, 500), 127.0))
    weights = net.quant(8.0, 1.0)
    net.at = at
    net.add("Gemm", weights, net.constant(net.rng.normal(0, 1, 10)), transB=1)
    imported = import_model(net.model())
    with pytest.raises(Unsupported, match='proven on .* scores, over .*output_mode="scores"'):
        imported.affine()


def test_more_bits_are_refused():
    net = Builder((6,), 0, 1)
    net.quant(4.0, 0.125, signed=0)
    at, net.at = net.at, net.constant(np.full((3, 6), 200.0))
    weights = net.quant(8.0, 1.0, signed=0)
    net.at = at
    net.add("Gemm", weights, transB=1)
    with pytest.raises(Unsupported, match="from 200 to 200, over 8 signed bits; quantise them to"):
        import_model(net.model())


def test_no_hardwired_form(tmp_path):
    from hw_bnn.compile import compile_model

    onnx.save(perceptron(2, "bipolar"), tmp_path / "net.onnx")
    with pytest.raises(Unsupported, match="weights of the type INT. have no hard-wired form"):
        compile_model(tmp_path / "net.onnx", tmp_path / "out", hardwired="all")
    assert not (tmp_path / "out").exists()
