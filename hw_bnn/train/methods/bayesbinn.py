"""BayesBiNN on the binary weights; evaluated at the mode, or by the mean over sampled networks."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ...errors import BadInput
from ...nn import binary_parameters, real_parameters
from ...nn.schema import Section
from ...optim import BayesBiNN
from ..schedule import Rate, Steepness
from .base import Method, TorchOptimiser, register


class BayesBiNNSettings(Section):
    """Keys of `method: {name: bayesbinn, ...}`.

    samples: networks sampled per training step. mean_samples: networks sampled for the
        mean prediction, which averages `mean_of` them; 0 for none. The network for
        hardware is the mode always.
    initial: |lambda| at the start. prior: lambda_0, or `posterior` for the posterior that the stage
        before ended with; carry: go on from that stage's lambda (without it, start anew).
    data_factor: what the number of training samples is multiplied by (10 where
    augmentation counts).
    real: optimiser of real parameters; without it the network may have none
    (BatchNorm without affine).
    """

    section: ClassVar[str] = "training.method (bayesbinn)"
    name: Literal["bayesbinn"] = "bayesbinn"
    impossible: ClassVar[dict[str, str]] = {
        "clip_weights": "BayesBiNN's lambda is unbounded, remove the key",
        "estimator": "BayesBiNN differentiates its samples, remove the key",
    }
    lr: Rate = 1e-4
    momentum: float = Field(0.0, ge=0, lt=1)
    temperature: Steepness = 1e-10
    samples: int = Field(1, ge=0)
    mean_samples: int = Field(0, ge=0)
    mean_of: Literal["probabilities", "logits"] = "probabilities"
    initial: float = Field(10.0, gt=0)
    prior: float | Literal["posterior"] = 0.0
    carry: bool = False
    data_factor: float = Field(1.0, gt=0)
    lagged: bool = False
    real: TorchOptimiser | None = None


@torch.no_grad()
def put_sample(model: nn.Module, extra: dict, seed: int) -> None:
    """Put a draw of a run's posterior into its binary weights: each is +1 with probability
    sigmoid(2 lambda), by itself: the mean-field Bernoulli posterior of Meng, Bachmann and Khan
    (ICML 2020).

    Args:
        model: of a run. extra: what the run kept (`selected_extra`). seed: 0 to 2^63 - 1; another
            one, another draw.

    Raises:
        BadInput: the run kept no posterior, or there is no such seed.
    """
    if not 0 <= seed < 1 << 63:
        raise BadInput(f"the seed is {seed}", remedy="use 0 to 2^63 - 1")
    weights, kept = binary_parameters(model), extra.get("lam")
    if not isinstance(kept, list) or len(kept) != len(weights):
        raise BadInput(
            "the run keeps no posterior to draw a network from",
            remedy="train with method bayesbinn, or leave out sample=",
        )
    generator = torch.Generator().manual_seed(seed)
    for weight, lam in zip(weights, kept, strict=True):
        uniform = torch.rand(weight.shape, generator=generator)
        weight.copy_(torch.where(uniform < torch.sigmoid(2 * lam.cpu()), 1.0, -1.0))


@register
class BayesBiNNMethod(Method[BayesBiNNSettings]):
    """BayesBiNN."""

    Settings = BayesBiNNSettings
    weight_mode = "real"

    def build(self) -> None:
        settings = self.settings
        if settings.real is None and real_parameters(self.model):
            raise BadInput(
                "BayesBiNN would own real parameters (an affine BatchNorm or a bias)",
                remedy="set model.norm.affine to false, or give method.real, an optimiser for them",
            )
        prior = 0.0 if settings.prior == "posterior" else settings.prior
        self.bayes = BayesBiNN(
            binary_parameters(self.model),
            round(self.context.n_train * settings.data_factor),
            momentum=settings.momentum,
            samples=settings.samples,
            initial=settings.initial,
            prior=prior,
            lagged=settings.lagged,
        )
        self.add("bayes", self.bayes, lr=settings.lr, temperature=settings.temperature)
        if settings.real is not None:
            self.add_real(settings.real)

    def follow(self, previous: Method) -> None:
        if not isinstance(previous, BayesBiNNMethod):
            return
        for old, new in zip(previous.weights_state(), self.weights_state(), strict=True):
            if self.settings.carry:
                new["lam"], new["mu"] = old["lam"].clone(), old["mu"].clone()
            if self.settings.prior == "posterior":
                new["prior"] = old["lam"].clone()
        self.bayes.set_mode()

    def weights_state(self) -> list[dict]:
        """The optimiser's state of each binary weight, in module order."""
        return [self.bayes.state[w] for w in binary_parameters(self.model)]

    def step(self, closure):
        result = self.bayes.step(closure)
        if "real" in self.optimisers:
            self.optimisers["real"].step()
        return result

    def epoch_end(self, epoch: int) -> None:
        self.bayes.set_mode()  # the next step samples anew, so nothing is lost

    def figures(self) -> dict[str, float]:
        """Mean entropy of the weights in bits: what is not decided yet."""
        return {"entropy_bits": self.bayes.entropy()}

    def selected_extra(self) -> dict:
        """The posterior, for the mean prediction and as a later prior."""
        return {"lam": [state["lam"].clone() for state in self.weights_state()]}

    @property
    def has_mean(self) -> bool:
        """Whether samples are asked for."""
        return self.settings.mean_samples > 0

    @torch.no_grad()
    def mean_outputs(self, x: Tensor, extra: dict) -> Tensor:
        """log of the mean probabilities (or mean logits) over sampled networks, (N, C)."""
        for state, lam in zip(self.weights_state(), extra["lam"], strict=True):
            state["lam"] = lam.to(state["lam"].device)
        generator = torch.Generator().manual_seed(0)
        total = torch.zeros((), device=x.device)
        for _ in range(self.settings.mean_samples):
            self.bayes.set_sample(generator)
            outputs = self.model(x)
            probabilities = self.settings.mean_of == "probabilities" and outputs.shape[1] > 1
            total = total + (outputs.softmax(1) if probabilities else outputs)
        mean = total / self.settings.mean_samples
        return mean.clamp_min(1e-38).log() if probabilities else mean
