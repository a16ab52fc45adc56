"""Layers that work on several output pixels at once (MMV), which share each weight word: exact, as
fast as they say, chosen where they are cheaper, refused where there is no such form."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn.accelerator import Description
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.ops.mvau import FoldedMVAU
from hw_bnn.compile.outline import op_of, outline
from hw_bnn.compile.search import FoldingSearch
from hw_bnn.errors import BadInput, Unsupported
from tests.compile.compile_stages import check_rtl
from tests.compile.test_parallel_windows import never_worse
from tests.networks.qonnx_networks import Builder, random_cnn


def two_convolutions(pads=(0, 0, 0, 0)) -> onnx.ModelProto:
    """Pixels of 5 bits, a convolution of 8 x 8 windows; bits, one by steps of two of 4 x 4."""
    net = Builder((2, 10, 10), 0, 1)
    net.quant(5.0, 1.0)
    net.conv(2, 6, 3)
    net.bipolar()
    net.conv(6, 4, 2, stride=2, pads=pads)
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(64 if not any(pads) else 100, 3)
    return net.model()


FOLDING = {
    "MVAU_0": {"PE": 1, "SIMD": 18, "MMV": 4},
    "MVAU_1": {"PE": 4, "SIMD": 24, "MMV": 4},  # a word of weights for more pixels than rounds
    "MVAU_2": {"PE": 3, "SIMD": 4},
}


@pytest.mark.slow
def test_rtl_is_exact_and_as_fast(tmp_path):
    options = {"folding": FOLDING, "fifo_sizing": "simulation", "check": True}
    folder = check_rtl(two_convolutions(), tmp_path, rate=24, **options)
    nodes = {n.name: n for n in Description.load(folder).nodes}
    assert nodes["IntMVAU_rtl_0"].parameters["MMV"] == 4 and nodes["IntMVAU_rtl_0"].cycles == 96
    assert nodes["XnorMVAU_rtl_0"].parameters["MMV"] == 4 and nodes["XnorMVAU_rtl_0"].cycles == 16
    assert Description.load(folder).bound_cycles == 100  # the first window's pixels
    with pytest.raises(Unsupported, match="the HLS twin of int_mvau has no parameter MMV"):
        hb.hls(folder)


def searches(model, monkeypatch, **types) -> tuple[FoldingSearch, FoldingSearch]:
    """A network's search with MMV, and without."""
    imported = import_model(model, **types)
    new = FoldingSearch(outline(imported, "both"), op_of=op_of)
    with monkeypatch.context() as patched:
        patched.setattr(FoldedMVAU, "shares", property(lambda op: False))
        for kind in FoldedMVAU.__subclasses__():
            if "shares" in vars(kind):
                patched.setattr(kind, "shares", False)
        old = FoldingSearch(outline(imported, "both"), op_of=op_of)
    return new, old


def test_never_worse(monkeypatch):
    never_worse(*searches(random_cnn(7, batch=1), monkeypatch), 8, ["pynq-z1"])


def test_chosen_where_a_weight_word_is_dear(monkeypatch, tmp_path):
    """64 x 64 channels: at eight pixels' time a weight word is wide, and shared by MMV narrow."""
    net = Builder((64, 6, 10), 0, 1)
    net.bipolar()
    net.conv(64, 64, 3)
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(64 * 32, 4)
    new, old = searches(net.model(), monkeypatch)
    plan, before = new.plan(300), old.plan(300)
    assert new.worth(plan) < 0.9 * old.worth(before)
    chosen = [t.choices[r] for t, r in zip(new.tables, plan.rows, strict=True)]
    window, layer = (next(c for c in chosen if c.get("MMV", 1) > 1 and ("PE" in c) == has)
                     for has in (False, True))  # fmt: skip
    assert window["MMV"] == layer["MMV"] and window["SIMD"] == layer["SIMD"] == 576


@pytest.mark.parametrize(
    ("folding", "match"),
    [
        ({"MVAU_0": {"PE": 2, "SIMD": 6, "MMV": 2}}, "needs whole windows.*use SIMD = 18"),
        ({"MVAU_0": {"SIMD": 18, "MMV": 3}}, "MMV = 3 does not divide 8"),
        ({"MVAU_2": {"PE": 1, "MMV": 2}}, "it has no MMV"),
        ({"MVAU_0": {"SIMD": 18, "MMV": 2}, "SlidingWindow_0": {"MMV": 4}}, "its windows follow"),
        ({"SlidingWindow_0": {"MMV": 4}}, "its windows follow"),
    ],
)
def test_refused_foldings(tmp_path, folding, match):
    onnx.save(two_convolutions(), tmp_path / "network.onnx")
    with pytest.raises(BadInput, match=match):
        hb.compile(tmp_path / "network.onnx", tmp_path / "out", folding=folding, check=False)
    assert not (tmp_path / "out").exists()


def test_pixels_of_several_threshold_sets_have_no_such_form():
    """Exact zeros around a map of bits: thresholds differ by position."""
    graph = outline(import_model(two_convolutions(pads=(1, 1, 1, 1))), "both")
    ops = [op_of(node) for node in graph.graph.node if node.op_type.endswith("MVAU_rtl")]
    assert [len(op.groups()) > 1 for op in ops] == [True, False, False]


@pytest.mark.full
@pytest.mark.parametrize("seed", range(4))
def test_never_worse_on_many(seed, monkeypatch):
    never_worse(*searches(random_cnn(40 + seed, batch=1), monkeypatch), 25, ["pynq-z1", "kv260"])


@pytest.mark.full
@pytest.mark.parametrize("options", [{"contexts": 2}, {}])
def test_weights_that_are_loaded(tmp_path, options):
    onnx.save(two_convolutions(), tmp_path / "network.onnx")
    summary = hb.verify(
        tmp_path / "network.onnx", frames=40, folding=FOLDING, runtime_weights=True, **options
    )
    assert not any(summary["mismatches"].values()), summary["mismatches"]
    assert np.sum(list(summary["frames"].values())) >= 5 * 40
