"""Layer x option -> exact or refused: the cases of docs/support-matrix.md, each a small network.

An exact case goes through qonnx, golden, dataflow and RTL in test_compile_support.py; a refused one has to
be refused with node, reason and remedy before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from golden_networks import Builder, shape_of
from keras_network import keras_network
from onnx import TensorProto, helper


@dataclass(frozen=True)
class Case:
    """`refused`: a pattern of the reason; None for an exact case."""

    layer: str
    option: str
    build: Callable[[], onnx.ModelProto]
    refused: str | None = None

    @property
    def name(self) -> str:
        return f"{self.layer}: {self.option}"


CASES: list[Case] = []


def case(layer: str, option: str, refused: str | None = None):
    """Register a function that builds a case's network."""

    def register(function):
        CASES.append(Case(layer, option, function, refused))
        return function

    return register


def net(shape=(2, 6, 6), batch: int = 2, quantiser: str = "bipolar", opset: int = 13) -> Builder:
    made = Builder(shape, 5, batch, opset)
    if quantiser == "bipolar":
        made.bipolar()
    elif quantiser == "int8":
        made.quant(8.0, 1 / 128)
    elif quantiser:
        made.quant(float(quantiser[4:]), 0.125, signed=int(quantiser[0] == "s"))
    return made


def end(made: Builder, classes: int = 4) -> onnx.ModelProto:
    """Flatten, a dense layer, the model."""
    size = shape_of(made)[1:]
    if len(size) > 1:
        made.add("Flatten", axis=1)
    made.linear(int(np.prod(size)), classes)
    return made.model()


def norm(made: Builder, channels: int, spread: float = 2.0) -> None:
    """A BatchNorm of gains of both signs and, of three channels on, one 0."""
    gamma = np.where(np.arange(channels) % 2, -1.0, 1.0) * made.rng.uniform(0.3, 1.5, channels)
    if channels > 2:
        gamma[-1] = 0
    made.add("BatchNormalization", made.constant(gamma), made.constant(made.rng.normal(0, 0.5, channels)),
             made.constant(made.rng.normal(0, spread / 2, channels)),
             made.constant(spread**2 * made.rng.uniform(0.5, 1.5, channels)), epsilon=1e-5)


def several(layer: str, options, function, refused: str | None = None) -> None:
    """One case an option: function(option's arguments) builds it."""
    for option, arguments in options:
        CASES.append(Case(layer, option, lambda a=arguments: function(*a), refused))


# -- input --

several("Input", [("1 bit", ("bipolar",)), ("8-bit signed", ("int8",)), ("4-bit unsigned", ("uint4",)),
                  ("2-bit signed", ("sint2",))],
        lambda q: end(net(quantiser=q)))


@case("Input", "real numbers before the quantiser (host)")
def _():
    made = net(quantiser="")
    made.add("Mul", made.constant(2.0))
    made.add("Sub", made.constant(1.0))
    made.bipolar()
    return end(made)


@case("Input", "annotated with an integer type, no quantiser")
def _():
    made = net(quantiser="")
    made.annotations.append(("x", "UINT4"))
    made.conv(2, 3, 3)
    made.bipolar()
    return end(made)


@case("Input", "read by two layers (shortcut from the input)")
def _():
    made = net(quantiser="int8")
    shortcut = made.at
    made.conv(2, 2, 3, 1, (1, 1, 1, 1))
    norm(made, 2)
    branch = made.quant(8.0, 1 / 128)
    made.add("Add", shortcut, source=branch)
    made.bipolar()
    return end(made)


@case("Input", "channels last, with Transpose")
def _():
    made = net((6, 5, 2), quantiser="int8")
    made.add("Transpose", perm=[0, 3, 1, 2])
    made.conv(2, 3, 3)
    made.bipolar()
    return end(made)


def _batch(batch):
    made = net(batch=batch)
    made.conv(2, 3, 3)
    made.bipolar()
    return end(made)


several("Input", [("batch of 1", (1,)), ("batch of 5 in the file", (5,))], _batch)


@case("Input", "float, without a quantiser", refused="which no quantiser has made integer")
def _():
    made = net(quantiser="")
    made.conv(2, 3, 3)
    made.bipolar()
    return end(made)


