"""A flattening stands where people put it: before or behind the input's quantiser, in any form."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.frontend import import_model
from tests.compile.compile_stages import PART
from tests.networks.qonnx_networks import Builder

WAYS = {
    "Flatten": None,
    "Flatten -3": None,
    "Reshape to -1": lambda batch, n: [batch, -1],
    "Reshape from 0": lambda batch, n: [0, -1],
    "Reshape to numbers": lambda batch, n: [batch, n],
    "Reshape with an open batch": lambda batch, n: [-1, n],
}


def flattened(shape, way: str, first: bool, quantiser: str, batch: int = 1) -> onnx.ModelProto:
    """quantise, flatten (`first`: the other way round), dense, sign, dense."""
    net = Builder(shape, 3, batch)
    size = int(np.prod(shape))

    def quantise():
        net.bipolar() if quantiser == "sign" else net.quant(4.0, 0.125, signed=0)

    def flatten():
        if way.startswith("Flatten"):
            net.add("Flatten", axis=-3 if "-3" in way else 1)
        else:
            net.add("Reshape", net.constant(WAYS[way](batch, size), np.int64))

    for step in (flatten, quantise) if first else (quantise, flatten):
        step()
    net.linear(size, 6)
    net.batch_norm(6)
    net.bipolar()
    net.linear(6, 3)
    return net.model()


IMAGE, MAPS = ((1, 4, 4), "4 bits", False, 1), ((3, 2, 5), "sign", False, 2)
CASES = [(way, *IMAGE) for way in WAYS]
CASES += [(way, *MAPS) for way in ("Flatten", "Reshape to numbers")]
CASES += [(way, (3, 2, 5), "4 bits", True, 2) for way in ("Flatten", "Reshape to -1")]


@pytest.mark.parametrize(("way", "shape", "quantiser", "first", "batch"), CASES)
def test_every_step_of_the_compiler_holds_the_golden_scores(way, shape, quantiser, first, batch):
    pytest.importorskip("finn")
    model = flattened(shape, way, first, quantiser, batch)
    build_dataflow(
        model, import_model(model), part=PART, target=None, folding={}, mode="scores", check=True,
        log=None,
    )  # fmt: skip
