"""BNEW (Paren and Poudel, "Training binary neural networks the easy way").

Minimises f(w) - lambda |w|^2 over the box [-1, 1]: the concave term drives every weight to a
corner. One step is one of any optimiser followed by

    w <- clip((1 + 2 r) w)          (approximate form, the authors' code)
    w <- clip(w / (1 - 2 r))        (exact form, equation 12)

with r = lambda eta, moved by the training loop: r_e = min(1, R e/E) in epoch e of E, R =
lambda_rate eta_0. The network runs on w itself; at the end `freeze` sets w to its signs for good
and the real parameters are trained a little longer.

>>> import torch
>>> w = torch.nn.Parameter(torch.tensor([0.5, -0.96]))
>>> bnew = BNEW([w], lambda groups: torch.optim.SGD(groups, lr=0.0), r=0.05)
>>> w.grad = torch.zeros(2); bnew.step()
>>> [round(v, 4) for v in w.tolist()]
[0.55, -1.0]
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ..nn.layers import clip_tensors
from .base import RATE, Range
from .proximal import Proximal


def factor(r: float, exact: bool) -> float:
    """By how much a step of strength r < 1/2 stretches the weights."""
    return 1 / (1 - 2 * r) if exact else 1 + 2 * r


class BNEW(Proximal):
    """BNEW around one of torch's optimisers.

    Args:
        params, base: see :class:`hw_bnn.optim.proximal.Proximal`.
        r: strength of the pull, lambda times the learning rate; 0 is projection onto the box alone.
        exact: the form of equation 12; the two differ by 4 r^2 relatively.
        before: stretch and clip before the wrapped step, as the authors' CIFAR script does; the
            default order keeps the weights inside the box.
    """

    RANGES: ClassVar[dict[str, Range]] = {**Proximal.RANGES, "r": RATE}

    def __init__(self, params, base, r: float = 0.0, *, exact: bool = False, before: bool = False):
        super().__init__(params, base, {"r": r, "exact": exact, "before": before})

    def check(self, group: dict) -> None:
        super().check(group)
        if group.get("exact") and group["r"] >= 0.5:  # 1 / (1 - 2 r) is no stretching there
            raise ValueError(f"Invalid r value: {group['r']} (the exact form needs r < 1/2)")

    def before_step(self) -> None:
        for group in self._moving():
            if group["before"]:
                self._stretch(group, group["params"])

    def project(self, group: dict, weights: list[Tensor]) -> None:
        if not group["before"]:
            self._stretch(group, weights)

    def _stretch(self, group: dict, weights: list[Tensor]) -> None:
        self.check(group)  # r moves over training
        if group["r"]:
            torch._foreach_mul_(weights, factor(group["r"], group["exact"]))
        clip_tensors(weights)
