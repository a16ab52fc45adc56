"""Boards for the tests, each built once."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from tests.boards.echo_board import EchoBoard


@pytest.fixture(scope="session", autouse=True)
def _build_cache(tmp_path_factory):
    """Builds are shared by the tests of a session and, where CI keeps HW_BNN_CACHE, by sessions."""
    if "HW_BNN_CACHE" not in os.environ:
        os.environ["HW_BNN_CACHE"] = str(tmp_path_factory.getbasetemp().parent / "hw_bnn_cache")


@pytest.fixture(scope="session")
def boards(tmp_path_factory):
    """boards(family, in_bytes, out_bytes): an echo board, one a shape; reset before each use."""
    made = {}

    def get(family, in_bytes, out_bytes):
        key = (family, in_bytes, out_bytes)
        if key not in made:
            made[key] = EchoBoard(tmp_path_factory.mktemp("echo"), *key)
        echo, how = made[key], made[key].port.behaviour
        how.latency, how.bursts, how.dead, how.fault, how.fault_from, how.fault_to = (
            20,
            16,
            0,
            0,
            0,
            0,
        )
        how.address_after = 0
        echo.port.set_stall(0)
        echo.port.reset()
        echo.board.timeout_s = 1e-3
        return echo

    yield get
    for echo in made.values():
        echo.port.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A small accelerator folder, compiled for a board with an UltraScale+."""
    from benchmarks.networks import binary_mlp
    from hw_bnn.compile import compile_model

    place = tmp_path_factory.mktemp("small")
    model = binary_mlp(place / "mlp.onnx", [24, 8, 4])
    return compile_model(model, place / "mlp", board="kv260", target_cycles=16, check=False)


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """A small compiled network, the whole digits set as its input, what the golden model says."""
    sklearn = pytest.importorskip("sklearn.datasets")
    from benchmarks.networks import binary_mlp
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model
    from hw_bnn.golden import GoldenModel

    folder = tmp_path_factory.mktemp("digits")
    model = binary_mlp(folder / "mlp.onnx", [64, 48, 32, 10])
    made = compile_model(model, folder / "mlp", target_cycles=64, check=False)
    x = np.where(sklearn.load_digits().data >= 8, 1, -1)
    golden = GoldenModel.from_onnx(model)
    scores = golden.scores(x)
    return SimpleNamespace(folder=made, accelerator=Description.load(made), x=x, scores=scores,
                           labels=golden.labels(scores))  # fmt: skip
