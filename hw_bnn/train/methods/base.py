"""What every training method offers the loop, and torch's optimisers as recipes set them.

A method prepares the model's binary layers, owns one or more optimisers, moves their
hyper-parameters along their schedules, makes the step, acts at the ends of epochs and puts the
model in the state that is evaluated. All its state lies in the model's and the optimisers'
state_dicts and in `state()`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from ...nn import binary_parameters, real_parameters, set_weight_mode
from ...nn.schema import Section
from ..schedule import Averaging, Beta, Hyper, Rate, value_of


@dataclass(frozen=True)
class Context:
    """What a method may need to know of its stage."""

    n_train: int
    epochs: int
    steps_per_epoch: int


_SGD = ("sgd", "momentum", "nesterov")
_USERS = {
    "momentum": ("momentum", "nesterov"),
    "betas": ("adam", "adamw", "adamax"),
    "rho": ("rmsprop", "adadelta"),
    "eps": ("adagrad", "adadelta", "rmsprop", "adam", "adamw", "adamax"),
}


class TorchOptimiser(Section):
    """One of torch's optimisers and its settings; a key that the optimiser has no
    use for is refused.

    rho: RMSProp's and AdaDelta's averaging rate. eps: by default torch's.
    """

    section: ClassVar[str] = "training.method"
    optimiser: Literal[
        "sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adamax"
    ] = "adam"
    lr: Rate
    momentum: Averaging = 0.9
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    rho: float = Field(0.9, gt=0, lt=1)
    eps: float | None = Field(None, gt=0)
    weight_decay: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _used_keys(self):
        for key, users in _USERS.items():
            if key in self.model_fields_set and self.optimiser not in users:
                raise ValueError(
                    f"{key} means nothing to {self.optimiser}; it is a key of {', '.join(users)}"
                )
        return self


def build_optimiser(settings: TorchOptimiser, groups: list[dict]) -> torch.optim.Optimizer:
    """The optimiser of `settings` over parameter groups; fused where torch has it for the device.

    Each group may carry `lr_scale`, by which its scheduled learning rate is multiplied.
    """
    groups = [group for group in groups if group["params"]]
    name, optim = settings.optimiser, torch.optim
    options: dict[str, Any] = {"weight_decay": settings.weight_decay, "lr": 0.0}
    if settings.eps is not None:
        options["eps"] = settings.eps
    if name in _SGD:
        if name != "sgd":
            options |= {"momentum": 0.9, "nesterov": name == "nesterov"}
        return optim.SGD(groups, fused=True, **options)
    if name in ("adam", "adamw"):
        kind = optim.Adam if name == "adam" else optim.AdamW
        return kind(groups, betas=settings.betas, fused=True, **options)
    if name == "adamax":
        return optim.Adamax(groups, betas=settings.betas, foreach=True, **options)
    if name == "adagrad":
        return optim.Adagrad(groups, **options)
    if name == "rmsprop":
        return optim.RMSprop(groups, alpha=settings.rho, foreach=True, **options)
    return optim.Adadelta(groups, rho=settings.rho, foreach=True, **options)


_METHODS: dict[str, type[Method]] = {}


def register(method: type[Method]) -> type[Method]:
    """Make a method known by the name that its settings give it."""
    (name,) = get_args(method.Settings.model_fields["name"].annotation)
    _METHODS[name] = method
    return method


def registered() -> dict[str, type[Method]]:
    """Name -> method, of those made known so far."""
    return dict(sorted(_METHODS.items()))


S = TypeVar("S", bound=Section)
"""The settings of a method."""


class Method(ABC, Generic[S]):
    """Base of the methods: trains with `optimisers`, evaluates sign(weight)."""

    Settings: ClassVar[type[Section]]
    weight_mode = "sign"

    def __init__(self, settings: S, model: nn.Module, context: Context):
        self.settings, self.model, self.context = settings, model, context
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        # (optimiser, group key, hyper-parameter): what moves along a schedule.
        self.schedules: list[tuple[torch.optim.Optimizer, str, Hyper]] = []
        self.set_modes(settings, model)
        for weight in binary_parameters(model):
            weight.requires_grad_(True)  # a method before may have frozen them
        self.build()

    @classmethod
    def set_modes(cls, settings: S, model: nn.Module) -> None:
        """Put the model's layers into the modes that this method trains and evaluates them in."""
        set_weight_mode(model, cls.weight_mode)

    @classmethod
    def check(cls, settings: S, recipe) -> None:
        """Raise BadInput if `settings` cannot work with the rest of the recipe."""

    @abstractmethod
    def build(self) -> None:
        """Make the optimisers."""

    def add(self, name: str, optimiser: torch.optim.Optimizer, **hypers: Hyper) -> None:
        """Register an optimiser and its scheduled hyper-parameters (keys of its groups)."""
        self.optimisers[name] = optimiser
        self.schedules += [(optimiser, key, hyper) for key, hyper in hypers.items()]
        self.set_hypers(epoch=0, step=0)

    def add_torch(self, name: str, settings: TorchOptimiser, groups: list[dict]) -> None:
        """Register one of torch's optimisers; nothing if its groups hold no parameter."""
        if not any(group["params"] for group in groups):
            return
        optimiser = build_optimiser(settings, groups)
        moving: dict[str, Hyper] = {"lr": settings.lr}
        if settings.optimiser in ("momentum", "nesterov"):
            moving["momentum"] = settings.momentum
        self.add(name, optimiser, **moving)

    def add_real(self, settings: TorchOptimiser) -> None:
        """Register the optimiser of the parameters that stay real."""
        self.add_torch("real", settings, [{"params": real_parameters(self.model)}])

    def set_hypers(self, *, epoch: int, step: int) -> None:
        """Move all hyper-parameters to their values at an epoch and step of the stage."""
        at = {
            "epoch": epoch,
            "epochs": self.context.epochs,
            "step": step,
            "steps": self.context.epochs * self.context.steps_per_epoch,
        }
        for optimiser, key, hyper in self.schedules:
            value = value_of(hyper, **at)
            for group in optimiser.param_groups:
                group[key] = value * group.get("lr_scale", 1.0) if key == "lr" else value

    def hypers(self) -> dict[str, float]:
        """The current values, for the metrics."""
        return {
            f"{name}/{key}": optimiser.param_groups[0][key]
            for name, optimiser in self.optimisers.items()
            for own, key, _ in self.schedules
            if own is optimiser
        }

    def step(self, closure: Callable[[], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """One optimisation step. `closure` computes loss and outputs and leaves fresh gradients."""
        result = closure()
        for optimiser in self.optimisers.values():
            optimiser.step()
        self.after_step()
        return result

    def after_step(self) -> None:
        """What follows the optimisers' step."""

    def follow(self, previous: Method) -> None:
        """Called at the start of a stage after the first, with the method of the stage before."""

    def epoch_start(self, epoch: int) -> None:
        """Called before epoch `epoch` of the stage, 0-based; also when a run resumes there."""

    def epoch_end(self, epoch: int) -> None:
        """Called after the last step of epoch `epoch`, before validation."""

    def figures(self) -> dict[str, float]:
        """Figures of the method's own for the record of the epoch that has just ended."""
        return {}

    def selected_extra(self) -> dict:
        """What is kept with the selected weights besides them, for `mean_outputs`."""
        return {}

    @property
    def has_mean(self) -> bool:
        """Whether the method predicts by an averaged network, too."""
        return False

    def mean_outputs(self, x: Tensor, extra: dict) -> Tensor:
        """Outputs (N, C) of the averaged network, from `selected_extra`'s result; of methods that
        have one (`has_mean`).
        """
        raise NotImplementedError(f"{type(self).__name__} has no averaged network")

    def state(self) -> dict:
        """State beyond the optimisers', of tensors and plain values."""
        return {}

    def load_state(self, state: dict) -> None:
        """Take back what `state` gave."""

    def state_dict(self) -> dict:
        """All state of the method."""
        return {
            "optimisers": {name: o.state_dict() for name, o in self.optimisers.items()},
            "extra": self.state(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Take back what `state_dict` gave."""
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.load_state(state["extra"])
