"""What CONTRIBUTING.md promises: so many files add a board, an optimiser, a stage, and no more.

The files are added to a copy of the package, laid out as the wheel installs it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import onnx
import pytest

from tests.networks.small_onnx import perceptron

ROOT = Path(__file__).resolve().parents[1]


class Copy:
    """A copy of the package to which files are added."""

    def __init__(self, folder: Path):
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__")
        for source, place in (("hw_bnn", ""), ("boards", "board_files"), ("hls", "hls_files")):
            shutil.copytree(ROOT / source, folder / "hw_bnn" / place, ignore=ignore)

    def add(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / "hw_bnn" / name
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            path.write_text(dedent(text))

    def run(self, code: str) -> str:
        """What a program prints that uses the copy."""
        check = f"import hw_bnn as hb; assert hb.__file__.startswith({str(self.folder)!r})\n"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", check + dedent(code)], cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)}, capture_output=True, text=True,
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("copy"))
    onnx.save(perceptron(), made.folder / "model.onnx")
    return made


BOARD = """
    title: A toy board
    part: xc7a35tcpg236-1
    luts: 20800
    ffs: 41600
    brams: 50
    dsps: 90
"""


@pytest.mark.slow
def test_a_board_is_one_file(copy):
    copy.add({"board_files/toy/board.yaml": BOARD})
    told = copy.run("""
        from hw_bnn.errors import BadInput
        options = dict(check=False, size_fifos=False)
        made = hb.compile("model.onnx", "toy", board="toy", **options).description
        print(made.board, made.part, made.bound_cycles)
        try:
            hb.compile("model.onnx", "none", board="toyy", **options)
        except BadInput as error:
            print(error)
        """)
    fits, unknown = told.splitlines()
    assert fits.split()[:2] == ["toy", "xc7a35tcpg236-1"]
    assert "pynq-z2, toy, ultra96-v2" in unknown


OPTIMISER = '''
    """signSGD: w <- w - lr sign(dL/dw)."""

    import torch


    class SignSGD(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-3):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for weight in group["params"]:
                    if weight.grad is not None:
                        weight.sub_(weight.grad.sign(), alpha=group["lr"])
'''

METHOD = '''
    """signSGD on latent weights, one of torch's optimisers on all others."""

    from typing import ClassVar, Literal

    from ...nn import binary_parameters
    from ...nn.schema import Section
    from ...optim.sign_sgd import SignSGD
    from ..schedule import Rate
    from .base import Method, TorchOptimiser, register


    class SignSGDSettings(Section):
        section: ClassVar[str] = "training.method (sign_sgd)"
        name: Literal["sign_sgd"] = "sign_sgd"
        lr: Rate = 1e-3
        real: TorchOptimiser


    @register
    class SignSGDMethod(Method[SignSGDSettings]):
        Settings = SignSGDSettings

        def build(self):
            self.add("weights", SignSGD(binary_parameters(self.model)), lr=self.settings.lr)
            self.add_real(self.settings.real)
'''


def test_an_optimiser_is_two_files(copy):
    copy.add({"optim/sign_sgd.py": OPTIMISER, "train/methods/sign_sgd.py": METHOD})
    told = copy.run("""
        import json
        from hw_bnn.errors import BadInput
        from hw_bnn.train.recipe_schema import recipe_schema
        method = {"name": "sign_sgd", "lr": {"start": 0.02, "end": 0.001, "kind": "linear"},
                  "real": {"lr": 0.01}}
        options = dict(quiet=True, tensorboard=False)
        change = {"training.method": method, "training.epochs": 12, "threads": 1}
        run = hb.train("digits_mlp", set=change, out="run", **options)
        print(json.loads((run / "result.json").read_text())["test_accuracy"])
        hb.export(run, "digits.onnx")
        print("SignSGDSettings" in recipe_schema()["$defs"])
        try:
            change["training.method"] = {**method, "ls": 1}
            hb.train("digits_mlp", set=change, out="none", **options)
        except BadInput as error:
            print(error)
        """)
    accuracy, described, refused = told.splitlines()
    assert float(accuracy) > 0.85 and described == "True"
    assert refused == "training.method (sign_sgd) has no key 'ls'; did you mean 'lr'?"


STAGE = '''
    """The frames in reverse: what a stage says of one frame depends on no other."""

    from ..stage import Stage, StageRun, register


    @register
    class Reversed(Stage):
        name, order, optional = "reversed", 45, True

        def run(self, case, x, advance):
            scores = case.golden.scores(x[::-1])[::-1]
            advance(len(x))
            return StageRun(scores {wrong})
'''


@pytest.mark.full
def test_a_stage_is_one_file(copy):
    copy.add({
        "verify/stages/reversed.py": STAGE.format(wrong=""),
        "verify/stages/wrong.py": STAGE.replace("reversed", "wrong").replace("45", "46").format(
            wrong="+ (x[:, :1] == 7)"
        ),
    })  # fmt: skip
    told = copy.run("""
        options = dict(frames=64, check=False, size_fifos=False)
        found = hb.verify("model.onnx", also=["reversed", "wrong"], **options)
        wrong = found["mismatches"]
        print("found", found["passed"], found["frames"]["reversed"], wrong["reversed"],
              0 < wrong["wrong"] < 64)
        """)
    assert "found False 64 0 True" in told.splitlines()
