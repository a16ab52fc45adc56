"""Plain convolutional networks: BinaryConnect's "VGG-10", Bop's BinaryNet, an AlexNet-like one.

    VGG-10: C128 C128 P C256 C256 P C512 C512 P FC1024 FC1024 FC10, 3x3 convolutions,
    2x2 max-pooling

`activation: relu` with a real input is the papers' weights-only form; `sign` with a quantised input
is the form for hardware. Pooling stands between convolution and BatchNorm (the order the papers
recommend for training: the pool sees real values), or after the activation (FINN's order).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from .blocks import PaddedBinaryConv2d, PoolOrder
from .layers import BinaryConv2d, BinaryLinear
from .mlp import Activation, Input, Norm, OutputNorm, build_activation, output_norm

Padding = Literal["same", "first_valid", "valid"]


class _Stack:
    """Collects named layers: the n-th of a kind is <kind><n>."""

    def __init__(self) -> None:
        self.layers: OrderedDict[str, nn.Module] = OrderedDict()

    def add(self, kind: str, layer: nn.Module) -> None:
        count = sum(name.rstrip("0123456789") == kind for name in self.layers)
        self.layers[f"{kind}{count + 1}"] = layer


class ConvNet(nn.Sequential):
    """A sequence of named layers on images (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


def vgg(
    in_channels: int,
    classes: int,
    *,
    channels: Sequence[int] = (128, 128, 256, 256, 512, 512),
    fc: Sequence[int] = (1024, 1024),
    size: int = 32,
    input: Input = Input(bits=0),
    activation: Activation = "relu",
    activation_estimator: str = "clipped",
    estimator: str = "clipped",
    norm: Norm = Norm(eps=1e-4),
    norm_fc: Norm | None = None,
    output: OutputNorm = "batchnorm",
    pool: PoolOrder = "before_norm",
    pad_value: float = 0.0,
    padding: Padding = "same",
) -> ConvNet:
    """VGG of 3x3 convolutions with pooling after every second one; all weights are 1-bit.

    Args:
        in_channels, classes: channels of the image, number of outputs.
        channels, fc: widths; size: height and width of the image.
        norm_fc: BatchNorm of the fully connected layers; by default `norm`.
        pool: where max-pooling stands. pad_value: what the border of each map is filled with.
        padding: `same` keeps the maps' size; `first_valid` does so from the second convolution on
            (Bop's BinaryNet); with `valid` none has a border (FINN's CNV, whose last map is one
            pixel and is not pooled).
        others: as for :class:`hw_bnn.nn.mlp.MLP`.
    """
    stack, norm_fc = _Stack(), norm_fc or norm
    stack.layers["input"] = input.build()
    n_in = in_channels
    for index, n_out in enumerate(channels):
        if padding == "valid" or (padding == "first_valid" and index == 0):
            conv: nn.Module = BinaryConv2d(n_in, n_out, 3, estimator=estimator)
            size -= 2
        else:
            # The image is not made of signs: its border is 0 whatever the maps' is.
            border = pad_value if index else 0.0
            conv = PaddedBinaryConv2d(n_in, n_out, 3, pad_value=border, estimator=estimator)
        stack.add("conv", conv)
        pooled = index % 2 == 1 and size > 1
        if pooled and pool == "before_norm":
            stack.add("pool", nn.MaxPool2d(2))
        stack.add("norm", norm.conv(n_out))
        stack.add("activation", build_activation(activation, activation_estimator))
        if pooled and pool == "after_activation":
            stack.add("pool", nn.MaxPool2d(2))
        size = size // 2 if pooled else size
        n_in = n_out
    stack.layers["flatten"] = nn.Flatten()
    _head(
        stack,
        n_in * size * size,
        classes,
        fc,
        activation,
        activation_estimator,
        estimator,
        norm_fc,
        output,
    )
    return ConvNet(stack.layers)


def _head(
    stack, n_in, classes, fc, activation, activation_estimator, estimator, norm, output
) -> None:
    for n_out in fc:
        stack.add("linear", BinaryLinear(n_in, n_out, estimator=estimator))
        stack.add("norm", norm.linear(n_out))
        stack.add("activation", build_activation(activation, activation_estimator))
        n_in = n_out
    stack.add("linear", BinaryLinear(n_in, classes, estimator=estimator))
    final = output_norm(output, classes, norm)
    if final is not None:
        stack.add("norm", final)


# (channels out, kernel, stride, pooled 3x3/2 afterwards)
_ALEXNET = (
    (96, 11, 4, True),
    (256, 5, 1, True),
    (384, 3, 1, False),
    (384, 3, 1, False),
    (256, 3, 1, True),
)


def alexnet(
    in_channels: int,
    classes: int,
    *,
    fc: Sequence[int] = (4096, 4096),
    size: int = 224,
    input: Input = Input(bits=0),
    activation: Activation = "relu",
    activation_estimator: str = "clipped",
    estimator: str = "clipped",
    norm: Norm = Norm(eps=1e-4),
    output: OutputNorm = "batchnorm",
    pad_value: float = 0.0,
) -> ConvNet:
    """An AlexNet-like network with BatchNorm and 1-bit weights throughout; see :func:`vgg`.

    The convolutions are padded to half their kernel; the three pools are 3x3 with stride 2
    and stand before BatchNorm. (The file of the paper's own AlexNet is not published: this
    is no exact copy.)
    """
    stack = _Stack()
    stack.layers["input"] = input.build()
    n_in = in_channels
    for index, (n_out, kernel, stride, pooled) in enumerate(_ALEXNET):
        border = pad_value if index else 0.0
        stack.add(
            "conv",
            PaddedBinaryConv2d(
                n_in, n_out, kernel, stride=stride, pad_value=border, estimator=estimator
            ),
        )
        size = (size - 1) // stride + 1
        if pooled:
            stack.add("pool", nn.MaxPool2d(3, 2))
            size = (size - 3) // 2 + 1
        stack.add("norm", norm.conv(n_out))
        stack.add("activation", build_activation(activation, activation_estimator))
        n_in = n_out
    stack.layers["flatten"] = nn.Flatten()
    _head(
        stack,
        n_in * size * size,
        classes,
        fc,
        activation,
        activation_estimator,
        estimator,
        norm,
        output,
    )
    return ConvNet(stack.layers)
