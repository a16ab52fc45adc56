"""Distillation: the student learns the teacher's probabilities.

    loss = - mean over the batch of sum_c softmax(z_teacher / T)_c log_softmax(z_student / T)_c

alone or added to the label's loss with a weight (ReActNet and BNEW: temperature 1, no label term).

>>> z = torch.tensor([[0.0, 0.0]])
>>> round(distillation(z, z).item(), 6)     # log 2
0.693147
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .losses import Loss
from .recipe import Distil
from .trained import load_trained


def distillation(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """Cross-entropy between the teacher's and the student's probabilities; logits (N, C) both."""
    target = (teacher / temperature).softmax(1)
    return -(target * (student / temperature).log_softmax(1)).sum(1).mean()


def with_teacher(
    settings: Distil, label_loss: Loss, seed: int, device: torch.device
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """loss(outputs, targets, inputs) with the teacher of `settings`."""
    teacher = load_trained(settings.teacher.format(seed=seed)).model.to(device)
    teacher.requires_grad_(False).train(settings.mode == "train")

    def loss(outputs: Tensor, targets: Tensor, inputs: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = teacher(inputs)
        value = distillation(outputs, wanted, settings.temperature)
        if settings.label_weight:
            value = value + settings.label_weight * label_loss(outputs, targets)
        return value

    return loss
