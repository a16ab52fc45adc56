"""The folding search: exact sums, never worse than SetFolding, within a board, and explained."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from hw_bnn.errors import BadInput
from tests.compile.compile_stages import PART
from tests.networks.qonnx_networks import Builder

pytest.importorskip("finn")

from hw_bnn.compile import boards
from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.min_sum import cheapest
from hw_bnn.compile.search import FoldingSearch


def test_the_cheapest_choice_is_that_of_all():
    rng = np.random.default_rng(0)
    for _ in range(100):
        sizes = rng.integers(1, 5, rng.integers(1, 6))
        own = [rng.integers(0, 50, n).astype(float) for n in sizes]
        pairs = [p for p in itertools.permutations(range(len(sizes)), 2) if rng.random() < 0.3]
        joint = {(i, j): rng.integers(0, 50, (sizes[i], sizes[j])).astype(float) for i, j in pairs}

        def total(chosen, own=own, joint=joint):
            return sum(costs[c] for costs, c in zip(own, chosen, strict=True)) + sum(
                costs[chosen[i], chosen[j]] for (i, j), costs in joint.items()
            )

        assert total(cheapest(own, joint)) == min(map(total, itertools.product(*map(range, sizes))))


@pytest.fixture(scope="module")
def network():
    net = Builder((2, 8, 8), 0, 1)
    net.bipolar()
    net.conv(2, 8, 3)
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(288, 12)
    net.bipolar()
    net.linear(12, 5)
    return net.model()


def build(network, target=None, **options):
    return build_dataflow(
        network,
        import_model(network),
        part=PART,
        target=target,
        mode="both",
        check=False,
        log=None,
        **{"folding": None, **options},
    )


def test_products_go_to_luts_where_dsp_blocks_run_out(monkeypatch):
    """8-bit layers at 16 cycles: 220 DSP blocks if all multiply there, of a PYNQ-Z1's 209."""
    net = Builder((64,), 0, 1)
    net.quant(8.0, 1.0)
    for outputs, inputs in ((32, 64), (32, 32), (10, 32)):
        at, values = net.at, net.rng.integers(-128, 128, (outputs, inputs)).astype(float)
        net.at = net.constant(values)
        weights = net.quant(8.0, 1.0)
        net.at = at
        net.add("Gemm", weights, transB=1)
        if outputs == 32:
            net.batch_norm(32, 5000.0)
            net.quant(8.0, 300.0)
    made, start = [], FoldingSearch.__init__
    monkeypatch.setattr(
        FoldingSearch, "__init__", lambda self, *a, **k: made.append(self) or start(self, *a, **k)
    )
    build(net.model(), target=64)
    search, room = made[0], boards.budget("pynq-z1")
    assert search.plan(16).excess(room).keys() == {"dsp"}
    plan = search.fit(16, room)
    assert plan is not None and not plan.excess(room) and plan.dsp > 0


@pytest.fixture
def tiny(monkeypatch):
    """Boards by their LUTs."""

    def add(luts, brams=100):
        monkeypatch.setitem(boards.BOARDS, "tiny", boards.Board("xc7tiny", luts, 10**6, brams, 100))
        return "tiny"

    return add


def test_luts_fall_with_the_rate(network):
    costs = [build(network, t, memory="lut").why["total"]["lut"] for t in (324, 1000, 4000, 20000)]
    assert costs == sorted(costs, reverse=True) and costs[0] > costs[-1]


def test_never_worse_than_setfolding(network):
    finn = build(network, 1000, folding="finn", memory="lut").why
    ours = build(network, finn["bound_cycles"], memory="lut").why
    assert ours["bound_cycles"] <= finn["bound_cycles"]
    assert ours["total"]["lut"] <= finn["total"]["lut"]


def test_the_report_says_what_bounds_the_rate(network):
    why = build(network, 2000).why
    slowest = max(why["layers"], key=lambda row: row["cycles"])
    assert why["bottleneck"]["cycles"] == why["bound_cycles"] == slowest["cycles"] <= 2000
    assert why["bottleneck"]["node"] in {
        r["node"] for r in why["layers"] if r["cycles"] == slowest["cycles"]
    }
    assert "cycles a frame; the next faster folding (" in why["bottleneck"]["why"]
    json.dumps(why)
    fastest = build(network, 64).why["bottleneck"]
    assert fastest["cycles"] == 64 and "no folding is faster" in fastest["why"]


def test_a_board_gets_the_best_rate_that_fits(network, tiny):
    whys = [build(network, board=tiny(luts)).why for luts in (320, 340, 1_000_000)]
    cycles = [why["bound_cycles"] for why in whys]
    assert cycles == sorted(cycles, reverse=True) and cycles[0] > cycles[-1] == 64
    for why, luts in zip(whys, (320, 340, 1_000_000), strict=True):
        assert why["total"]["lut"] <= boards.SHARE["lut"] * luts
    with pytest.raises(BadInput, match="does not fit tiny"):  # the next rate would not have
        build(network, cycles[1] - 1, board=tiny(340))


