"""ReActNet-A (Liu et al. 2020): thirteen blocks of binary 3x3 and 1x1 convolutions
with RSign and RPReLU.

28,253,184 binary weights. In `form: paper` the first convolution, the last layer and the maps
between the blocks are real numbers, so that compiling it is refused; `form: quantised` has 8-bit
integers there, as :mod:`hw_bnn.nn.quantised` says. With its Q and scale S a block is

    y = Q(RPReLU(Q(BN(conv3x3(RSign(x)))) + pool(x)))            pool: nothing, or Q(average pool)
    h_j = Q(BN_j(conv1x1_j(RSign(y)))) + y,  j = 1 or 2;   Q(RPReLU(concatenation of h_j))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import PaddedBinaryConv2d, RPReLU, RSign, shortcut_pool
from .mlp import Input, Norm
from .quantised import SCALE, convolution, integers, last_layer

# (channels out in those of the stem, stride) of the blocks.
BLOCKS = (
    (2, 1),
    (4, 2),
    (4, 1),
    (8, 2),
    (8, 1),
    (16, 2),
    *((16, 1),) * 5,
    (32, 2),
    (32, 1),
)


class ReActBlock(nn.Module):
    """3x3 then 1x1, each with a shortcut; twice the channels come from two 1x1, concatenated.

    Args:
        quantised: with 8-bit maps; see the module's text.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        stride: int,
        norm: Norm,
        estimator: str,
        scaled: bool,
        quantised: bool,
    ):
        super().__init__()
        mapped = integers if quantised else nn.Identity
        make: dict[str, Any] = {"estimator": estimator, "scaled": scaled}
        self.sign1 = RSign(n_in)
        self.conv1 = PaddedBinaryConv2d(n_in, n_in, 3, stride=stride, **make)
        self.norm1, self.branch1 = norm.conv(n_in), mapped()
        self.shortcut = shortcut_pool(stride)
        self.pooled = mapped() if stride == 2 else nn.Identity()
        self.activation1, self.total1 = RPReLU(n_in), mapped()
        self.sign2 = RSign(n_in)
        copies = n_out // n_in
        self.conv2 = nn.ModuleList(PaddedBinaryConv2d(n_in, n_in, 1, **make) for _ in range(copies))
        self.norm2 = nn.ModuleList(norm.conv(n_in) for _ in range(copies))
        self.branch2 = nn.ModuleList(mapped() for _ in range(copies))
        self.activation2, self.total2 = RPReLU(n_out), mapped()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.branch1(self.norm1(self.conv1(self.sign1(x))))
        x = self.total1(self.activation1(branch + self.pooled(self.shortcut(x))))
        signs = self.sign2(x)
        halves = [
            mapped(norm(conv(signs))) + x
            for conv, norm, mapped in zip(self.conv2, self.norm2, self.branch2, strict=True)
        ]
        joined = halves[0] if len(halves) == 1 else torch.cat(halves, dim=1)
        return self.total2(self.activation2(joined))


class ReActNet(nn.Module):
    """See the module's text; input (N, C, H, W), output (N, classes).

    Args:
        width: channels of the stem.
        shapes: of the blocks, as BLOCKS.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        width: int,
        shapes: Sequence[tuple[int, int]],
        norm: Norm,
        estimator: str,
        scaled: bool,
        quantised: bool,
    ):
        super().__init__()
        if quantised:
            first = convolution(in_channels, width, 3, 2)
            self.stem = nn.Sequential(Input(bits=8).build(), first, norm.conv(width), integers())
        else:
            self.stem = nn.Sequential(
                nn.Conv2d(in_channels, width, 3, 2, 1, bias=False), norm.conv(width)
            )
        blocks, n_in = [], width
        for copies, stride in shapes:
            n_out = width * copies
            blocks.append(ReActBlock(n_in, n_out, stride, norm, estimator, scaled, quantised))
            n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.mean = integers(SCALE / 4) if quantised else nn.Identity()
        self.head = last_layer(n_in, classes) if quantised else nn.Linear(n_in, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1)
        return self.head(self.mean(x).flatten(1))


def reactnet_a(
    in_channels: int,
    classes: int,
    *,
    width: int = 32,
    blocks: int = len(BLOCKS),
    norm: Norm = Norm(),
    estimator: str = "clipped",
    scaled: bool = True,
    form: Literal["paper", "quantised"] = "paper",
) -> ReActNet:
    """ReActNet-A; `scaled` multiplies the signs by each channel's mean |weight|.

    Args:
        width: channels of the stem; all others are multiples.
        blocks: the first so many alone.
    """
    shapes, quantised = BLOCKS[:blocks], form == "quantised"
    return ReActNet(in_channels, classes, width, shapes, norm, estimator, scaled, quantised)
