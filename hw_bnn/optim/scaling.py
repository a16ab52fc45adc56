"""Glorot scaling of the learning rate, in the two forms that are in use.

BinaryConnect multiplies the *update* by 1/c, c = sqrt(1.5/(fan_in + fan_out)), a convolution's fans
including the kernel's area. The code of Alizadeh et al. multiplies the *gradient* by 1/c' with
c' = sqrt(3/(n_in + n_out)), without the kernel's area: under Adam, RMSProp, AdaGrad and AdaDelta,
whose update does not depend on the gradient's scale, that changes nothing (up to eps).

>>> import torch
>>> round(glorot_limit(torch.zeros(2048, 784)), 5)
0.02301
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn


def glorot_limit(weight: Tensor) -> float:
    """c = sqrt(1.5/(fan_in + fan_out)) of a weight (n_out, n_in, *kernel)."""
    area = weight[0, 0].numel()
    return math.sqrt(1.5 / ((weight.shape[0] + weight.shape[1]) * area))


def gradient_limit(weight: Tensor) -> float:
    """c' = sqrt(3/(n_in + n_out)), the kernel's area left out."""
    return math.sqrt(3.0 / (weight.shape[0] + weight.shape[1]))


@torch.no_grad()
def scale_gradients(weights: Iterable[nn.Parameter]) -> None:
    """Multiply each weight's gradient by 1/c' in place."""
    for weight in weights:
        if weight.grad is not None:
            weight.grad.mul_(1.0 / gradient_limit(weight))
