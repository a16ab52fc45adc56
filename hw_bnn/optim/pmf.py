"""PMF, proximal mean-field (Ajanthan et al. 2019): a softmax over {-1, +1} per weight.

Two logits l per weight: u = softmax(beta l), w = u_1 - u_0. With g = dL/dw,

    dL/du = (-g, +g),   dL/dl = beta (I - u u^T) dL/du      (the authors' code)
                        dL/dl = beta (diag(u) - u u^T) dL/du  (the exact Jacobian)

and Adam on l. u.dL/du = g w, so that the two rows are beta(-+g - u g w) and beta(-+u g - u g w).
beta grows over training; the network is evaluated with the likelier value, sign(w).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from .base import POSITIVE, RATE, BinaryOptimizer, Range, signed_gradient
from .direction import adam_direction


class PMF(BinaryOptimizer):
    """PMF with Adam on the logits.

    Args:
        params: weights of two or more dimensions; the logits are drawn Glorot uniform, from torch's
            generator, whatever the weights hold.
        lr, betas, eps, weight_decay, maximize: Adam's, on the logits.
        beta: softmax's inverse temperature, moved upward over training.
        exact: use the exact Jacobian.
    """

    RANGES: ClassVar[dict[str, Range]] = {
        "lr": RATE, "beta": POSITIVE, "eps": RATE, "weight_decay": RATE,
    }  # fmt: skip

    def __init__(
        self,
        params,
        lr=1e-3,
        beta=1.0,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        *,
        exact=False,
        maximize=False,
    ):
        defaults = {
            "lr": lr,
            "beta": beta,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "exact": exact,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def start_weight(self, group: dict, weight: Tensor) -> None:
        if weight.dim() < 2:
            raise ValueError(
                f"PMF draws its logits Glorot uniform, for weights of two or more dimensions, not "
                f"{tuple(weight.shape)}"
            )
        logits = torch.stack([torch.empty_like(weight) for _ in range(2)])
        for row in logits:
            torch.nn.init.xavier_uniform_(row)
        self.state[weight]["logits"] = logits
        weight.copy_(self._weight(logits, group))

    @staticmethod
    def _weight(logits: Tensor, group: dict) -> Tensor:
        # softmax over two: u_1 - u_0 = tanh(beta (l_1 - l_0)/2)
        return torch.tanh((logits[1] - logits[0]) * (group["beta"] / 2))

    @staticmethod
    def logit_gradient(
        weight: Tensor, gradient: Tensor, beta: float, *, exact: bool = False
    ) -> Tensor:
        """dL/dl (2, *shape) from w and dL/dw."""
        u = torch.stack([(1 - weight) / 2, (1 + weight) / 2])
        signed = torch.stack([-gradient, gradient])
        if exact:
            signed = signed * u
        return beta * (signed - u * (gradient * weight))

    def step_group(self, group: dict, weights: list[Tensor]) -> None:
        states = [self.state[w] for w in weights]
        found = []
        for weight, state in zip(weights, states, strict=True):
            # The gradient was taken at the weight of the present logits and the beta then in force.
            own = self.logit_gradient(
                weight, signed_gradient(group, weight), group["beta"], exact=group["exact"]
            )
            found.append(own.add_(state["logits"], alpha=group["weight_decay"]))
        directions = adam_direction(states, found, betas=group["betas"], eps=group["eps"])
        torch._foreach_add_([s["logits"] for s in states], directions, alpha=-float(group["lr"]))
        for weight, state in zip(weights, states, strict=True):
            weight.copy_(self._weight(state["logits"], group))
