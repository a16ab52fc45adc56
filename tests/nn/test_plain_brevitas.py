"""A user's own Brevitas script, which knows nothing of hw_bnn, in this environment."""

import os
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import sys
import torch
from torch import nn
from brevitas.export import export_qonnx
from brevitas.nn import QuantIdentity, QuantLinear
from brevitas.quant import SignedBinaryActPerTensorConst as Sign
from brevitas.quant import SignedBinaryWeightPerTensorConst as Binary

torch.manual_seed(0)
model = nn.Sequential(
    QuantIdentity(act_quant=Sign),
    QuantLinear(16, 12, bias=False, weight_quant=Binary),
    nn.BatchNorm1d(12),
    QuantIdentity(act_quant=Sign),
    QuantLinear(12, 4, bias=False, weight_quant=Binary),
)
optimiser = torch.optim.Adam(model.parameters())
for step in range(2):
    loss = nn.functional.cross_entropy(model(torch.randn(32, 16)), torch.randint(0, 4, (32,)))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
model.eval()
options = {} if sys.argv[2] == "default" else {"dynamo": sys.argv[2] == "dynamo"}
export_qonnx(model, args=(torch.randn(1, 16),), export_path=sys.argv[1], **options)
assert not [name for name in sys.modules if name.startswith("hw_bnn")]
"""


@pytest.mark.parametrize("exporter", ["default", "torchscript"])
def test_it_trains_and_exports_and_the_file_compiles_exactly(exporter, tmp_path):
    from hw_bnn.compile import compile_model
    from hw_bnn.compile.dataflow import execute
    from hw_bnn.golden import GoldenModel

    path = tmp_path / "model.onnx"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, path, exporter],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "BREVITAS_JIT": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    golden = GoldenModel.from_onnx(path)
    folder = compile_model(path, tmp_path / "accelerator")
    x = np.random.default_rng(0).choice([-1, 1], (64, 16))
    found = np.asarray(execute(folder, x)).reshape(64, -1)
    assert np.array_equal(found, np.asarray(golden.scores(x)).reshape(64, -1))
    assert len(np.unique(found)) > 2
