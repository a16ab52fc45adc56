"""Straight-through estimation: one of torch's optimisers on latent weights
(BinaryConnect, BinaryNet).

    w_binary = sign(w),  dL/dw = dL/dw_binary x factor(w),  w <- clip(w + update, -1, 1)

The factor is the estimator's (identity, clipped, approx_sign). "Gradient clipping" of Alizadeh
et al. is the clipped estimator; with `clip_weights` it makes no difference, since |w| <= 1
always holds then.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ...nn import binary_parameters, clip_weights, real_parameters, set_weight_mode
from ...optim.scaling import glorot_limit, scale_gradients
from .base import Method, TorchOptimiser, register


class STESettings(TorchOptimiser):
    """Keys of `method: {name: ste, ...}`.

    scaling: Glorot scaling of the `update` (BinaryConnect's form), of the `gradient`, or none.
    stochastic: draw the weights of each forward pass instead of taking their sign.
    clip_at_start: clip the weights once when the stage starts (from full precision).
    real: optimiser of the other parameters; by default the same as that of the weights.
    """

    section: ClassVar[str] = "training.method (ste)"
    name: Literal["ste"] = "ste"
    estimator: Literal["identity", "clipped", "approx_sign"] = "clipped"
    clip_weights: bool = True
    stochastic: bool = False
    scaling: Literal["none", "update", "gradient"] = "none"
    clip_at_start: bool = False
    real: TorchOptimiser | None = None


@register
class STE(Method[STESettings]):
    """See the module's text."""

    Settings = STESettings

    @classmethod
    def set_modes(cls, settings, model) -> None:
        mode = "stochastic" if settings.stochastic else "sign"
        # Where |w| <= 1 always holds, the clipped estimator is the identity,
        # which costs no pass over w.
        clipped = settings.clip_weights and settings.estimator == "clipped"
        set_weight_mode(model, mode, estimator="identity" if clipped else settings.estimator)

    def build(self) -> None:
        settings = self.settings
        self.weights = binary_parameters(self.model)
        if settings.clip_at_start or settings.clip_weights:
            clip_weights(self.weights)
        groups: list[dict[str, Any]] = [{"params": self.weights}]
        if settings.scaling == "update":
            # Every optimiser here is linear in lr, so scaling the update is scaling lr.
            groups = [{"params": [w], "lr_scale": 1.0 / glorot_limit(w)} for w in self.weights]
        if settings.real is None:
            groups.append({"params": real_parameters(self.model)})
        else:
            self.add_real(settings.real)
        self.add_torch("weights", settings, groups)

    def step(self, closure):
        result = closure()
        if self.settings.scaling == "gradient":
            scale_gradients(self.weights)
        for optimiser in self.optimisers.values():
            optimiser.step()
        if self.settings.clip_weights:
            clip_weights(self.weights)
        return result
