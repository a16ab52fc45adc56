"""Networks for the two toy sets: d-64-64-1 with tanh and 1-bit weights *and biases*.

A bias is the weight of a constant input 1, so it is +-1 as well and every method
treats it as a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .layers import BinaryLinear


class BiasedBinaryLinear(nn.Module):
    """BinaryLinear with an extra input that is 1; output (N, out_features)."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__()
        self.linear = BinaryLinear(in_features + 1, out_features)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(torch.cat([x, x.new_ones(len(x), 1)], dim=1))


def toy(
    in_features: int,
    *,
    hidden: Sequence[int] = (64, 64),
    norm_output: bool = False,
    momentum: float = 0.15,
) -> nn.Sequential:
    """in_features-64-64-1; `norm_output` puts a BatchNorm without affine behind it (Snelson's)."""
    layers: list[nn.Module] = []
    widths = [in_features, *hidden]
    for n_in, n_out in pairwise(widths):
        layers += [BiasedBinaryLinear(n_in, n_out), nn.Tanh()]
    layers.append(BiasedBinaryLinear(widths[-1], 1))
    if norm_output:
        layers.append(nn.BatchNorm1d(1, eps=1e-4, momentum=momentum, affine=False))
    return nn.Sequential(*layers)
