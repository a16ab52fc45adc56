"""Support cases of quantisers, BatchNorm and pools."""

from __future__ import annotations

import numpy as np

from tests.networks.support_case import CASES, Case, case, end, net, norm, several

# -- quantisers --


def _quantiser(bits, signed=1, narrow=0, mode="ROUND", relu=False, op="Quant", zero=0.0, scale=0.5):
    made = net((16,))
    made.linear(16, 9)
    norm(made, 9)
    if relu:
        made.add("Relu")
    made.quant(float(bits), scale, zero, signed, narrow, mode, op)
    return end(made)


several(
    "Quantiser",
    [
        *((f"{b}-bit signed", (b,)) for b in (2, 3, 4, 8)),
        ("1-bit Quant (bipolar)", (1,)),
        ("4-bit narrow", (4, 1, 1)),
        ("1-bit unsigned", (1, 0)),
        ("ReLU, 2-bit unsigned", (2, 0, 0, "ROUND", True)),
        ("ReLU, 8-bit unsigned", (8, 0, 0, "ROUND", True, "Quant", 0.0, 0.02)),
        ("FLOOR", (3, 1, 0, "FLOOR")),
        ("CEIL", (3, 1, 0, "CEIL")),
        ("UP (away from zero)", (3, 1, 0, "UP")),
        ("DOWN (towards zero)", (3, 1, 0, "DOWN")),
        ("HALF_UP", (3, 1, 0, "HALF_UP")),
        ("HALF_DOWN", (3, 1, 0, "HALF_DOWN")),
        ("negative scale", (3, 1, 0, "ROUND", False, "Quant", 0.0, -0.5)),
        ("IntQuant", (3, 1, 0, "ROUND", False, "IntQuant")),
    ],
    _quantiser,
)
several(
    "Quantiser",
    [
        ("zero point", (3, 0, 0, "ROUND", False, "Quant", 2.0)),
        ("zero point that is no whole number", (3, 0, 0, "ROUND", False, "Quant", 1.25)),
        ("1-bit Quant with a zero point", (1, 1, 0, "ROUND", False, "Quant", 1.0)),
        ("1-bit unsigned with a zero point", (1, 0, 0, "ROUND", False, "Quant", 1.0)),
    ],
    _quantiser,
)
several("Quantiser", [(f"{bits} bits", (bits,)) for bits in (9, 12, 16)], _quantiser)


def _mean_of_36(bits):
    made = net((2, 6, 6), quantiser="int8")
    made.add("GlobalAveragePool")
    made.quant(float(bits), 1 / 128)
    return end(made)


several("Quantiser", [("8 bits, of exact halves among 36ths", (8,))], _mean_of_36)
several(
    "Quantiser",
    [("more than 8 bits, of exact halves among 36ths", (9,))],
    _mean_of_36,
    refused="512 levels that no requantiser",
)
several(
    "Quantiser",
    [("rounding mode STOCHASTIC", (3, 1, 0, "STOCHASTIC"))],
    _quantiser,
    refused="rounding mode STOCHASTIC",
)


def _multi_threshold(levels, scale, bias, datatype, channels_wide=True):
    made = net((16,))
    made.linear(16, 9)
    table = np.sort(made.rng.normal(0, 3, (9 if channels_wide else 1, levels)), axis=1)
    made.add(
        "MultiThreshold",
        made.constant(table),
        out_scale=scale,
        out_bias=bias,
        out_dtype=datatype,
        data_layout="NC",
    )
    return end(made)


several(
    "Quantiser",
    [
        ("MultiThreshold, bipolar", (1, 2.0, -1.0, "BIPOLAR")),
        ("MultiThreshold, INT3", (7, 1.0, -4.0, "INT3")),
        ("MultiThreshold, one row for all channels", (3, 1.0, 0.0, "UINT2", False)),
    ],
    _multi_threshold,
)
several(
    "Quantiser",
    [
        ("MultiThreshold with a real step", (3, 0.5, 0.0, "FLOAT32")),
        ("MultiThreshold with steps of 2", (7, 2.0, -7.0, "INT4")),
    ],
    _multi_threshold,
)


@case("Quantiser", "behind flattening a map, scale per channel before it")
def _():
    made = net()
    made.conv(2, 3, 3, habit="per channel")
    norm(made, 3)
    made.add("Flatten", axis=1)
    made.bipolar()
    return end(made)


def _by_position(way):
    made = net()
    made.conv(2, 3, 3)
    if way == "pool":
        made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    made.add("Flatten", axis=1)
    if way == "BatchNorm":
        norm(made, 48)
        made.bipolar()
    elif way == "thresholds":
        table = np.sort(made.rng.normal(0, 3, (48, 3)), axis=1)
        made.add("MultiThreshold", made.constant(table), out_dtype="UINT2", data_layout="NC")
    else:
        made.bipolar()
    return end(made)


