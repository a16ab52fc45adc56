"""A training run: its folder, its state, and resuming it.

A run folder holds

    recipe.yaml       the resolved recipe
    metrics.jsonl     one record per epoch: figures, shares of signs flipped, histograms of weights;
                      tensorboard/ the same for TensorBoard
    last.pt           where to resume: model, optimisers, random states, position
    selected.pt       the weights that validation selected
    result.json       written at the end: test figures, the confusion matrix, what the network takes
                      as hardware by estimate, selection, seconds, versions

On the CPU a killed run that is resumed ends with bit-identical weights: everything random comes
from generators whose states are in the checkpoint, and schedules are functions of epoch and step.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from .. import console
from ..data.sets import check_classes, sizes_of
from ..errors import BadInput, CheckFailed
from ..files.output import at_home, held_folder, remove_partial_files
from . import distributed
from .checkpoint import (
    load_checkpoint,
    load_model_state,
    write_atomically,
)
from .data.source import make_source
from .epoch import evaluate, figures_of_test_set, selection_gain, train_epoch
from .hardware import figures_of_hardware
from .losses import LOSSES
from .methods import METHODS, Context, Method
from .metrics import Metrics
from .progress import TrainingProgress
from .recipe import Recipe, Stage, decisive, flat, load_recipe
from .run_folder import LAST, LAST_KEYS, RECIPE, RESULT, SELECTED, SELECTED_KEYS, refuse_begun
from .signs import sign_figures, signs
from .snapshot import snapshot
from .trained import build_model


@dataclass
class Position:
    """Where a run stands: what a checkpoint holds besides tensors."""

    stage: int = 0
    epoch: int = 0  # of the stage, next to be done
    total_epochs: int = 0  # of all stages, done
    best: dict[str, Any] = field(default_factory=dict)  # record of the selected epoch of this stage


def choose_device(recipe: Recipe) -> torch.device:
    """The device a recipe asks for; `auto` takes a GPU if there is one."""
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise BadInput("the recipe asks for a GPU and torch sees none", remedy="set device=cpu")
    if recipe.device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", distributed.world()[0] % torch.cuda.device_count())


class Run:
    """One training run; `train` is the way in."""

    def __init__(self, recipe: Recipe, out: Path, data_root, *, quiet: bool, tensorboard: bool):
        self.recipe, self.out, self.quiet, self.tensorboard = recipe, out, quiet, tensorboard
        self.device = choose_device(recipe)
        distributed.check_batch(recipe.data.batch)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        self.source = make_source(recipe.data, recipe.seed, data_root, self.device)
        torch.manual_seed(recipe.seed)
        self.model = build_model(recipe, sizes_of(recipe.data)).to(self.device)
        if recipe.mixed_precision:  # what bfloat16 convolutions are fastest with
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.order = torch.Generator().manual_seed(recipe.seed)  # of samples and augmentation
        self.stages = recipe.resolved_stages()
        self.total = sum(stage.epochs for stage in self.stages)
        self.position = Position()
        self.selected: dict[str, torch.Tensor] | None = None
        self.selected_extra: dict = {}
        self._method: Method | None = None
        self._metrics: Metrics | None = None
        self.seconds = 0.0

    @property
    def stage(self) -> Stage:
        """The stage in progress; the last one after the end."""
        return self.stages[min(self.position.stage, len(self.stages) - 1)]

    @property
    def method(self) -> Method:
        """The method of the stage in progress, from `start` or `load` on."""
        if self._method is None:
            raise RuntimeError("the run has not begun: call start or load")
        return self._method

    # --- state -----------------------------------------------------------------------------

    def load(self) -> None:
        """Continue from last.pt."""
        path = self.out / LAST
        state = load_checkpoint(path, LAST_KEYS)
        _check_same_recipe(self.recipe, state["recipe"], path)
        check_classes(self.source.classes, state["classes"], "the data", str(path))
        self.position = Position(**state["position"])
        self._start_stage(fresh=False)
        self.method.load_state_dict(state["method"])
        load_model_state(self.model, state["model"], str(path))
        torch.set_rng_state(state["rng"]["torch"])
        self.order.set_state(state["rng"]["order"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["rng"]["cuda"])
        self.seconds = state["seconds"]
        if state["has_selected"]:
            selected = load_checkpoint(self.out / SELECTED, SELECTED_KEYS)
            self.selected, self.selected_extra = selected["model"], selected["extra"]

    # --- training --------------------------------------------------------------------------

    def _start_stage(self, *, fresh: bool) -> None:
        stage, previous = self.stage, self._method
        if (
            fresh
            and previous is not None
            and stage.start == "selected"
            and self.selected is not None
        ):
            self.model.load_state_dict(self.selected)
        if fresh:
            self.position.best, self.selected, self.selected_extra = {}, None, {}
        if stage.bn_momentum is not None:
            for module in self.model.modules():
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                    module.momentum = stage.bn_momentum
        self.source.set_task(stage.task)
        context = Context(len(self.source.train), stage.epochs, self.source.steps_per_epoch)
        method = METHODS[stage.method.name](stage.method, self.model, context)
        if fresh and previous is not None:
            method.follow(previous)
        self._method = method
        self.loss_of = self._loss(stage)
        # Made anew per stage: which weights take gradients differs between methods.
        self.trained = distributed.wrap(self.model)

    def _loss(
        self, stage: Stage
    ) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]:
        """loss(outputs, targets, inputs) of a stage."""
        label_loss = LOSSES[stage.loss]
        if stage.distil is None:
            return lambda outputs, targets, inputs: label_loss(outputs, targets)
        from .distil import with_teacher

        return with_teacher(stage.distil, label_loss, self.recipe.seed, self.device)

    def start(self) -> None:
        """Begin with the first stage."""
        self._start_stage(fresh=True)

    @property
    def metrics(self) -> Metrics:
        """Where the figures go, from the present position on; of the process that writes."""
        if self._metrics is None:
            self._metrics = Metrics(
                self.out, self.position.total_epochs, tensorboard=self.tensorboard,
                hypers=flat(self.recipe.model_dump(mode="json")),
            )  # fmt: skip
        return self._metrics

    def fit(self) -> None:
        """Train from the present position to the end of the last stage.

        A KeyboardInterrupt (Ctrl-C) goes on to the caller, after the whole epochs were written.
        """
        if self.position.stage == len(self.stages):
            return
        kept, written = None, True
        main, saved = distributed.is_main(), time.monotonic()
        try:
            with self._progress() as progress:
                while self.position.stage < len(self.stages):
                    self._one_epoch(progress)
                    if not main:
                        continue
                    kept, written = snapshot(self), False
                    ended = self.position.stage == len(self.stages)
                    if ended or time.monotonic() - saved >= self.recipe.checkpoint_seconds:
                        kept.write(self.out)
                        saved, written = time.monotonic(), True
        except KeyboardInterrupt:
            if kept is not None:
                if not written:
                    kept.write(self.out)
                if not self.quiet:
                    where = f"{kept.epochs} of {self.total} epochs"
                    console.say(f"kept in {self.out / LAST}: {where}")
            raise

    def _progress(self) -> TrainingProgress:
        quiet = self.quiet or not distributed.is_main()
        apart = 0.0 if console.is_verbose() else console.PLAIN_INTERVAL_S
        return TrainingProgress(
            self.recipe.name, self.total, done=self.position.total_epochs, quiet=quiet,
            line_seconds=apart,
        )  # fmt: skip

    def _one_epoch(self, progress: TrainingProgress) -> None:
        """Train, validate and tell; the position is then the next epoch's."""
        metrics, start = self.metrics if distributed.is_main() else None, time.monotonic()
        record = self._epoch()
        record["seconds"] = time.monotonic() - start
        self.seconds += record["seconds"]
        if metrics is not None:
            metrics.write(record)
        progress.epoch(self.position.total_epochs, *self._told(record))
        if self.position.epoch == self.stage.epochs:
            self._finish_stage()

    def _finish_stage(self) -> None:
        if len(self.stages) > 1 and distributed.is_main():
            snapshot(self).write_stage(self.out)
        self.position.stage += 1
        self.position.epoch = 0
        if self.position.stage < len(self.stages):
            self._start_stage(fresh=True)

    def _epoch(self) -> dict[str, Any]:
        """One epoch of training and its validation; moves the position on; returns the record."""
        position, method = self.position, self.method
        before = signs(self.model)
        record = {
            "epoch": position.total_epochs,
            "stage": position.stage,
            "stage_epoch": position.epoch,
            **train_epoch(self),
        }
        turned = sign_figures(self.model, before)
        if self.source.validation is not None:
            figures = evaluate(self, self.source.validation)
            record |= {f"validation_{key}": value for key, value in figures.items()}
        if selection_gain(self.stage, position.epoch, record, position.best):
            position.best = dict(record)
            self.selected = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
            self.selected_extra = method.selected_extra()
        record |= self._task_accuracies() | method.figures() | method.hypers() | turned
        position.epoch += 1
        position.total_epochs += 1
        return record

    def _task_accuracies(self) -> dict[str, float]:
        """Test accuracy on each task so far: the retention curves of continual learning."""
        if self.stage.task is None:
            return {}
        accuracies = {}
        for task in range(self.stage.task + 1):
            self.source.set_task(task)
            accuracies[f"task{task}_accuracy"] = evaluate(self, self.source.test())["accuracy"]
        self.source.set_task(self.stage.task)
        return accuracies

    def _told(self, record: dict[str, Any]) -> tuple[str, str]:
        """What the progress tells of an epoch: in a line of its own, and beside the bar."""
        loss = f"loss {record['train_loss']:.4g}"
        rate = f"{len(self.source.train) / max(record['seconds'], 1e-9):,.0f}"
        parts, brief = [loss], [loss]
        if "validation_accuracy" in record:
            parts.append(f"validation {100 * record['validation_accuracy']:.2f} %")
            brief.append(f"{100 * record['validation_accuracy']:.2f} %")
        if "corner_distance" in record:
            parts.append(f"{record['corner_distance']:.3f} from +-1")
        if "flips" in record:
            parts.append(f"{100 * record['flips']:.2f} % of signs flipped")
        return ", ".join([*parts, f"{rate} samples/s"]), ", ".join([*brief, f"{rate}/s"])

    def finish(self) -> dict[str, Any]:
        """Read the test set once, with the selected weights, and write result.json."""
        from importlib.metadata import version

        if self.selected is None:
            raise CheckFailed("no epoch was selected", remedy="lower training.selectable_from")
        self.model.load_state_dict(self.selected)
        best = self.position.best
        result: dict[str, Any] = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "epochs": self.position.total_epochs,
            "seconds": round(self.seconds, 3),
            "selected": best,
            "validation_accuracy": best.get("validation_accuracy"),
            "published": self.recipe.published,
        }
        if self.recipe.data.name != "snelson":  # it has no test targets
            result |= figures_of_test_set(self)
        result |= {
            "pixels": self.source.pixels.text,
            "device": str(self.device),
            "threads": torch.get_num_threads(),
            "processes": distributed.world()[1],
            "versions": {name: version(name) for name in ("torch", "brevitas", "numpy", "hw-bnn")},
        }
        if distributed.is_main():
            result["hardware"] = figures_of_hardware(self.out)
            self.metrics.end(result)
            text = json.dumps(result, indent=1) + "\n"
            write_atomically(self.out / RESULT, lambda file: file.write(text.encode()))
        return result


