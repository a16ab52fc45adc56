"""Support cases of the input, weights and dense layers."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from tests.networks.support_case import case, end, net, norm, several

# -- input --

several(
    "Input",
    [
        ("1 bit", ("bipolar",)),
        ("8-bit signed", ("int8",)),
        ("4-bit unsigned", ("uint4",)),
        ("2-bit signed", ("sint2",)),
    ],
    lambda q: end(net(quantiser=q)),
)


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


@case("Input", "channels last, with Transpose before the quantiser")
def _():
    made = net((6, 5, 2), quantiser="")
    made.add("Transpose", perm=[0, 3, 1, 2])
    made.quant(8.0, 1 / 128)
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


def _before_the_quantiser(op_type, **attributes):
    made = net(quantiser="")
    made.add(op_type, **attributes)
    made.quant(4.0, 0.5)
    return end(made)


several(
    "Input",
    [("ReLU, before its quantiser", ("Relu",))],
    _before_the_quantiser,
    refused="Relu of the graph input, before its quantiser; leave it out",
)
several(
    "Input",
    [("a mean of its rows and columns, before its quantiser", ("GlobalAveragePool",))],
    _before_the_quantiser,
    refused="GlobalAveragePool of the graph input, before its quantiser; put it behind",
)


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


several(
    "Weights",
    [
        ("BipolarQuant, scale per tensor", ("bipolar", "gemm", 0.1)),
        ("1-bit Quant", ("one-bit quant",)),
        ("scale per output channel", ("per channel",)),
        ("stored as +-s, no quantiser", ("stored", "gemm", 0.5)),
    ],
    _weights,
)


@case("Weights", "stored as +-s, a size an output channel (BatchNorm multiplied in)")
def _():
    made = net((2, 6, 6))
    for outputs, inputs in ((4, 2), (3, 4)):
        sizes = made.rng.uniform(0.1, 2, (outputs, 1, 1, 1))
        sizes[1] = 0
        kernel = made.rng.choice([-1.0, 1.0], (outputs, inputs, 3, 3)) * sizes
        made.add("Conv", made.constant(kernel), made.constant(made.rng.normal(0, 1, outputs)))
        made.bipolar()
    return end(made)


several(
    "Weights",
    [("ternary", ("two-bit",)), *[(f"{bits} bits", (f"int{bits}",)) for bits in (2, 4, 8)]],
    _weights,
)
several("Weights", [("9 bits", ("int9",))], _weights, refused="over 8 signed bits")


def _stored_integers(channels, axis, zero, bias):
    """ONNX's own format: int8, a scale and a zero point each a tensor or one a channel."""
    made, rows = net((12,)), 9
    at = made.at
    shape = (12, rows) if axis else (rows, 12)
    stored = made.constant(made.rng.integers(-6, 6, shape), np.int8)
    size = made.constant(made.rng.uniform(0.05, 0.4, rows if channels else ()))
    point = [made.constant(np.full(rows if channels else (), zero), np.int8)] if zero else []
    weights = made.add("DequantizeLinear", size, *point, source=stored, axis=axis)
    extra = []
    if bias:
        raised = made.constant(made.rng.integers(-900, 900, rows), np.int32)
        extra = [made.add("DequantizeLinear", made.constant(1 / 64), source=raised)]
    made.add("Gemm", weights, *extra, source=at, transB=int(not axis))
    norm(made, rows)
    made.bipolar()
    return end(made)


several(
    "Weights",
    [
        ("int8 and DequantizeLinear", (False, 0, 0, False)),
        ("int8 and DequantizeLinear, a scale a channel, a zero point", (True, 0, 2, True)),
        ("int8 and DequantizeLinear, channels in axis 1", (True, 1, 0, True)),
    ],
    _stored_integers,
)


@case("Weights", "float", refused="its weights are float")
def _():
    made = net((12,))
    made.add("Gemm", made.constant(made.rng.normal(size=(9, 12))), transB=1)
    made.bipolar()
    return end(made)


@case("Weights", "computed by the network", refused="the second factor, are not a constant")
def _():
    made = net((4,), batch=4)
    made.add("MatMul", made.at)
    made.bipolar()
    return end(made)


@case("Weights", "the first factor", refused="with the activation as the first factor")
def _():
    made = net((6, 1))
    made.add("MatMul", made.weights((5, 6)), first=False)
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

several(
    "Dense",
    [
        ("Gemm, transB = 1", ("bipolar", "gemm")),
        ("Gemm with bias", ("bipolar", "gemm", 1.0, True)),
        ("MatMul, weights through Transpose", ("per channel", "matmul")),
        ("MatMul + Add", ("bipolar", "matmul", 1.0, True)),
    ],
    _weights,
)


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


@case("Dense", "bias of 6 bits in Gemm, of 32 bits in an Add")
def _():
    made = net((12,))
    at = made.at
    for outputs, bits in ((9, 6.0), (7, 32.0)):
        made.at = made.constant(made.rng.normal(0, 2, outputs))
        bias = made.quant(bits, 0.25 if bits < 32 else 2.0**-20)
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


@case("Dense", "XnorPopcountMatMul of 0 and 1 (FINN, streamlined)")
def _():
    made = net((12,), quantiser="")
    made.quant(1.0, 1.0, signed=0)
    for inputs, outputs in ((12, 9), (9, 4)):
        made.add("XnorPopcountMatMul", made.constant(made.rng.integers(0, 2, (inputs, outputs))))
        made.nodes[-1].domain = "qonnx.custom_op.general"
        if outputs == 9:
            table = made.constant(made.rng.integers(4, 8, (9, 1)))
            made.add("MultiThreshold", table, out_dtype="BINARY", data_layout="NC")
    return made.model()


@case("Dense", "two layers without a quantiser between", refused="two layers without a quantiser")
def _():
    made = net((12,))
    made.linear(12, 9)
    return end(made)


@case("Dense", "at each position of a line", refused="a layer of each position is a convolution")
def _():
    made = net((7, 6))
    made.add("MatMul", made.weights((6, 5)))
    made.bipolar()
    return end(made)


@case("Dense", "input scale per channel", refused="its input has a scale or an offset per channel")
def _():
    made = net((12,))
    made.linear(12, 9)
    made.quant(3.0, made.rng.uniform(1, 2, 9).astype(np.float32))
    return end(made)
