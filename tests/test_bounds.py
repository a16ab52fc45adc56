"""Values out of bounds are refused by a sentence at once, and other people's words stay words."""

import re
import time
from fractions import Fraction
from xml.etree import ElementTree

import onnx
import pytest

from hw_bnn import cli, console
from hw_bnn.errors import BadInput
from hw_bnn.frames import random_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.options import EngineOptions
from hw_bnn.report import report
from hw_bnn.sim.options import check_options
from hw_bnn.train.sweeps import jobs, load_sweep
from hw_bnn.verify.junit import Check, junit_xml
from tests.networks.small_onnx import perceptron
from tests.small_accelerator import make_folder

EVIL = "fc\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\x00\ufeff\u2028<b>&\"'"
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@pytest.fixture
def folder(tmp_path):
    make_folder(tmp_path / "net")
    onnx.save(perceptron(), tmp_path / "net" / "model.onnx")
    from hw_bnn.accelerator.folder import reseal

    reseal(tmp_path / "net")
    return tmp_path / "net"


@pytest.mark.parametrize(("options", "says"), [
    (["--frames", "1000000000000"], "random frames are more than"),
    (["--frames", "9" * 30], "random frames are more than"),
    (["--seed", "-1"], "the seed is -1"), (["--seed", "9" * 40], "the seed is 99"),
    (["--jobs", "100000"], "--jobs is 100000; use 1 to"), (["--jobs", "-2"], "--jobs is -2"),
    (["--stall", "nan"], "stall probability"), (["--stall", "1"], "stall probability"),
    (["--throttle", "inf"], "throttle is inf"), (["--throttle", "nan"], "throttle is nan"),
    (["--throttle", "1e300"], "throttle is 1e"), (["--limit", "-5"], "--limit is -5"),
    (["--waves", "w.fst", "--window", f"1:{10**40}"], "cycles 0 <= FROM < TO"),
])  # fmt: skip
def test_options_of_simulate(folder, options, says, capsys):
    started = time.monotonic()
    assert cli.run(["simulate", str(folder), *options]) == 2
    assert says in capsys.readouterr().err and time.monotonic() - started < 20


def test_options_of_the_function():
    check_options(EngineOptions(throttle=Fraction(3, 2)), seed=7, preamble=0)
    for asked in (EngineOptions(stall=(0.0, 2.0)), EngineOptions(throttle=0)):
        with pytest.raises(BadInput):
            check_options(asked, seed=0, preamble=0)
    for change in ({"preamble": -1}, {"seed": 1 << 70}):
        with pytest.raises(BadInput):
            check_options(EngineOptions(), **{"seed": 0, "preamble": 0} | change)


def test_random_frames_up_to_the_bound_are_made(tmp_path):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    assert random_frames(GoldenModel.from_onnx(tmp_path / "model.onnx"), 3).shape == (3, 16)


@pytest.mark.parametrize(("command", "says"), [
    (["synth", "{}", "--freq", "nan"], "the clock is nan"),
    (["synth", "{}", "--freq", "0"], "the clock is 0"),
    (["synth", "{}", "--timeout-s", "nan"], "--timeout-s is nan; use a finite number above 0"),
    (["synth", "{}", "--timeout-s", "0"], "--timeout-s is 0"),
    (["bitstream", "{}", "--board", "ulx3s", "--timeout-s", "-3"], "--timeout-s is -3"),
    (["verify", "{}/model.onnx", "--jobs", "0"], "--jobs is 0; use 1 to"),
    (["demo", "--jobs", "0", "--out", "o"], "--jobs is 0; use 1 to"),
    (["demo", "--target-cycles", "0", "--out", "o"], "the target is 0 cycles"),
    *((["verify", "{}/model.onnx", "--input-type", "UINT8", "--input-scale", scale],
       "the input scale is") for scale in ("nan", "1/0", "x", "1e999", "1e-400")),
    (["compile", "{}/model.onnx", "--input-type", "UINT8", "--input-scale", "1e-400", "--out",
      "o"], "the input scale is"),
    (["bitstream", "{}", "--board", "ulx3s", "--freq", "inf"], "cannot be inf MHz"),
    (["bitstream", "{}", "--board", "ulx3s", "--freq", "-25"], "cannot be -25"),
    (["compile", "{}/model.onnx", "--clock-ns", "inf", "--out", "o"], "the clock period is inf"),
    (["compile", "{}/model.onnx", "--clock-ns", "nan", "--out", "o"], "the clock period is nan"),
    (["compile", "{}/model.onnx", "--part", "x; $(y)", "--out", "o"], "no name of a part"),
])  # fmt: skip
def test_options_of_tools(folder, command, says, capsys):
    assert cli.run([word.format(folder) for word in command]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("text", [
    "seeds: 1000000000", "seeds: 0", "seeds: -3", "seeds: 5000\ngrid: {training.epochs: [1, 2, 3]}",
    "grid: {" + ", ".join(f"k{i}: [{', '.join(map(str, range(100)))}]" for i in range(5)) + "}",
    "grid: {training.epochs: []}",
], ids=range(6))  # fmt: skip
def test_sweeps_have_bounds(tmp_path, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(f"name: s\nrecipes: [digits_mlp]\n{text}\n")
    started = time.monotonic()
    with pytest.raises(BadInput, match="runs|seeds"):
        jobs(load_sweep(path))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("workers", ["0", "-1", "100000"])
def test_a_sweeps_workers_have_bounds(tmp_path, workers, capsys):
    assert cli.run(["sweep", str(tmp_path / "s.yaml"), "--workers", workers]) == 2
    assert "number of workers" in capsys.readouterr().err


def test_no_control_character_reaches_a_terminal(capsys, tmp_path):
    console.say(EVIL)
    console.error(EVIL)
    console.warn(EVIL)
    console.out(EVIL)
    console.table(EVIL, [EVIL], [[EVIL], [tmp_path / EVIL.replace("\0", "")]])
    with console.stage(EVIL), console.progress(EVIL, 3, EVIL) as advance:
        advance(3)
    for command in (["report", EVIL], ["verify", EVIL + ".onnx"], ["train", EVIL], [EVIL]):
        assert cli.run(command) == 2
    seen = capsys.readouterr()
    assert not FORBIDDEN.search(seen.out + seen.err) and "fc" in seen.out


def test_warnings_go_through_the_live_display_also_where_progress_is_quiet(monkeypatch, capsys):
    class Live:
        def __init__(self):
            self.console, self.lines = self, []

        def print(self, text, **options):
            self.lines.append(text)

    live = Live()
    monkeypatch.setattr(console, "_live", live)
    monkeypatch.setattr(console, "_quiet", True)
    console.warn("a\x1b[2Jb")
    console.error("c")
    console.say("not said")
    assert live.lines == ["warning: a?[2Jb", "error: c"] and capsys.readouterr().err == ""


def test_names_break_neither_junit_nor_html(tmp_path):
    text = junit_xml(EVIL, [Check(EVIL, 1.0, EVIL)])
    assert ElementTree.fromstring(text) is not None and not re.search(
        rb"[\x00-\x08\x0b-\x1f]", text
    )
    folder = make_folder(tmp_path / "net", name=EVIL, options={"x\x1b": EVIL, "y": "\x00"})
    html = report(folder).read_text()
    assert not FORBIDDEN.search(html) and "<b>&" not in html
