"""FINN's builder, without what is not needed of it."""

import subprocess
import sys

import pytest

pytest.importorskip("finn")

CODE = """
import sys
from hw_bnn.compile.headless import builder, finn_session
with finn_session():
    steps = builder()
    from hw_bnn.compile import finn_ops
    from finn.custom_op.fpgadataflow import layernorm
heavy = {"torch", "sklearn", "pandas", "sympy", "onnxscript"} & set(sys.modules)
assert not heavy, heavy
assert steps.build_dataflow_step_lookup["step_passes_frontend"].__name__ == "step_passes_frontend"
sum_of = layernorm.torch.ones(2, 3).sum()
import torch
assert torch.equal(sum_of, torch.tensor(6.0)) and "ones" in vars(torch)
assert layernorm.F.relu(torch.tensor(-1.0)) == 0
assert steps.QoRModelSet.load_from_env() is None
"""


def test_what_the_builder_does_not_need_is_imported_when_it_is_used():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
