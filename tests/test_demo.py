"""The demo: all 1,797 images through every stage, in one command."""

import json

import pytest

from hw_bnn import cli
from hw_bnn.folder import MARKER

pytestmark = pytest.mark.slow


def test_demo_with_little_training(tmp_path, capfd):
    out = tmp_path / "demo"
    assert cli.run(["demo", "--out", str(out), "--epochs", "3", "--json"]) == 0
    summary = json.loads(capfd.readouterr().out)
    assert summary == json.loads((out / "summary.json").read_text())
    assert summary["passed"] is True
    exact = {"torch", "qonnx", "dataflow", "golden", "rtl"}
    assert {name: summary["frames"][name] for name in exact} == dict.fromkeys(exact, 1797)
    assert set(summary["mismatches"].values()) == {0}
    assert summary["accuracy"]["torch"] == summary["accuracy"]["golden"] == summary["accuracy"]["rtl"]
    assert summary["accuracy"]["rtl"] > 0.85 and summary["accuracy_frames"] == 360
    assert summary["bound_cycles"] <= 128
    assert summary["bound_cycles"] <= summary["cycles_per_frame"] <= 1.01 * summary["bound_cycles"]
    assert {"train", "export", "compile", *exact} <= set(summary["seconds"])
    names = {path.name for path in out.iterdir()}
    assert names == {MARKER, "accelerator", "model.onnx", "report.html", "run", "summary.json"}
