"""Support cases of residual additions, the last layer, shapes and files."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from tests.networks.keras_network import keras_network
from tests.networks.larq_network import larq_network
from tests.networks.support_case import CASES, Case, case, end, net, norm, several

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


several(
    "Residual",
    [
        ("Bi-Real block, 8-bit shortcut", ()),
        ("4-bit shortcut", (4,)),
        ("subtraction", (4, 1.0, "Sub")),
        ("down-sampling by average pool and 1x1", (8, 1.0, "Add", True)),
        ("scales of whole ratio (1:2)", (4, 2.0)),
        ("scales of whole ratio (2:3)", (4, 1.5)),
        ("1-bit shortcut", (4, 1.0, "Add", False, "quant", "sign")),
        ("quantised to 4 bits behind the sum", (8, 1.0, "Add", False, "quant")),
    ],
    _residual,
)
several(
    "Residual",
    [("BatchNorm of both signs behind the sum", (4, 1.0, "Add", False, "norm"))],
    _residual,
)
several(
    "Residual",
    [("scales of another ratio", (4, float(np.float32(0.3))))],
    _residual,
    refused="branches on different scales",
)


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


def _vectors(first, second):
    """The sum of two vectors, each of a pooled map, of a flattened one or of a dense layer."""
    made = net((2, 3, 3), quantiser="uint4")
    made.conv(2, 6, 2)
    source = made.quant(4.0, 0.5)
    found, size = [], 6 if "pool" in (first, second) else 24
    for way in (first, second):
        made.at = source
        if way == "pool":
            made.add("GlobalAveragePool")
        if way == "channels last":
            made.add("Transpose", perm=[0, 2, 3, 1])
        made.add("Reshape", made.constant([0, -1], np.int64))
        if way == "dense":
            made.linear(24, size)
        found.append(made.quant(4.0, 0.5))
    made.add("Add", found[0], first=False)
    made.quant(3.0, 1.0)
    made.linear(size, 4)
    return made.model()


several(
    "Residual",
    [
        ("of a pooled map and a dense layer", ("pool", "dense")),
        ("of a dense layer and a pooled map", ("dense", "pool")),
        ("of a map flattened channels last and a dense layer", ("channels last", "dense")),
        ("of two flattened maps", ("flat", "flat")),
    ],
    _vectors,
)
several(
    "Residual",
    [("of a flattened map and a dense layer", ("flat", "dense"))],
    _vectors,
    refused="a map that was flattened in another order",
)


def _self_sum(way):
    made = net((16,))
    made.linear(16, 9)
    source = made.at
    if way == "x + x":
        made.add("Add", source)
    elif way == "-x":
        made.add("Neg")
    else:
        made.add("Mul", made.constant(-0.5))
        made.add("Sub", source)
    norm(made, 9)
    made.bipolar()
    return end(made)


several(
    "Residual",
    [
        (f"{way} of one tensor: an affine, no hardware", (way,))
        for way in ("x + x", "-x", "-x/2 - x")
    ],
    _self_sum,
)


@case("Residual", "a product of two activations", refused="Mul of two activations")
def _():
    made = net((16,))
    made.linear(16, 9)
    gate = made.bipolar()
    made.add("Mul", gate)
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
    elif way in ("Relu", "Tanh", "Sigmoid"):
        made.add(way)
    return made.model()


several("Last layer", [(w, (w,)) for w in ("plain", "BatchNorm", "bias", "Softmax")], _head)


@case("Last layer", "global average pool")
def _():
    made = net()
    made.conv(2, 5, 3)
    made.add("GlobalAveragePool")
    made.add("Flatten", axis=1)
    return made.model()


several("Last layer", [(w, (w,)) for w in ("Tanh", "Sigmoid")], _head)
several("Last layer", [("ReLU", ("Relu",))], _head, refused="makes different scores equal")


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
        made.add(
            "Reshape",
            made.constant({"-1": [2, -1], "0": [0, 48], "all -1": [-1, 48]}[way], np.int64),
        )
    made.linear(48, 4)
    return made.model()


several(
    "Flattening",
    [(f"Reshape ({w})", (w,)) for w in ("-1", "0", "all -1")]
    + [
        ("Flatten", ("Flatten",)),
        ("of a channels-last map", ("channels last",)),
        ("of other orders of axes", ("of other axes",)),
    ],
    _flatten,
)


@case("Flattening", "mixes frames", refused="mixes the batch")
def _():
    made = net()
    made.add("Reshape", made.constant([4, 36], np.int64))
    made.linear(36, 4)
    return made.model()


# -- files --


CASES.append(Case("File", "in the habits of tf2onnx with QKeras' quantisers", keras_network))
CASES.append(Case("File", "in the habits of tf2onnx with Larq's layers", larq_network))


@case("File", "an operator that is not known", refused="operator Sin is not supported")
def _():
    made = net()
    made.add("Sin")
    return end(made)


@case("File", "QuantizeLinear of activations (QDQ, QCDQ)", refused="export it as QONNX")
def _():
    made = net((8,), quantiser="")
    given = made.constant(0.1), made.constant(0, np.int8)
    made.add("QuantizeLinear", *given)
    made.add("DequantizeLinear", *given)
    return end(made)


@case("File", "past FINN's conversion to hardware layers", refused="converted this file already")
def _():
    made = net((16,))
    made.linear(16, 8)
    made.nodes[-1].op_type = "MVAU_hls"
    made.nodes[-1].domain = "finn.custom_op.fpgadataflow.hls"
    return made.model()


@case("File", "two graph outputs", refused="the graph has 2 outputs")
def _():
    model = end(net())
    model.graph.output.append(
        helper.make_tensor_value_info(model.graph.node[0].output[0], TensorProto.FLOAT, None)
    )
    return model


@case("File", "no quantised layer", refused="its weights are float")
def _():
    made = net((8,), quantiser="")
    made.add("Gemm", made.constant(made.rng.normal(size=(4, 8))), transB=1)
    made.add("Relu")
    return made.model()
