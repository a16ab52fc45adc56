"""PMF, proximal mean-field (Ajanthan et al. 2019): a softmax over {-1, +1} per weight.

Two logits l per weight: u = softmax(beta l), w = u_1 - u_0. With g = dL/dw,

    dL/du = (-g, +g),   dL/dl = beta (I - u u^T) dL/du      (the authors' code)
                        dL/dl = beta (diag(u) - u u^T) dL/du  (the exact Jacobian)

and Adam on l. u.dL/du = g w, so that the two rows are beta(-+g - u g w) and beta(-+u g - u g w).
beta grows over training; the network is evaluated with the likelier value, sign(w).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .direction import adam_direction


class PMF(torch.optim.Optimizer):
    """PMF with Adam on the logits.

    Args:
        params: weights of two or more dimensions; the logits are drawn Glorot uniform, from torch's
            generator, whatever the weights hold.
        lr, betas, eps, weight_decay: Adam's, on the logits.
        beta: softmax's inverse temperature, moved upward over training.
        exact: use the exact Jacobian.
    """

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
    ):
        defaults = {
            "lr": lr,
            "beta": beta,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)
        self.exact = exact
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    logits = torch.stack([torch.empty_like(weight) for _ in range(2)])
                    for row in logits:
                        torch.nn.init.xavier_uniform_(row)
                    self.state[weight]["logits"] = logits
                    weight.copy_(self._weight(logits, group))

    @staticmethod
    def _weight(logits: Tensor, group: dict) -> Tensor:
        # softmax over two: u_1 - u_0 = tanh(beta (l_1 - l_0)/2)
        return torch.tanh((logits[1] - logits[0]) * (group["beta"] / 2))

    def logit_gradient(self, weight: Tensor, gradient: Tensor, beta: float) -> Tensor:
        """dL/dl (2, *shape) from w and dL/dw."""
        u = torch.stack([(1 - weight) / 2, (1 + weight) / 2])
        signed = torch.stack([-gradient, gradient])
        if self.exact:
            signed = signed * u
        return beta * (signed - u * (gradient * weight))

    @torch.no_grad()
    def step(self, closure=None):
        """One step; `closure`, if given, computes the loss and gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if not weights:
                continue
            states = [self.state[w] for w in weights]
            gradients = []
            for weight, state in zip(weights, states):
                # The gradient was taken at the weight of the present logits and the beta then in
                # force.
                gradient = self.logit_gradient(weight, weight.grad, group["beta"])
                gradients.append(gradient.add_(state["logits"], alpha=group["weight_decay"]))
            directions = adam_direction(states, gradients, betas=group["betas"], eps=group["eps"])
            torch._foreach_add_([s["logits"] for s in states], directions, alpha=-group["lr"])
            for weight, state in zip(weights, states):
                weight.copy_(self._weight(state["logits"], group))
        return loss
