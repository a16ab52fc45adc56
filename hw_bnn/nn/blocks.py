"""What the convolutional models share: padding, activations with learnable shifts,
scaled convolutions.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn

from .layers import BinaryActivation, BinaryConv2d, IntegerActivation

Form = Literal["paper", "hardware", "quantised"]
PoolOrder = Literal["before_norm", "after_activation"]


class PaddedBinaryConv2d(nn.Sequential):
    """A binary convolution whose border is `pad_value`: -1 is a plain bit in hardware, 0 is not.

    Zeros between signs are exact in hw_bnn's hardware too (masked lanes), at more logic.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        pad_value: float = 0.0,
        estimator: str = "clipped",
        scaled: bool = False,
    ):
        pad = kernel // 2
        conv = BinaryConv2d(
            n_in,
            n_out,
            kernel,
            stride=stride,
            padding=0 if pad_value else pad,
            estimator=estimator,
            scaled=scaled,
        )
        layers = {"pad": nn.ConstantPad2d(pad, pad_value)} if pad_value and pad else {}
        super().__init__(OrderedDict(**layers, conv=conv))


class RSign(nn.Module):
    """sign(x + b), b learnable per channel (ReActNet), with the ApproxSign backward by default."""

    def __init__(self, channels: int, estimator: str = "approx_sign", *, shift: bool = True):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1)) if shift else None
        self.sign = BinaryActivation(estimator)

    def forward(self, x: Tensor) -> Tensor:
        return self.sign(x if self.shift is None else x + self.shift)


class RPReLU(nn.Module):
    """PReLU(x + b1) + b2 with learnable shifts and slopes per channel; slopes start at 0.25."""

    def __init__(self, channels: int):
        super().__init__()
        self.before = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.after = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.prelu = nn.PReLU(channels, init=0.25)

    def forward(self, x: Tensor) -> Tensor:
        return self.prelu(x + self.before) + self.after


class ChannelScale(nn.Module):
    """A learnable factor per channel, 1 at the start."""

    def __init__(self, channels: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def shortcut_pool(stride: int) -> nn.Module:
    """Average pooling of a shortcut with stride 2, or nothing."""
    return nn.AvgPool2d(2, 2) if stride == 2 else nn.Identity()


class IntegerResidual(nn.Module):
    """The hardware form of a residual block: integers on one scale in both branches.

        out = Q_sum( x + Q(BN(conv(sign(x)))) )

    x and both quantisers share the scale, so that the addition is one of integers; Q_sum only clips
    to `sum_bits`. Where the shape changes, the shortcut is a binary 1x1 convolution of the signs
    with BatchNorm and the branch's quantiser.
    """

    SCALE = 0.25  # of a BatchNorm's unit deviation

    def __init__(
        self,
        n_in: int,
        n_out: int,
        stride: int = 1,
        *,
        norm,
        estimator: str = "clipped",
        pad_value: float = -1.0,
        bits: int = 4,
        sum_bits: int = 6,
    ):
        super().__init__()
        self.sign = BinaryActivation(estimator)
        self.conv = PaddedBinaryConv2d(n_in, n_out, 3, stride=stride, pad_value=pad_value)
        self.norm = norm.conv(n_out)
        self.quantiser = IntegerActivation(bits, scale=self.SCALE)
        self.total = IntegerActivation(sum_bits, scale=self.SCALE)
        self.shortcut = None
        if stride != 1 or n_in != n_out:
            self.shortcut = nn.Sequential(
                BinaryConv2d(n_in, n_out, 1, stride=stride),
                norm.conv(n_out),
                IntegerActivation(bits, scale=self.SCALE),
            )

    def forward(self, x: Tensor) -> Tensor:
        signs = self.sign(x)
        branch = self.quantiser(self.norm(self.conv(signs)))
        return self.total(branch + (x if self.shortcut is None else self.shortcut(signs)))
