"""What the golden model refuses, by name, reason and remedy."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.golden import GoldenModel
from tests.networks.qonnx_networks import Builder


def refused(build, match: str, kind=Unsupported, **options):
    net = Builder((4, 4, 4) if options.pop("maps", False) else (4,), batch=2)
    build(net)
    with pytest.raises(kind, match=match) as caught:
        GoldenModel.from_onnx(net.model(), **options)
    assert caught.value.remedy
    return caught.value


def test_float_networks():
    def unquantised(net):
        net.linear(4, 3)

    error = refused(unquantised, "graph input reaches Gemm with no quantiser")
    assert error.node == "Gemm_4"
    assert "input_datatype=" in error.remedy

    def float_weights(net):
        net.bipolar()
        net.add("Gemm", net.constant(net.rng.normal(0, 1, (3, 4))), transB=1)

    refused(float_weights, "its weights 'p3' are float numbers")

    def all_float(net):
        net.add("Gemm", net.constant(net.rng.normal(0, 1, (3, 4))), transB=1)

    refused(all_float, "its weights 'p1' are float numbers")

    def nothing(net):
        net.add("Relu") if False else net.add("Mul", net.constant(2.0))

    refused(nothing, "it is a float network")


def test_operators_by_name():
    def odd(net):
        net.bipolar()
        net.add("Erf")

    error = refused(odd, "operator Erf is not supported")
    assert error.node == "Erf_3"
    assert "MatMul" in error.remedy


def test_relu_without_quantiser():
    def build(net):
        net.bipolar()
        net.linear(4, 4)
        net.add("Relu")
        net.linear(4, 3)

    assert refused(build, "ReLU or Clip feeds it with no quantiser").node.startswith("Gemm")


def test_residual_of_batch_norms():
    def build(net):
        start = net.bipolar()
        net.linear(4, 4)
        net.batch_norm(4)
        net.add("Add", start)
        net.bipolar()
        net.linear(4, 3)

    assert refused(build, "irrational ratio").node.startswith("Add")


def irrational(net: Builder) -> str:
    """1 + sqrt(2), as a computed parameter."""
    at = net.at
    root = net.add("Sqrt", source=net.constant([2.0] * 4))
    out = net.add("Add", net.constant([1.0] * 4), source=root)
    net.at = at
    return out


def test_irrational_parameters():
    def variance(net):
        net.bipolar()
        net.linear(4, 4)
        ones = net.constant([1.0] * 4)
        net.add("BatchNormalization", ones, ones, ones, irrational(net))
        net.bipolar()

    assert refused(variance, "its variance is irrational").node.startswith("BatchNorm")

    def zero_point(net):
        net.bipolar()
        net.linear(4, 4)
        net.add("Quant", net.constant(1.0), irrational(net), net.constant(4.0), signed=1, narrow=0)

    assert refused(zero_point, "its zero point is irrational").node.startswith("Quant")

    def width(net):
        net.bipolar()
        net.linear(4, 4)
        net.add("Quant", net.constant(1.0), net.constant(0.0), irrational(net), signed=1, narrow=0)

    assert refused(width, "its bit width is 2.41").node.startswith("Quant")

    def thresholds(net):
        net.bipolar()
        net.linear(4, 4)
        at = net.at
        table = net.add("Reshape", net.constant([4, 1], np.int64), source=irrational(net))
        net.at = at
        net.add("MultiThreshold", table, out_dtype="UINT1")

    assert refused(thresholds, "its thresholds are irrational").node.startswith("Multi")


def test_two_batch_norms_in_a_row():
    def build(net):
        net.bipolar()
        net.linear(4, 4)
        net.batch_norm(4)
        net.batch_norm(4)
        net.bipolar()
        net.linear(4, 3)

    assert refused(build, "two BatchNormalizations").node.startswith("BatchNormalization")


def test_product_of_activations_and_input_quantised_twice():
    def product(net):
        one = net.bipolar()
        net.add("Mul", one)

    refused(product, "multiplies two activations")

    def twice(net):
        one = net.bipolar()
        net.at = "x"
        net.bipolar(0.5)
        net.add("Add", one)

    refused(twice, "quantised twice")


def test_the_batch_stays_in_place():
    def moved(net):
        net.bipolar()
        net.add("Transpose", perm=[1, 0])

    refused(moved, "moves the batch axis")

    def mixed(net):
        net.bipolar()
        net.add("Reshape", net.constant([8], np.int64))

    refused(mixed, "mixes the frames")


def test_quantiser_parameters():
    def zero(net):
        net.bipolar(0.0)

    refused(zero, "its scale is zero", BadInput)

    def many_bits(net):
        net.quant(20.0)

    refused(many_bits, "a quantiser of 20 bits")

    def half_a_bit(net):
        net.quant(2.5)

    refused(half_a_bit, "its bit width is 2.5")

    def odd_rounding(net):
        net.quant(2.0, mode="STOCHASTIC")

    refused(odd_rounding, "rounding mode STOCHASTIC")


def test_negative_variance_and_infinite_weights():
    def variance(net):
        net.bipolar()
        net.linear(4, 2)
        net.add("BatchNormalization", *[net.constant([1.0, 1.0])] * 3, net.constant([1.0, -1.0]))

    refused(variance, "variance plus epsilon is -0.99", BadInput)

    def infinite(net):
        net.bipolar()
        net.at, stem = net.constant([[np.inf, 1, 1, 1]]), net.at
        weights = net.bipolar()
        net.at = stem
        net.add("Gemm", weights, transB=1)

    refused(infinite, "its tensor 'p.' holds NaN or infinity", BadInput)


def test_input_types_and_shapes():
    def build(net):
        net.bipolar()
        net.linear(4, 2)

    refused(build, "input datatype FLOAT16", input_datatype="FLOAT16")
    refused(build, "input datatype INT32", input_datatype="INT32")
    refused(build, "input scale is 0", BadInput, input_datatype="UINT8", input_scale=0)
    net = Builder((4,))
    build(net)
    golden = GoldenModel.from_onnx(net.model())
    with pytest.raises(BadInput, match=r"has the shape \(3, 5\), the network takes \(N, 4\)"):
        golden.scores(np.ones((3, 5), int))
    with pytest.raises(BadInput, match="holds 0"):
        golden.scores(np.zeros((3, 4), int))
    with pytest.raises(BadInput, match="takes integers"):
        golden.scores(np.full((3, 4), 0.5))
    with pytest.raises(BadInput, match="not finite"):
        golden.host_quantise(np.full((3, 4), np.nan))
    model = net.model()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(BadInput, match="'x' has no shape"):
        GoldenModel.from_onnx(model)
    model.graph.input.append(onnx.helper.make_tensor_value_info("z", 1, [1, 4]))
    with pytest.raises(Unsupported, match="2 inputs"):
        GoldenModel.from_onnx(model)


@pytest.mark.parametrize("op_type", ["AveragePool", "Clip", "MaxPool", "Pad", "ReduceMean", "Relu"])
def test_what_stands_before_the_input_quantiser_is_named(op_type):
    def build(net):
        more = [net.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)] if op_type == "Pad" else []
        net.add(op_type, *more, **({"kernel_shape": [2, 2]} if "Pool" in op_type else {}))
        net.quant(4.0)

    told = refused(build, f"{op_type} (of|acts on) the graph input", maps=True)
    assert "on the host" in told.remedy


def test_many_levels_a_channel_are_evaluated():
    """A scale a channel, exact in float64: no table of 65,536 levels for each is made."""
    net = Builder((40,), batch=2)
    net.quant(8.0)
    gains = net.rng.integers(-999, 999, 40) / 1024
    net.add("Mul", net.constant(gains))
    net.quant(16.0, 1 / 256)
    golden = GoldenModel.from_onnx(net.model())
    assert not golden.thresholds()
    x = np.random.default_rng(0).integers(-128, 128, (50, 40))
    expected = np.clip(np.rint(x * gains * 256), -32768, 32767)
    assert np.array_equal(np.asarray(golden.scores(x)), expected)


@pytest.mark.parametrize("factor", [0.25, -0.25])
def test_many_levels_of_one_set_are_exact(factor):
    net = Builder((6,), batch=2)
    net.quant(12, signed=0)  # the host's, which is not bounded
    net.add("Mul", net.constant(factor))
    net.quant(10)
    golden = GoldenModel.from_onnx(net.model())
    x = np.random.default_rng(0).integers(0, 4096, (50, 6))
    expected = np.clip(np.rint(x * factor), -512, 511).astype(np.int64)  # halves to even
    assert np.array_equal(np.asarray(golden.scores(x)), expected)
