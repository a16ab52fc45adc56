"""Mirror descent on weights in (-1, 1), with Adam's direction d at the weights.

BMD ("MD-tanh-S", Ajanthan et al. 2021, as Paren and Poudel use it): latent w^, weights w =
tanh(beta w^),

    w^ <- w^ - lr d              d from the gradient at w, unchanged

True MD-tanh, mirror map atanh(w)/beta: w <- tanh(atanh(w) - beta lr d), which is

    w <- (A e^(-2 beta lr d) - 1)/(A e^(-2 beta lr d) + 1),   A = (1 + w)/(1 - w)

It keeps z = atanh(w) as state: A overflows where w rounds to +-1, z does not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from ..nn.estimators import hard_sign
from .base import POSITIVE, RATE, BinaryOptimizer, Range, signed_gradients
from .direction import adam_direction


class Mirror(BinaryOptimizer, ABC):
    """Base: state per weight `dual`, weights a function of it; `freeze` as for BNEW.

    Args:
        params: weights; what they hold at construction sets the dual variables.
        lr, betas, eps, maximize: Adam's.
        beta: steepness of tanh, > 0, usually moved upward over training.
    """

    RANGES: ClassVar[dict[str, Range]] = {"lr": RATE, "beta": POSITIVE, "eps": RATE}

    def __init__(self, params, lr=1e-2, beta=1.0, betas=(0.9, 0.999), eps=1e-8, *, maximize=False):
        defaults = {"lr": lr, "beta": beta, "betas": betas, "eps": eps, "frozen": False}
        super().__init__(params, {**defaults, "maximize": maximize})

    def start_weight(self, group: dict, weight: Tensor) -> None:
        self.state[weight]["dual"] = self.dual_of(weight, group)
        weight.copy_(self.primal_of(self.state[weight]["dual"], group))

    @abstractmethod
    def dual_of(self, weight: Tensor, group: dict) -> Tensor:
        """The dual variable that an initial weight stands for."""

    @abstractmethod
    def primal_of(self, dual: Tensor, group: dict) -> Tensor:
        """The weight of a dual variable."""

    @abstractmethod
    def rate(self, group: dict) -> float:
        """By what the direction is multiplied before it is taken from the dual variable."""

    def step_group(self, group: dict, weights: list[Tensor]) -> None:
        if group["frozen"]:
            return
        states = [self.state[w] for w in weights]
        directions = adam_direction(
            states, signed_gradients(group, weights), betas=group["betas"], eps=group["eps"]
        )
        duals = [state["dual"] for state in states]
        torch._foreach_add_(duals, directions, alpha=-self.rate(group))
        for weight, dual in zip(weights, duals, strict=True):
            weight.copy_(self.primal_of(dual, group))

    @torch.no_grad()
    def freeze(self) -> None:
        """Replace the weights by their signs and stop updating them for good."""
        for group in self.param_groups:
            group["frozen"] = True
            for weight in group["params"]:
                weight.copy_(hard_sign(weight))

    @property
    def frozen(self) -> bool:
        """Whether `freeze` was called."""
        return all(group["frozen"] for group in self.param_groups)


class BMD(Mirror):
    """w = tanh(beta w^); the initial weights are taken as w^.

    >>> w = torch.nn.Parameter(torch.tensor([0.5]))
    >>> _ = BMD([w], beta=2.0)
    >>> round(w.item(), 6) == round(torch.tanh(torch.tensor(1.0)).item(), 6)
    True
    """

    def dual_of(self, weight: Tensor, group: dict) -> Tensor:
        return weight.detach().clone()

    def primal_of(self, dual: Tensor, group: dict) -> Tensor:
        return torch.tanh(group["beta"] * dual)

    def rate(self, group: dict) -> float:
        return float(group["lr"])


class MDTanh(Mirror):
    """w <- tanh(atanh(w) - beta lr d); initial weights lie in (-1, 1)."""

    def dual_of(self, weight: Tensor, group: dict) -> Tensor:
        # The float32 numbers next to +-1 have |atanh| = 9.01: nothing initial lies farther out.
        return torch.atanh(weight.detach().clamp(-1 + 2**-24, 1 - 2**-24)).clamp_(-9.02, 9.02)

    def primal_of(self, dual: Tensor, group: dict) -> Tensor:
        return torch.tanh(dual)

    def rate(self, group: dict) -> float:
        return float(group["lr"]) * group["beta"]
