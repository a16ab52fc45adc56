"""PMF on the binary weights, one of torch's optimisers on all others."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ...nn import binary_parameters
from ...nn.schema import Section
from ...optim import PMF
from ..schedule import Beta, Rate, Steepness
from .base import Method, TorchOptimiser, register


class PMFSettings(Section):
    """Keys of `method: {name: pmf, ...}`; `real` may be left out if the network has
    no real parameter.
    """

    section: ClassVar[str] = "training.method (pmf)"
    name: Literal["pmf"] = "pmf"
    lr: Rate = 1e-3
    beta: Steepness = 1.0
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    eps: float = Field(1e-8, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    exact: bool = False
    real: TorchOptimiser | None = None


@register
class PMFMethod(Method[PMFSettings]):
    """PMF."""

    Settings = PMFSettings
    weight_mode = "real"

    def build(self) -> None:
        settings = self.settings
        optimiser = PMF(
            binary_parameters(self.model),
            betas=settings.betas,
            eps=settings.eps,
            weight_decay=settings.weight_decay,
            exact=settings.exact,
        )
        self.add("pmf", optimiser, lr=settings.lr, beta=settings.beta)
        if settings.real is not None:
            self.add_real(settings.real)
