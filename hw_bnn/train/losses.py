"""Losses by name; each takes outputs (N, C) and the set's targets.

squared_hinge   mean over batch and classes of max(0, 1 - t z)^2, t = +1 for the label's class,
                else -1
cross_entropy   softmax cross-entropy of labels
bce             binary cross-entropy of one logit and targets 0/1
mse             mean squared error of real targets

>>> z = torch.tensor([[2.0, 0.5, -0.3]])
>>> round(squared_hinge(z, torch.tensor([0])).item(), 6)
0.913333
"""

from __future__ import annotations

from collections.abc import Callable

import torch  # noqa: F401  (the example above)
from torch import Tensor
from torch.nn import functional


def squared_hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    """Squared hinge loss with margin 1; gradient -2 t max(0, 1 - t z)/(N C)."""
    signs = functional.one_hot(labels, outputs.shape[1]).to(outputs.dtype).mul_(2).sub_(1)
    return (1 - signs * outputs).clamp(min=0).square().mean()


def bce(outputs: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of logits (N, 1)."""
    return functional.binary_cross_entropy_with_logits(outputs.view(-1), targets.view(-1))


Loss = Callable[[Tensor, Tensor], Tensor]
"""loss(outputs, targets), a scalar."""

LOSSES: dict[str, Loss] = {
    "squared_hinge": squared_hinge,
    "cross_entropy": functional.cross_entropy,
    "bce": bce,
    "mse": functional.mse_loss,
}


def decided(outputs: Tensor) -> Tensor:
    """The labels (N,) that outputs mean: argmax, ties to the lowest index; of a single logit its
    sign, 0 counting as 1."""
    return (outputs.view(-1) >= 0).long() if outputs.shape[1] == 1 else outputs.argmax(1)


def correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """Number of right answers, by :func:`decided`."""
    return (decided(outputs) == targets.view(-1)).sum()
