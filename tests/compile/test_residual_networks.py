"""Residual networks with 8-bit integer shortcuts, from file to RTL, at the rate of the
slowest layer.

A quarter of the channels on a smaller image in CI; ResNet-20 of full width with `-m full`.
"""

from __future__ import annotations

import numpy as np
import pytest

from hw_bnn.golden import GoldenModel
from tests.compile.compile_stages import check_all
from tests.networks.qonnx_graph import random_integers
from tests.networks.residual_networks import bireal, resnet20

pytest.importorskip("finn")


def test_the_networks_are_what_they_say():
    ops = [n.op_type for n in resnet20().graph.node]
    assert ops.count("Conv") + ops.count("Gemm") == 20 + 2
    assert ops.count("Add") == 9 and ops.count("AveragePool") == 2
    ops = [n.op_type for n in bireal().graph.node]
    assert ops.count("Conv") + ops.count("Gemm") == 20 + 2 and ops.count("Add") == 18


@pytest.mark.parametrize("network", [resnet20, bireal])
def test_no_map_is_dead(network):
    """A network whose scores hang on a few of its maps would hide mistakes in the others."""
    golden = GoldenModel.from_onnx(network((4, 8, 16), 16))
    traced = golden.trace(random_integers(golden, 8, 0))
    for name, values in traced.items():
        assert (values != values[:1]).any(), f"{name} does not depend on the input"
        assert len(np.unique(values)) > (20 if values.max() > 50 else 1), name


@pytest.mark.slow
def test_narrow_resnet20(tmp_path):
    """All 22 layers, the branches' FIFOs as small as their sizes were found."""
    check_all(resnet20((4, 8, 16), 8), tmp_path, 24, target_cycles=9216)


@pytest.mark.slow
def test_bireal_blocks(tmp_path):
    check_all(bireal((4, 8), 8, blocks=2), tmp_path, 40, target_cycles=2304)


@pytest.mark.full
@pytest.mark.parametrize("network", [resnet20, bireal])
def test_full_width(network, tmp_path):
    check_all(network(), tmp_path, 10, target_cycles=147_456)
