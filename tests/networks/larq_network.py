"""A network of Larq's layers in the habits of tf2onnx, written node by node.

Larq has no operators of its own: ste_sign is Sign(Sign(x) + 0.1), on activations in the graph, on
kernels computed before the export, which leaves +-1. tf2onnx keeps the tensors NHWC at the ends,
writes SAME as pads of its own (more at the bottom and right where the stride asks for it), Larq's
pad_values as a Pad of the NHWC map, multiplies a BatchNorm that follows a convolution into its
kernel and bias, writes one behind a dense layer as Mul and Add, and the global average pool as a
ReduceMean over the axes 1 and 2 or, behind a Transpose, 2 and 3.
"""

from __future__ import annotations

import numpy as np
import onnx

from tests.networks.qonnx_networks import Builder


def _sign(net: Builder) -> None:
    net.add("Sign")
    net.add("Add", net.constant(0.1))
    net.add("Sign")


def _conv(net: Builder, inputs: int, outputs: int, **attributes) -> None:
    """A 3x3 convolution of +-1 with a BatchNorm multiplied in: +-s a channel, and a bias."""
    rng = net.rng
    gain = rng.uniform(0.05, 1.5, outputs) * rng.choice([-1.0, 1.0], outputs)
    gain[-1] = 0
    kernel = rng.choice([-1.0, 1.0], (outputs, inputs, 3, 3)) * gain.reshape(-1, 1, 1, 1)
    bias = net.constant(rng.normal(0, 0.7, outputs))
    net.add("Conv", net.constant(kernel), bias, kernel_shape=[3, 3], group=1, **attributes)


def larq_network(last: bool = True, seed: int = 3) -> onnx.ModelProto:
    """Three convolutions, a dense layer with BatchNorm, four classes; input (1, 9, 9, 2).

    Args:
        last: the global average pool sees the channels last.
    """
    net = Builder((9, 9, 2), seed, 1)
    _sign(net)
    net.add("Pad", net.constant([0, 1, 1, 0, 0, 1, 1, 0], np.int64), net.constant(1.0))
    net.add("Transpose", perm=[0, 3, 1, 2])
    _conv(net, 2, 8, strides=[1, 1])
    _sign(net)
    _conv(net, 8, 8, strides=[2, 2], pads=[0, 0, 1, 1])
    net.add("MaxPool", kernel_shape=[2, 2], strides=[1, 1])
    _sign(net)
    _conv(net, 8, 6, strides=[1, 1], pads=[1, 1, 1, 1])
    _sign(net)
    if last:
        net.add("Transpose", perm=[0, 2, 3, 1])
    net.add("ReduceMean", axes=[1, 2] if last else [2, 3], keepdims=0)
    _sign(net)
    net.add("MatMul", net.constant(net.rng.choice([-1.0, 1.0], (6, 10))))
    net.add("Mul", net.constant(net.rng.normal(0, 1, 10)))
    net.add("Add", net.constant(net.rng.normal(0, 0.5, 10)))
    _sign(net)
    net.add("MatMul", net.constant(net.rng.choice([-1.0, 1.0], (10, 4))))
    net.add("Softmax", axis=-1)
    return net.model()
