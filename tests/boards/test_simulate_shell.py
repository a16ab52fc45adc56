"""`simulate --shell`: a folder through the simulated board, from the command line."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest

from benchmarks.networks import binary_mlp
from hw_bnn import cli
from hw_bnn.boards.engine import port_of
from hw_bnn.boards.shell import PORTS
from hw_bnn.compile.boards import BOARDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from hw_bnn.compile import compile_model

    place = tmp_path_factory.mktemp("shell")
    return compile_model(binary_mlp(place / "mlp.onnx", [24, 8, 4]), place / "mlp", board="kv260", target_cycles=16,
                         check=False)  # fmt: skip


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
        code, out, errors = run("simulate", folder, "--frames", 300, "--save", tmp_path / f"{name}.npz", "--json", *more)
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
    (["--waves", "x.fst"], "waves"), (["--engine", "cocotb"], "contradicts"), (["--jobs", "2"], "jobs"),
])  # fmt: skip
def test_options_that_it_does_not_have_are_refused(folder, more, reason):
    code, _, errors = run("simulate", folder, "--frames", 4, "--shell", *more)
    assert code == 2 and reason in errors
