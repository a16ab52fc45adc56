"""`verify` passes where all stages agree, and names the place where one does not."""

import json
import shutil
from xml.etree import ElementTree as xml

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hw_bnn import cli
from hw_bnn.accelerator import Description
from hw_bnn.accelerator.folder import reseal
from hw_bnn.accelerator.netlists import reseal_netlist
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.simulation import simulate
from hw_bnn.synth import synth
from hw_bnn.verify import failed, stage, verify
from hw_bnn.verify.stages.qonnx import QonnxExecution
from hw_bnn.verify.stages.rtl import Rtl
from tests.networks.small_onnx import perceptron
from tests.sim.flipped_lut import flipped
from tests.sim.fst_reader import Fst

pytestmark = pytest.mark.slow
FRAMES = 400
STAGES = ["qonnx", "dataflow", "golden", "rtl", "rtl_stalled"]


@pytest.fixture(scope="module")
def verified(tmp_path_factory):
    """(folder of the results, summary) of the small perceptron, under a name that needs quoting."""
    place = tmp_path_factory.mktemp('it\'s a "place"')
    model = place / "my $net;.onnx"
    onnx.save(perceptron(), model)
    summary = verify(
        model, out=place / "results", frames=FRAMES, target_cycles=16, junit=place / "junit.xml"
    )
    return place, summary


@pytest.fixture
def accelerator(verified, tmp_path):
    """A copy of the accelerator, to be damaged."""
    return shutil.copytree(verified[0] / "results" / "accelerator", tmp_path / "accelerator")


def test_all_stages_agree(verified):
    _, summary = verified
    assert summary["passed"] is True and failed(summary) is None
    assert list(summary["frames"]) == STAGES
    assert summary["frames"] == {**dict.fromkeys(STAGES, FRAMES), "rtl_stalled": 256}
    assert summary["mismatches"] == dict.fromkeys(STAGES, 0)
    assert summary["float_ties"]["qonnx"] >= 0
    assert summary["bound_cycles"] == 16
    assert summary["cycles_per_frame"] == pytest.approx(16, rel=0.01)
    assert summary["latency_cycles"] > 16
    assert set(STAGES) < set(summary["seconds"])


