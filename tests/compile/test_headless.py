"""FINN's builder, without what is not needed of it."""

import builtins
import contextlib
import io
import subprocess
import sys
import threading
import types

import pytest

pytest.importorskip("finn")

from hw_bnn.compile import headless

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


def test_another_thread_gets_the_module_itself():
    """While the builder is imported in this one, which gets stand-ins."""
    module = "this"  # a small one that nothing imports
    sys.modules.pop(module, None)
    seen = {}

    def other() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            import this
        seen["other"] = this

    before = builtins.__import__
    with headless._imported_later([module]):
        import this

        seen["own"] = this
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        import this

        assert this is sys.modules[module] is seen["other"]
    assert type(seen["own"]) is headless._Later and type(seen["other"]) is types.ModuleType
    assert seen["own"].d.get("A") == seen["other"].d.get("A") == "N"
    assert builtins.__import__ is before


def test_two_threads_may_import_the_builder():
    """One waits for the other; the import statement is Python's own again."""
    before, inside = builtins.__import__, []

    def enter() -> None:
        with headless._imported_later(["torch.none"]):
            inside.append(builtins.__import__)

    with headless._imported_later(["torch.none"]):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(0.2)
        assert not inside
    thread.join()
    assert len(inside) == 1 and builtins.__import__ is before
