"""Depthwise and grouped convolutions of any number of groups: all stages equal, at any folding."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

import hw_bnn as hb
from hw_bnn.accelerator import Description
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.outline import op_of, outline
from hw_bnn.compile.search import FoldingSearch
from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.report.thresholds import read_thresholds
from tests.compile.compile_stages import check_rtl, check_stages
from tests.compile.integer_execution import integer_scores
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder, shape_of

BITS = {"bipolar": None, "int4": 4, "int8": 8}
"""Weights of a network -> bits of its activations, unsigned; None for signs."""


def quantise(net: Builder, bits: int | None, spread: float) -> None:
    if bits is None:
        net.bipolar()
    else:
        net.quant(float(bits), spread / (1 << bits - 1), signed=0)


def mobile(habit: str, size: int = 8, channels=(16, 32, 32)) -> onnx.ModelProto:
    """3 maps of 8 bits, a convolution, blocks of depthwise 3x3 and pointwise layers, a mean."""
    net = Builder((3, size, size), 3, 1)
    net.quant(8.0, 1 / 128)
    net.conv(3, channels[0], 3, pads=(1, 1, 1, 1), habit=habit)
    net.batch_norm(channels[0], 1.0)
    quantise(net, BITS[habit], 2.0)
    for i, (before, after) in enumerate(zip(channels, channels[1:], strict=False)):
        net.conv(before, before, 3, 1 + i % 2, (1, 1, 1, 1), habit=habit, group=before)
        net.batch_norm(before, 3.0)
        quantise(net, BITS[habit], 2.0)
        net.conv(before, after, 1, habit=habit)
        net.batch_norm(after, 3.0)
        quantise(net, BITS[habit], 2.0)
    if BITS[habit] is not None:
        net.add("GlobalAveragePool")
        quantise(net, BITS[habit], 2.0)
    net.add("Flatten", axis=1)
    net.linear(int(np.prod(shape_of(net)[1:])), 5, habit)
    return net.model()


def one(
    channels, outputs, groups, habit="bipolar", bits=4, last=4, size=6, **how
) -> onnx.ModelProto:
    """A convolution of groups between two quantisers, a dense layer."""
    net = Builder((channels, size, size), 2, 1)
    quantise(net, bits, 2.0)
    net.conv(channels, outputs, habit=habit, group=groups, **how)
    net.batch_norm(outputs, 3.0)
    quantise(net, last, 4.0)
    size = int(np.prod(shape_of(net)[1:]))
    net.add("Flatten", axis=1)
    net.linear(size, 3)
    return net.model()


@pytest.mark.parametrize("habit", ["bipolar", "int8"])
def test_blocks(habit):
    model = mobile(habit)
    check_stages(model, frames=4, divisor=16)
    graph = import_model(model).graph
    assert [op.groups for op in graph.ops if hasattr(op, "groups")] == [1, 16, 1, 32, 1, 1]


def test_a_block_in_rtl(tmp_path):
    """Paused, and at the full rate with FIFOs of the least size."""
    model = mobile("bipolar", 6, (16, 24))
    folder = check_rtl(model, tmp_path, rate=8, fifo_sizing="simulation", target_cycles=1296)
    (node,) = (n for n in Description.load(folder).nodes if n.kernel == "vvau")
    assert node.mh == 16 and node.pe < 16 and node.cycles <= 1296
    assert read_thresholds(folder)[node.name].shape == (16, 1)
    assert "neurons that never change" in hb.report(folder).read_text()


@pytest.mark.full
@pytest.mark.parametrize("habit", BITS)
def test_blocks_in_rtl(habit, tmp_path):
    folder = check_rtl(
        mobile(habit), tmp_path, rate=8, fifo_sizing="simulation", target_cycles=1152
    )
    nodes = [n for n in Description.load(folder).nodes if n.kernel == "vvau"]
    assert [n.mh for n in nodes] == [16, 32] and all(n.cycles <= 1152 for n in nodes)


@pytest.mark.full
@pytest.mark.parametrize("habit", BITS)
@pytest.mark.parametrize("target", (None, 300, 4000))
def test_blocks_by_verify(habit, target, tmp_path):
    onnx.save(mobile(habit), tmp_path / "network.onnx")
    summary = hb.verify(tmp_path / "network.onnx", frames=40, target_cycles=target, also=["hls"])
    assert not any(summary["mismatches"].values()), summary["mismatches"]


GROUPED = {
    "a channel multiplier": (6, 18, 6, {"habit": "int4"}),
    "of bits, zero padding": (12, 12, 12, {"bits": None, "pads": (1, 1, 1, 1)}),
    "of bits, padded, to a requantiser": (9, 9, 9, {"bits": None, "pads": (1,) * 4, "last": 8}),
    "of bits by integers": (9, 9, 9, {"bits": None, "habit": "int8", "stride": 2}),
    "to bits": (10, 10, 10, {"last": None, "pads": (1, 0, 0, 1), "dilation": 2}),
    "to a requantiser": (10, 10, 10, {"last": 8, "habit": "int8"}),
    "of one pixel": (10, 20, 10, {"kernel": 1, "habit": "two-bit", "bias": True}),
    "of one pixel, strided": (10, 10, 10, {"kernel": 1, "stride": 2}),
    "two maps a group": (20, 30, 10, {"habit": "per channel", "pads": (1, 1, 1, 1)}),
}


@pytest.mark.parametrize("name", GROUPED)
def test_groups(name):
    channels, outputs, groups, how = GROUPED[name]
    model = one(channels, outputs, groups, **how)
    check_stages(model, frames=4, divisor=8)


FOLDINGS = {
    "one lane": {},
    "some channels": {"PE": 16},
    "all channels": {"PE": 64},
    "rows of taps": {"PE": 64, "SIMD": 3},
    "a vector a cycle": {"PE": 64, "SIMD": 9},
}
IN_CI = "some channels"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.full) if n != IN_CI else n for n in FOLDINGS]
)
def test_many_channels_in_rtl(name, tmp_path):
    """64 channels; FINN's name for the layer."""
    model = one(64, 64, 64, "int4" if name == IN_CI else "bipolar", last=None, pads=(1, 1, 1, 1))
    folder = check_rtl(model, tmp_path, frames=3, folding={"VVAU_0": FOLDINGS[name]})
    nodes = {n.kernel: n for n in Description.load(folder).nodes}
    (pe, simd) = (FOLDINGS[name].get(k, 1) for k in ("PE", "SIMD"))
    assert (nodes["vvau"].pe, nodes["vvau"].simd) == (pe, simd)
    assert nodes["parallel_window" if simd > 1 else "window"].simd == pe * simd
    assert nodes["vvau"].cycles == 36 * 64 * 9 // (pe * simd)


