"""A network in the habits of tf2onnx with QONNX's QKeras handlers, written node by node.

Channels last at both ends of the convolutional part, with Transpose nodes between; kernels (H, W,
in, out) quantised in that layout and transposed behind it; 1-bit `Quant` with a scale per output
channel; a border by auto_pad; quantised biases in Conv, in an Add of their own and in Gemm
(transB = 0); the dense layer's BatchNorm as Mul and Add; names with slashes and :0.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"
MODEL = "StatefulPartitionedCall/model/"


class _Graph:
    """Nodes whose outputs are their names and :0."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.parameters = [], []

    def constant(self, name: str, value, dtype=np.float32) -> str:
        self.parameters.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, op_type: str, name: str, *inputs: str, **attributes) -> str:
        out = f"{MODEL}{name}:0"
        self.nodes.append(
            helper.make_node(op_type, list(inputs), [out], f"{MODEL}{name}", **attributes)
        )
        return out

    def quant(self, name: str, at: str, bits: int, scale, signed: int = 1, narrow: int = 0) -> str:
        values = {"scale": scale, "zero_point": 0.0, "bit_width": float(bits)}
        inputs = [self.constant(f"{MODEL}{name}_{key}", value) for key, value in values.items()]
        return self.add(
            "Quant",
            name,
            at,
            *inputs,
            domain=QONNX,
            signed=signed,
            narrow=narrow,
            rounding_mode="ROUND",
        )

    def kernel(self, layer: str, shape) -> str:
        """1-bit weights of a shape whose last axis is the output channel, with a scale each."""
        name = f"{layer}/ReadVariableOp"
        at = self.constant(f"{MODEL}{name}:0", self.rng.uniform(-1, 1, shape))
        scale = self.rng.choice([0.125, 0.25, 0.5], (1,) * (len(shape) - 1) + shape[-1:])
        return self.quant(f"{layer}_kernel_quantizer", at, 1, scale)

    def bias(self, layer: str, outputs: int) -> str:
        at = self.constant(
            f"{MODEL}{layer}/BiasAdd/ReadVariableOp:0", self.rng.normal(0, 0.5, outputs)
        )
        return self.quant(f"{layer}_bias_quantizer", at, 8, 1 / 64)

    def conv(self, layer: str, at: str, shape, **attributes) -> str:
        kernel = self.add("Transpose", f"{layer}__7", self.kernel(layer, shape), perm=[3, 2, 0, 1])
        return self.add(
            "Conv",
            f"{layer}/Conv2D",
            at,
            kernel,
            self.bias(layer, shape[-1]),
            kernel_shape=list(shape[:2]),
            group=1,
            dilations=[1, 1],
            **attributes,
        )

    def norm(self, layer: str, at: str, channels: int) -> str:
        rng = self.rng
        gamma = rng.uniform(0.3, 1.5, channels) * rng.choice([-1.0, 1.0], channels)
        gamma[-1] = 0
        values = (
            gamma,
            rng.normal(0, 0.3, channels),
            rng.normal(0, 0.3, channels),
            rng.uniform(0.2, 2, channels),
        )
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        inputs = [
            self.constant(f"{MODEL}{layer}/{n}", v) for n, v in zip(names, values, strict=True)
        ]
        return self.add(
            "BatchNormalization", f"{layer}/FusedBatchNormV3", at, *inputs, epsilon=1e-3
        )


def keras_network(seed: int = 5) -> onnx.ModelProto:
    """Two convolutions with pooling, a hidden dense layer, four classes; input (1, 8, 10, 2)."""
    g = _Graph(seed)
    at = g.quant("q_input/Identity_activation_quantizer", "input_1", 8, 1 / 128)
    at = g.add("Transpose", "q_conv2d/Conv2D__6", at, perm=[0, 3, 1, 2])
    at = g.conv("q_conv2d", at, (3, 3, 2, 6), strides=[1, 1], auto_pad="SAME_UPPER")
    at = g.norm("batch_normalization", at, 6)
    at = g.add("Relu", "q_activation/Relu", at)
    at = g.quant("q_activation/Relu_activation_quantizer", at, 4, 0.25, signed=0)
    at = g.add("MaxPool", "max_pooling2d/MaxPool", at, kernel_shape=[2, 2], strides=[2, 2])
    at = g.conv("q_conv2d_1", at, (3, 3, 6, 8), strides=[1, 1], auto_pad="VALID")
    at = g.norm("batch_normalization_1", at, 8)
    at = g.quant("q_activation_1/Identity_activation_quantizer", at, 1, 1.0)
    at = g.add("Transpose", "flatten/Reshape__40", at, perm=[0, 2, 3, 1])
    shape = g.constant("const_fold_opt__52", [-1, 48], np.int64)
    at = g.add("Reshape", "flatten/Reshape", at, shape)
    at = g.add("MatMul", "q_dense/MatMul", at, g.kernel("q_dense", (48, 12)))
    at = g.add("Add", "q_dense/BiasAdd", at, g.bias("q_dense", 12))
    gain = g.rng.normal(0, 1, 12)
    at = g.add("Mul", "batch_normalization_2/batchnorm/mul_1", at, g.constant(f"{MODEL}gain", gain))
    at = g.add(
        "Add",
        "batch_normalization_2/batchnorm/add_1",
        at,
        g.constant(f"{MODEL}shift", g.rng.normal(0, 0.5, 12)),
    )
    at = g.quant("q_activation_2/Identity_activation_quantizer", at, 1, 1.0)
    at = g.add(
        "Gemm", "q_dense_1/MatMul", at, g.kernel("q_dense_1", (12, 4)), g.bias("q_dense_1", 4)
    )
    at = g.add("Softmax", "softmax/Softmax", at, axis=-1)
    graph = helper.make_graph(
        g.nodes,
        "tf2onnx",
        [helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [1, 8, 10, 2])],
        [helper.make_tensor_value_info(at, TensorProto.FLOAT, [1, 4])],
        g.parameters,
    )
    return helper.make_model(
        graph,
        producer_name="tf2onnx",
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)],
    )
