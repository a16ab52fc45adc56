"""Bop and second-order Bop on the binary weights, one of torch's optimisers on all others."""

from __future__ import annotations

from typing import ClassVar, Literal

from ...nn import binary_parameters
from ...nn.schema import Section
from ...optim import Bop, Bop2ndOrder
from ..schedule import Rate, Share
from .base import Method, TorchOptimiser, register

_NO_LATENT = "Bop keeps no latent weights: the weights are +-1 at all times, remove the key"


class BopSettings(Section):
    """Keys of `method: {name: bop, ...}`.

    binarise: at `start`, or at the `first_step`, whose gradient is then taken at the real weights.
    real: the optimiser of BatchNorm and other real parameters.
    """

    section: ClassVar[str] = "training.method (bop)"
    name: Literal["bop"] = "bop"
    impossible: ClassVar[dict[str, str]] = {
        "clip_weights": _NO_LATENT,
        "estimator": _NO_LATENT,
        "weight_decay": _NO_LATENT,
        "lr": "Bop has gamma and tau; a learning rate belongs under real",
    }
    gamma: Share = 1e-4
    tau: Rate = 1e-8
    binarise_at_start: bool = True
    real: TorchOptimiser


@register
class BopMethod(Method[BopSettings]):
    """Bop."""

    Settings = BopSettings
    weight_mode = "real"

    def build(self) -> None:
        settings = self.settings
        optimiser = Bop(binary_parameters(self.model), binarise=settings.binarise_at_start)
        self.add("bop", optimiser, gamma=settings.gamma, tau=settings.tau)
        self.add_real(settings.real)


class Bop2Settings(BopSettings):
    """Keys of `method: {name: bop2, ...}`; `corrected` is experimental."""

    section: ClassVar[str] = "training.method (bop2)"
    name: Literal["bop2"] = "bop2"  # type: ignore[assignment]
    gamma: Share = 1e-6
    tau: Rate = 1e-6
    sigma: Share = 1e-2
    corrected: bool = False


@register
class Bop2Method(Method[Bop2Settings]):
    """Second-order Bop."""

    Settings = Bop2Settings
    weight_mode = "real"

    def build(self) -> None:
        settings = self.settings
        optimiser = Bop2ndOrder(
            binary_parameters(self.model),
            corrected=settings.corrected,
            binarise=settings.binarise_at_start,
        )
        hypers = {"gamma": settings.gamma, "tau": settings.tau, "sigma": settings.sigma}
        self.add("bop2", optimiser, **hypers)
        self.add_real(settings.real)