several(
    "Quantiser",
    [
        ("BatchNorm1d behind flattening, thresholds a position", ("BatchNorm",)),
        ("MultiThreshold of a flattened map, one row an element", ("thresholds",)),
        ("behind max-pool and flattening", ("pool",)),
    ],
    _by_position,
)


def _function(name, bits=1, *inputs, **attributes):
    made = net((16,))
    made.linear(16, 9)
    norm(made, 9)
    parameters = [made.constant(v) for v in inputs]
    made.add(name, *parameters, **attributes)
    made.quant(float(bits), 0.25)
    return end(made)


several(
    "Function before a quantiser",
    [
        ("Hardtanh (Clip), sign", ("Clip", 1, -1.0, 1.0)),
        ("Clip, 4 bits", ("Clip", 4, -0.75, 1.25)),
        ("LeakyReLU, 4 bits", ("LeakyRelu", 4)),
        ("PReLU, slope per channel", ("PRelu", 4, np.linspace(0.1, 1.5, 9))),
        ("Tanh, sign", ("Tanh",)),
        ("Tanh, 4 bits", ("Tanh", 4)),
        ("Sigmoid, 4 bits", ("Sigmoid", 4)),
        ("HardSigmoid, 4 bits", ("HardSigmoid", 4)),
    ],
    _function,
)
several(
    "Function before a quantiser",
    [
        ("PReLU with slopes below 0 (RPReLU's too), 4 bits", ("PRelu", 4, np.linspace(-0.1, 1, 9))),
        ("PReLU with a slope of 0 among others", ("PRelu", 3, np.linspace(0, 1, 9))),
        ("LeakyReLU, 8 bits", ("LeakyRelu", 8)),
        ("PReLU, one slope, 8 bits", ("PRelu", 8, 0.25)),
    ],
    _function,
)
several(
    "Function before a quantiser",
    [("PReLU with a slope below 0, sign", ("PRelu", 1, np.linspace(-0.1, 1, 9)))],
    _function,
    refused="a quantiser behind a slope below 0",
)


def _pool_behind_a_fall():
    made = net()
    made.conv(2, 3, 3)
    made.add("PRelu", made.constant(-0.5))
    made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    made.quant(4.0, 0.5)
    return end(made)


several(
    "Function before a quantiser",
    [("max-pool between a slope below 0 and its quantiser", ())],
    _pool_behind_a_fall,
    refused="a max-pool behind a slope below 0",
)


def _sign(larq):
    made = net((16,))
    made.linear(16, 9)
    norm(made, 9)
    made.add("Sign")
    if larq:
        made.add("Add", made.constant(0.1))
        made.add("Sign")
    return end(made)


several(
    "Quantiser",
    [("Sign, of three levels", (False,)), ("Sign(Sign(x) + 0.1), Larq's ste_sign", (True,))],
    _sign,
)


@case("Function before a quantiser", "ReLU, then arithmetic of both signs")
def _():
    made = net((16,))
    made.linear(16, 9)
    made.add("Relu")
    made.add("Mul", made.constant(made.rng.normal(0, 1, 9)))
    made.add("Add", made.constant(made.rng.normal(0, 1, 9)))
    made.quant(3.0, 1.0)
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


@case("BatchNorm", "between Unsqueeze and Squeeze (FINN's tutorials)")
def _():
    made = net((16,), opset=12)
    made.linear(16, 9)
    made.add("Unsqueeze", axes=[2])
    norm(made, 9)
    made.add("Squeeze", axes=[2])
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


@case(
    "BatchNorm",
    "two with a ReLU and no quantiser between",
    refused="two BatchNorms with different variances",
)
def _():
    made = net((16,))
    made.linear(16, 9)
    norm(made, 9)
    made.add("Relu")
    norm(made, 9)
    made.bipolar()
    return end(made)


@case(
    "BatchNorm",
    "two of different variances without a quantiser between",
    refused="two BatchNorms with different variances",
)
def _():
    made = net((16,))
    made.linear(16, 9)
    norm(made, 9)
    norm(made, 9)
    made.bipolar()
    return end(made)


# -- pools --


def _pool(
    place, kernel=(2, 2), stride=(2, 2), pads=(0, 0, 0, 0), quantiser=1, relu=False, **attributes
):
    made = net((2, 8, 8))
    made.conv(2, 4, 3, 1, (1, 1, 1, 1))

    def pool():
        made.add(
            "MaxPool",
            kernel_shape=list(kernel),
            strides=list(stride),
            pads=list(pads),
            **attributes,
        )

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


several(
    "Max-pool",
    [
        *((f"{place}", (place,)) for place in ("after sign", "before sign", "before BatchNorm")),
        (
            "before BatchNorm, 3-bit activations",
            ("before BatchNorm", (2, 2), (2, 2), (0, 0, 0, 0), 3),
        ),
        ("3x3, stride 2, padding 1", ("before BatchNorm", (3, 3), (2, 2), (1, 1, 1, 1))),
        ("padding, after sign", ("after sign", (3, 2), (2, 1), (1, 0, 1, 1))),
        ("ReLU, 2-bit unsigned", ("before sign", (2, 2), (2, 2), (0, 0, 0, 0), 2, True)),
    ],
    _pool,
)


