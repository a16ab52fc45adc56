"""Ctrl-C: one sentence with the way on, at any moment, and nothing half-written."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from hw_bnn import cli
from hw_bnn.cli import stopping

from .networks.small_onnx import perceptron

HW_BNN = str(Path(sys.executable).parent / "hw-bnn")


@pytest.mark.parametrize("arguments, way", [
    (["train", "digits_mlp", "--out", "a run"], "train digits_mlp --out 'a run' --resume"),
    (["train", "r.yaml", "--resume"], "train r.yaml --resume"),
    (["simulate", "acc", "--resume"], "simulate acc --resume"),
    (["sweep", "s.yaml"], "sweep s.yaml"),
    (["verify", "x.onnx"], "verify x.onnx"),
    (["simulate", "acc"], None),
    ([], None),
])  # fmt: skip
def test_the_way_on(arguments, way):
    told = stopping.told(arguments)
    assert told.endswith(f": hw-bnn {way}") if way else told == "stopped"


def test_a_command_that_is_stopped(monkeypatch, capsys):
    import hw_bnn.doctor

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(hw_bnn.doctor, "doctor", stop)
    assert cli.run(["doctor"]) == 130
    assert capsys.readouterr().err == "error: stopped\n"


def stopped(command, place, seconds=None, line=None):
    """What a command says that is stopped after some seconds, or after a line of its stderr."""
    process = subprocess.Popen(
        [HW_BNN, *command], cwd=place, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with process:
        if seconds is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        else:
            assert any(line in said for said in process.stderr)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130, said
    return said.splitlines()[-1]


LONG = ["train", "digits_mlp", "--set", "training.epochs=100000", "--out", "run"]


@pytest.mark.full
def test_training_goes_on_where_it_was_stopped(tmp_path):
    said = stopped(LONG, tmp_path, line="epoch ")
    assert said == f"error: stopped; to go on: hw-bnn {' '.join(LONG)} --resume"
    said = stopped([*LONG, "--resume"], tmp_path, line="epoch ")
    assert said == f"error: stopped; to go on: hw-bnn {' '.join(LONG)} --resume"


@pytest.mark.full
@pytest.mark.parametrize("seconds", [1, 2, 3, 5, 7, 9, 12, 15])
@pytest.mark.parametrize("command", ["train", "compile", "verify"])
def test_at_any_moment(command, seconds, tmp_path, monkeypatch):
    """Within imports, FINN's steps, Verilator: the same sentence, and no folder. Nothing is there
    from a run before, and the layers are so many that none ends by itself."""
    monkeypatch.setenv("HW_BNN_CACHE", str(tmp_path / "cache"))
    onnx.save(perceptron((400, *[300] * 20, 10)), tmp_path / "net.onnx")
    lines = {
        "train": LONG,
        "compile": ["compile", "net.onnx", "--out", "made"],
        "verify": ["verify", "net.onnx", "--out", "made", "--frames", "1000000"],
    }
    assert stopped(lines[command], tmp_path, seconds).startswith("error: stopped")
    assert not (tmp_path / "made").exists()