def test_block_rams_are_what_the_board_has(network, tiny):
    free = build(network, 5000, board=tiny(4000)).why["total"]
    none = build(network, 5000, board=tiny(4000, 0)).why["total"]
    assert free["bram"] > 0 == none["bram"] and free["lut"] < none["lut"]


def test_a_board_that_is_too_small_is_told(network, tiny):
    with pytest.raises(
        BadInput,
        match=r"even fully folded it does not fit tiny: about \d+ LUTs are \d+ more than "
        r"the 80 it may fill, \d+ of them for \w+; use a larger board",
    ):
        build(network, board=tiny(100))
    with pytest.raises(
        BadInput,
        match=r"64 cycles a frame does not fit tiny: .*; use target_cycles=(\d+) or more",
    ):
        build(network, 64, board=tiny(340))


def test_a_given_folding_that_is_too_large_is_told(network, tiny, tmp_path):
    from hw_bnn.compile import compile_model

    (tmp_path / "net.onnx").write_bytes(network.SerializeToString())
    (tmp_path / "folding.json").write_text('{"XnorMVAU_rtl_1": {"PE": 12, "SIMD": 288}}')
    with pytest.raises(
        BadInput,
        match=r"does not fit: about ([\d,]+) LUTs are [\d,]+ more than the 500 of tiny, "
        r"[\d,]+ of them for XnorMVAU_rtl_1; use a lower target, or a larger",
    ):
        compile_model(
            tmp_path / "net.onnx",
            tmp_path / "out",
            board=tiny(500),
            check=False,
            fifo_sizing="none",
            folding=tmp_path / "folding.json",
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folding.json", "net.onnx"]


@pytest.mark.slow
def test_what_fifos_take_is_left_free(tiny, tmp_path, monkeypatch):
    """The best rate by the search alone, whose FIFOs do not fit beside it, is not the answer."""
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model
    from tests.compile.test_fifo_analysis import lagging

    model, out = tmp_path / "net.onnx", tmp_path / "out"
    model.write_bytes(lagging(64, 64).SerializeToString())
    options = {"check": False, "force": True}
    compile_model(model, out, board=tiny(4000, 0), **options)
    fastest = Description.load(out)
    planned = json.loads((out / "reports" / "folding.json").read_text())["total"]["lut"]
    assert fastest.resources.lut > planned + 20
    monkeypatch.setitem(boards.SHARE, "lut", 1.0)
    room, steps = planned + 10, []
    compile_model(model, out, board=tiny(room, 0), progress=steps.append, **options)
    assert "folding again, with room for FIFOs" in steps
    fitting = Description.load(out)
    assert fitting.resources.lut <= room and fitting.bound_cycles > fastest.bound_cycles
    with pytest.raises(BadInput, match="does not fit tiny"):
        compile_model(
            model, out, board=tiny(room, 0), target_cycles=fastest.bound_cycles, **options
        )
    assert Description.load(out) == fitting


@pytest.mark.parametrize("memory", ["lut", "block"])
def test_weights_stand_where_they_are_told(network, memory):
    why = build(network, 2000, memory=memory).why
    styles = {row["ram_style"] for row in why["layers"] if "ram_style_thresholds" in row}
    assert styles == {"distributed" if memory == "lut" else "block"}
    assert (why["total"]["bram"] == 0) == (memory == "lut")


def test_nothing_is_written_for_a_board_that_is_too_small(network, tiny, tmp_path):
    from hw_bnn.compile import compile_model

    (tmp_path / "net.onnx").write_bytes(network.SerializeToString())
    with pytest.raises(BadInput, match="does not fit tiny") as error:
        compile_model(tmp_path / "net.onnx", tmp_path / "out", board=tiny(100), check=False)
    assert error.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_the_accelerator_tells_its_estimate(network, tmp_path):
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model

    (tmp_path / "net.onnx").write_bytes(network.SerializeToString())
    folder = compile_model(
        tmp_path / "net.onnx",
        tmp_path / "out",
        target_cycles=2000,
        memory="block",
        check=False,
        fifo_sizing="none",
    )
    accelerator = Description.load(folder)
    for kind in ("lut", "ff", "bram"):
        parts = [getattr(node.resources, kind) for node in accelerator.nodes]
        assert getattr(accelerator.resources, kind) == sum(parts) > 0
    assert (
        json.loads((folder / "reports" / "folding.json").read_text())["bound_cycles"]
        == accelerator.bound_cycles
    )
    wrapper = (folder / "rtl" / "net_XnorMVAU_rtl_0.v").read_text()
    assert '.WEIGHTS_STYLE("block")' in wrapper
