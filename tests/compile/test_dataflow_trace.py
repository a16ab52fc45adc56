"""The dataflow graph's inner values are the golden model's, tensor by tensor of the user's file."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from hw_bnn.golden import GoldenModel
from hw_bnn.verify.stage import trace_tensors
from tests.networks.qonnx_graph import random_integers
from tests.networks.support_case import net, norm

pytest.importorskip("finn")


def network():
    """8-bit input, pool before BatchNorm, a residual block that halves 3 x 5 maps, dense."""
    made = net((2, 12, 20), quantiser="int8")
    made.conv(2, 3, 3, 1, (1, 1, 1, 1))
    made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    norm(made, 3, 3.0)
    shortcut = made.quant(4.0, 0.5)
    made.bipolar()
    made.conv(3, 6, 3, 2, (1, 1, 1, 1))
    norm(made, 6, 5.0)
    branch = made.quant(4.0, 0.5)
    made.at = shortcut
    made.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    made.quant(4.0, 0.5)
    made.conv(3, 6, 1)
    norm(made, 6, 5.0)
    shortcut = made.quant(4.0, 0.5)
    made.add("Add", branch, source=shortcut)
    made.bipolar()
    made.add("Flatten", axis=1)
    made.linear(90, 8)
    norm(made, 8, 9.0)
    made.bipolar()
    made.linear(8, 3)
    return made.model()


def test_every_quantiser_is_traced_and_equal(tmp_path):
    from hw_bnn.compile import compile_model
    from hw_bnn.compile.dataflow import trace

    model = network()
    onnx.save(model, tmp_path / "n.onnx")
    folder = compile_model(
        tmp_path / "n.onnx", tmp_path / "a", check=False, fifo_sizing="none", folding={}
    )
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 3, 1)
    expected = golden.trace(x)
    found = trace(folder, x, {name: values.shape[1:] for name, values in expected.items()})
    assert set(trace_tensors(golden)) == set(expected)
    assert set(expected) - set(found) == set()
    for name, values in expected.items():
        assert len(np.unique(values)) > 1, f"{name} is constant"
        assert np.array_equal(found[name], values), name