def _check_same_recipe(recipe: Recipe, saved: dict[str, Any], path: Path) -> None:
    own, other = decisive(recipe.model_dump(mode="json")), decisive(saved)
    for key in sorted(set(own) | set(other)):
        if own.get(key) != other.get(key):
            raise BadInput(
                f"{path} was written with {key} = {other.get(key)!r}, "
                f"the recipe now has {own.get(key)!r}",
                remedy="resume with the same recipe, or start in another out=",
            )


def train(
    recipe: str | Path | dict | Recipe,
    *,
    set: Mapping[str, Any] | Sequence[str] | None = None,
    resume: bool = False,
    data_root: str | Path | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    quiet: bool = False,
    tensorboard: bool = True,
) -> Path:
    """Train a recipe and return its run folder.

    Args:
        recipe: a YAML file, the name of a packaged recipe, a dict, or a Recipe.
        set: changes of keys by path: `{"training.epochs": 3}`, or texts `training.epochs=3`.
        resume: go on where a killed run in `out` stopped; a finished run is left as it is.
        data_root: folder of data files in torchvision's layout; else HW_BNN_DATA.
        out: the run folder; by default runs/NAME-seedN.
        seed: instead of the recipe's.
        quiet: no progress.
        tensorboard: write event files.

    Raises:
        BadInput: the recipe, the data or the folder cannot be used.
        CheckFailed: the loss or a weight is not finite; the last checkpoint is kept.
    """
    changes = [f"{k}={json.dumps(v)}" for k, v in set.items()] if isinstance(set, Mapping) else set
    changes = [*(changes or ()), *([] if seed is None else [f"seed={seed}"])]
    recipe = load_recipe(recipe, changes)
    folder = at_home(out) if out is not None else Path("runs") / f"{recipe.name}-seed{recipe.seed}"
    distributed.start(choose_device(recipe))
    # One process writes; a second run into the folder would mix with the first.
    holding = held_folder(folder) if distributed.is_main() else contextlib.nullcontext()
    with holding:
        _train(recipe, folder, data_root, resume=resume, quiet=quiet, tensorboard=tensorboard)
        distributed.barrier()
    return folder


def _train(recipe: Recipe, folder: Path, data_root, *, resume: bool, **options: bool) -> None:
    """Train in a folder that no other process writes."""
    if not resume:
        refuse_begun(folder)
    distributed.barrier()  # all processes look before the first one writes
    run = Run(recipe, folder, data_root, **options)
    if (folder / LAST).exists():
        run.load()
        if distributed.is_main():
            remove_partial_files(folder)
        if run.position.stage >= len(run.stages) and (folder / RESULT).exists():
            return
    else:
        run.start()  # what is impossible is refused before anything is written
        if distributed.is_main():
            _begin(folder, recipe)
    run.fit()
    run.finish()


def _begin(folder: Path, recipe: Recipe) -> None:
    remove_partial_files(folder)
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    write_atomically(folder / RECIPE, lambda file: file.write(text.encode()))
