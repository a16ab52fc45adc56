"""Residual networks of 1-bit layers with 8-bit integer shortcuts, as QONNX:
ResNet-20 and Bi-Real Net.

Every map between blocks is an 8-bit integer on one scale, so that additions are
additions of integers:

    basic block    Q8( x + Q8(BN(conv(sign(BN(conv(sign(x))))))) )
    Bi-Real block  Q8( x + Q8(BN(conv(sign(x)))) )

Where the map shrinks, the shortcut is average pooling 2x2, Q8, a 1-bit 1x1 convolution,
BatchNorm, Q8.
"""

from __future__ import annotations

import onnx

from tests.networks.qonnx_networks import Builder

SCALE = 0.0625
"""Real value of one step of every 8-bit map."""


class Residual(Builder):
    """A builder of residual blocks; `at` is an 8-bit map between them."""

    def __init__(self, size: int, channels: int, seed: int):
        super().__init__((3, size, size), seed, batch=1)
        self.quant(8.0, 1 / 128)
        self.conv(3, channels, 3, 1, (1, 1, 1, 1))
        self.norm(channels, 0.6 * 27**0.5)
        self.integers()

    def integers(self) -> str:
        return self.quant(8.0, SCALE)

    def norm(self, channels: int, spread: float) -> None:
        """Gains of both signs, each seventh 0; `spread`: deviation of what is normalised."""
        gamma = self.rng.uniform(0.4, 2, channels) * self.rng.choice([-1.0, 1.0], channels)
        gamma[6::7] = 0
        self.add(
            "BatchNormalization",
            self.constant(gamma),
            self.constant(self.rng.normal(0, 1, channels)),
            self.constant(self.rng.normal(0, spread / 2, channels)),
            self.constant(spread**2 * self.rng.uniform(0.5, 1.5, channels)),
            epsilon=1e-5,
        )

    def layer(self, inputs: int, outputs: int, stride: int) -> None:
        """sign, 3x3 convolution with a border of exact zeros, BatchNorm."""
        self.bipolar()
        self.conv(inputs, outputs, 3, stride, (1, 1, 1, 1))
        self.norm(outputs, (9 * inputs) ** 0.5)

    def block(self, inputs: int, outputs: int, layers: int) -> None:
        """A block of one convolution (Bi-Real) or two (basic); it halves a map that it widens."""
        shortcut = self.at
        stride = 1 if inputs == outputs else 2
        self.layer(inputs, outputs, stride)
        for _ in range(layers - 1):
            self.layer(outputs, outputs, 1)
        branch = self.integers()
        if stride == 2:
            self.at = shortcut
            self.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
            self.integers()
            self.conv(inputs, outputs, 1)
            self.norm(outputs, inputs**0.5)
            shortcut = self.integers()
        self.at = branch
        self.add("Add", shortcut, first=False)
        self.integers()

    def head(self, channels: int, classes: int = 10) -> onnx.ModelProto:
        """Global average pooling, and a dense layer with BatchNorm that reads its exact sums."""
        self.add("GlobalAveragePool")
        self.add("Flatten", axis=1)
        self.linear(channels, classes)
        self.norm(classes, channels**0.5)
        return self.model()


def resnet20(
    channels=(16, 32, 64), size: int = 32, seed: int = 1, blocks: int = 3
) -> onnx.ModelProto:
    """Three stages of three basic blocks: 20 layers of 1-bit weights, and two 1x1 shortcuts."""
    return _network(channels, size, seed, blocks, 2)


def bireal(
    channels=(16, 32, 64), size: int = 32, seed: int = 2, blocks: int = 6
) -> onnx.ModelProto:
    """The same with a shortcut around every convolution."""
    return _network(channels, size, seed, blocks, 1)


def _network(channels, size, seed, blocks, layers) -> onnx.ModelProto:
    net, before = Residual(size, channels[0], seed), channels[0]
    for width in channels:
        for _ in range(blocks):
            net.block(before, width, layers)
            before = width
    return net.head(before)
