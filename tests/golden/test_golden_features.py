"""Habits of other tools, one by one, against small hand-made references."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.golden import GoldenModel
from tests.networks.qonnx_graph import compare, random_integers
from tests.networks.qonnx_networks import Builder


def bipolar(rng, shape):
    return rng.integers(0, 2, shape) * 2 - 1


def exact(net: Builder, frames: int = 4) -> GoldenModel:
    """The golden model of a network, after comparing it with QONNX execution and
    plain with packed."""
    model = net.model()
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, frames)
    difference = compare(model, golden, x)
    assert not difference.mismatches, difference.mismatches[0]
    assert np.array_equal(golden.scores(x), golden.scores(x, packed=False))
    return golden


# -- inputs --


def test_input_contract_of_a_scaled_input():
    net = Builder((1, 4, 4), batch=4)
    net.add("Mul", net.constant(2.0))
    net.add("Sub", net.constant(1.0))
    net.quant(8.0, 1 / 128)
    net.add("Flatten", axis=1)
    net.linear(16, 3)
    golden = exact(net)
    contract = golden.input
    assert (contract.datatype, contract.minimum, contract.maximum) == ("INT8", -128, 127)
    assert (contract.shape, contract.scale, contract.offset) == ((1, 4, 4), Fraction(1, 128), 0)
    pixels = np.array([[0.0, 0.5, 1.0, 0.25]] * 4).reshape(1, 1, 4, 4)
    assert golden.host_quantise(pixels)[0, 0, 0].tolist() == [-128, 0, 127, -64]


def test_flattening_before_the_quantiser_stays_on_the_host():
    net = Builder((1, 2, 3), batch=4)
    net.add("Transpose", perm=[0, 2, 3, 1])
    net.add("Flatten", axis=1)
    net.add("Sub", net.constant(0.5))
    net.bipolar()
    net.linear(6, 3)
    golden = exact(net)
    assert golden.input.shape == (6,)
    x = bipolar(np.random.default_rng(0), (5, 6))
    real = golden.real_input(x)
    assert real.shape == (5, 1, 2, 3)
    assert np.array_equal(golden.host_quantise(real), x)
    assert golden.host_quantise(np.full((1, 1, 2, 3), 0.5)).tolist() == [[1] * 6], "sign(0) is +1"


def test_host_quantise_decides_half_steps_exactly():
    """x/0.1 for float32 numbers: 0.25 is 2.49999996 steps of float32(0.1),
    0.05 is exactly 1/2 of one."""
    step = float(np.float32(0.1))
    net = Builder((3,))
    net.quant(4.0, step)
    net.linear(3, 2)
    golden = GoldenModel.from_onnx(net.model())
    x = np.array([[step / 2, step * 1.5, np.float32(0.25)]])
    ratio = Fraction(float(np.float32(0.25))) / Fraction(step)
    assert golden.host_quantise(x).tolist() == [[0, 2, 3 if ratio > Fraction(5, 2) else 2]]


def test_annotated_integer_input_needs_no_quantiser():
    net = Builder((5,))
    net.annotations.append(("x", "UINT4"))
    net.linear(5, 3)
    golden = GoldenModel.from_onnx(net.model())
    assert (golden.input.tensor, golden.input.maximum) == ("x", 15)
    x = random_integers(golden, 4)
    assert np.array_equal(golden.real_input(x), x)
    with pytest.raises(BadInput, match="UINT4 allows 0 to 15"):
        golden.scores(x + 16)


def test_raw_input_with_negative_multiplier_descends():
    """Real input u * 0.5, then 3 - x, then sign: +1 for u <= 6."""
    net = Builder((4,))
    net.add("Sub", net.constant(3.0), first=False)
    net.bipolar()
    net.linear(4, 2)
    golden = GoldenModel.from_onnx(net.model(), input_datatype="UINT4", input_scale=0.5)
    (found,) = golden.thresholds().values()
    assert (found.direction.item(), found.values.item()) == (-1, 6)
    trace = golden.trace(np.array([[5, 6, 7, 8]]))
    assert trace[found.tensor].tolist() == [[1, 1, -1, -1]]


# -- layers --


def test_threshold_api_follows_gamma():
    """gamma 1, -1, 0: a >= 1 for a > 0.5; a <= 0; constant by the bias."""
    net = Builder((8,))
    net.bipolar()
    net.linear(8, 4)
    net.add(
        "BatchNormalization",
        net.constant([1.0, -1.0, 0.0, 0.0]),
        net.constant([0, 0, 0.5, -0.5]),
        net.constant([0.5] * 4),
        net.constant([1.0] * 4),
        epsilon=0.0,
    )
    name = net.bipolar()
    net.linear(4, 2)
    golden = exact(net)
    found = golden.thresholds()[name]
    assert found.direction.tolist() == [1, -1, 0, 0]
    assert found.values[:, 0].tolist() == [1, 0, -8, 9]
    assert (found.first, found.stride, found.channels) == (-1, 2, 0)
    assert found.minimum.tolist() == [-8] * 4


def test_channels_last_network():
    """An NHWC input, quantised, transposed for the convolution and back."""
    net = Builder((6, 6, 3), batch=4)
    net.bipolar()
    net.add("Transpose", perm=[0, 3, 1, 2])
    net.conv(3, 8)
    net.add("Transpose", perm=[0, 2, 3, 1])
    net.add("Mul", net.constant(np.linspace(-1, 1, 8)))
    net.add("Add", net.constant(np.linspace(2, -2, 8)))
    table = np.arange(-3.0, 5.0).reshape(8, 1)
    net.add(
        "MultiThreshold",
        net.constant(table),
        out_dtype="BIPOLAR",
        out_scale=2.0,
        out_bias=-1.0,
        data_layout="NHWC",
    )
    net.add("Reshape", net.constant([4, -1], np.int64))
    net.linear(128, 10)
    golden = exact(net)
    assert golden.input.shape == (6, 6, 3)


def test_matrix_product_along_the_last_axis_of_a_map():
    """A pointwise layer on NHWC maps, written as a matrix product."""
    net = Builder((2, 3, 70), batch=4)
    net.bipolar()
    net.linear(70, 9, form="matmul", habit="per channel")
    net.add("Add", net.constant(np.linspace(-1, 1, 9)))
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(54, 3)
    exact(net)


def test_bipolar_quant_with_a_negative_scale_turns_the_sign():
    net = Builder((5,))
    net.bipolar()
    net.linear(5, 7, scale=-0.5)
    net.bipolar(-2.0)
    net.linear(7, 3)
    golden = exact(net)
    assert golden.output_affine()[0][0].x == -2


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_padding_of_a_bipolar_map(value):
    net = Builder((2, 3, 3), batch=4)
    net.bipolar()
    net.add("Pad", net.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), net.constant(value))
    net.conv(2, 4)
    net.add("Flatten", axis=1)
    golden = exact(net)
    x = np.ones((1, 2, 3, 3), int)
    corner = golden.scores(x).reshape(4, 3, 3)[:, 0, 0]
    (op,) = (op for op in golden.program.ops if type(op).__name__ == "Conv")
    inside, outside = op.weights[:, :, 1:, 1:].sum(axis=(1, 2, 3)), op.weights.sum(axis=(1, 2, 3))
    assert np.array_equal(corner, inside + int(value) * (outside - inside))


def test_zero_padding_of_bits_that_mean_plus_and_minus_one():
    """A map of 0 and 1 that stands for -1 and +1 (2q - 1):
    a zero outside lies between the levels."""
    net = Builder((2, 4, 4), batch=4)
    net.quant(1.0, 1.0, signed=0)
    net.add("Mul", net.constant(2.0))
    net.add("Sub", net.constant(1.0))
    net.conv(2, 3, pads=(1, 1, 1, 1))
    net.batch_norm(3)
    net.bipolar()
    net.conv(3, 2)
    golden = exact(net)
    assert golden.input.datatype == "BINARY"


@pytest.mark.parametrize("sign", [1, -1])
def test_pool_between_convolution_and_batch_norm(sign):
    """sign(BN(max(a))): the largest accumulator, whatever the sign of gamma."""
    net = Builder((3, 8, 8), batch=4)
    net.bipolar()
    net.conv(3, 6)
    net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.batch_norm(6)
    net.add("Mul", net.constant(float(sign)))
    net.bipolar()
    net.conv(6, 2)
    exact(net)


@pytest.mark.parametrize("limits", [(-1.0, 2.5), (-3.0, -0.5), (None, 1.0), (0.25, None)])
@pytest.mark.parametrize("factor", [1.0, -0.5])
def test_clips_and_relus_in_a_row(limits, factor):
    """Clip, a factor that may swap its limits, ReLU, and a quantiser that sees what is left."""
    net = Builder((20,))
    net.bipolar()
    net.linear(20, 12)
    net.add("Mul", net.constant(np.linspace(-0.4, 0.5, 12)))
    net.add("Clip", *("" if limit is None else net.constant(limit) for limit in limits))
    net.add("Mul", net.constant(factor))
    net.add("Relu")
    net.add("Sub", net.constant(0.5))
    net.quant(3.0, 0.25)
    net.linear(12, 4)
    exact(net, 8)


def test_pool_behind_a_negative_scale_takes_the_smallest_integer():
    net = Builder((1, 2, 2), batch=4)
    net.annotations.append(("x", "INT4"))
    net.add("Mul", net.constant(-1.0))
    net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.bipolar()
    net.conv(1, 1, 1)
    golden = GoldenModel.from_onnx(net.model())
    name = next(iter(golden.thresholds()))
    x = np.array([[[[3, 5], [1, 7]]], [[[-3, 5], [1, 7]]]])
    assert golden.trace(x)[name].reshape(-1).tolist() == [-1, 1]  # max(-x) = -min(x)


def test_max_pool_with_padding_and_ceil_mode():
    for attributes in (
        {"pads": [1, 1, 1, 1], "strides": [2, 2]},
        {"ceil_mode": 1, "strides": [2, 2]},
        {"strides": [1, 1], "dilations": [2, 2]},
    ):
        net = Builder((2, 7, 7), batch=4)
        net.quant(4.0, 0.5)
        net.add("MaxPool", kernel_shape=[2, 2], **attributes)
        net.bipolar()
        net.add("Flatten", axis=1)
        net.add(
            "Gemm",
            net.constant(
                np.ones((3, 2 * (16 if "pads" in attributes or "ceil_mode" in attributes else 25)))
            ),
            transB=1,
        )
        exact(net)


def test_per_channel_activation_scales_are_folded_into_integers():
    """Channels in steps of 1, 1/2 and 3/4 meet in one sum: 4, 2 and 3 quarters."""
    net = Builder((3,))
    net.annotations.append(("x", "INT4"))
    net.quant(3.0, np.array([1.0, 0.5, 0.75]))
    net.linear(3, 2)
    golden = exact(net)
    assert sorted(np.abs(golden.program.ops[-1].weights[0]).tolist()) == [2, 3, 4]
    assert golden.output_affine()[0][0].x == Fraction(1, 4)


def test_residual_on_different_scales_has_a_common_measure():
    net = Builder((4,))
    net.annotations.append(("x", "INT8"))
    one = net.quant(4.0, 1.0)
    net.at = "x"
    net.quant(4.0, 0.75)
    net.add("Add", one)
    net.quant(5.0, 1.5)
    net.linear(4, 3)
    golden = exact(net)
    (factors,) = [op.factors for op in golden.program.ops if type(op).__name__ == "Sum"]
    assert sorted(int(f.item()) for f in factors) == [3, 4]


def test_constants_through_other_nodes():
    """Weights through Constant and Transpose, a scale by arithmetic, 1/sqrt written out."""
    net = Builder((6,))
    net.bipolar()
    stem = net.at
    net.at = net.constant(net.rng.uniform(-1, 1, (6, 5)), node=True)
    net.bipolar(0.5)
    net.add("Transpose", perm=[1, 0])
    weights = net.add("Transpose", perm=[1, 0])
    net.at = stem
    net.add("MatMul", weights)
    layer = net.at
    net.at = net.constant(net.rng.uniform(0.5, 2, 5))
    net.add("Add", net.constant(1e-3))
    deviation = net.add("Sqrt")
    net.at = layer
    net.add("Sub", net.constant(net.rng.normal(0, 1, 5)))
    net.add("Div", deviation)
    net.add("Identity")
    net.bipolar()
    net.linear(5, 3)
    exact(net)


def test_shape_computed_from_the_input():
    """Shape, Gather, Unsqueeze, Concat, Reshape: how tracing exporters flatten."""
    net = Builder((2, 3, 3), batch=4)
    quantised = net.bipolar()
    net.add("Shape")
    net.add("Gather", net.constant(0, np.int64), axis=0)
    batch = net.add("Unsqueeze", net.constant([0], np.int64))
    net.at = batch
    target = net.add("Concat", net.constant([-1], np.int64), axis=0)
    net.at = quantised
    net.add("Reshape", target)
    net.linear(18, 4)
    exact(net)


@pytest.mark.parametrize("tail", ["Softmax", "LogSoftmax", "ArgMax", "TopK"])
def test_what_takes_the_scores_leaves_them_as_they_are(tail):
    def network(with_tail):
        net = Builder((12,), 4, batch=4)
        net.bipolar()
        net.linear(12, 5)
        net.batch_norm(5)
        if with_tail and tail == "TopK":
            net.add("TopK", net.constant([1], np.int64), outputs=2, axis=1)
        elif with_tail:
            net.add(tail, axis=1)
        return net.model()

    golden, bare = GoldenModel.from_onnx(network(True)), GoldenModel.from_onnx(network(False))
    x = random_integers(golden, 20)
    assert np.array_equal(golden.scores(x), bare.scores(x))
    assert np.array_equal(golden.labels(golden.scores(x)), bare.labels(bare.scores(x)))


def test_labels_take_the_first_of_equal_outputs():
    net = Builder((4,))
    net.bipolar()
    net.linear(4, 3)
    net.add("Mul", net.constant([1.0, -1.0, 0.5]))
    golden = GoldenModel.from_onnx(net.model())
    scores = np.array([[2, -2, 4], [0, 0, 0], [-4, -2, 3], [-2, -2, 4], [-1, 1, -1]])
    assert golden.labels(scores).tolist() == [0, 0, 1, 1, 2]


def test_dense_predictions_have_scores_but_no_labels():
    net = Builder((2, 4, 4), batch=4)
    net.bipolar()
    net.conv(2, 3)
    golden = exact(net)
    scores = golden.scores(random_integers(golden, 2))
    assert scores.shape == (2, 12)
    with pytest.raises(Unsupported, match="no list of scores"):
        golden.labels(scores)
