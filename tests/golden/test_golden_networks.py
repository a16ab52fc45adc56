"""Random networks in the habits of several exporters: golden = QONNX execution, plain = packed."""

from __future__ import annotations

import numpy as np
import pytest

from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from tests.networks.qonnx_graph import compare, random_integers
from tests.networks.qonnx_networks import random_network

SEEDS = 120


@pytest.mark.parametrize("start", range(0, SEEDS, 20))
def test_random_networks_equal_qonnx_but_for_proven_ties(start):
    ran = 0
    for seed in range(start, start + 20):
        model = random_network(seed)
        try:
            golden = GoldenModel.from_onnx(model)
        except Unsupported as error:
            assert "padding value" in str(error), f"seed {seed}: {error}"  # a -1 on a scaled map
            continue
        x = random_integers(golden, 4, seed)
        plain, packed = golden.trace(x, packed=False), golden.trace(x, packed=True)
        for name, expected in plain.items():
            assert np.array_equal(packed[name], expected), (
                f"seed {seed}: packed form differs at {name}"
            )
        difference = compare(model, golden, x)
        assert not difference.mismatches, f"seed {seed}: {difference.mismatches[0]}"
        ran += 1
    assert ran >= 17


def test_input_integers_survive_the_way_to_floats_and_back():
    for seed in range(12):
        golden = GoldenModel.from_onnx(random_network(seed))
        x = random_integers(golden, 3, seed)
        real = golden.real_input(x)
        assert real.dtype == np.float32
        assert np.array_equal(golden.host_quantise(real), x)