def test_whole_windows_in_rtl(tmp_path):
    """Several taps at once, of two channels a channel."""
    model = one(6, 12, 6, "int3", last=None, stride=2)
    check_rtl(model, tmp_path, frames=3, rate=12, target_cycles=40, fifo_sizing="simulation")


@pytest.mark.full
@pytest.mark.parametrize("habit", BITS)
def test_mobilenets_widths(habit, tmp_path):
    """512 channels, as the widest part of MobileNet has them."""
    model = one(512, 512, 512, habit, size=4, pads=(1, 1, 1, 1))
    check_rtl(model, tmp_path, frames=2, target_cycles=2304)


@pytest.mark.full
def test_the_widest_layer_is_imported_as_it_stands():
    """1,024 channels: the integer graph against golden, and no matrix of channels by channels."""
    model = one(1024, 1024, 1024, "int8", size=3, pads=(1, 1, 1, 1))
    imported, golden = import_model(model), hb.GoldenModel.from_onnx(model)
    x = random_integers(golden, 2, 1)
    assert np.array_equal(integer_scores(imported.graph, x), golden.scores(x))
    assert max(op.weights.size for op in imported.graph.ops if hasattr(op, "groups")) == 3 * 9216


def test_the_search_gives_windows_their_layer_folding():
    """Words agree at every rate: the order of a grouped layer's windows is its folding's."""
    search = FoldingSearch(outline(import_model(one(24, 48, 12)), "both"), op_of=op_of)
    seen = set()
    for target in sorted({int(c) for t in search.tables for c in t.cycles}):
        if target < search.fastest():
            continue
        plan = search.plan(target)
        chosen = {t.op.kernel: t.choices[r] for t, r in zip(search.tables, plan.rows, strict=True)}
        layer = chosen["vvau"]
        window = next(c for kernel, c in chosen.items() if "window" in kernel)
        assert window["SIMD"] == layer["SIMD"] * layer["PE"] // 4
        assert layer["SIMD"] == 2 or layer["PE"] == 48
        seen.add((layer["PE"], layer["SIMD"]))
    assert len(seen) > 4


@pytest.mark.parametrize(
    ("folding", "match"),
    [
        ({"VVAU_0": {"PE": 4, "SIMD": 3}}, "several taps.*use PE = 16, or SIMD = 1"),
        ({"VVAU_0": {"PE": 3}}, "PE = 3 does not divide 16"),
        ({"VVAU_0": {"PE": 4}, "SlidingWindow_0": {"SIMD": 2}}, "its windows follow"),
        ({"VVAU_0": {"MMV": 2}}, "it has no MMV"),
    ],
)
def test_refused_foldings(folding, match, tmp_path):
    onnx.save(one(16, 16, 16), tmp_path / "network.onnx")
    with pytest.raises(BadInput, match=match):
        hb.compile(tmp_path / "network.onnx", tmp_path / "out", folding=folding, check=False)
    assert not (tmp_path / "out").exists()


def test_constants_are_refused_by_name_and_left_out(tmp_path):
    onnx.save(one(16, 16, 16, bits=None, last=None), tmp_path / "network.onnx")
    with pytest.raises(Unsupported, match="a depthwise or grouped layer has no hard-wired form"):
        hb.compile(tmp_path / "network.onnx", tmp_path / "out", hardwired="all", check=False)


@pytest.mark.full
@pytest.mark.parametrize("options", [{"contexts": 2}, {"memory": "ultra", "board": "zcu104"}])
def test_weights_that_are_loaded(tmp_path, options):
    net = Builder((16, 6, 6), 2, 1)
    net.quant(4.0, 0.25, signed=0)
    net.conv(16, 16, pads=(1, 1, 1, 1), habit="int4", group=16)
    net.batch_norm(16, 3.0)
    net.quant(2.0, 2.0, signed=0)
    net.conv(16, 8, 1, group=2)
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(288, 3)
    onnx.save(net.model(), tmp_path / "network.onnx")
    summary = hb.verify(
        tmp_path / "network.onnx", frames=40, target_cycles=2000, runtime_weights=True, **options
    )
    assert not any(summary["mismatches"].values()), summary["mismatches"]
