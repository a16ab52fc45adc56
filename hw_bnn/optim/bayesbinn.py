"""BayesBiNN (Meng, Bachmann, Khan 2020): a Bernoulli distribution over each weight.

Natural parameter lam = 1/2 log(p/(1-p)), mean mu = tanh(lam). A step draws S samples

    delta = 1/2 log(eps/(1-eps)), eps ~ U(0,1);   w_b = tanh((lam + delta)/tau)

takes the mini-batch mean gradient g at each w_b, and with

    s = N (1 - w_b^2 + 1e-10) / tau / (1 - mu^2 + 1e-10)

averages s g over the samples:

    lam <- (1 - lr) lam - lr (s g - lam_0)                      without momentum
    M <- b M + (1-b)(s g + lam - lam_0);  lam <- lam - lr M/(1 - b^t)    with

The 1e-10 terms carry the method: at a small tau nearly every w_b is exactly +-1, and s would be 0
or 0/0 without them. float32 is part of it too: tanh(10) is 1 in float32 and 1 - 4e-9 in float64,
which makes s 83 times smaller there; other types are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .base import AVERAGING, POSITIVE, RATE, BinaryOptimizer, Range, signed_gradient

EPS = 1e-10


class BayesBiNN(BinaryOptimizer):
    """See the module's text. `step` needs a closure that computes loss and fresh gradients.

    Args:
        params: float32 weights, or groups of them.
        n_train: N, number of training samples (times the augmentation's factor where it counts).
        lr: alpha. momentum: b, 0 for none. temperature: tau. samples: S; 0 uses w = tanh(lam), s =
        N.
        initial: |lam| at the start, its sign at random. prior: lam_0, a number to begin with.
        lagged: compute s with the mu of the step before, as the authors' code does.
        maximize: climb instead of descend.

    All of them may differ between groups but `samples`: a sample is one of the whole network.
    """

    RANGES: ClassVar[dict[str, Range]] = {
        "n_train": Range(1, whole=True), "lr": RATE, "momentum": AVERAGING,
        "temperature": POSITIVE, "samples": Range(0, whole=True), "initial": POSITIVE,
        "prior": Range(),
    }  # fmt: skip

    def __init__(
        self,
        params,
        n_train: int,
        lr: float = 1e-4,
        momentum: float = 0.0,
        temperature: float = 1e-10,
        samples: int = 1,
        *,
        initial: float = 10.0,
        prior: float = 0.0,
        lagged: bool = False,
        maximize: bool = False,
    ):
        defaults = {
            "lr": lr, "momentum": momentum, "temperature": temperature, "n_train": n_train,
            "samples": samples, "initial": initial, "prior": prior, "lagged": lagged,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    @property
    def samples(self) -> int:
        """S, the samples of a step."""
        return self.defaults["samples"]

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        first = getattr(self, "defaults", group)["samples"]
        if group["samples"] != first:
            raise ValueError(
                f"Invalid samples value: {group['samples']} (one for all groups, {first})"
            )

    def start_weight(self, group: dict[str, Any], weight: Tensor) -> None:
        if weight.dtype != torch.float32:
            raise ValueError(f"BayesBiNN works in float32 only, not {weight.dtype}")
        sign = torch.where(torch.rand_like(weight) < 0.5, -1.0, 1.0)
        state = self.state[weight]
        state["lam"] = sign * group["initial"]
        state["mu"] = torch.tanh(state["lam"])
        state["prior"] = torch.full_like(weight, group["prior"])
        state["step"] = 0
        self._set_mode_of(weight)

    def _each(self):
        return [(group, w) for group in self.param_groups for w in group["params"]]

    @torch.no_grad()
    def step(self, closure: Callable | None = None):
        """One step; returns the closure's last result."""
        if closure is None:
            raise TypeError("BayesBiNN.step needs a closure: it evaluates the loss at its samples")
        sums: dict[Tensor, Tensor] = {}
        for _ in range(max(self.samples, 1)):
            for group, weight in self._each():
                self._draw(group, weight)
            with torch.enable_grad():
                result = closure()
            for group in self.param_groups:
                self.with_gradients(group)  # refuses sparse ones
            if self.samples > 1:
                self._add_scaled(sums)
        for group, weight in self._each():
            if weight in sums or (self.samples <= 1 and weight.grad is not None):
                self._move(group, weight, sums.get(weight))
        return result

    def _add_scaled(self, sums: dict[Tensor, Tensor]) -> None:
        """Add each weight's scaled gradient at the present sample to its sum."""
        for group, weight in self._each():
            if weight.grad is None:
                continue
            if weight not in sums:
                sums[weight] = torch.zeros_like(weight)
            for total, *factors in _blocks(sums[weight], *self._factors(group, weight)):
                total.add_(self._scaled(group, *factors))

    def _draw(self, group: dict, weight: Tensor) -> None:
        """Put a relaxed sample into the weight.

        Noise is drawn for the weights that it can turn: float32's uniform numbers give |delta| <=
        8.32 (and -inf for 0, which the open interval of eps leaves out), so that from |lam| = 8.4 +
        9.02 tau on a sample is exactly the sign of lam.
        """
        tau = group["temperature"]
        for w, lam in _blocks(weight, self.state[weight]["lam"]):
            if self.samples == 0:
                torch.tanh(lam, out=w)
            else:
                near = _few_below(_LARGEST_NOISE + _SATURATED * tau, lam)
                if near is None:
                    w.copy_(relax(lam, torch.rand_like(lam), tau))
                else:
                    few = lam[near]
                    torch.copysign(_ONE, lam, out=w)[near] = relax(few, torch.rand_like(few), tau)

    def _factors(self, group: dict, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What a scaled gradient is made of: g, w_b (which the weight still holds) and mu."""
        return signed_gradient(group, weight), weight, self.state[weight]["mu"]

    def _scaled(self, group: dict, gradient: Tensor, sample: Tensor, mu: Tensor) -> Tensor:
        """s g, in fresh memory. All weights with w_b and mu at +-1 have one s."""
        if self.samples == 0:
            return gradient * float(group["n_train"])
        n_train, tau = group["n_train"], group["temperature"]
        near = _few_below(1.0, sample, mu)
        if near is None:
            return gradient_scale(sample, mu, n_train, tau).mul_(gradient)
        scaled = gradient * gradient_scale(_ONE, _ONE, n_train, tau)
        scaled[near] = gradient[near] * gradient_scale(sample[near], mu[near], n_train, tau)
        return scaled

    def _move(self, group: dict, weight: Tensor, total: Tensor | None) -> None:
        """Move lam by the mean of the scaled gradients: their `total`, or the only sample's."""
        state = self.state[weight]
        state["step"] += 1
        if group["momentum"] and "momentum" not in state:  # a schedule raised it from 0
            state["momentum"] = torch.zeros_like(weight)
        names = [name for name in ("lam", "mu", "prior", "momentum") if name in state]
        sources = self._factors(group, weight) if total is None else (total,)
        for blocks in _blocks(*(state[name] for name in names), *sources):
            own = dict(zip(names, blocks[: len(names)], strict=True))
            gradients = blocks[len(names) :]
            if total is None:
                mean = self._scaled(group, *gradients)
            else:
                mean = gradients[0].div_(self.samples)
            lam, mu = own["lam"], own.pop("mu")
            if group["lagged"]:
                _tanh(lam, out=mu)
            self._step_of(group, state["step"], mean, **own)
            if not group["lagged"]:
                _tanh(lam, out=mu)

    @staticmethod
    def _step_of(
        group: dict, step: int, mean: Tensor, lam: Tensor, prior: Tensor, momentum=None
    ) -> None:
        """The step of lam along the mean scaled gradient (formulas: head of the file)."""
        alpha, beta = float(group["lr"]), group["momentum"]
        if beta:
            momentum.mul_(beta).add_(mean.add_(lam).sub_(prior), alpha=1 - beta)
            lam.sub_(momentum, alpha=alpha / (1 - beta**step))
        else:
            lam.mul_(1 - alpha).sub_(mean.sub_(prior), alpha=alpha)

    @torch.no_grad()
    def set_mode(self) -> None:
        """Put the likelier value of each weight into the parameters: -1 where mu <= 0, else +1,
        and NaN for NaN.
        """
        for _, weight in self._each():
            self._set_mode_of(weight)

    def _set_mode_of(self, weight: Tensor) -> None:
        mu = self.state[weight]["mu"]
        weight.copy_(torch.where(mu <= 0, -1.0, torch.where(mu > 0, 1.0, mu)))

    @torch.no_grad()
    def set_sample(self, generator: torch.Generator | None = None) -> None:
        """Put a draw of each weight, +1 with probability sigmoid(2 lam), into the parameters."""
        for _, weight in self._each():
            uniform = torch.rand(weight.shape, generator=generator).to(weight.device)
            positive = uniform < torch.sigmoid(2 * self.state[weight]["lam"])
            weight.copy_(torch.where(positive, 1.0, -1.0))

    @torch.no_grad()
    def adopt_prior(self) -> None:
        """Make the present posterior the prior of the next task: lam_0 <- lam."""
        for _, weight in self._each():
            self.state[weight]["prior"] = self.state[weight]["lam"].clone()

    @torch.no_grad()
    def entropy(self) -> float:
        """Mean entropy of the weights, in bits: 1 for coin flips, 0 for certain weights."""
        total, count = 0.0, 0
        for _, weight in self._each():
            p = torch.sigmoid(2 * self.state[weight]["lam"].double()).clamp(1e-300, 1)
            q = torch.sigmoid(-2 * self.state[weight]["lam"].double()).clamp(1e-300, 1)
            total += float(-(p * p.log2() + q * q.log2()).sum())
            count += weight.numel()
        return total / count


def relax(lam: Tensor, eps: Tensor, tau: float) -> Tensor:
    """The relaxed sample w_b of uniform noise (formulas: head of the file).

    Args:
        lam, eps: float32 of one shape; eps uniform in [0, 1). tau: temperature.
    """
    noise = torch.sub(1, eps)
    torch.div(eps, noise, out=noise).log_().mul_(0.5)
    return noise.add_(lam).div_(tau).tanh_()


def gradient_scale(sample: Tensor, mu: Tensor, n_train: int, tau: float) -> Tensor:
    """s, by which the gradient at a relaxed sample counts (formulas: head of the file).

    Args:
        sample, mu: w_b and the mean, float32 of one shape.
        n_train: N. tau: temperature.
    """
    scale = _one_less_square(sample).mul_(n_train).div_(tau)
    return scale.div_(_one_less_square(mu))


def _one_less_square(x: Tensor) -> Tensor:
    """1 - x^2 + EPS."""
    return torch.mul(x, x).neg_().add_(1).add_(EPS)


# Most weights lie far from 0 after the first steps, and tanh, log and random numbers are most
# of a step's arithmetic: they are computed where they matter, with the same result.

_ONE = torch.ones(())
_SATURATED = 9.02  # tanh is +-1 in float32 from here on
_LARGEST_NOISE = 8.4  # 1/2 log(2^24) = 8.32, the most that a float32 eps in (0, 1) gives


def _few_below(limit: float, x: Tensor, factor: Tensor | None = None) -> tuple[Tensor, ...] | None:
    """Indices where |x|, or |x factor|, is not `limit` or more, NaN among them; None where all may
    as well be computed: when these are many, and on a GPU, which would have to be waited for.
    """
    if x.device.type != "cpu":
        return None
    magnitude = x.abs() if factor is None else torch.mul(x, factor).abs_()
    # numpy's search is much the faster one where little is found
    below = ~(magnitude >= limit).numpy()
    if 4 * np.count_nonzero(below) > below.size:
        return None
    return tuple(torch.from_numpy(index) for index in below.nonzero())


def _tanh(x: Tensor, out: Tensor) -> None:
    """tanh(x) into `out`, float32."""
    near = _few_below(_SATURATED, x)
    if near is None:
        torch.tanh(x, out=out)
    else:
        torch.copysign(_ONE, x, out=out)[near] = x[near].tanh_()


# Elements of a block: what a step needs of them stays in the cache. One number whatever the threads
# are, since how much noise is drawn depends on it.
_BLOCK = 1 << 17


def _blocks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Tensors of one shape, cut alike into flat views that fit a CPU's cache, since twenty passes
    over large tensors wait for memory; uncut on a GPU, and where one is no plain stretch of memory.
    """
    if tensors[0].device.type != "cpu" or not all(t.is_contiguous() for t in tensors):
        return iter((tensors,))
    return zip(*(t.detach().view(-1).split(_BLOCK) for t in tensors), strict=True)
