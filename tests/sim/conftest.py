"""The build cache of the engines' tests, and a tiny accelerator folder."""

import os

import pytest

from tests.sim.toy_accelerator import Toy, make_toy


@pytest.fixture(scope="session", autouse=True)
def _build_cache(tmp_path_factory):
    """Builds are shared by the tests of a session and, where CI keeps HW_BNN_CACHE, by sessions."""
    if "HW_BNN_CACHE" not in os.environ:
        os.environ["HW_BNN_CACHE"] = str(tmp_path_factory.getbasetemp().parent / "hw_bnn_cache")


@pytest.fixture
def toy(tmp_path) -> Toy:
    return make_toy(tmp_path / "toy")
