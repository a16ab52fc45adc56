"""A small network around a quantiser that becomes a requantiser, and what may stand beside it."""

from __future__ import annotations

import numpy as np
import onnx

from tests.networks.qonnx_networks import Builder, shape_of

SLOPES = {
    "rising": np.linspace(0.1, 1.4, 6),
    "falling": np.linspace(-1.4, -0.1, 6),
    "some of all": np.array([0.25, -0.5, 0.0, 1.0, -2.0, 3.0]),
    "as initialised": np.array([0.25]),
}


def network(bits=8, signed=1, scale=0.25, before=(), behind=(), seed=0, pads=0) -> onnx.ModelProto:
    """8-bit image, convolution, BatchNorm, what is given, Quant, what is given, dense layer."""
    net = Builder((2, 6, 6), seed, 1)
    net.quant(8.0, 1 / 64)
    net.conv(2, 6, 3, habit="int4", pads=(pads,) * 4)
    net.batch_norm(6)
    for step in before:
        step(net)
    net.quant(float(bits), scale, signed=signed)
    for step in behind:
        step(net)
    net.add("Flatten", axis=1)
    net.linear(_features(net), 3, "int4")
    return net.model()


def _features(net: Builder) -> int:
    return int(np.prod(shape_of(net)[1:]))


def relu(net):
    net.add("Relu")


def pool(net):
    net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])


def prelu(name):
    slopes = SLOPES[name]
    return lambda net: net.add("PRelu", net.constant(slopes.reshape(-1, 1, 1)))


def shifted(net):
    """What RPReLU has on both sides."""
    net.add("Add", net.constant(net.rng.normal(0, 1, (6, 1, 1))))


def clip(net):
    net.add("Clip", net.constant(-1.5), net.constant(2.25))