@case("Input", "quantised in two ways", refused="graph input is quantised in two ways")
def _():
    made = net(quantiser="")
    first = made.quant(4.0, 0.25)
    made.at = "x"
    made.bipolar()
    made.add("Add", first)
    return end(made)


@case("Input", "a scale per channel", refused="an input quantiser with a scale per channel")
def _():
    made = net(quantiser="")
    made.quant(4.0, np.array([0.25, 0.5], np.float32).reshape(2, 1, 1))
    return end(made)


@case("Input", "two graph inputs", refused="the graph has 2 inputs")
def _():
    model = end(net())
    model.graph.input.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2]))
    return model


# -- weights --


def _weights(habit, form="gemm", scale=1.0, bias=False, transposed=False):
    made = net((12,))
    made.linear(12, 9, habit, form, bias, scale)
    norm(made, 9)
    made.bipolar()
    return end(made)


several("Weights", [
    ("BipolarQuant, scale per tensor", ("bipolar", "gemm", 0.1)), ("1-bit Quant", ("one-bit quant",)),
    ("scale per output channel", ("per channel",)), ("stored as +-s, no quantiser", ("stored", "gemm", 0.5)),
], _weights)
several("Weights", [("2 bits", ("two-bit",))], _weights, refused="which needs more than 1 bit")


@case("Weights", "float", refused="its weights are float")
def _():
    made = net((12,))
    made.add("Gemm", made.constant(made.rng.normal(size=(9, 12))), transB=1)
    made.bipolar()
    return end(made)


@case("Weights", "computed by the network", refused="its weights are not a constant")
def _():
    made = net((4,), batch=4)
    made.add("MatMul", made.at)
    made.bipolar()
    return end(made)


@case("Weights", "one scale an input", refused="a weight scale that varies inside a neuron")
def _():
    made = net((12,))
    at = made.at
    made.at = made.constant(made.rng.normal(size=(9, 12)))
    weights = made.bipolar(made.rng.uniform(0.1, 1, (1, 12)).astype(np.float32))
    made.at = at
    made.add("Gemm", weights, transB=1)
    made.bipolar()
    return end(made)


# -- dense --

several("Dense", [
    ("Gemm, transB = 1", ("bipolar", "gemm")), ("Gemm with bias", ("bipolar", "gemm", 1.0, True)),
    ("MatMul, weights through Transpose", ("per channel", "matmul")),
    ("MatMul + Add", ("bipolar", "matmul", 1.0, True)),
], _weights)


@case("Dense", "Gemm, transB = 0, alpha and beta")
def _():
    made = net((12,))
    at = made.at
    made.at = made.constant(made.rng.uniform(-1, 1, (12, 9)))
    weights = made.bipolar(0.5)
    made.at = at
    made.add("Gemm", weights, made.constant(made.rng.normal(0, 2, 9)), alpha=0.5, beta=1.5)
    made.bipolar()
    return end(made)


@case("Dense", "quantised bias, in Gemm and in an Add")
def _():
    made = net((12,))
    at = made.at
    for outputs in (9, 7):
        made.at = made.constant(made.rng.normal(0, 2, outputs))
        bias = made.quant(6.0, 0.25)
        weights = made.weights((outputs, 12 if outputs == 9 else 9), "per channel")
        made.at = at
        if outputs == 9:
            made.add("Gemm", weights, bias, transB=1)
        else:
            made.add("Gemm", weights, transB=1)
            made.add("Add", bias)
        at = made.bipolar()
    return end(made)


@case("Dense", "parameters in Constant nodes")
def _():
    made = net((12,))
    weights = made.constant(np.where(made.rng.random((12, 9)) < 0.5, -1, 1), node=True)
    made.add("MatMul", weights)
    made.add("BipolarQuant", made.constant(1.0, node=True))
    return end(made)


@case("Dense", "two layers without a quantiser between", refused="two layers without a quantiser")
def _():
    made = net((12,))
    made.linear(12, 9)
    return end(made)


@case("Dense", "input scale per channel", refused="its input has a scale or an offset per channel")
def _():
    made = net((12,))
    made.linear(12, 9)
    made.quant(3.0, made.rng.uniform(1, 2, 9).astype(np.float32))
    return end(made)


