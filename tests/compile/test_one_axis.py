"""Windows over one axis, (batch, channels, length): every stage equal, from random networks."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import BadInput
from hw_bnn.golden import GoldenModel
from tests.compile.compile_stages import check_all
from tests.compile.float64_network import float64_outputs
from tests.compile.integer_execution import integer_scores
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder, shape_of

WEIGHTS = ("bipolar", "per channel", "one-bit quant", "two-bit", "int4", "stored")
PADDING = ("pads", "auto_pad", "Pad", "none")
ENDS = ("Flatten", "GlobalAveragePool", "ReduceMean", "dropped")


def convolve(net: Builder, outputs: int, rng: np.random.Generator) -> None:
    """A convolution over one axis, whose attributes stand there or are left to their defaults."""
    channels, length = shape_of(net)[1:]
    kernel, dilation = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    kernel = min(kernel, (length - 1) // dilation + 1)
    options = {"kernel_shape": [kernel]} if rng.integers(2) else {}
    options |= {"dilations": [dilation]} if dilation > 1 else {}
    options |= {"strides": [2]} if length > 8 and rng.integers(2) else {}
    padding = PADDING[rng.integers(len(PADDING))]
    if padding == "pads":
        options["pads"] = [int(p) for p in rng.integers(0, kernel, 2)]
    elif padding == "auto_pad" and dilation == 1:  # with dilation onnxruntime refuses it
        # not VALID, which onnx's evaluator takes for SAME_LOWER
        options["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER"]))
    elif padding == "Pad":
        net.add("Pad", net.constant([0, 0, 1, 0, 0, 2], np.int64), net.constant(0.0))
    weights = net.weights((outputs, channels, kernel), str(rng.choice(WEIGHTS)))
    bias = [net.constant(rng.normal(0, 2, outputs))] if rng.integers(2) else []
    net.add("Conv", weights, *bias, **options)


def line(seed: int) -> onnx.ModelProto:
    """Two or three convolutions with pools; channels last at the input where the seed is odd."""
    rng = np.random.default_rng(seed)
    channels, length = int(rng.integers(1, 4)), int(rng.integers(12, 20))
    last = seed % 2 == 1
    net = Builder((length, channels) if last else (channels, length), seed, 3)
    net.quant(8.0, 1 / 64) if rng.integers(2) else net.bipolar()
    if last:
        net.add("Transpose", perm=[0, 2, 1])
    for layer in range(int(rng.integers(2, 4))):
        outputs = int(rng.integers(2, 6))
        convolve(net, outputs, rng)
        pool = rng.integers(4) if shape_of(net)[2] > 4 else 3
        if pool == 0:
            net.add("MaxPool", kernel_shape=[3], strides=[2], pads=[1, 1])
        net.batch_norm(outputs)
        net.bipolar() if rng.integers(2) else net.quant(4.0, 0.5)
        if pool == 1:
            net.add("MaxPool", kernel_shape=[2], strides=[2])
        if pool == 2:
            net.add("AveragePool", kernel_shape=[2], strides=[2])
            net.quant(4.0, 0.25)
        if layer == 0 and rng.integers(2):
            net.add("Unsqueeze", net.constant([2], np.int64))
            net.add("Squeeze", net.constant([2], np.int64))
    end = ENDS[seed % len(ENDS)]
    if end == "GlobalAveragePool":
        net.add("GlobalAveragePool")
    elif end != "Flatten":
        net.add("ReduceMean", axes=[2], keepdims=int(end == "ReduceMean"))
    if end != "Flatten":
        net.quant(8.0, 1 / 16)
    if end != "dropped":
        net.add("Flatten", axis=1)
    net.linear(shape_of(net)[1], 4)
    return net.model()


def keras_line() -> onnx.ModelProto:
    """Keras' Conv1D and MaxPooling1D as tf2onnx writes them: maps of (N, L, C), around each layer
    an axis of 1 and transposes."""
    net = Builder((13, 2), 4, 1)
    net.quant(8.0, 1 / 64)
    channels = 2
    for outputs in (4, 5):
        net.add("Unsqueeze", net.constant([1], np.int64))
        net.add("Transpose", perm=[0, 3, 1, 2])
        weights = net.weights((outputs, channels, 1, 3), "per channel")
        net.add("Conv", weights, kernel_shape=[1, 3], pads=[0, 1, 0, 1], strides=[1, 1])
        net.add("Transpose", perm=[0, 2, 3, 1])
        net.add("Squeeze", net.constant([1], np.int64))
        net.add("Mul", net.constant(net.rng.normal(0, 1, outputs)))
        net.add("Add", net.constant(net.rng.normal(0, 2, outputs)))
        net.bipolar()
        channels = outputs
    net.add("Unsqueeze", net.constant([2], np.int64))
    net.add("Transpose", perm=[0, 3, 1, 2])
    net.add("MaxPool", kernel_shape=[2, 1], strides=[2, 1])
    net.add("Transpose", perm=[0, 2, 3, 1])
    net.add("Squeeze", net.constant([2], np.int64))
    net.add("Reshape", net.constant([-1, 30], np.int64))
    net.linear(30, 4)
    return net.model()


NETWORKS = {**{f"random {seed}": lambda s=seed: line(s) for seed in range(24)}, "keras": keras_line}


@pytest.mark.parametrize("name", NETWORKS)
def test_stages(name):
    """golden (both forms) = the integer graph = onnx's evaluator in float64."""
    model, seed = NETWORKS[name](), 1
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 24, seed)
    scores = golden.scores(x)
    plain, packed = golden.trace(x, packed=False), golden.trace(x, packed=True)
    assert all(np.array_equal(plain[name], packed[name]) for name in plain)
    expected = float64_outputs(model, golden.real_input(x))
    np.testing.assert_allclose(golden.real_outputs(scores), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(integer_scores(import_model(model).graph, x), scores)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(4))
def test_every_stage(seed, tmp_path):
    check_all(line(seed), tmp_path, 40, target_cycles=200)


@pytest.mark.parametrize("options", [{"pads": [1]}, {"strides": [1, 1]}, {"dilations": [2, 2]}])
def test_attributes_of_another_number_of_axes(options):
    net = Builder((2, 9), 0, 1)
    net.bipolar()
    net.add("Conv", net.weights((3, 2, 3)), **options)
    (key,) = options
    for read in (import_model, GoldenModel.from_onnx):
        with pytest.raises(BadInput, match=f"its {key} .* are not those of a window over one axis"):
            read(net.model())
