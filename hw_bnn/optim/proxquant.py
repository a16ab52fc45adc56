"""ProxQuant (Bai, Wang, Liberty 2019): a proximal step toward {-1, +1} after each gradient step.

With strength lam, s = sign(w), a = |w|:

    l1:  prox(w) = s (1 + sign(a - 1) max(|a - 1| - lam, 0))
    l2:  prox(w) = (w + lam s) / (1 + lam)

then w is clipped to [-1, 1]. lam = lr x reg_rate x epoch in their recipe; here it is the group key
`lam`, for the training loop to move.

>>> import torch
>>> prox_l1(torch.tensor([0.5, 0.95, -1.25]), 0.125).tolist()
[0.625, 1.0, -1.125]
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ..nn.estimators import hard_sign
from ..nn.layers import clip_tensors
from .base import RATE, Range
from .proximal import Proximal


def prox_l1(weight: Tensor, lam: float) -> Tensor:
    """The proximal map of the W-shaped l1 regulariser: soft threshold toward the nearer of +-1."""
    beyond = weight.abs() - 1
    moved = torch.sign(beyond) * (beyond.abs() - lam).clamp_(min=0)
    return hard_sign(weight) * (1 + moved)


def prox_l2(weight: Tensor, lam: float) -> Tensor:
    """The proximal map of the l2 regulariser: a step of relative length lam toward the sign."""
    return (weight + lam * hard_sign(weight)) / (1 + lam)


PROXIMAL_MAPS = {"l1": prox_l1, "l2": prox_l2}


class ProxQuant(Proximal):
    """ProxQuant around one of torch's optimisers.

    Args:
        params, base: see :class:`hw_bnn.optim.proximal.Proximal`.
        lam: strength of the proximal step, >= 0.
        form: `l1` or `l2`.
        clip: clip to [-1, 1] after the step.
    """

    RANGES: ClassVar[dict[str, Range]] = {**Proximal.RANGES, "lam": RATE}

    def __init__(self, params, base, lam: float = 0.0, form: str = "l1", *, clip: bool = True):
        super().__init__(params, base, {"lam": lam, "form": form, "clip": clip})

    def check(self, group: dict) -> None:
        super().check(group)
        if group["form"] not in PROXIMAL_MAPS:
            raise ValueError(f"form must be l1 or l2, not {group['form']!r}")

    def project(self, group: dict, weights: list[Tensor]) -> None:
        for weight in weights:
            weight.copy_(PROXIMAL_MAPS[group["form"]](weight, group["lam"]))
        if group["clip"]:
            clip_tensors(weights)
