"""Every step of a compile run ends, by rounds or by the clock, and the error names the step."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import onnx
import pytest

from tests.networks.qonnx_networks import Builder

pytest.importorskip("finn")

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from hw_bnn.compile import compile_model
from hw_bnn.compile.limits import ROUNDS, ROUNDS_A_NODE, begin, bound_transformations, watched
from hw_bnn.errors import CompilerError


class Flips(Transformation):
    """Always says that it has changed the graph."""

    rounds = 0

    def apply(self, model):
        Flips.rounds += 1
        return model, True


def small() -> onnx.ModelProto:
    net = Builder((8,), 0, 1)
    net.bipolar()
    net.linear(8, 3)
    return net.model()


def in_thread(function):
    """What `function` raises in a thread that is not the main one."""
    caught = []

    def run():
        try:
            function()
        except BaseException as error:  # noqa: BLE001  handed to the test
            caught.append(error)

    worker = threading.Thread(target=run)
    worker.start()
    worker.join(60)
    assert not worker.is_alive()
    return caught[0] if caught else None


def flip():
    bound_transformations()
    begin("step_that_flips")
    Flips.rounds = 0
    ModelWrapper(small()).transform(Flips())


def test_a_transformation_that_flips_for_ever_is_named():
    with pytest.raises(CompilerError, match="step_that_flips: Flips goes on changing the graph"):
        flip()
    assert Flips.rounds == ROUNDS + ROUNDS_A_NODE * len(small().graph.node)
    assert CompilerError.exit_code == 1


def test_also_in_a_worker_thread():
    assert "step_that_flips: Flips" in str(in_thread(flip))


def test_a_compile_step_that_flips_leaves_nothing(tmp_path, monkeypatch):
    from hw_bnn.compile import steps

    onnx.save(small(), tmp_path / "n.onnx")
    flipping = lambda model, cfg: model.transform(Flips())  # noqa: E731
    monkeypatch.setattr(steps, "step_bnn_annotate", flipping)
    with pytest.raises(CompilerError, match="step_bnn_annotate: Flips .* please report it"):
        compile_model(tmp_path / "n.onnx", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["n.onnx"]


def spin(seconds: float = 0.2):
    with watched(lambda _name: None, seconds) as say:
        say("quick")
        say("endless")
        try:
            while True:
                time.sleep(0.01)
        except Exception:  # noqa: BLE001  what a step may do must not swallow the end of its time
            pass


def test_a_step_that_runs_on_is_ended_by_the_clock():
    with pytest.raises(CompilerError, match="endless: it has not ended in 0 seconds"):
        spin()
    assert "endless: it has not ended" in str(in_thread(spin))


def test_each_step_has_its_own_time():
    said = []
    with watched(said.append, 0.4) as say:
        for name in "abcd":
            say(name)
            time.sleep(0.2)
    assert said == list("abcd")
    time.sleep(0.5)  # the watch has ended with the run


def test_a_profiler_sees_the_end_of_a_watched_run():
    code = """
import cProfile
from hw_bnn.compile.limits import watched
with cProfile.Profile():
    with watched(print):
        pass
    print("ended")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout.split() == ["ended"], run.stderr
