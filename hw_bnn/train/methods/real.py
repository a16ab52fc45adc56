"""Training with real weights: full-precision baselines, and the first phase of BNEW and ReActNet.

The weights are used as they are, optionally clipped to [-1, 1] after each step. With `evaluate:
real` the network stays real (a baseline, or a teacher; it does not export); with `sign` it is
judged as the binary network that its signs make.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ...nn import binary_parameters, clip_weights, real_parameters, set_weight_mode
from .base import Method, TorchOptimiser, register


class RealSettings(TorchOptimiser):
    """Keys of `method: {name: real, ...}`."""

    section: ClassVar[str] = "training.method (real)"
    name: Literal["real"] = "real"
    clip_weights: bool = False
    evaluate: Literal["real", "sign"] = "real"
    real: TorchOptimiser | None = None


@register
class Real(Method[RealSettings]):
    """See the module's text."""

    Settings = RealSettings

    @classmethod
    def set_modes(cls, settings, model) -> None:
        set_weight_mode(model, "real", eval_real=settings.evaluate == "real")

    def build(self) -> None:
        self.weights = binary_parameters(self.model)
        groups = [{"params": self.weights}]
        if self.settings.real is None:
            groups.append({"params": real_parameters(self.model)})
        else:
            self.add_real(self.settings.real)
        self.add_torch("weights", self.settings, groups)

    def after_step(self) -> None:
        if self.settings.clip_weights:
            clip_weights(self.weights)
