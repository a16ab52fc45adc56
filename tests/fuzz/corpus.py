"""The files that are mutated: small networks by the project's own builders,
and in other tools' habits.

Each is exact as it stands, in golden and through the compiler (test_fuzz.py says so).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.networks.keras_network import keras_network
from tests.networks.qonnx_networks import Builder
from tests.networks.small_onnx import perceptron

QONNX = "qonnx.custom_op.general"


def _norm(net: Builder, channels: int) -> None:
    rng = net.rng
    values = (
        rng.uniform(-1, 1, channels),
        rng.normal(0, 1, channels),
        rng.normal(0, 2, channels),
        rng.uniform(1, 9, channels),
    )
    net.add("BatchNormalization", *(net.constant(v) for v in values), epsilon=1e-5)


def mlp() -> onnx.ModelProto:
    return perceptron((12, 7, 5), bits=3)


def conv() -> onnx.ModelProto:
    """A padded convolution, a pool between it and its BatchNorm, 2-bit activations,
    a dense layer."""
    net = Builder((2, 5, 4), 3, batch=2)
    net.quant(4.0, 0.125, signed=1)
    net.conv(2, 4, 3, pads=(1, 1, 1, 1), habit="per channel")
    net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    _norm(net, 4)
    net.add("Relu")
    net.quant(2.0, 0.5, signed=0)
    net.add("Flatten", axis=1)
    net.linear(16, 3, bias=True)
    return net.model()


def residual() -> onnx.ModelProto:
    """A Bi-Real block, average pooling, labels."""
    net = Builder((3, 4, 4), 4, batch=1)
    net.bipolar()
    net.conv(3, 3, 3, pads=(1, 1, 1, 1))
    _norm(net, 3)
    shortcut = net.quant(4.0, 0.25)
    net.bipolar()
    net.conv(3, 3, 3, pads=(1, 1, 1, 1), habit="stored")
    _norm(net, 3)
    branch = net.quant(4.0, 0.25)
    net.at = branch
    net.add("Add", shortcut)
    net.bipolar()
    net.add("GlobalAveragePool")
    net.add("Flatten", axis=1)
    net.quant(3.0, 0.25)
    net.linear(3, 4, form="matmul")
    net.add("Mul", net.constant(0.5))
    net.add("Add", net.constant(net.rng.normal(0, 1, 4)))
    return net.model()


class _Nodes:
    """Nodes and parameters under names of another tool's making."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.parameters, self.notes = [], [], []

    def keep(self, name: str, value, dtype=np.float32) -> str:
        self.parameters.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, op: str, inputs: list[str], out: str, **attributes) -> str:
        domain = QONNX if op in ("Quant", "BipolarQuant", "MultiThreshold") else ""
        self.nodes.append(
            helper.make_node(op, inputs, [out], out + "_node", domain=domain, **attributes)
        )
        return out

    def model(self, name, source, shape, out, opset, producer) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, name,
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)],
            self.parameters,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(QONNX, 1)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name=producer)
        for tensor, kind in self.notes:
            note = onnx.TensorAnnotation(tensor_name=tensor)
            note.quant_parameter_tensor_names.append(
                onnx.StringStringEntryProto(key="finn_datatype", value=kind)
            )
            made.graph.quantization_annotation.append(note)
        return made


