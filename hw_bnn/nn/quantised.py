"""The papers' residual networks with 8-bit integers in the place of real numbers.

`form: quantised` of bnew_resnet20 and birealnet18 (reactnet.py has reactnet_a's): binary 3x3
convolutions, shifts, PReLUs and shortcuts as in `form: paper`; the stem, the shortcuts' 1x1
convolutions and the last layer have 8-bit weights; every map between blocks is an 8-bit integer on
one power-of-two scale S, so that residual sums are sums of integers. With
Q = IntegerActivation(8, S):

    block     x = Q(RPReLU(Q(BN(conv3x3(RSign(x)))) + shortcut(x)))
    shortcut  x, or Q(BN(conv1x1(Q(average pool(x)))))
    stem      Q(max-pool(BN(conv(8-bit image))))
    head      linear(IntegerActivation(8, S/4)(mean(x)))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brevitas.nn import QuantConv2d, QuantLinear
from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from torch import Tensor, nn
from torch.nn import functional

from .blocks import ChannelScale, PaddedBinaryConv2d, RPReLU, RSign
from .layers import IntegerActivation
from .mlp import Input, Norm

SCALE = 1 / 16
"""Of the maps: a BatchNorm's unit deviation is 16 steps, +-8 the range."""


def integers(scale: float = SCALE) -> IntegerActivation:
    """Q."""
    return IntegerActivation(8, scale=scale)


def convolution(n_in: int, n_out: int, kernel: int, stride: int = 1) -> QuantConv2d:
    """With 8-bit weights, a scale a channel."""
    return QuantConv2d(
        n_in, n_out, kernel, stride, kernel // 2, bias=False,
        weight_quant=Int8WeightPerChannelFloat,
    )  # fmt: skip


def last_layer(n_in: int, classes: int) -> QuantLinear:
    """With 8-bit weights on one scale."""
    return QuantLinear(n_in, classes, bias=True, weight_quant=Int8WeightPerTensorFloat)


class QuantisedBlock(nn.Module):
    """One binary convolution with a shortcut around it, on 8-bit maps; see the module's text.

    Args:
        options: as of resnet.ShortcutBlock.
    """

    def __init__(self, n_in: int, n_out: int, stride: int, norm: Norm, **options: Any):
        super().__init__()
        self.sign = RSign(n_in, options["activation_estimator"], shift=options["shift"])
        self.conv = PaddedBinaryConv2d(
            n_in, n_out, 3, stride=stride, estimator=options["estimator"], scaled=options["scaled"]
        )
        self.scale = ChannelScale(n_out) if options["channel_scale"] else nn.Identity()
        self.norm, self.branch = norm.conv(n_out), integers()
        self.activation = RPReLU(n_out) if options["prelu"] else nn.Identity()
        self.total = integers()
        self.downsample = None
        if stride != 1 or n_in != n_out:
            pool: list[nn.Module] = [nn.AvgPool2d(2, 2), integers()] if stride == 2 else []
            self.downsample = nn.Sequential(
                *pool, convolution(n_in, n_out, 1), norm.conv(n_out), integers()
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(self.norm(self.scale(self.conv(self.sign(x)))))
        return self.total(
            self.activation(y + (x if self.downsample is None else self.downsample(x)))
        )


class QuantisedResNet(nn.Module):
    """8-bit stem, blocks, mean, 8-bit linear layer; input 0..255 (N, C, H, W), output (N, classes).

    Args:
        shapes: (channels in, channels out, stride) of each block.
        stem: kernel and stride of the first convolution, before a 3x3 max-pool of stride 2.
        options: of the blocks.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        shapes: Sequence[tuple[int, int, int]],
        stem: tuple[int, int],
        norm: Norm,
        **options: Any,
    ):
        super().__init__()
        first, last = shapes[0][0], shapes[-1][1]
        self.stem = nn.Sequential(
            Input(bits=8).build(), convolution(in_channels, first, *stem), norm.conv(first),
            nn.MaxPool2d(3, 2, 1), integers(),
        )  # fmt: skip
        self.blocks = nn.Sequential(*(QuantisedBlock(*shape, norm, **options) for shape in shapes))
        self.mean = integers(SCALE / 4)
        self.head = last_layer(last, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1)
        return self.head(self.mean(x).flatten(1))
