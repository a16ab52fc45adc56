"""Methods whose weights are driven to +-1 and then frozen: BNEW, ProxQuant, BMD,
true mirror descent.

All end alike: at the end of epoch `freeze_after` (0-based) the weights become their signs and stop
moving, and the epochs left train the real parameters alone.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar

import torch
from pydantic import Field
from torch import nn

from ...errors import BadInput
from ...nn import binary_parameters, real_parameters
from ...nn.schema import Section
from ...optim import BMD, BNEW, MDTanh, ProxQuant
from ...optim.mirror import Mirror
from ...optim.proximal import Proximal
from ..schedule import Beta, Rate, Steepness
from .base import Method, TorchOptimiser, build_optimiser, register


class FreezingSettings(Section):
    """What the settings of all of them have.

    freeze_after: epoch (0-based) at whose end the weights are frozen.
    """

    freeze_after: int | None = Field(None, ge=0)


F = TypeVar("F", bound=FreezingSettings)


class Freezing(Method[F]):
    """Base: freezes `main` at the end of the epoch that the settings name.

    weights: the parameters that become +-1. main: their optimiser.
    """

    weight_mode = "real"
    weights: list[nn.Parameter]
    main: Proximal | Mirror

    @classmethod
    def check(cls, settings, recipe) -> None:
        for stage in recipe.resolved_stages():
            if stage.method == settings and (settings.freeze_after or 0) >= stage.epochs:
                raise BadInput(
                    f"training.method freezes after epoch {settings.freeze_after}, and the stage "
                    f"has epochs 0..{stage.epochs - 1}",
                    remedy="lower freeze_after",
                )

    def epoch_start(self, epoch: int) -> None:
        for weight in self.weights:  # a frozen weight needs no gradient
            weight.requires_grad_(not self.main.frozen)

    @torch.no_grad()
    def epoch_end(self, epoch: int) -> None:
        distance = sum((float((1 - w.abs()).abs().sum()) for w in self.weights), 0.0)
        self._corner_distance = distance / sum(w.numel() for w in self.weights)
        # A sign would hide what is not a number: it stays for the training loop to stop at.
        if epoch == self.settings.freeze_after and math.isfinite(distance):
            self.main.freeze()

    def figures(self) -> dict[str, float]:
        """Mean distance of the weights from +-1 before any freeze: what freezing changes.

        A cut run whose weights are still far from their corners then loses most of its accuracy:
        its pull, which acts at every step, was too weak for its number of steps.
        """
        return {"corner_distance": self._corner_distance}


class WrappingSettings(TorchOptimiser, FreezingSettings):
    """Torch's optimiser inside; real: another one for the parameters that stay real."""

    real: TorchOptimiser | None = None


W = TypeVar("W", bound=WrappingSettings)


class _Wrapping(Freezing[W]):
    """BNEW and ProxQuant: one of torch's optimisers inside, over all parameters."""

    def build(self) -> None:
        self.weights = binary_parameters(self.model)
        groups: list[dict[str, Any]] = [{"params": self.weights}]
        if self.settings.real is None:
            groups.append({"params": real_parameters(self.model), "binary": False})
        else:
            self.add_real(self.settings.real)
        self.main = self.make(groups, lambda g: build_optimiser(self.settings, g))
        self.add("weights", self.main, lr=self.settings.lr)

    @abstractmethod
    def make(
        self, groups: list[dict[str, Any]], base: Callable[[list[dict]], torch.optim.Optimizer]
    ) -> Proximal:
        """The wrapper of torch's optimiser; `base` makes that one from parameter groups."""


class BNEWSettings(WrappingSettings):
    """Keys of `method: {name: bnew, ...}`.

    pull: R = lambda_rate x the first learning rate. In epoch e of E the strength is min(1, R e/E),
        in epoch 0 it is R/E; the value changes once an epoch and acts at every step.
    frozen: freeze the weights from the start, and train the real parameters alone.
    exact, before: see :class:`hw_bnn.optim.BNEW`.
    """

    section: ClassVar[str] = "training.method (bnew)"
    name: Literal["bnew"] = "bnew"
    pull: float = Field(1e-4, ge=0)
    exact: bool = False
    before: bool = False
    frozen: bool = False


@register
class BNEWMethod(_Wrapping[BNEWSettings]):
    """BNEW."""

    Settings = BNEWSettings

    def make(self, groups, base):
        optimiser = BNEW(groups, base, exact=self.settings.exact, before=self.settings.before)
        if self.settings.frozen:
            optimiser.freeze()
        return optimiser

    def set_hypers(self, *, epoch: int, step: int) -> None:
        super().set_hypers(epoch=epoch, step=step)
        r = min(1.0, self.settings.pull * max(epoch, 1) / self.context.epochs)
        for group in self.main.param_groups:
            group["r"] = r


class ProxQuantSettings(WrappingSettings):
    """Keys of `method: {name: proxquant, ...}`.

    reg_rate: lam = lr x reg_rate x epoch, lr being the present learning rate.
    lam: if given, the strength itself instead.
    """

    section: ClassVar[str] = "training.method (proxquant)"
    name: Literal["proxquant"] = "proxquant"
    form: Literal["l1", "l2"] = "l1"
    reg_rate: float = Field(1e-4, ge=0)
    lam: Rate | None = None


@register
class ProxQuantMethod(_Wrapping[ProxQuantSettings]):
    """ProxQuant."""

    Settings = ProxQuantSettings

    def make(self, groups, base):
        if self.settings.lam is not None:
            optimiser = ProxQuant(groups, base, form=self.settings.form)
            self.schedules.append((optimiser, "lam", self.settings.lam))
            return optimiser
        return ProxQuant(groups, base, form=self.settings.form)

    def set_hypers(self, *, epoch: int, step: int) -> None:
        super().set_hypers(epoch=epoch, step=step)
        if self.settings.lam is None:
            for group in self.main.param_groups:
                group["lam"] = group["lr"] * self.settings.reg_rate * epoch


class BMDSettings(FreezingSettings):
    """Keys of `method: {name: bmd, ...}`: Adam's, and tanh's steepness beta."""

    section: ClassVar[str] = "training.method (mirror descent)"
    name: Literal["bmd"] = "bmd"
    lr: Rate = 0.01
    beta: Steepness = 1.0
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    eps: float = Field(1e-8, gt=0)
    real: TorchOptimiser


@register
class BMDMethod(Freezing[BMDSettings]):
    """BMD: w = tanh(beta w^)."""

    Settings = BMDSettings
    kind: ClassVar[type[Mirror]] = BMD

    def build(self) -> None:
        settings = self.settings
        self.weights = binary_parameters(self.model)
        self.main = self.kind(self.weights, betas=settings.betas, eps=settings.eps)
        self.add("weights", self.main, lr=settings.lr, beta=settings.beta)
        self.add_real(settings.real)


class MDTanhSettings(BMDSettings):
    """Keys of `method: {name: md_tanh, ...}`."""

    name: Literal["md_tanh"] = "md_tanh"  # type: ignore[assignment]


@register
class MDTanhMethod(BMDMethod):
    """True mirror descent with the tanh map."""

    Settings = MDTanhSettings
    kind = MDTanh
