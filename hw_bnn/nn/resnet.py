"""Residual networks: ResNet-18 and -20 with 1-bit weights, BNEW's ResNet-20, Bi-Real-18,
the real teacher.

`form: paper` is what the papers trained; `form: hardware` has 8-bit input, 1-bit weights and
activations everywhere and integer residual additions (see
:class:`hw_bnn.nn.blocks.IntegerResidual`); `form: quantised` is the paper's with 8-bit integers in
the place of real numbers (:mod:`hw_bnn.nn.quantised`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional

from .blocks import (
    ChannelScale,
    Form,
    IntegerResidual,
    PaddedBinaryConv2d,
    RPReLU,
    RSign,
    shortcut_pool,
)
from .layers import BinaryActivation, BinaryConv2d, BinaryLinear, IntegerActivation
from .mlp import Input, Norm
from .quantised import QuantisedResNet

Stem = Literal["cifar", "imagenet"]


class ResNet(nn.Module):
    """stem - blocks - global average pooling - head; input (N, C, H, W), output (N, classes)."""

    def __init__(self, stem: nn.Module, blocks: Sequence[nn.Module], head: nn.Module):
        super().__init__()
        self.stem, self.blocks, self.head = stem, nn.Sequential(*blocks), head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1).flatten(1))


class HardwareResNet(nn.Module):
    """input quantiser - stem - integer residual blocks - sign - flatten - binary layer - BatchNorm.

    The last map is pooled by its signs' maximum to 1x1, which needs no arithmetic.
    """

    def __init__(
        self,
        stem: nn.Module,
        blocks: Sequence[nn.Module],
        size: int,
        channels: int,
        classes: int,
        norm: Norm,
    ):
        super().__init__()
        self.stem, self.blocks = stem, nn.Sequential(*blocks)
        self.sign = BinaryActivation()
        self.pool = nn.MaxPool2d(size) if size > 1 else nn.Identity()
        self.linear = BinaryLinear(channels, classes)
        self.norm = norm.linear(classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.sign(self.blocks(self.stem(x))))
        return self.norm(self.linear(x.flatten(1)))


class BasicBlock(nn.Module):
    """relu( BN(conv(relu(BN(conv(x))))) + shortcut(x) ), 1-bit weights, real activations."""

    def __init__(
        self, n_in: int, n_out: int, stride: int, norm: Norm, estimator: str, real_shortcut: bool
    ):
        super().__init__()
        self.conv1 = BinaryConv2d(n_in, n_out, 3, stride=stride, padding=1, estimator=estimator)
        self.norm1 = norm.conv(n_out)
        self.conv2 = BinaryConv2d(n_out, n_out, 3, padding=1, estimator=estimator)
        self.norm2 = norm.conv(n_out)
        self.downsample = None
        if stride != 1 or n_in != n_out:
            conv: nn.Module = (
                nn.Conv2d(n_in, n_out, 1, stride, bias=False)
                if real_shortcut
                else BinaryConv2d(n_in, n_out, 1, stride=stride, estimator=estimator)
            )
            self.downsample = nn.Sequential(conv, norm.conv(n_out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


def _widths(channels: Sequence[int], blocks: int) -> list[tuple[int, int, int]]:
    """(in, out, stride) of every block; the first block of each stage but the
    first has stride 2.
    """
    shapes, n_in = [], channels[0]
    for stage, n_out in enumerate(channels):
        for block in range(blocks):
            shapes.append((n_in, n_out, 2 if stage and not block else 1))
            n_in = n_out
    return shapes


def _stem(
    in_channels: int, channels: int, stem: Stem, norm: Norm, *, binary: bool, estimator: str
) -> nn.Sequential:
    kernel, stride = (7, 2) if stem == "imagenet" else (3, 1)
    conv: nn.Module = (
        BinaryConv2d(
            in_channels, channels, kernel, stride=stride, padding=kernel // 2, estimator=estimator
        )
        if binary
        else nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)
    )
    layers = [conv, norm.conv(channels)]
    return nn.Sequential(*layers, *([nn.MaxPool2d(3, 2, 1)] if stem == "imagenet" else []))


def _hardware(in_channels, classes, channels, blocks, stem: Stem, norm, size) -> HardwareResNet:
    kernel, stride = (7, 2) if stem == "imagenet" else (3, 1)
    first = nn.Sequential(
        Input(bits=8).build(),
        BinaryConv2d(in_channels, channels[0], kernel, stride=stride, padding=kernel // 2),
        *([nn.MaxPool2d(3, 2, 1)] if stem == "imagenet" else []),
        norm.conv(channels[0]),
        IntegerActivation(4, scale=IntegerResidual.SCALE),
    )
    size = (size - 1) // stride + 1
    size = (size - 1) // 2 + 1 if stem == "imagenet" else size
    layers = []
    for n_in, n_out, step in _widths(channels, blocks):
        layers.append(IntegerResidual(n_in, n_out, step, norm=norm))
        size = (size - 1) // step + 1
    return HardwareResNet(first, layers, size, channels[-1], classes, norm)


def resnet18(
    in_channels: int,
    classes: int,
    *,
    stem: Stem = "cifar",
    channels: Sequence[int] = (64, 128, 256, 512),
    blocks: int = 2,
    estimator: str = "clipped",
    norm: Norm = Norm(),
    real_shortcut: bool = False,
    form: Form = "paper",
    size: int = 32,
) -> nn.Module:
    """ResNet-18 with 1-bit weights in all convolutions and the last layer; ReLU activations.

    Args:
        stem: `cifar` 3x3 stride 1, `imagenet` 7x7 stride 2 and max-pooling.
        channels, blocks: widths of the stages and blocks in each ([16, 32, 64] and 3: ResNet-20).
        real_shortcut: keep the shortcuts' 1x1 convolutions real (ProxQuant's setting).
        size: height and width of the image (the hardware form's last pool depends on it).
    """
    if form == "hardware":
        # Two convolutions a block: as many single-convolution integer blocks.
        return _hardware(in_channels, classes, channels, 2 * blocks, stem, norm, size)
    start = _stem(in_channels, channels[0], stem, norm, binary=True, estimator=estimator)
    start.append(nn.ReLU())
    layers = [
        BasicBlock(n_in, n_out, stride, norm, estimator, real_shortcut)
        for n_in, n_out, stride in _widths(channels, blocks)
    ]
    head = nn.Sequential(
        BinaryLinear(channels[-1], classes, estimator=estimator), norm.linear(classes)
    )
    return ResNet(start, layers, head)


class ShortcutBlock(nn.Module):
    """One binary convolution with a shortcut around it (Bi-Real Net; BNEW's ResNet-20)."""

    def __init__(self, n_in: int, n_out: int, stride: int, norm: Norm, **options):
        super().__init__()
        activation = options["activation_estimator"]
        self.sign = RSign(n_in, activation, shift=options["shift"])
        self.conv = PaddedBinaryConv2d(
            n_in, n_out, 3, stride=stride, estimator=options["estimator"], scaled=options["scaled"]
        )
        self.scale = ChannelScale(n_out) if options["channel_scale"] else nn.Identity()
        self.norm = norm.conv(n_out)
        self.activation = RPReLU(n_out) if options["prelu"] else nn.Identity()
        self.downsample = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                shortcut_pool(stride), nn.Conv2d(n_in, n_out, 1, bias=False), norm.conv(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.scale(self.conv(self.sign(x))))
        return self.activation(y + (x if self.downsample is None else self.downsample(x)))


def bnew_resnet20(
    in_channels: int,
    classes: int,
    *,
    channels: Sequence[int] = (16, 32, 64),
    blocks: int = 6,
    channel_scale: bool = True,
    shift: bool = True,
    prelu: bool = True,
    activation_estimator: str = "approx_sign",
    estimator: str = "identity",
    norm: Norm = Norm(),
    form: Form = "paper",
    size: int = 32,
) -> nn.Module:
    """The small network of Paren and Poudel: 3 stages of 6 one-convolution blocks;
    first and last real.

    The stem halves the map by max-pooling (3x3, stride 2) as the authors' code does. 267,264 binary
    weights with the default widths.
    """
    if form == "hardware":
        return _hardware(in_channels, classes, channels, blocks, "cifar", norm, size)
    options: dict[str, Any] = {
        "activation_estimator": activation_estimator,
        "estimator": estimator,
        "shift": shift,
        "scaled": False,
        "channel_scale": channel_scale,
        "prelu": prelu,
    }
    if form == "quantised":
        shapes = _widths(channels, blocks)
        return QuantisedResNet(in_channels, classes, shapes, (3, 1), norm, **options)
    start = _stem(in_channels, channels[0], "cifar", norm, binary=False, estimator=estimator)
    start.append(nn.MaxPool2d(3, 2, 1))
    layers = [ShortcutBlock(*shape, norm, **options) for shape in _widths(channels, blocks)]
    return ResNet(start, layers, nn.Linear(channels[-1], classes))


def birealnet18(
    in_channels: int,
    classes: int,
    *,
    stem: Stem = "imagenet",
    channels: Sequence[int] = (64, 128, 256, 512),
    activation_estimator: str = "approx_sign",
    estimator: str = "clipped",
    scaled: bool = True,
    norm: Norm = Norm(),
    form: Form = "paper",
    size: int = 224,
) -> nn.Module:
    """Bi-Real-18: sixteen binary convolutions, each with a shortcut; real stem,
    shortcuts and last layer.

    `scaled` multiplies the signs by each channel's mean |weight|, as the authors' code does.
    """
    if form == "hardware":
        return _hardware(in_channels, classes, channels, 4, stem, norm, size)
    options: dict[str, Any] = {
        "activation_estimator": activation_estimator,
        "estimator": estimator,
        "shift": False,
        "scaled": scaled,
        "channel_scale": False,
        "prelu": False,
    }
    if form == "quantised":
        start_of = (7, 2) if stem == "imagenet" else (3, 1)
        return QuantisedResNet(
            in_channels, classes, _widths(channels, 4), start_of, norm, **options
        )
    start = _stem(in_channels, channels[0], stem, norm, binary=False, estimator=estimator)
    layers = [ShortcutBlock(*shape, norm, **options) for shape in _widths(channels, 4)]
    return ResNet(start, layers, nn.Linear(channels[-1], classes))


class _PreActivation(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int, norm: Norm):
        super().__init__()
        self.norm1, self.norm2 = norm.conv(n_in), norm.conv(n_out)
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        changed = stride != 1 or n_in != n_out
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride, bias=False) if changed else None

    def forward(self, x: Tensor) -> Tensor:
        active = functional.relu(self.norm1(x))
        y = self.conv2(functional.relu(self.norm2(self.conv1(active))))
        return y + (x if self.shortcut is None else self.shortcut(active))


def wide_resnet22(
    in_channels: int, classes: int, *, width: int = 1, norm: Norm = Norm()
) -> nn.Module:
    """The real-valued teacher of BNEW: pre-activation wide ResNet of depth 22,
    16-16-32-64 x width.
    """
    channels = [16 * width, 32 * width, 64 * width]
    start = nn.Conv2d(in_channels, channels[0], 3, 1, 1, bias=False)
    layers: list[nn.Module] = [_PreActivation(*shape, norm) for shape in _widths(channels, 3)]
    layers += [norm.conv(channels[-1]), nn.ReLU()]
    return ResNet(start, layers, nn.Linear(channels[-1], classes))
