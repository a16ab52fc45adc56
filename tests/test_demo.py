"""The demo: all 1,797 images through every stage, in one command; then through its gates."""

import io
import json
import shutil
from contextlib import redirect_stdout

import numpy as np
import pytest

from hw_bnn import cli
from hw_bnn.accelerator import Description
from hw_bnn.accelerator.netlists import reseal_netlist
from hw_bnn.files.output import MARKER
from tests.sim.flipped_lut import flipped

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """(folder, the summary that was printed) of a demo with little training."""
    out, printed = tmp_path_factory.mktemp("demo") / "demo", io.StringIO()
    with redirect_stdout(printed):
        assert cli.run(["demo", "--out", str(out), "--epochs", "3", "--json"]) == 0
    return out, json.loads(printed.getvalue())


def test_demo_with_little_training(demo):
    out, summary = demo
    assert summary == json.loads((out / "summary.json").read_text())
    assert summary["passed"] is True
    exact = {"torch", "qonnx", "dataflow", "golden", "rtl"}
    assert {name: summary["frames"][name] for name in exact} == dict.fromkeys(exact, 1797)
    assert set(summary["mismatches"].values()) == {0}
    assert (
        summary["accuracy"]["torch"] == summary["accuracy"]["golden"] == summary["accuracy"]["rtl"]
    )
    assert summary["accuracy"]["rtl"] > 0.85 and summary["accuracy_frames"] == 360
    assert summary["bound_cycles"] <= 128
    assert summary["bound_cycles"] <= summary["cycles_per_frame"] <= 1.01 * summary["bound_cycles"]
    assert {"train", "export", "compile", *exact} <= set(summary["seconds"])
    told = {
        name: json.loads((out / "accelerator" / "reports" / f"{name}.json").read_text())
        for name in ("labels", "training")
    }
    confusion = np.array(told["labels"]["confusion"])
    assert confusion.sum() == 360
    assert np.trace(confusion) / 360 == summary["accuracy"]["golden"]
    assert [epoch["epoch"] for epoch in told["training"]["epochs"]] == [1, 2, 3]
    waits = summary["waits"]
    assert min(sum(node.values()) for node in waits.values()) < 0.2  # the slowest: filling alone
    assert all(0 <= share <= 1 for node in waits.values() for share in node.values())
    names = {path.name for path in out.iterdir()}
    assert names == {MARKER, "accelerator", "model.onnx", "report.html", "run", "summary.json"}


# ------------------------------------------------------------------------------------ its gates


def test_all_images_through_the_code_for_hls_tools(demo, tmp_path):
    from hw_bnn.data.sets import load_arrays
    from hw_bnn.golden import GoldenModel
    from hw_bnn.hls.write import hls
    from hw_bnn.sim import stream_frames

    folder = tmp_path / "accelerator"
    shutil.copytree(demo[0] / "accelerator", folder)
    hls(folder)
    images = np.concatenate([load_arrays("digits", split)[0] for split in ("train", "test")])
    golden = GoldenModel.from_onnx(demo[0] / "model.onnx")
    result = stream_frames(folder, images, engine="hls")
    scores, labels = result.scores, result.labels
    assert len(scores) == 1797
    np.testing.assert_array_equal(scores, golden.scores(images))
    np.testing.assert_array_equal(labels, golden.labels(scores))


@pytest.fixture(scope="module")
def netlist(demo, tmp_path_factory):
    """(accelerator folder with a netlist for 7-series, all images, their scores and labels)."""
    pytest.importorskip("pyosys", reason="needs Yosys: pip install 'hw-bnn[synth]'")
    from hw_bnn.data.sets import load_arrays
    from hw_bnn.golden import GoldenModel
    from hw_bnn.synth import synth

    folder = tmp_path_factory.mktemp("gates") / "accelerator"
    shutil.copytree(demo[0] / "accelerator", folder)
    synth(folder, "xc7")
    images = np.concatenate([load_arrays("digits", split)[0] for split in ("train", "test")])
    golden = GoldenModel.from_onnx(demo[0] / "model.onnx")
    scores = golden.scores(images)
    return folder, images, scores, golden.labels(scores)


def test_all_images_through_the_gates(netlist):
    from hw_bnn.simulation import simulate

    folder, images, scores, labels = netlist
    gates, lanes, rtl = (
        simulate(folder, images, engine=engine) for engine in ("netlist", "lanes", "native")
    )
    assert gates.frames == lanes.frames == 1797
    for run in (gates, lanes, rtl):
        np.testing.assert_array_equal(run.scores, scores)
        np.testing.assert_array_equal(run.labels, labels)
    assert (gates.cycles, gates.latency_cycles) == (rtl.cycles, rtl.latency_cycles)


def test_one_flipped_bit_of_a_lut_is_caught(netlist):
    """In the last layer's popcount, the first LUT's entry for two pairs of -1 and -1.

    Whenever it is looked up, its XNORs' parity is 1 instead of 0, so that the popcount is
    greater by 1 and the score by 2: no second error can make up for it. So what comes out is
    known for each frame.
    """
    from hw_bnn.sim import capture
    from hw_bnn.simulation import simulate

    folder, images, scores, _ = netlist
    images, scores = images[:200], scores[:200]
    accelerator = Description.load(folder)
    layer = [node for node in accelerator.nodes if node.op == "XnorMVAU_rtl"][-1]
    stream = next(s.name for s in accelerator.streams if s.consumer == layer.name)
    inputs = (
        capture(folder, images, [stream])[stream][0][:, :, 0] & 3
    )  # (N, SF): the first two bits
    memory = (folder / "rtl" / layer.memory("WEIGHTS_FILE").file).read_text()
    weights = np.array([int(word, 16) & 3 for word in memory.split()]).reshape(
        layer.mh, -1
    )  # PE = 1
    looked_up = ((inputs[:, None] == 0) & (weights == 0)).sum(axis=2)
    assert layer.pe == 1 and looked_up.any(axis=1).mean() > 0.5

    mutant = folder.with_name("mutant")
    shutil.copytree(folder, mutant)
    path = mutant / "synth/xc7.v"
    lut = "u_count.g_tree.g_chain[0].chain.g_adder[0].lut"
    path.write_text(flipped(path.read_text(), accelerator.module_of(layer), "LUT6_2", lut, 32))
    reseal_netlist(mutant, "xc7")
    gates = simulate(mutant, images, engine="lanes")
    np.testing.assert_array_equal(gates.scores - scores, 2 * looked_up)
