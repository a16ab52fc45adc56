"""`hw-bnn estimate`: the same kernels, costs and search as `compile`, without FINN."""

import itertools
import json
import subprocess
import sys

import onnx
import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.compile.boards import BOARDS, Budget
from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.estimate import planned
from hw_bnn.options import TargetOptions

from .networks.qonnx_networks import random_cnn, random_resnet
from .networks.small_onnx import float_network, perceptron
from .networks.support_channels import flat_maps
from .test_published_models import EXACT, published  # noqa: F401  a fixture


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(perceptron((64, 32, 10)), path)
    return path


def found_by_compile(path, **options) -> dict:
    """The folding that FINN's steps and the search lead to, as compile's folding.json has it."""
    from hw_bnn.compile.dataflow import build_dataflow
    from hw_bnn.compile.frontend import import_model
    from hw_bnn.onnxfile import load_onnx

    proto = load_onnx(path)
    graph = build_dataflow(
        proto, import_model(proto), part="xc7z020clg400-1", folding=None, mode="both", check=False,
        log=None, **options,
    )  # fmt: skip
    return json.loads(json.dumps(graph.why))


NETWORKS = {
    "dense": (perceptron((64, 32, 10)), {"target": 64}),
    "windows and pools": (random_cnn(7, batch=1), {"target": None}),
    "forks and sums": (random_resnet(3, batch=1), {"target": None, "board": "pynq-z1"}),
    "converters on some branches": (flat_maps(("3x2", "2x1", "dense", "3x2")), {"target": None}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_it_says_what_compile_finds(name, tmp_path):
    proto, options = NETWORKS[name]
    onnx.save(proto, tmp_path / "net.onnx")
    asked = TargetOptions(target_cycles=options["target"], board=options.get("board"))
    said = json.loads(json.dumps(planned(tmp_path / "net.onnx", asked)[2]))
    assert said == found_by_compile(tmp_path / "net.onnx", **options)


@pytest.mark.full
@pytest.mark.parametrize("name", EXACT)
def test_published_networks_within_a_fifth(name, published, tmp_path):  # noqa: F811
    """Of what compile says in the end, FIFOs included; without FIFOs they are equal."""
    options = {}
    if name == "bnnpynq_cnv_w1a1":
        options = {"input_datatype": "UINT8", "input_scale": "1/255"}
    made = hb.compile(published(name), tmp_path / "out", check=False, **options)
    said = hb.estimate(published(name), **options)
    found = json.loads((made.folder / "reports" / "folding.json").read_text())
    assert json.loads(json.dumps(said["layers"])) == found["layers"]
    assert said["cycles_per_frame"] == made.description.bound_cycles
    assert said["total"]["lut"] == pytest.approx(made.estimate["lut"], rel=0.2)


def test_nothing_heavy_is_imported(model):
    """In a process of its own; seconds are not asserted."""
    code = (
        f"import sys, hw_bnn as hb; hb.estimate({str(model)!r})\n"
        "print(sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split("'"))
    assert not imported & {"torch", "finn", "brevitas", "onnxruntime", "scipy", "cocotb", "rich"}


def test_faster_targets_cost_more_and_boards_hold_what_they_hold(model):
    told = hb.estimate(model)
    rows = told["targets"]
    assert len(rows) >= 5
    for slow, fast in zip(rows, rows[1:], strict=False):
        assert fast["cycles_per_frame"] < slow["cycles_per_frame"]
        assert set(fast["boards"]) <= set(slow["boards"])
    assert rows[-1]["cycles_per_frame"] == 1
    assert rows[-1]["lut"] > 3 * rows[0]["lut"]
    assert list(told["boards"]) == list(BOARDS)
    for name, best in told["boards"].items():
        alone = hb.estimate(model, board=name)
        assert best["cycles_per_frame"] == alone["cycles_per_frame"]
        assert best["share"]["lut"] <= 0.8


def test_a_target_and_a_board(model):
    told = hb.estimate(model, target_cycles=64, board="pynq-z2", clk_period_ns=5)
    assert told["cycles_per_frame"] <= 64
    assert told["frames_per_second"] == pytest.approx(1e9 / 5 / told["cycles_per_frame"], abs=0.1)
    with pytest.raises(BadInput, match="both target_fps= and target_cycles="):
        hb.estimate(model, target_cycles=64, target_fps=1000)
    with pytest.raises(BadInput, match="there is no board 'pynq'"):
        hb.estimate(model, board="pynq")
    with pytest.raises(BadInput, match="there is no memory 'bram'"):
        hb.estimate(model, memory="bram")
    with pytest.raises(BadInput, match="the clock period is 1e-300 ns; use one of 0.001 to"):
        hb.estimate(model, clk_period_ns=1e-300)


@pytest.mark.parametrize("blocks", [(0, 0), (0.5, 0), (0, 1), (1, 2), (20, 20)])
def test_weights_in_ultraram_are_packed_at_the_fewest_luts(model, blocks):
    """As found by trying every memory of every layer."""
    search, plan, _ = planned(model, TargetOptions(memory="ultra", target_cycles=128))
    room = Budget(lut=1e6, ff=1e6, bram=blocks[0], dsp=0, uram=blocks[1])
    columns = search._packed(plan.rows, room, search.prices)
    assert columns is not None

    def cost(chosen) -> tuple[float, float, float]:
        each = list(zip(search.tables, plan.rows, chosen, strict=True))
        return tuple(sum(getattr(t, k)[r, c] for t, r, c in each) for k in ("lut", "bram", "uram"))

    everything = itertools.product(*(range(len(table.variants)) for table in search.tables))
    fitting = [c for c in map(cost, everything) if c[1] <= blocks[0] and c[2] <= blocks[1]]
    lut, bram, uram = cost(columns)
    assert bram <= blocks[0] and uram <= blocks[1] and lut == min(c[0] for c in fitting)
    styles = [t.variants[c].get("ram_style") for t, c in zip(search.tables, columns, strict=True)]
    assert styles.count("ultra") == uram


def test_ultraram_is_of_boards_that_have_it_and_is_filled_at_run_time(model, capsys):
    told = hb.estimate(model, board="zcu104", memory="ultra")
    assert told["boards"]["zcu104"]["share"]["uram"] is not None
    assert told["boards"]["pynq-z1"]["share"]["uram"] is None
    assert sum(layer["uram"] for layer in told["layers"]) == told["total"]["uram"]
    assert "UltraRAM is empty" in told["note"] and hb.estimate(model)["note"] is None
    assert "uram" not in hb.estimate(model, board="zcu104")["total"]
    assert cli.run(["estimate", str(model), "--board", "kv260", "--memory", "ultra"]) == 0
    assert "URAM" in (said := capsys.readouterr().out) and "UltraRAM is empty" in said


def test_what_has_no_exact_form_is_refused_as_by_compile(tmp_path):
    onnx.save(float_network(), tmp_path / "net.onnx")
    with pytest.raises(Unsupported) as refused:
        hb.estimate(tmp_path / "net.onnx")
    with pytest.raises(Unsupported) as by_compile:
        hb.compile(tmp_path / "net.onnx", tmp_path / "out")
    assert str(refused.value) == str(by_compile.value)


def test_it_prints_tables(model, capsys):
    assert cli.run(["estimate", str(model), "--target-cycles", "64"]) == 0
    told = capsys.readouterr().out
    assert "layer0" in told and "slowest: " in told and "boards that hold it" in told
    assert cli.run(["estimate", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["lut"] > 0