def test_a_baseline_holds_the_next_one(verified, accelerator, tmp_path, capsys):
    old = verified[0] / "results" / "summary.json"
    arguments = ["verify", str(accelerator), "--trust", "--frames", "20", "--max-luts", "+2%"]
    assert cli.run([*arguments, "--baseline", str(old)]) == 0
    assert "estimated_luts" in capsys.readouterr().out
    smaller = json.loads(old.read_text())
    smaller["estimated_luts"] //= 2
    better = tmp_path / "better.json"
    better.write_text(json.dumps(smaller))
    junit = tmp_path / "junit.xml"
    assert cli.run([*arguments, "--baseline", str(better), "--junit", str(junit)]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: estimated_luts is")
    failures = [c.get("name") for c in xml.parse(junit).getroot().iter("testcase") if len(c)]
    assert failures == ["limit of estimated_luts"]


def test_what_is_written(verified):
    place, summary = verified
    results = place / "results"
    assert json.loads((results / "summary.json").read_text()) == summary
    page = (results / "report.html").read_text()
    assert "Bit-exact." in page and "my $net;" in page
    root = xml.parse(place / "junit.xml").getroot()
    assert root.attrib["failures"] == "0" and root.attrib["tests"] == "6"
    assert not list(results.glob("*.fst")) and '<svg class="wave"' not in page


def test_the_scores_are_those_of_float_arithmetic(verified, tmp_path):
    """Against numpy alone, so that a mistake common to all stages is seen."""
    folder = verified[0] / "results" / "accelerator"
    parameters = {t.name: numpy_helper.to_array(t) for t in perceptron().graph.initializer}
    x = np.random.default_rng(5).integers(0, 16, (200, 16))
    hidden = x @ np.where(parameters["w0"] >= 0, 1, -1)
    normal = (hidden - parameters["m0"]) / np.sqrt(parameters["v0"].astype(float) + 1e-5)
    signs = np.where(normal * parameters["g0"] + parameters["s0"] >= 0, 1, -1)
    expected = signs @ np.where(parameters["w1"] >= 0, 1, -1)
    assert (simulate(folder, x).scores == expected).all()


def test_results_never_take_the_accelerators_place(accelerator):
    before = sorted(p.name for p in accelerator.iterdir())
    with pytest.raises(BadInput, match="is or holds .*, which is read"):
        verify(accelerator, out=accelerator, force=True, frames=4)
    assert sorted(p.name for p in accelerator.iterdir()) == before


def test_one_wrong_weight_is_found_and_named(accelerator, tmp_path, capsys):
    """Flips one bit of one word: the layer and the channel that it belongs to are told."""
    description = Description.load(accelerator)
    node = next(n for n in description.nodes if n.op == "IntMVAU_rtl")
    memory = accelerator / "rtl" / node.memory("WEIGHTS_FILE").file
    words = memory.read_text().split("\n")
    # Address nf*SF+sf holds bit pe*SIMD+simd of channel nf*PE+pe:
    # flip PE 0's first bit of the last nf.
    address = (node.mh // node.pe - 1) * (node.mw // node.simd)
    words[address] = f"{int(words[address], 16) ^ 1:0{len(words[address])}x}"
    memory.write_text("\n".join(words))
    reseal(accelerator)
    channel = node.mh - node.pe

    code = cli.run(["verify", str(accelerator), "--frames", "300", "--out", str(tmp_path / "out"),
                    "--junit", str(tmp_path / "junit.xml")])  # fmt: skip
    assert code == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: stages differ from the golden model: rtl in ")
    assert "rtl differs from golden first in layer0 (tensor o0), frame " in error
    assert f", channel {channel}, cycle " in error
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["passed"] is False
    assert summary["mismatches"]["rtl"] > 0 and summary["mismatches"]["rtl_stalled"] > 0
    assert summary["mismatches"] | {"rtl": 0, "rtl_stalled": 0} == dict.fromkeys(STAGES, 0)
    divergence = summary["divergences"][0]
    assert (divergence["layer"], divergence["channel"]) == ("layer0", channel)
    assert divergence["cycle"] > 0 and abs(divergence["expected"]) == 1
    for told in summary["divergences"]:
        holds_the_waveform(told, Fst(tmp_path / "out" / f"{told['stage']}_divergence.fst"), node)
    cases = xml.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    wrong = [case.get("name") for case in cases if case.find("failure") is not None]
    assert wrong == ["rtl == golden", "rtl_stalled == golden"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Stages differ." in page and page.count('<ol class="ladder">') == 2
    assert page.count('<li class="wrong">layer0 (<code>o0</code>): differs first') == 2
    assert page.count('<svg class="wave"') == page.count('<g class="wrong">') == 2
    for told in summary["divergences"]:
        word = told["waveform"]["streams"][-1]["data"][8]
        assert f'<g class="wrong"><title>cycle {told["cycle"]}: {word}</title>' in page


def holds_the_waveform(told, fst, node):
    """Every wire against the wave file by an independent reader; the word expected is the found one
    but for the element told."""
    shown, cycle = told["waveform"], told["cycle"]
    assert [s["stream"] for s in shown["streams"]] == [*node.inputs, shown["stream"]]
    assert [s["last"] is None for s in shown["streams"]] == [s["producer"] != "s_axis" and
           s["consumer"] != "m_axis" for s in shown["streams"]]  # fmt: skip
    for stream in shown["streams"]:
        assert stream["first"] == max(0, cycle - 8) and len(stream["valid"]) >= 9
        for i, word in enumerate(stream["data"]):
            time = (stream["first"] + i) * 10_000  # ps
            wires = {w: fst.at(f"bnn_bench.dut.{stream['stream']}_{w}", time)
                     for w in ("tvalid", "tready", "tdata")}  # fmt: skip
            assert (int(stream["valid"][i]), int(stream["ready"][i])) == (
                wires["tvalid"], wires["tready"]
            )  # fmt: skip
            if wires["tvalid"] and word is None:  # offered, and not taken until the run's end
                assert "1" not in stream["ready"][i:]
            else:
                assert (word is None) == (not wires["tvalid"])
                assert word is None or int(word, 16) == wires["tdata"]
            if stream["last"] and wires["tvalid"]:
                name = f"bnn_bench.dut.{stream['stream']}_tlast"
                assert int(stream["last"][i]) == fst.at(name, time)
    found = int(shown["streams"][-1]["data"][cycle - shown["streams"][-1]["first"]], 16)
    lane = told["channel"] % node.pe  # one bit a channel, channel nf*PE+pe in word nf
    assert found ^ int(shown["expected"], 16) == 1 << lane
    assert (found >> lane & 1) == (told["found"] > 0)


@pytest.fixture(scope="module")
def synthesised(verified, tmp_path_factory):
    """The accelerator with its gates."""
    pytest.importorskip("pyosys", reason="Yosys is missing: pip install 'hw-bnn[synth]'")
    folder = tmp_path_factory.mktemp("gates") / "accelerator"
    shutil.copytree(verified[0] / "results" / "accelerator", folder)
    synth(folder)
    return folder


@pytest.mark.parametrize(
    ("op", "cell", "mark", "entry", "place", "channels", "change"),
    [
        ("IntMVAU_rtl", "LUT2", "g_lane[5].acc [8]", 0, ("layer0", "o0"), {5}, 2),
        ("XnorMVAU_rtl", "LUT4", "g_lane[0].acc [3]", 8, ("layer1", "a1"), set(range(4)), 16),
    ],
)
def test_one_flipped_bit_of_a_lut_is_named(
    synthesised, tmp_path, op, cell, mark, entry, place, channels, change
):
    """In lane 5's comparison with a threshold, and in bit 4 of a score: the gates alone differ."""
    folder = shutil.copytree(synthesised, tmp_path / "accelerator")
    description = Description.load(folder)
    node = next(n for n in description.nodes if n.op == op)
    path = folder / "synth/xc7.v"
    path.write_text(flipped(path.read_text(), description.module_of(node), cell, mark, entry))
    reseal_netlist(folder, "xc7")
    summary = verify(folder, frames=FRAMES, also=["lanes"])
    wrong = summary["mismatches"].pop("lanes")
    assert wrong > 0 and summary["mismatches"] == dict.fromkeys(STAGES, 0)
    (found,) = summary["divergences"]
    assert (found["layer"], found["tensor"]) == place and found["channel"] in channels
    assert abs(found["found"] - found["expected"]) == change and found["cycle"] > 0
    assert f"lanes differs from golden first in {place[0]} " in str(failed(summary))


@pytest.mark.parametrize("layer", [0, 1])
def test_one_wrong_weight_in_the_dataflow_graph_is_named(accelerator, layer):
    """Layer and channel of the user's file, not the output that it makes wrong."""
    graph = onnx.load(accelerator / "dataflow.onnx")
    node = [n for n in graph.graph.node if n.op_type.endswith("MVAU_rtl")][layer]
    tensor = next(t for t in graph.graph.initializer if t.name == node.input[1])
    weights = numpy_helper.to_array(tensor).copy()
    weights[:, 2] *= -1
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(graph, accelerator / "dataflow.onnx")
    reseal(accelerator)
    summary = verify(accelerator, frames=100)
    assert summary["mismatches"] == {
        **dict.fromkeys(STAGES, 0),
        "dataflow": summary["mismatches"]["dataflow"],
    }
    (divergence,) = summary["divergences"]
    assert (divergence["layer"], divergence["tensor"], divergence["channel"]) == (
        ("layer0", "o0", 2) if layer == 0 else ("layer1", "a1", 2)
    )
    assert divergence["inside"] and divergence["waveform"] is None
    assert "dataflow differs from golden first in" in str(failed(summary))


def test_another_model_file_is_found(accelerator):
    """The accelerator of other weights: everything compiled differs, what reads the file agrees."""
    onnx.save(perceptron(seed=1), accelerator / "model.onnx")
    reseal(accelerator)
    summary = verify(accelerator, frames=50)
    wrong = {name for name, count in summary["mismatches"].items() if count}
    assert wrong == {"dataflow", "rtl", "rtl_stalled"}
    text = str(failed(summary))
    assert "dataflow in " in text and "dataflow differs from golden first in" in text


@pytest.mark.parametrize("batch", [256, 3])
def test_a_float_stage_that_is_wrong_is_no_tie(verified, monkeypatch, batch):
    """Frames are executed, and compared, so many at once."""
    real, parts = QonnxExecution.run, []

    def wrong(execution, x):
        values, first = real(execution, x), sum(parts)
        parts.append(len(x))
        if first <= 7 < first + len(x):
            values["o0"][7 - first, 5] *= -1  # a sign of frame 7 far from its threshold
        return values

    monkeypatch.setattr(QonnxExecution, "run", wrong)
    monkeypatch.setattr(stage, "BATCH", batch)
    summary = verify(verified[0] / "results" / "accelerator", frames=20)
    assert parts == ([20] if batch > 20 else [3] * 6 + [2])
    assert summary["mismatches"]["qonnx"] + summary["float_ties"]["qonnx"] == 1
    assert summary["mismatches"]["qonnx"] == 1
    divergence = summary["divergences"][0]
    assert (divergence["layer"], divergence["frame"], divergence["channel"]) == ("layer0", 7, 5)


def test_large_frames_are_executed_a_few_at_once():
    """Frames of 224 x 224 pixels and 64 channels are 3.2 million numbers a tensor."""
    assert stage.at_once(16 * 64 * 224 * 224) == 1
    assert [stage.at_once(n) for n in (2**40, 2**24, 2**18, 1, 0)] == [1, 4, 256, 256, 256]


def test_a_simulation_that_hangs_fails_all_its_frames(verified, monkeypatch, capsys):
    def hang(*_arguments, **_options):
        raise CheckFailed("nothing moves any more since cycle 99")

    monkeypatch.setattr(Rtl, "run", hang)
    folder = verified[0] / "results" / "accelerator"
    assert cli.run(["verify", str(folder), "--frames", "20"]) == 1
    captured = capsys.readouterr()
    assert "nothing moves any more since cycle 99" in captured.err
    assert "DIFFERS" in captured.out


def test_json_is_alone_on_stdout(verified, capfd):
    folder = verified[0] / "results" / "accelerator"
    assert cli.run(["verify", str(folder), "--frames", "10", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["frames"]["rtl"] == 10


def test_frames_from_a_file(verified, tmp_path):
    np.save(tmp_path / "x.npy", np.full((7, 16), 15))
    summary = verify(verified[0] / "results" / "accelerator", inputs=tmp_path / "x.npy")
    assert summary["passed"] and summary["frames"]["rtl"] == 7 and summary["input"] == "x.npy"


def test_slow_stages_can_see_fewer_frames(verified):
    summary = verify(verified[0] / "results" / "accelerator", frames=40, slow_frames=5)
    assert summary["frames"]["qonnx"] == summary["frames"]["dataflow"] == 5
    assert summary["frames"]["rtl"] == 40


def test_label_mode_compares_labels(verified, tmp_path):
    model = verified[0] / "my $net;.onnx"
    summary = verify(model, out=tmp_path / "out", output_mode="label", frames=50, target_cycles=16)
    assert summary["passed"] and summary["frames"]["rtl"] == 50


def test_simulate_command(verified, tmp_path, capsys):
    folder = verified[0] / "results" / "accelerator"
    saved = tmp_path / "scores.npz"
    assert cli.run(["simulate", str(folder), "--frames", "30", "--save", str(saved), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["frames"] == 30 and document["accuracy"] is None
    assert document["cycles_per_frame"] == pytest.approx(16, rel=0.01)
    with np.load(saved) as arrays:
        assert arrays["scores"].shape == (30, 4) and arrays["labels"].shape == (30,)


def test_simulate_command_resumes_throttles_and_counts(accelerator, capsys):
    command = ["simulate", str(accelerator), "--frames", "64", "--resume", "--json"]
    command += ["--statistics", "--throttle", "40"]
    first, again = [], []
    for document in (first, again):
        assert cli.run(command) == 0
        document.append(json.loads(capsys.readouterr().out))
    assert first[0]["shards_reused"] == 0 and again[0]["shards_reused"] == again[0]["shards"] == 4
    description = Description.load(accelerator)
    words = description.input.words
    assert first[0]["cycles_per_frame"] == again[0]["cycles_per_frame"] == 40 * words
    assert first[0]["streams"]["s_axis"]["moved"] == 64 * words
    layers = {row["layer"]: row for row in again[0]["layers"] if row["layer"]}
    node = next(n for n in description.nodes if n.layer == "layer0")
    fed = next(s for s in description.streams if s.name == node.inputs[0])
    assert layers["layer0"]["words"] == 64 * fed.words
    assert layers["layer0"]["starved"] > 0 and 0 < layers["layer0"]["waits"] < 1
    assert cli.run([*command[:-4], "--statistics"]) == 0  # for people
    assert "cycles by layer" in capsys.readouterr().out


@pytest.mark.parametrize(("option", "says"), [
    (["--window", "10-20"], "no window of cycles; write FROM:TO"),
    (["--window", "10:20"], "and none are written"),
    (["--family", "xc7"], "the engine native does not offer a family of netlists"),
])  # fmt: skip
def test_simulate_command_refuses_what_has_no_meaning(accelerator, capsys, option, says):
    assert cli.run(["simulate", str(accelerator), "--frames", "3", *option]) == 2
    assert says in capsys.readouterr().err


def test_one_wrong_threshold_is_found_and_named(accelerator, capsys):
    """One threshold of one channel, wrong by 8: the layer and the channel are told."""
    description = Description.load(accelerator)
    node = next(n for n in description.nodes if n.op == "IntMVAU_rtl")
    memory = accelerator / "rtl" / node.memory("THRESHOLDS_FILE").file
    words = memory.read_text().split("\n")
    words[0] = f"{int(words[0], 16) ^ 8:0{len(words[0])}x}"  # bit 3 of lane 0 of the first nf
    memory.write_text("\n".join(words))
    reseal(accelerator)
    assert cli.run(["verify", str(accelerator), "--frames", "300"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "rtl differs from golden first in layer0 (tensor o0), frame " in error
    assert ", channel 0, cycle " in error


@pytest.mark.parametrize("layer", ["layer0", "layer1"])
def test_one_dropped_handshake_is_found_and_named(accelerator, layer, capsys):
    """A layer acknowledges its 101st word and ignores it: it is told which one loses it."""
    described = Description.load(accelerator)
    node = next(n for n in described.nodes if n.layer == layer)
    wrapper = accelerator / "rtl" / f"{described.module_of(node)}.v"
    text = wrapper.read_text()
    assert text.count(".s_axis_tvalid(in0_V_TVALID)") == 1
    count = (
        "reg [31:0] moved = 0;\n  always @(posedge ap_clk) begin\n    if (!ap_rst_n) moved <= 0;\n"
        "    else if (in0_V_TVALID && in0_V_TREADY) moved <= moved + 1;\n  end\n"
    )
    text = text.replace("valid(in0_V_TVALID)", "valid(in0_V_TVALID && moved != 100)")
    head, body = text.split(");\n\n", 1)
    wrapper.write_text(f"{head});\n\n  {count}{body}")
    reseal(accelerator)
    assert cli.run(["verify", str(accelerator), "--frames", "300"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"{node.name} (layer {layer}) took 300 whole frames and gave 299: it loses" in error


def test_gates_are_a_stage_by_option(accelerator):
    pytest.importorskip("pyosys", reason="Yosys is missing: pip install 'hw-bnn[synth]'")
    summary = verify(accelerator, frames=20, also=["netlist"])
    assert summary["passed"] and summary["frames"]["netlist"] == 20
    assert list(summary["frames"]) == [*STAGES, "netlist"] and summary["luts"] > 0


def test_an_unknown_stage_is_refused_before_work(accelerator):
    with pytest.raises(BadInput, match="no optional stage 'gates'; choose from .*netlist"):
        verify(accelerator, also=["gates"])


def test_a_stage_is_one_class_that_registers_itself(accelerator, monkeypatch):
    """A stage that is wrong in one score of one frame: it runs, is told and fails the whole."""
    monkeypatch.setattr(stage, "_STAGES", dict(stage._STAGES))

    @stage.register
    class Echo(stage.Stage):
        name, order, optional = "echo", 45, True

        def run(self, case, x, advance):
            scores = case.golden.scores(x)
            scores[3, 1] += 2
            return stage.StageRun(scores)

    summary = verify(accelerator, frames=20, also=["echo"])
    assert list(summary["frames"]) == ["qonnx", "dataflow", "golden", "echo", "rtl", "rtl_stalled"]
    assert summary["mismatches"]["echo"] == 1 and not summary["passed"]
    (divergence,) = summary["divergences"]
    assert (divergence["stage"], divergence["frame"], divergence["channel"]) == ("echo", 3, 1)
    assert not divergence["inside"] and divergence["waveform"] is None
