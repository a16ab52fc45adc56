"""Bop and second-order Bop: weights are +-1 from the start, and flip; there are no latent weights.

Bop (Helwegen et al. 2019), per weight w with gradient g:

    m <- (1 - gamma) m + gamma g
    w <- -w  if  w m > tau

Second order (Suarez-Ramirez et al. 2021, biased form), besides:

    v <- (1 - sigma) v + sigma g^2
    w <- -w  if  w m / (sqrt(v) + 1e-10) > tau

m is an average of +g, so a weight flips when it agrees in sign with its gradient (the printed
equation (7) of Paren and Poudel has a minus sign that their code has not).

>>> import torch
>>> w = torch.nn.Parameter(torch.tensor([0.3, -0.2]))
>>> bop = Bop([w], gamma=0.1, tau=0.0)
>>> w.grad = torch.tensor([1.0, 1.0])
>>> bop.step()
>>> w.tolist()
[-1.0, -1.0]
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ..nn.estimators import hard_sign
from .base import RATE, SHARE, BinaryOptimizer, Range, gradients, signed_gradients


class Bop(BinaryOptimizer):
    """Binary optimiser.

    Args:
        params: weights (or groups of them) that become +-1.
        gamma: adaptivity rate, 0..1; tau: threshold, >= 0. Both may be changed per step in the
        groups.
        binarise: take the weights' signs now; else at the first step, whose gradient is then the
            one at the real initial weights (as larq does it).
        lr: a factor on gamma, for torch's schedulers, which move `lr` and nothing else.
        maximize: flip toward a greater value instead of a smaller one.
    """

    RANGES: ClassVar[dict[str, Range]] = {"gamma": SHARE, "tau": RATE, "lr": RATE}

    def __init__(
        self,
        params,
        gamma: float = 1e-4,
        tau: float = 1e-8,
        *,
        binarise: bool = True,
        lr: float = 1.0,
        maximize: bool = False,
        **further: float,
    ):
        defaults = {"gamma": gamma, "tau": tau, "binarise": binarise, "lr": lr}
        super().__init__(params, {**defaults, "maximize": maximize, **further})

    def start_weight(self, group: dict, weight: Tensor) -> None:
        if group["binarise"]:
            weight.copy_(hard_sign(weight))

    def step_group(self, group: dict, weights: list[Tensor]) -> None:
        self._flip(group, weights, self._agreements(group, weights))

    @staticmethod
    def _rate(group: dict) -> float:
        return group["gamma"] * float(group["lr"])

    def _momenta(self, group: dict, weights: list[Tensor]) -> list[Tensor]:
        for weight in weights:
            if "momentum" not in self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        momenta = [self.state[w]["momentum"] for w in weights]
        rate = self._rate(group)
        torch._foreach_mul_(momenta, 1 - rate)
        torch._foreach_add_(momenta, signed_gradients(group, weights), alpha=rate)
        return momenta

    def _agreements(self, group: dict, weights: list[Tensor]) -> list[Tensor]:
        """What is compared with tau, per weight."""
        return list(torch._foreach_mul(self._momenta(group, weights), weights))

    def _flip(self, group: dict, weights: list[Tensor], agreements: list[Tensor]) -> None:
        for weight, agreement in zip(weights, agreements, strict=True):
            state = self.state[weight]
            if "binary" not in state:
                state["binary"] = True
                weight.copy_(hard_sign(torch.where(agreement > group["tau"], -weight, weight)))
            else:
                # -2 [flip] + 1 is the factor: one pass, no branch.
                weight.mul_((agreement > group["tau"]).to(weight.dtype).mul_(-2).add_(1))


class Bop2ndOrder(Bop):
    """Bop with the gradient's second moment.

    Args:
        sigma: rate of the second moment.
        corrected: divide both moments by 1 - (1-rate)^t as Adam does. Experimental: with rates that
            move, this correction is not defined by the paper.
        others: as for :class:`Bop`.
    """

    RANGES: ClassVar[dict[str, Range]] = {**Bop.RANGES, "sigma": SHARE}

    def __init__(
        self,
        params,
        gamma: float = 1e-6,
        tau: float = 1e-6,
        sigma: float = 1e-2,
        *,
        corrected: bool = False,
        binarise: bool = True,
        lr: float = 1.0,
        maximize: bool = False,
    ):
        super().__init__(
            params, gamma, tau, binarise=binarise, lr=lr, maximize=maximize, sigma=sigma,
            corrected=corrected,
        )  # fmt: skip

    def _agreements(self, group: dict, weights: list[Tensor]) -> list[Tensor]:
        momenta = self._momenta(group, weights)
        sigma = group["sigma"]
        for weight in weights:
            state = self.state[weight]
            if "square" not in state:
                state["square"], state["step"] = torch.zeros_like(weight), 0
            state["step"] += 1
        squares = [self.state[w]["square"] for w in weights]
        torch._foreach_mul_(squares, 1 - sigma)
        found = gradients(weights)  # squared: the sign of `maximize` does not matter
        torch._foreach_addcmul_(squares, found, found, sigma)
        if group["corrected"]:
            steps = [self.state[w]["step"] for w in weights]
            rate = self._rate(group)
            momenta = list(torch._foreach_div(momenta, [1 - (1 - rate) ** t for t in steps]))
            squares = list(torch._foreach_div(squares, [1 - (1 - sigma) ** t for t in steps]))
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, 1e-10)
        ratios = torch._foreach_div(momenta, roots)
        torch._foreach_mul_(ratios, weights)
        return list(ratios)
