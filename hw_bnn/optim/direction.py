"""Adam's direction, for the methods that apply it to something other than the parameter itself.

    m <- b1 m + (1-b1) g,  v <- b2 v + (1-b2) g^2
    d = (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)

as torch.optim.Adam has it; a plain step is w <- w - lr d.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def adam_direction(
    states: list[dict],
    gradients: list[Tensor],
    *,
    betas: tuple[float, float],
    eps: float,
) -> list[Tensor]:
    """Advance each state's exp_avg, exp_avg_sq and step with its gradient; the
    directions, new tensors.

    All states are at the same step count (as in torch, a tensor without a gradient is left out).
    """
    first, second = betas
    for state, gradient in zip(states, gradients, strict=True):
        if "exp_avg" not in state:
            state["exp_avg"] = torch.zeros_like(gradient)
            state["exp_avg_sq"] = torch.zeros_like(gradient)
            state["step"] = 0
        state["step"] += 1
    averages = [state["exp_avg"] for state in states]
    squares = [state["exp_avg_sq"] for state in states]
    torch._foreach_lerp_(averages, gradients, 1 - first)
    torch._foreach_mul_(squares, second)
    torch._foreach_addcmul_(squares, gradients, gradients, 1 - second)
    roots = torch._foreach_sqrt(squares)
    corrections = [math.sqrt(1 - second ** state["step"]) for state in states]
    torch._foreach_div_(roots, corrections)
    torch._foreach_add_(roots, eps)
    directions = list(torch._foreach_div(averages, roots))
    torch._foreach_div_(directions, [1 - first ** state["step"] for state in states])
    return directions
