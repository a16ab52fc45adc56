"""Two processes on the CPU give one process' result on the same global batch.

The gradients and BatchNorm's sums are the same numbers added in another order, so after few steps
the weights agree to float32's rounding, 1e-5 of their size, wherever no sign has flipped. A latent
weight within rounding of 0 (or an activation) may take the other sign in one of the runs; with real
weights and ReLU there is no sign in the network, and all weights must agree.
"""

import json
import os
import subprocess
import sys

import pytest
import torch

from hw_bnn.errors import BadInput
from hw_bnn.train import distributed, train
from hw_bnn.train.checkpoint import load_checkpoint

SCRIPT = """
import json, sys
from hw_bnn.train import train
train(json.load(open(sys.argv[1])), out=sys.argv[2], quiet=True, tensorboard=False)
"""


def torchrun(document, tmp_path, out):
    (tmp_path / "recipe.json").write_text(json.dumps(document))
    (tmp_path / "run.py").write_text(SCRIPT)
    command = [
        sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--nproc-per-node", "2",
        "--master-port", "0", "--standalone", tmp_path / "run.py", tmp_path / "recipe.json", out,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)


def recipe(**method):
    return {
        "name": "digits",
        "data": {"name": "digits", "scale": "unit", "batch": 128, "split": "stratified"},
        "model": {"name": "mlp", "hidden": [32, 32], "input": {"bits": 0}, "activation": "relu"},
        "training": {"epochs": 2, "method": method},
        "threads": 1,
    }


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    document = recipe(name="real", optimiser="momentum", lr=0.05)
    done = torchrun(document, tmp_path, tmp_path / "two")
    assert done.returncode == 0, done.stdout + done.stderr
    train(document, out=tmp_path / "one", quiet=True, tensorboard=False)
    one, two = (load_checkpoint(tmp_path / name / "last.pt") for name in ("one", "two"))
    for name, tensor in one["model"].items():
        torch.testing.assert_close(two["model"][name], tensor, rtol=1e-4, atol=2e-5, msg=name)
    results = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("one", "two")]
    assert results[0]["test_samples"] == results[1]["test_samples"] == 360
    assert [r["processes"] for r in results] == [1, 2]
    assert abs(results[0]["test_accuracy"] - results[1]["test_accuracy"]) <= 1 / 360
    start = json.loads((tmp_path / "one" / "metrics.jsonl").read_text().splitlines()[0])
    other = json.loads((tmp_path / "two" / "metrics.jsonl").read_text().splitlines()[0])
    assert start["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)


def test_a_batch_that_does_not_share_out_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    distributed.check_batch(128)
    with pytest.raises(BadInput, match="cannot be shared equally by 2 processes"):
        distributed.check_batch(127)
