"""Fixtures shared by the kernels' benches."""

from __future__ import annotations

import os

import pytest

from rtl_tests.bench import SIMULATORS


@pytest.fixture(params=SIMULATORS)
def simulator(request):
    """Both simulators in turn (a bench skips where one is not installed)."""
    return request.param


@pytest.fixture
def shape_seed(record_property):
    """Seed of the random shapes: HW_BNN_SHAPE_SEED, or 1 (then earlier builds serve)."""
    seed = int(os.environ.get("HW_BNN_SHAPE_SEED", "1"))
    record_property("shape_seed", seed)
    print(f"shapes drawn with HW_BNN_SHAPE_SEED={seed}")
    return seed