def larq() -> onnx.ModelProto:
    """Larq's layers through tf2onnx: kernels stored as +-1 in (H, W, in, out), BatchNorm without a
    gain, padding by ones, pooling before BatchNorm, channels last at the input."""
    g, rng = _Nodes(6), np.random.default_rng(6)
    at = g.add("Transpose", ["input_1"], "sequential/quant_conv2d/Conv2D__9:0", perm=[0, 3, 1, 2])
    g.keep("scale", 1 / 16), g.keep("zero", 0.0), g.keep("bits", 5.0), g.keep("one", 1.0)
    at = g.add(
        "Quant",
        [at, "scale", "zero", "bits"],
        "input_quantizer:0",
        signed=1,
        narrow=0,
        rounding_mode="ROUND",
    )
    for i, (inputs, outputs) in enumerate(((2, 4), (4, 4))):
        kernel = g.keep(
            f"quant_conv2d_{i}/ste_sign/Identity:0",
            rng.choice([-1.0, 1.0], (2, 2, inputs, outputs)),
        )
        kernel = g.add("Transpose", [kernel], f"quant_conv2d_{i}/Conv2D__12:0", perm=[3, 2, 0, 1])
        if i:
            g.keep("pads", [0, 0, 1, 0, 0, 0, 0, 1], np.int64)
            at = g.add("Pad", [at, "pads", "one"], "quant_conv2d_1/Pad:0", mode="constant")
        at = g.add(
            "Conv",
            [at, kernel],
            f"quant_conv2d_{i}/Conv2D:0",
            auto_pad="VALID",
            strides=[1, 1],
            group=1,
        )
        if i:
            at = g.add(
                "MaxPool", [at], "max_pooling2d/MaxPool:0", kernel_shape=[2, 2], strides=[2, 2]
            )
        names = [g.keep(f"batch_normalization_{i}/{n}:0", v) for n, v in (
            ("gamma", np.ones(outputs)), ("beta", rng.normal(0, 0.5, outputs)),
            ("moving_mean", rng.normal(0, 1, outputs)), ("moving_variance", rng.uniform(0.5, 4,
            outputs)))]  # fmt: skip
        at = g.add(
            "BatchNormalization",
            [at, *names],
            f"batch_normalization_{i}/FusedBatchNormV3:0",
            epsilon=1e-3,
        )
        at = g.add("BipolarQuant", [at, "one"], f"quant_{i}/ste_sign/Sign:0")
    at = g.add("Transpose", [at], "flatten/Transpose:0", perm=[0, 2, 3, 1])
    at = g.add("Reshape", [at, g.keep("const__52", [-1, 16], np.int64)], "flatten/Reshape:0")
    weights = g.keep("quant_dense/ste_sign/Identity:0", rng.choice([-1.0, 1.0], (16, 4)))
    at = g.add("MatMul", [at, weights], "quant_dense/MatMul:0")
    at = g.add("Softmax", [at], "Identity:0", axis=-1)
    return g.model("tf2onnx", "input_1", [1, 6, 5, 2], at, 13, "tf2onnx")


def finn() -> onnx.ModelProto:
    """FINN's dialect behind streamlining: MultiThreshold, annotated +-1 weights,
    global_in and global_out."""
    g, rng = _Nodes(8), np.random.default_rng(8)
    g.notes += [("global_in", "UINT4")]
    at = "global_in"
    for i, (inputs, outputs) in enumerate(((10, 8), (8, 6))):
        weights = g.keep(f"MatMul_{i}_param0", rng.choice([-1.0, 1.0], (inputs, outputs)))
        at = g.add("MatMul", [at, weights], f"MatMul_{i}_out0")
        table = np.sort(np.round(rng.normal(0, 9, (outputs, 1 + 2 * i))), axis=1)
        at = g.add(
            "MultiThreshold", [at, g.keep(f"MultiThreshold_{i}_param0", table)],
            f"MultiThreshold_{i}_out0",
            out_dtype=("BIPOLAR", "INT2")[i], out_scale=(2.0, 1.0)[i], out_bias=(-1.0, -2.0)[i],
            data_layout="NC",
        )  # fmt: skip
        g.notes += [(weights, "BIPOLAR"), (at, ("BIPOLAR", "INT2")[i])]
    weights = g.keep("MatMul_2_param0", rng.choice([-1.0, 1.0], (6, 4)))
    at = g.add("MatMul", [at, weights], "global_out")
    g.notes += [(weights, "BIPOLAR"), (at, "INT32")]
    return g.model("finn", "global_in", [1, 10], at, 11, "finn")


BASES: dict[str, Callable[[], onnx.ModelProto]] = {
    "mlp": mlp, "conv": conv, "residual": residual,
    "keras": keras_network, "larq": larq, "finn": finn,
}  # fmt: skip
