"""Networks that end in a quantiser: accelerator.json tells the scores' type, RTL follows it."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest

from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder

pytest.importorskip("finn")

from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model
from hw_bnn.golden import GoldenModel
from hw_bnn.simulation import simulate

MODES = ("scores", "label", "both")
ENDS = {  # name -> (bits, signed) of the last quantiser, the type of a score
    "bipolar": (1, 1, "BIPOLAR", (-1, 1)),
    "bit": (1, 0, "BINARY", (0, 1)),
    "uint4": (4, 0, "UINT4", (0, 15)),
    "int4": (4, 1, "INT4", (-8, 7)),
}


def dense(end: str, classes: int = 6, seed: int = 2, norm: bool = False) -> onnx.ModelProto:
    net = Builder((12,), seed, 1)
    net.quant(4, 1.0, signed=0)
    net.linear(12, classes)
    _end(net, end, norm, classes)
    return net.model()


def conv(end: str) -> onnx.ModelProto:
    net = Builder((3, 5, 5), 3, 1)
    net.quant(5, 1.0, signed=0)
    net.conv(3, 4, 5)
    _end(net, end, False, 4)
    net.add("Flatten", axis=1)
    return net.model()


def _end(net: Builder, end: str, norm: bool, classes: int) -> None:
    bits, signed, *_ = ENDS[end]
    if end == "bipolar":
        net.bipolar()
    else:
        net.quant(bits, 3.0, signed=signed)
    if norm:  # classes are compared by another order than the scores'
        for op, low in (("Mul", -2), ("Add", -1)):
            net.add(op, net.constant(net.rng.uniform(low, 2, (1, classes)).astype(np.float32)))


def compiled(model, folder, **options):
    onnx.save(model, folder / "network.onnx")
    options = {"fifo_sizing": "none", "check": False, "force": True, **options}
    return compile_model(folder / "network.onnx", folder / "accelerator", **options)


@pytest.mark.parametrize("end", ENDS)
def test_the_contract_says_what_a_score_is(end, tmp_path):
    *_, datatype, (low, high) = ENDS[end]
    output = Description.load(compiled(dense(end), tmp_path)).output
    assert (output.datatype, output.minimum, output.maximum) == (datatype, low, high)
    assert output.signed == (datatype == "INT4")


FEW = [  # (end, mode, classes, options) through Verilator; the others on demand
    ("bipolar", "both", 6, {}),
    ("uint4", "both", 6, {"target_cycles": 1000}),
    ("bipolar", "label", 6, {"hardwired": "all"}),
]
ALL = [
    (end, mode, classes, options)
    for end, mode, classes, options in itertools.product(
        ENDS, MODES, (1, 6), ({}, {"target_cycles": 1000}, {"hardwired": "all"})
    )
    if not (options.get("hardwired") and ENDS[end][0] > 1)
]


@pytest.mark.parametrize(
    ("end", "mode", "classes", "options"),
    [*FEW, *(pytest.param(*case, marks=pytest.mark.full) for case in ALL if case not in FEW)],
)
@pytest.mark.parametrize("norm", [False, True])
def test_scores_and_labels_in_rtl(end, mode, classes, options, norm, tmp_path):
    model = dense(end, classes, norm=norm)
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 24, 1)
    scores = golden.scores(x)
    labels = golden.labels(scores)
    assert len(np.unique(scores)) > 1
    assert classes == 1 or len(np.unique(labels)) > 1
    result = simulate(compiled(model, tmp_path, output_mode=mode, **options), x)
    if mode != "label":
        assert np.array_equal(result.scores, scores)
    if mode != "scores":
        assert np.array_equal(result.labels, labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    "end", [e if e == "bipolar" else pytest.param(e, marks=pytest.mark.full) for e in ENDS]
)
def test_scores_and_labels_by_cocotb(end, tmp_path):
    """The other engine, on frames with pauses."""
    model = dense(end)
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 12, 1)
    result = simulate(compiled(model, tmp_path), x, engine="cocotb", stall=0.4)
    scores = golden.scores(x)
    assert np.array_equal(result.scores, scores)
    assert np.array_equal(result.labels, golden.labels(scores))


@pytest.mark.full
@pytest.mark.parametrize("end", ENDS)
def test_convolution_ends_in_rtl(end, tmp_path):
    model = conv(end)
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 24, 1)
    result = simulate(compiled(model, tmp_path), x)
    assert np.array_equal(result.scores, golden.scores(x))
    assert np.array_equal(result.labels, golden.labels(golden.scores(x)))