# -- convolution --


def _conv(kernel=(3, 3), stride=(1, 1), pads=(0, 0, 0, 0), dilation=(1, 1), quantiser="bipolar", group=1,
          border=None, channels=2, **attributes):
    made = net((channels, 6, 7), quantiser=quantiser)
    if border is not None:
        made.add("Pad", made.constant([0, 0, 1, 1, 0, 0, 1, 2], np.int64), made.constant(border))
    weights = made.weights((4, channels // group, *kernel))
    if "auto_pad" not in attributes:
        attributes["pads"] = list(pads)
    made.add("Conv", weights, kernel_shape=list(kernel), strides=list(stride), dilations=list(dilation),
             group=group, **attributes)
    norm(made, 4)
    made.bipolar()
    return end(made)


several("Convolution", [
    ("1x1", ((1, 1),)), ("1x1, stride 2", ((1, 1), (2, 2))), ("3x3", ((3, 3),)),
    ("2x3, stride 2x1", ((2, 3), (2, 1))), ("5x5", ((5, 5),)),
    ("dilation 2x1", ((3, 3), (1, 1), (0, 0, 0, 0), (2, 1))),
    ("8-bit input", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "int8")),
    ("4-bit unsigned input, zero padding", ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1), "uint4")),
], _conv)
several("Padding of 1-bit maps", [
    ("exact zeros (pads)", ((3, 3), (1, 1), (1, 1, 1, 1))),
    ("exact zeros, uneven, stride 2, dilation 2", ((2, 2), (2, 2), (0, 1, 1, 0), (2, 2))),
    ("exact zeros (Pad node)", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, 0.0)),
    ("-1 (Pad node)", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, -1.0)),
    ("+1 (Pad node)", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, 1.0)),
], _conv)
CASES.append(Case("Padding of 1-bit maps", "auto_pad SAME_UPPER",
                  lambda: _conv((2, 3), (2, 2), auto_pad="SAME_UPPER")))


@case("Padding of 1-bit maps", "exact zeros, accumulators wanted (no threshold)")
def _():
    made = net()
    made.conv(2, 3, 3, 1, (1, 1, 1, 1))
    made.add("GlobalAveragePool")
    made.add("Flatten", axis=1)
    return made.model()


several("Padding of 1-bit maps", [("a value between the levels",
        ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, 0.5))], _conv, refused="is no integer of the padded")
several("Convolution", [("grouped or depthwise",
        ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 2))], _conv, refused="a grouped or depthwise conv")


@case("Convolution", "1-D", refused="only 2-D convolutions|has shape")
def _():
    made = net((2, 9))
    made.add("Conv", made.weights((3, 2, 3)), kernel_shape=[3])
    return made.model()


@case("Padding of 1-bit maps", "before something else than a convolution",
      refused="padding that is not followed by a convolution")
def _():
    made = net()
    made.add("Pad", made.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), made.constant(-1.0))
    return end(made)


@case("Padding of 1-bit maps", "reflecting", refused="padding mode reflect")
def _():
    made = net()
    made.add("Pad", made.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="reflect")
    made.conv(2, 3)
    made.bipolar()
    return end(made)


# -- quantisers --


def _quantiser(bits, signed=1, narrow=0, mode="ROUND", relu=False, op="Quant", zero=0.0, scale=0.5):
    made = net((16,))
    made.linear(16, 9)
    norm(made, 9)
    if relu:
        made.add("Relu")
    made.quant(float(bits), scale, zero, signed, narrow, mode, op)
    return end(made)


several("Quantiser", [
    *((f"{b}-bit signed", (b,)) for b in (2, 3, 4, 8)), ("1-bit Quant (bipolar)", (1,)),
    ("4-bit narrow", (4, 1, 1)), ("1-bit unsigned", (1, 0)), ("ReLU, 2-bit unsigned", (2, 0, 0, "ROUND", True)),
    ("ReLU, 8-bit unsigned", (8, 0, 0, "ROUND", True, "Quant", 0.0, 0.02)),
    ("FLOOR", (3, 1, 0, "FLOOR")), ("CEIL", (3, 1, 0, "CEIL")), ("IntQuant", (3, 1, 0, "ROUND", False, "IntQuant")),
], _quantiser)
several("Quantiser", [("zero point", (3, 0, 0, "ROUND", False, "Quant", 2.0))], _quantiser)
several("Quantiser", [("more than 8 bits", (9,))], _quantiser, refused="512 levels")
several("Quantiser", [("rounding mode UP", (3, 1, 0, "UP"))], _quantiser, refused="rounding mode UP")