def _maximum(place, op, shape=(2, 6, 5), **attributes):
    """The maximum of each channel, behind its quantiser or before it."""
    made = net(shape, quantiser="uint4")
    kernel = (3,) * (len(shape) - 1)
    made.add("Conv", made.weights((4, 2, *kernel)), kernel_shape=kernel)
    if place == "before sign":
        made.add(op, **attributes)
    made.add("Mul", made.constant(np.reshape([1.0, -0.5, 0.25, -2], (4, *[1] * len(kernel)))))
    made.bipolar() if place == "before sign" else made.quant(4.0, 0.5)
    if place != "before sign":
        made.add(op, **attributes)
    return end(made)


several(
    "Max-pool",
    [
        ("global (GlobalMaxPool)", ("behind", "GlobalMaxPool")),
        ("global, before sign", ("before sign", "GlobalMaxPool")),
        ("global, over one axis", ("behind", "GlobalMaxPool", (2, 9))),
    ],
    _maximum,
)
CASES += [
    Case(
        "Max-pool",
        "ReduceMax over H and W",
        lambda: _maximum("behind", "ReduceMax", axes=[-1, 2], keepdims=0),
    ),
    Case(
        "Max-pool",
        "ReduceMax over a line",
        lambda: _maximum("behind", "ReduceMax", (2, 9), axes=[2]),
    ),
    Case(
        "Max-pool",
        "ReduceMax over channels",
        lambda: _maximum("behind", "ReduceMax", axes=[1]),
        "a maximum over other axes than all those of a map",
    ),
]
CASES.append(
    Case(
        "Max-pool",
        "ceil_mode",
        lambda: _pool("after sign", (3, 3), (2, 2), ceil_mode=1),
        "a max-pool with ceil_mode or dilation",
    )
)
CASES.append(
    Case(
        "Max-pool",
        "dilation",
        lambda: _pool("after sign", dilations=[2, 2]),
        "a max-pool with ceil_mode or dilation",
    )
)


def _average(op="GlobalAveragePool", quantiser="bipolar", requantise=True, **attributes):
    made = net((3, 6, 6), quantiser=quantiser)
    made.add(op, **attributes)
    if requantise:
        made.quant(3.0, 0.25)
    return end(made)


several(
    "Average pool",
    [
        ("global", ()),
        ("global, of 8 bits", ("GlobalAveragePool", "int8")),
        ("global, its sums read by a dense layer", ("GlobalAveragePool", "uint4", False)),
    ],
    _average,
)
CASES.append(
    Case(
        "Average pool", "2x3", lambda: _average("AveragePool", kernel_shape=[2, 3], strides=[2, 3])
    )
)
CASES.append(
    Case(
        "Average pool",
        "ReduceMean over H and W",
        lambda: _average("ReduceMean", axes=[2, 3], keepdims=0),
    )
)


@case("Average pool", "ReduceMean over H and W, channels last")
def _():
    made = net()
    made.add("Transpose", perm=[0, 2, 3, 1])
    made.add("ReduceMean", axes=[1, 2], keepdims=1)
    made.quant(3.0, 0.25)
    return end(made)


@case("Average pool", "2x2, behind it Trunc to 4 bits")
def _():
    made = net(quantiser="int8")
    made.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    unit = 1 / 512
    parameters = (unit, 0.0, 10.0, 64 * unit, 4.0)
    made.add("Trunc", *map(made.constant, parameters), rounding_mode="FLOOR", signed=1, narrow=0)
    return end(made)


@case("Average pool", "Trunc of QONNX's first version", refused="first version")
def _():
    made = net(quantiser="int8")
    made.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    parameters = (1 / 512, 0.0, 10.0, 8.0)
    made.add("Trunc", *map(made.constant, parameters), rounding_mode="FLOOR")
    return end(made)


@case("Average pool", "ReduceSum over H and W, of values with an offset")
def _sum():
    made = net((3, 6, 6), quantiser="uint4")
    made.add("Add", made.constant(0.25))
    made.add("ReduceSum", made.constant([2, 3], np.int64), keepdims=0)
    made.quant(3.0, 4.0)
    return end(made)


CASES.append(
    Case(
        "Average pool",
        "padding",
        lambda: _average("AveragePool", kernel_shape=[2, 2], pads=[1, 1, 0, 0]),
        "an average pool with padding, ceil_mode",
    )
)
CASES.append(
    Case(
        "Average pool",
        "auto_pad",
        lambda: _average("AveragePool", kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
        "an average pool with padding, ceil_mode",
    )
)
