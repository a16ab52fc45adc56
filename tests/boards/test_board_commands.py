"""`simulate --shell` and `deploy`: a folder through the simulated board, a zip for a real one."""

import io
import json
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from hashlib import sha256

import numpy as np
import pytest

from hw_bnn import cli
from hw_bnn.accelerator import Description
from hw_bnn.boards.engine import port_of
from hw_bnn.boards.shell import PORTS
from hw_bnn.boards.simboard import SimulatedBoard
from hw_bnn.compile.boards import BOARDS
from hw_bnn.frames import Frames
from hw_bnn.golden import GoldenModel
from hw_bnn.verify.stage import Case
from hw_bnn.verify.stages.shell import Shell

pytestmark = pytest.mark.slow


def run(*arguments):
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        code = cli.run([str(a) for a in arguments])
    return code, out.getvalue(), errors.getvalue()


def test_the_boards_port_is_that_of_its_processor():
    assert [port_of(name) for name in ("pynq-z1", "kv260", "ulx3s", None)] == [
        PORTS["zynq7000"], PORTS["zynqmp"], PORTS["zynq7000"], PORTS["zynq7000"]]  # fmt: skip
    assert {board.processor for board in BOARDS.values()} == {"zynq7000", "zynqmp", None}


def test_scores_are_those_of_the_core_alone(folder, tmp_path):
    for name, more in (("a", []), ("b", ["--shell"]), ("c", ["--shell", "--stall", "0.5"])):
        code, out, errors = run(
            "simulate", folder, "--frames", 300, "--save", tmp_path / f"{name}.npz", "--json", *more
        )
        assert code == 0, errors
        document = json.loads(out)
        assert document["engine"] == ("shell" if more else "native") and document["frames"] == 300
        if name == "b":
            assert document["cycles_per_frame"] * 0.9 <= document["bound_cycles"]
    a, b, c = (np.load(tmp_path / f"{name}.npz") for name in "abc")
    for key in ("scores", "labels"):
        np.testing.assert_array_equal(a[key], b[key])
        np.testing.assert_array_equal(a[key], c[key])


@pytest.mark.parametrize("more, reason", [
    (["--waves", "x.fst"], "waves"), (["--engine", "cocotb"], "contradicts"),
    (["--jobs", "2"], "jobs"),
])  # fmt: skip
def test_options_that_it_does_not_have_are_refused(folder, more, reason):
    code, _, errors = run("simulate", folder, "--frames", 4, "--shell", *more)
    assert code == 2 and reason in errors


def test_the_shell_is_a_stage_of_verify(folder, tmp_path):
    code, out, errors = run("verify", folder, "--frames", 300, "--also", "shell", "--json")
    assert code == 0, errors
    summary = json.loads(out)
    assert summary["frames"]["shell"] == 300 and summary["mismatches"]["shell"] == 0


def test_a_driver_that_forgets_a_flush_fails_the_stage(folder, monkeypatch):
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = np.random.default_rng(3).choice([-1, 1], (50, 24))
    scores = golden.scores(x)
    case = Case(golden, folder, Description.load(folder), Frames(x, None, "random"), scores,
                golden.labels(scores))  # fmt: skip
    seen = []
    result = Shell().run(case, x, seen.append)
    np.testing.assert_array_equal(result.scores, scores)
    assert sum(seen) == 50 and result.figures["cycles_per_frame"] > 0
    monkeypatch.setattr(SimulatedBoard, "flush", lambda self, buffer: None)
    assert (Shell().run(case, x, seen.append).scores != scores).any()


# --------------------------------------------------------------------------------------- deploy


def test_the_zips_own_driver_and_golden_vectors_on_the_simulated_board(
    folder, tmp_path, monkeypatch
):
    code, out, errors = run(
        "deploy", folder, "--board", "kv260", "--out", tmp_path / "a.zip", "--json"
    )
    assert code == 0, errors
    document = json.loads(out)
    assert document["overlay"] is False and document["frames"] == 64
    assert run("deploy", folder, "--board", "kv260", "--out", tmp_path / "b.zip")[0] == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    place = tmp_path / "mlp"
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["files"] == document["files"]
    there = {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()}
    assert there == {"manifest.json", *manifest["files"]}
    for name, digest in manifest["files"].items():
        assert sha256((place / name).read_bytes()).hexdigest() == digest
    monkeypatch.syspath_prepend(place)
    import driver

    with SimulatedBoard.of(folder, Description.load(folder), PORTS["zynqmp"]) as port:
        told = driver.Board(str(place / "mlp.json"), port).selftest()
    assert told["frames"] == 64
    notebook = json.loads((place / "mlp.ipynb").read_text())
    assert "Board.load('mlp.bit')" in notebook["cells"][0]["source"]


@pytest.mark.parametrize("board", ["ulx3s", "nexys"])
def test_a_board_without_a_processor_has_no_zip(folder, board, tmp_path):
    code, _, errors = run("deploy", folder, "--board", board, "--out", tmp_path / "x.zip")
    assert code == 2 and "no board that runs the driver" in errors