def _multi_threshold(levels, scale, bias, datatype, channels_wide=True):
    made = net((16,))
    made.linear(16, 9)
    table = np.sort(made.rng.normal(0, 3, (9 if channels_wide else 1, levels)), axis=1)
    made.add("MultiThreshold", made.constant(table), out_scale=scale, out_bias=bias, out_dtype=datatype,
             data_layout="NC")
    return end(made)


several("Quantiser", [
    ("MultiThreshold, bipolar", (1, 2.0, -1.0, "BIPOLAR")), ("MultiThreshold, INT3", (7, 1.0, -4.0, "INT3")),
    ("MultiThreshold, one row for all channels", (3, 1.0, 0.0, "UINT2", False)),
], _multi_threshold)
several("Quantiser", [("MultiThreshold with a real step", (3, 0.5, 0.0, "FLOAT32"))], _multi_threshold,
        refused="out_scale 0.5")


@case("Quantiser", "behind flattening a map, scale per channel before it")
def _():
    made = net()
    made.conv(2, 3, 3, habit="per channel")
    norm(made, 3)
    made.add("Flatten", axis=1)
    made.bipolar()
    return end(made)


@case("Quantiser", "BatchNorm a position, behind flattening", refused="normalise axis 1|varies by position")
def _():
    made = net()
    made.conv(2, 3, 3)
    made.add("Flatten", axis=1)
    norm(made, 48)
    made.bipolar()
    return end(made)


# -- BatchNorm --


@case("BatchNorm", "gains of both signs and 0")
def _():
    return _quantiser(1)


@case("BatchNorm", "as Mul and Add, Sub and Div")
def _():
    made = net((16,))
    made.linear(16, 9)
    made.add("Sub", made.constant(made.rng.normal(0, 2, 9)), first=False)
    made.add("Div", made.constant(made.rng.uniform(-3, -1, 9)))
    made.add("Mul", made.constant(made.rng.normal(0, 1, 9)), first=False)
    made.add("Add", made.constant(made.rng.normal(0, 1, 9)))
    made.bipolar()
    return end(made)


@case("BatchNorm", "directly on a 1-bit map")
def _():
    made = net()
    norm(made, 2, 1.0)
    made.quant(2.0, 0.5)
    made.conv(2, 3)
    made.bipolar()
    return end(made)


@case("BatchNorm", "two with a ReLU and no quantiser between", refused="arithmetic between ReLU and its quant")
def _():
    made = net((16,))
    made.linear(16, 9)
    made.add("Relu")
    norm(made, 9)
    made.bipolar()
    return end(made)


@case("BatchNorm", "two of different variances without a quantiser between",
      refused="two BatchNorms with different variances")
def _():
    made = net((16,))
    made.linear(16, 9)
    norm(made, 9)
    norm(made, 9)
    made.bipolar()
    return end(made)


# -- pools --


def _pool(place, kernel=(2, 2), stride=(2, 2), pads=(0, 0, 0, 0), quantiser=1, relu=False, **attributes):
    made = net((2, 8, 8))
    made.conv(2, 4, 3, 1, (1, 1, 1, 1))

    def pool():
        made.add("MaxPool", kernel_shape=list(kernel), strides=list(stride), pads=list(pads), **attributes)

    if place == "before BatchNorm":
        pool()
    norm(made, 4)
    if place == "before sign":
        pool()
    if relu:
        made.add("Relu")
    made.quant(float(quantiser), 0.5, signed=int(not relu))
    if place == "after sign":
        pool()
    return end(made)


