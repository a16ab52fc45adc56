"""ReActNet-A (Liu et al. 2020): thirteen blocks of binary 3x3 and 1x1 convolutions
with RSign and RPReLU.

28,253,184 binary weights; first convolution, last layer and the maps between the blocks are real
numbers, so that compiling it is refused. What a form with 8-bit maps needs beyond that of
:mod:`hw_bnn.nn.quantised` is the concatenation of channels, which has no hardware yet.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import PaddedBinaryConv2d, RPReLU, RSign, shortcut_pool
from .mlp import Norm

# (channels out, stride) of the blocks after the 32-channel stem.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)


class ReActBlock(nn.Module):
    """3x3 then 1x1, each with a shortcut; twice the channels come from two 1x1, concatenated."""

    def __init__(
        self, n_in: int, n_out: int, stride: int, norm: Norm, estimator: str, scaled: bool
    ):
        super().__init__()
        make: dict[str, Any] = {"estimator": estimator, "scaled": scaled}
        self.sign1 = RSign(n_in)
        self.conv1 = PaddedBinaryConv2d(n_in, n_in, 3, stride=stride, **make)
        self.norm1 = norm.conv(n_in)
        self.shortcut = shortcut_pool(stride)
        self.activation1 = RPReLU(n_in)
        self.sign2 = RSign(n_in)
        copies = n_out // n_in
        self.conv2 = nn.ModuleList(PaddedBinaryConv2d(n_in, n_in, 1, **make) for _ in range(copies))
        self.norm2 = nn.ModuleList(norm.conv(n_in) for _ in range(copies))
        self.activation2 = RPReLU(n_out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation1(self.norm1(self.conv1(self.sign1(x))) + self.shortcut(x))
        signs = self.sign2(x)
        halves = [norm(conv(signs)) + x for conv, norm in zip(self.conv2, self.norm2, strict=True)]
        return self.activation2(halves[0] if len(halves) == 1 else torch.cat(halves, dim=1))


class ReActNet(nn.Module):
    """See the module's text; input (N, C, H, W), output (N, classes)."""

    def __init__(self, in_channels: int, classes: int, norm: Norm, estimator: str, scaled: bool):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, 32, 3, 2, 1, bias=False), norm.conv(32))
        blocks, n_in = [], 32
        for n_out, stride in BLOCKS:
            blocks.append(ReActBlock(n_in, n_out, stride, norm, estimator, scaled))
            n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(n_in, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1).flatten(1))


def reactnet_a(
    in_channels: int,
    classes: int,
    *,
    norm: Norm = Norm(),
    estimator: str = "clipped",
    scaled: bool = True,
) -> ReActNet:
    """ReActNet-A; `scaled` multiplies the signs by each channel's mean |weight|."""
    return ReActNet(in_channels, classes, norm, estimator, scaled)
