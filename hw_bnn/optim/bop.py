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

import torch
from torch import Tensor

from ..nn.estimators import hard_sign


class Bop(torch.optim.Optimizer):
    """Binary optimiser.

    Args:
        params: weights (or groups of them) that become +-1.
        gamma: adaptivity rate, 0..1; tau: threshold, >= 0. Both may be changed per step in the
        groups.
        binarise: take the weights' signs now; else at the first step, whose gradient is then the
            one at the real initial weights (as larq does it).
    """

    def __init__(self, params, gamma: float = 1e-4, tau: float = 1e-8, *, binarise: bool = True):
        super().__init__(params, {"gamma": gamma, "tau": tau})
        if binarise:
            with torch.no_grad():
                for group in self.param_groups:
                    for weight in group["params"]:
                        weight.copy_(hard_sign(weight))

    @torch.no_grad()
    def step(self, closure=None):
        """One step; `closure`, if given, computes the loss and gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if weights:
                self._flip(group, weights, self._agreements(group, weights))
        return loss

    def _momenta(self, group: dict, weights: list[Tensor]) -> list[Tensor]:
        for weight in weights:
            if "momentum" not in self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        momenta = [self.state[w]["momentum"] for w in weights]
        torch._foreach_mul_(momenta, 1 - group["gamma"])
        torch._foreach_add_(momenta, [w.grad for w in weights], alpha=group["gamma"])
        return momenta

    def _agreements(self, group: dict, weights: list[Tensor]) -> list[Tensor]:
        """What is compared with tau, per weight."""
        return list(torch._foreach_mul(self._momenta(group, weights), weights))

    def _flip(self, group: dict, weights: list[Tensor], agreements: list[Tensor]) -> None:
        for weight, agreement in zip(weights, agreements):
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

    def __init__(
        self,
        params,
        gamma: float = 1e-6,
        tau: float = 1e-6,
        sigma: float = 1e-2,
        *,
        corrected: bool = False,
        binarise: bool = True,
    ):
        super().__init__(params, gamma, tau, binarise=binarise)
        self.corrected = corrected
        for group in self.param_groups:
            group.setdefault("sigma", sigma)

    def _agreements(self, group: dict, weights: list[Tensor]) -> list[Tensor]:
        momenta = self._momenta(group, weights)
        sigma = group["sigma"]
        for weight in weights:
            state = self.state[weight]
            if "square" not in state:
                state["square"], state["step"] = torch.zeros_like(weight), 0
            state["step"] += 1
        squares = [self.state[w]["square"] for w in weights]
        gradients = [w.grad for w in weights]
        torch._foreach_mul_(squares, 1 - sigma)
        torch._foreach_addcmul_(squares, gradients, gradients, sigma)
        if self.corrected:
            steps = [self.state[w]["step"] for w in weights]
            momenta = torch._foreach_div(momenta, [1 - (1 - group["gamma"]) ** t for t in steps])
            squares = torch._foreach_div(squares, [1 - (1 - sigma) ** t for t in steps])
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, 1e-10)
        ratios = torch._foreach_div(momenta, roots)
        torch._foreach_mul_(ratios, weights)
        return list(ratios)