several("Max-pool", [
    *((f"{place}", (place,)) for place in ("after sign", "before sign", "before BatchNorm")),
    ("before BatchNorm, 3-bit activations", ("before BatchNorm", (2, 2), (2, 2), (0, 0, 0, 0), 3)),
    ("3x3, stride 2, padding 1", ("before BatchNorm", (3, 3), (2, 2), (1, 1, 1, 1))),
    ("padding, after sign", ("after sign", (3, 2), (2, 1), (1, 0, 1, 1))),
    ("ReLU, 2-bit unsigned", ("before sign", (2, 2), (2, 2), (0, 0, 0, 0), 2, True)),
], _pool)
CASES.append(Case("Max-pool", "ceil_mode", lambda: _pool("after sign", (3, 3), (2, 2), ceil_mode=1),
                  "a max-pool with ceil_mode or dilation"))
CASES.append(Case("Max-pool", "dilation", lambda: _pool("after sign", dilations=[2, 2]),
                  "a max-pool with ceil_mode or dilation"))


def _average(op="GlobalAveragePool", quantiser="bipolar", requantise=True, **attributes):
    made = net((3, 6, 6), quantiser=quantiser)
    made.add(op, **attributes)
    if requantise:
        made.quant(3.0, 0.25)
    return end(made)


several("Average pool", [("global", ()), ("global, of 8 bits", ("GlobalAveragePool", "int8")),
                         ("global, its sums read by a dense layer", ("GlobalAveragePool", "uint4", False))],
        _average)
CASES.append(Case("Average pool", "2x3", lambda: _average("AveragePool", kernel_shape=[2, 3], strides=[2, 3])))
CASES.append(Case("Average pool", "ReduceMean over H and W",
                  lambda: _average("ReduceMean", axes=[2, 3], keepdims=0)))
CASES.append(Case("Average pool", "padding", lambda: _average(
    "AveragePool", kernel_shape=[2, 2], pads=[1, 1, 0, 0]), "an average pool with padding, ceil_mode"))
CASES.append(Case("Average pool", "auto_pad", lambda: _average(
    "AveragePool", kernel_shape=[2, 2], auto_pad="SAME_UPPER"), "an average pool with padding, ceil_mode"))


# -- residual --


def _residual(bits=8, ratio=1.0, op="Add", down=False, after="sign", shortcut="quant", channels=3):
    made = net((channels, 6, 6))
    made.conv(channels, channels, 3, 1, (1, 1, 1, 1))
    norm(made, channels)
    short = made.quant(float(bits), 0.125 * ratio) if shortcut == "quant" else made.bipolar(0.125)
    outputs, stride = (2 * channels, 2) if down else (channels, 1)
    if shortcut == "quant":
        made.bipolar()
    made.conv(channels, outputs, 3, stride, (1, 1, 1, 1))
    norm(made, outputs)
    branch = made.quant(float(bits), 0.125)
    if down:
        made.at = short
        made.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
        made.quant(float(bits), 0.125)
        made.conv(channels, outputs, 1)
        norm(made, outputs)
        short = made.quant(float(bits), 0.125)
    made.at = branch
    made.add(op, short)
    if after == "norm":
        norm(made, outputs)
    if after == "quant":
        made.quant(4.0, 0.25)
    else:
        made.bipolar()
    return end(made)


several("Residual", [
    ("Bi-Real block, 8-bit shortcut", ()), ("4-bit shortcut", (4,)), ("subtraction", (4, 1.0, "Sub")),
    ("down-sampling by average pool and 1x1", (8, 1.0, "Add", True)),
    ("scales of whole ratio (1:2)", (4, 2.0)), ("scales of whole ratio (2:3)", (4, 1.5)),
    ("1-bit shortcut", (4, 1.0, "Add", False, "quant", "sign")),
    ("quantised to 4 bits behind the sum", (8, 1.0, "Add", False, "quant")),
], _residual)
several("Residual", [("BatchNorm of both signs behind the sum", (4, 1.0, "Add", False, "norm"))], _residual)
several("Residual", [("scales of another ratio", (4, float(np.float32(0.3))))], _residual,
        refused="branches on different scales")


@case("Residual", "accumulators of a layer, before their BatchNorm")
def _():
    made = net((3, 5, 5))
    made.conv(3, 3, 3, 1, (1, 1, 1, 1))
    first = made.at
    made.bipolar()
    made.conv(3, 3, 3, 1, (1, 1, 1, 1))
    made.add("Add", first)
    made.bipolar()
    return end(made)


