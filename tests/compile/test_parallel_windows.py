"""Windows of several pixels a word: the search is never worse for them, and what it builds is exact
and as fast as it says."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn.accelerator import Description
from hw_bnn.compile.boards import BOARDS, budget, too_large
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.ops.folds import divisors
from hw_bnn.compile.ops.maps import SlidingWindow_rtl
from hw_bnn.compile.outline import op_of, outline
from hw_bnn.compile.search import FoldingSearch
from hw_bnn.frames import load_frames
from hw_bnn.golden import GoldenModel
from tests.compile.compile_stages import RATE, check_rtl
from tests.networks.qonnx_networks import Builder, random_cnn, random_resnet
from tests.test_published_models import published  # noqa: F401  a fixture


def strided() -> onnx.ModelProto:
    """Pixels of 5 bits, padding, a pool, and a second convolution by steps of two."""
    net = Builder((2, 9, 9), 0, 1)
    net.quant(5.0, 1.0)
    net.conv(2, 6, 3, pads=(1, 1, 1, 1))
    net.bipolar()
    net.add("MaxPool", kernel_shape=[2, 2], strides=[1, 1])
    net.conv(6, 4, 2, stride=2)
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(64, 3)
    return net.model()


NETWORKS = {
    "strided": strided,
    "windows and pools": lambda: random_cnn(7, batch=1),
    "forks and sums": lambda: random_resnet(3, batch=1),
}


def searches(model: onnx.ModelProto, monkeypatch, **types) -> tuple[FoldingSearch, FoldingSearch]:
    """A network's search with all windows, and with those of at most a pixel a word."""
    graph = outline(import_model(model, **types), "both")
    new = FoldingSearch(graph, op_of=op_of)
    with monkeypatch.context() as patched:
        patched.setattr(
            SlidingWindow_rtl,
            "folds",
            lambda op, _attribute: divisors(op.get_nodeattr("NumChannels")),
        )
        old = FoldingSearch(graph, op_of=op_of)
    return new, old


def never_worse(new: FoldingSearch, old: FoldingSearch, targets: int, boards) -> bool:
    """At no target dearer, on no board slower; whether at one cheaper."""
    first, last = old.fastest(), old.slowest().cycles
    costs = []
    for target in np.unique(np.geomspace(first, last, targets).round().astype(int)):
        costs.append((new.worth(new.plan(int(target))), old.worth(old.plan(int(target)))))
    print(*(f"{a:.0f}/{b:.0f}" for a, b in costs))
    assert all(a <= b for a, b in costs), costs
    assert new.fastest() <= first
    for name in boards:
        found = [s.of_board(name).best(budget(name)) for s in (new, old)]
        if found[1] is not None:
            assert found[0] is not None and found[0].cycles <= found[1].cycles, name
    return any(a < b for a, b in costs)


@pytest.mark.parametrize("name", NETWORKS)
def test_never_worse(name, monkeypatch):
    assert never_worse(*searches(NETWORKS[name](), monkeypatch), 8, ["pynq-z1"])


@pytest.mark.full
@pytest.mark.parametrize("seed", range(6))
def test_never_worse_on_many(seed, monkeypatch):
    never_worse(*searches(random_cnn(20 + seed, batch=1), monkeypatch), 40, BOARDS)


@pytest.mark.full
def test_cnv_on_every_board(published, monkeypatch):  # noqa: F811
    """And within a PYNQ-Z1 a frame every 2,500 cycles."""
    model = onnx.load(published("bnnpynq_cnv_w1a1"))
    new, old = searches(model, monkeypatch, input_datatype="UINT8", input_scale="1/255")
    never_worse(new, old, 40, BOARDS)
    assert new.best(budget("pynq-z1")).cycles <= 2500 < old.best(budget("pynq-z1")).cycles


CONSTANTS = {"part": "xc7z020clg400-1", "hardwired": "auto", "target_cycles": 1500}
"""As fast as the part holds, beyond what a search fills of a board that is named."""


@pytest.mark.full
@pytest.mark.cifar10
@pytest.mark.parametrize(("options", "most"), [({"board": "pynq-z1"}, 2500), (CONSTANTS, 1500)])
def test_cnv_on_cifar10_on_a_zynq_7020(published, tmp_path, options, most):  # noqa: F811
    """256 images, exact; the rate is the simulation's, the size the estimate."""
    types = {"input_datatype": "UINT8", "input_scale": "1/255"}
    model = published("bnnpynq_cnv_w1a1")
    made = hb.compile(model, tmp_path / "out", check=False, **options, **types)
    assert too_large(made.description, "pynq-z1") is None
    golden = GoldenModel.from_onnx(model, **types)
    x = load_frames(golden, dataset="cifar10", scale="unit", limit=256).x
    result = hb.simulate(made.folder, x)
    assert np.array_equal(result.scores, golden.scores(x))
    assert result.cycles_per_frame <= RATE * made.description.bound_cycles <= most


@pytest.mark.slow
def test_rtl_is_exact_and_as_fast(tmp_path):
    folder = check_rtl(strided(), tmp_path, target_cycles=130, rate=24)
    nodes = [n for n in Description.load(folder).nodes if n.op == "SlidingWindow_rtl"]
    assert [n.kernel for n in nodes] == ["parallel_window"] * 2
    assert {n.simd for n in nodes} == {18, 24}
