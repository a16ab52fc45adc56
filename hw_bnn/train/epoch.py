"""One epoch of training, and evaluation; functions of a :class:`hw_bnn.train.run.Run`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any

import torch

from ..errors import CheckFailed
from . import distributed
from .calibration import best_temperature, calibration
from .losses import LOSSES, correct, decided
from .recipe import Stage
from .run_folder import LAST

if TYPE_CHECKING:
    from .run import Run

OutputsOf = Callable[[torch.Tensor], torch.Tensor]

MOST_CLASSES = 100
"""Of a confusion matrix; a larger one is not made."""


def train_epoch(run: Run) -> dict[str, float]:
    """Train one epoch; mean loss and accuracy over its batches, as seen while training.

    Raises:
        CheckFailed: a loss, or a tensor of the model, is not finite.
    """
    run.model.train()
    method, epoch = run.method, run.position.epoch
    first = epoch * run.source.steps_per_epoch
    classify = run.stage.loss != "mse"
    method.epoch_start(epoch)
    losses: list[torch.Tensor] = []
    right, seen = torch.zeros((), dtype=torch.int64, device=run.device), 0
    for index, (x, y) in enumerate(run.source.batches(run.order, *distributed.world())):
        method.set_hypers(epoch=epoch, step=first + index)

        def closure(x=x, y=y):
            for parameter in run.model.parameters():
                parameter.grad = None
            with torch.autocast(
                run.device.type, torch.bfloat16, enabled=run.recipe.mixed_precision
            ):
                outputs = run.trained(x)
            outputs = outputs.float()
            loss = run.loss_of(outputs, y, x)
            loss.backward()
            return loss.detach(), outputs.detach()

        loss, outputs = method.step(closure)
        losses.append(loss)
        if classify:
            right += correct(outputs, y)
        seen += len(y)
        if run.device.type == "cpu" and not math.isfinite(loss.item()):
            _stop_not_finite(run, f"the loss is not finite at step {index}")
    values = torch.stack(losses)
    if not torch.isfinite(values).all():
        _stop_not_finite(
            run, f"the loss is not finite at step {int(values.isfinite().int().argmin())}"
        )
    method.epoch_end(epoch)
    # A sign hides what is not a number from the loss, so the tensors are looked at too.
    for name, tensor in run.model.state_dict().items():
        if tensor.dtype.is_floating_point and not torch.isfinite(tensor).all():
            _stop_not_finite(run, f"{name} is not finite at the end")
    all_loss, all_right, all_seen, count = distributed.total(values.sum(), right, seen, len(values))
    figures = {"train_loss": all_loss / count}
    return figures | {"train_accuracy": all_right / all_seen} if classify else figures


def _stop_not_finite(run: Run, what: str) -> None:

    where = f"{what} of epoch {run.position.epoch} of stage {run.position.stage}"
    kept = run.out / LAST
    state = f"the last good state is {kept}" if kept.exists() else "there is no checkpoint yet"
    raise CheckFailed(where, remedy=f"lower the learning rate; {state}")


@torch.no_grad()
def evaluate(run: Run, part: Sized, *, confusion: bool = False) -> dict[str, Any]:
    """Loss and accuracy of the model in eval mode over a part of the data,
    shared by all processes.

    confusion: of labels, add the confusion matrix: [label][what the network says], counts.
    """
    run.model.eval()
    rank, count = distributed.world()
    loss_of, classify = LOSSES[run.stage.loss], run.stage.loss != "mse"
    classes = max(2, run.source.sizes.classes)
    loss, right = 0.0, 0.0
    pairs = torch.zeros(classes**2 if confusion else 0, dtype=torch.int64, device=run.device)
    for index, (x, y) in enumerate(run.source.evaluation_batches(part)):
        if index % count == rank:
            outputs = run.model(x)
            loss += loss_of(outputs, y).item() * len(y)
            if classify:
                right += int(correct(outputs, y))
            if confusion:
                of = classes * y.view(-1).long() + decided(outputs)
                pairs += torch.bincount(of, minlength=classes**2)
    loss, right, *counts = distributed.total(loss, right, *pairs.tolist())
    figures: dict[str, Any] = {"loss": loss / len(part), "accuracy": right / len(part)}
    if confusion:
        figures["confusion"] = torch.tensor(counts).long().view(classes, classes).tolist()
    return figures


@torch.no_grad()
def figures_of_test_set(run: Run) -> dict[str, Any]:
    """What result.json tells of the test set: accuracy and loss; for networks trained with
    cross-entropy, whose outputs are logits, how they are calibrated, also after scaling by the
    `temperature` that fits the validation split; the same of the method's averaged prediction,
    where it has one, as `test_accuracy_mean` and so on. Of at most MOST_CLASSES labels the
    confusion matrix.
    """
    test = run.source.test()
    of_labels = run.stage.loss != "mse" and run.source.sizes.classes <= MOST_CLASSES
    figures = evaluate(run, test, confusion=of_labels)
    found = {"test_accuracy": figures["accuracy"], "test_loss": figures["loss"]}
    found["test_samples"] = len(test)
    if of_labels:
        found["test_confusion"] = figures["confusion"]
    logits = run.stage.loss == "cross_entropy"
    if logits:
        told = _calibration_of(run, run.model, *_outputs(run, test, run.model))
        found |= {f"test_{key}": value for key, value in told.items()}
    extra = run.selected_extra
    if extra and run.method.has_mean:

        def mean(x: torch.Tensor) -> torch.Tensor:
            return run.method.mean_outputs(x, extra)

        outputs, labels = _outputs(run, test, mean)
        told = {"accuracy": int(correct(outputs, labels)) / len(labels)}
        told |= _calibration_of(run, mean, outputs, labels) if logits else {}
        found |= {f"test_{key}_mean": value for key, value in told.items()}
    return found


def _calibration_of(
    run: Run, outputs_of: OutputsOf, outputs: torch.Tensor, labels: torch.Tensor
) -> dict[str, float]:
    """Calibration of logits of the test set as they are, and scaled by the validation split."""
    found = calibration(outputs, labels)
    if run.source.validation is None:
        return found
    temperature = best_temperature(*_outputs(run, run.source.validation, outputs_of))
    scaled = calibration(outputs / temperature, labels)
    found |= {f"{key}_scaled": value for key, value in scaled.items()}
    return found | {"temperature": temperature}


def _outputs(run: Run, part: Sized, outputs_of: OutputsOf) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs in eval mode, and targets, of all of a part of the data, on the CPU."""
    run.model.eval()
    pairs = [(outputs_of(x).cpu(), y.cpu()) for x, y in run.source.evaluation_batches(part)]
    return torch.cat([outputs for outputs, _ in pairs]), torch.cat([y for _, y in pairs])


def selection_gain(stage: Stage, epoch: int, record: dict[str, Any], best: dict[str, Any]) -> bool:
    """Whether the epoch of `record` becomes the selected one."""
    if stage.select == "last":
        return epoch == stage.epochs - 1
    if epoch < stage.selectable_from:
        return False
    if not best:
        return True
    key, sign = ("validation_loss", -1) if stage.loss == "mse" else ("validation_accuracy", 1)
    gain = sign * (record[key] - best[key])
    return gain > 0 or (gain == 0 and stage.ties == "last")