@case("Residual", "of dense layers")
def _():
    made = net((9,))
    short = made.at
    made.linear(9, 9)
    branch = made.quant(3.0, 1.0)
    made.add("Add", short, source=branch)
    made.quant(3.0, 1.0)
    return end(made)


@case("Residual", "behind float BatchNorms", refused="branches whose scales differ by channel")
def _():
    made = net((3, 5, 5))
    short = made.at
    made.conv(3, 3, 3, 1, (1, 1, 1, 1))
    made.batch_norm(3)
    made.add("Add", short)
    made.bipolar()
    return end(made)


@case("Residual", "of different shapes", refused="an addition of activations of shapes")
def _():
    made = net((3, 5, 5))
    short = made.at
    made.conv(3, 3, 3)
    branch = made.quant(3.0, 1.0)
    made.add("Add", short, source=branch)
    made.bipolar()
    return end(made)


# -- head --


def _head(way):
    made = net((16,))
    made.linear(16, 5)
    if way == "BatchNorm":
        norm(made, 5)
    elif way == "bias":
        made.add("Add", made.constant(made.rng.normal(0, 3, 5)))
    elif way == "Softmax":
        made.add("Softmax", axis=1)
    elif way == "TopK":
        made.add("TopK", made.constant([1], np.int64), axis=-1, outputs=2)
        made.at += "_"
    elif way == "ArgMax":
        norm(made, 5)
        made.add("ArgMax", axis=1)
    elif way == "Relu":
        made.add("Relu")
    return made.model()


several("Last layer", [(w, (w,)) for w in ("plain", "BatchNorm", "bias", "Softmax")], _head)


@case("Last layer", "global average pool")
def _():
    made = net()
    made.conv(2, 5, 3)
    made.add("GlobalAveragePool")
    made.add("Flatten", axis=1)
    return made.model()


several("Last layer", [("ReLU", ("Relu",))], _head, refused="the network ends in a ReLU")


@case("Last layer", "a map of scores", refused="the network ends in a map")
def _():
    made = net()
    made.conv(2, 5, 3)
    return made.model()


@case("Last layer", "max-pool", refused="a max-pool behind the last layer")
def _():
    made = net()
    made.conv(2, 5, 3)
    made.add("MaxPool", kernel_shape=[4, 4])
    made.add("Identity")
    return made.model()


# -- shapes --


def _flatten(way):
    made = net()
    made.conv(2, 3, 3)
    made.bipolar()
    if way == "Flatten":
        made.add("Flatten", axis=1)
    elif way == "channels last":
        made.add("Transpose", perm=[0, 2, 3, 1])
        made.add("Flatten", axis=1)
    elif way == "of other axes":
        made.add("Transpose", perm=[0, 1, 3, 2])
        made.add("Flatten", axis=1)
    else:
        made.add("Reshape", made.constant({"-1": [2, -1], "0": [0, 48], "all -1": [-1, 48]}[way], np.int64))
    made.linear(48, 4)
    return made.model()


several("Flattening", [(f"Reshape ({w})", (w,)) for w in ("-1", "0", "all -1")] + [
    ("Flatten", ("Flatten",)), ("of a channels-last map", ("channels last",)),
    ("of other orders of axes", ("of other axes",))], _flatten)


@case("Flattening", "mixes frames", refused="mixes the batch")
def _():
    made = net()
    made.add("Reshape", made.constant([4, 36], np.int64))
    made.linear(36, 4)
    return made.model()


# -- files --


CASES.append(Case("File", "in the habits of tf2onnx with QKeras' quantisers", keras_network))


@case("File", "an operator that is not known", refused="operator Sin is not supported")
def _():
    made = net()
    made.add("Sin")
    return end(made)


@case("File", "two graph outputs", refused="the graph has 2 outputs")
def _():
    model = end(net())
    model.graph.output.append(helper.make_tensor_value_info(
        model.graph.node[0].output[0], TensorProto.FLOAT, None))
    return model


@case("File", "no quantised layer", refused="its weights are float")
def _():
    made = net((8,), quantiser="")
    made.add("Gemm", made.constant(made.rng.normal(size=(4, 8))), transB=1)
    made.add("Relu")
    return made.model()
