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

from collections.abc import Callable

import torch
from torch import Tensor

EPS = 1e-10


class BayesBiNN(torch.optim.Optimizer):
    """See the module's text. `step` needs a closure that computes loss and fresh gradients.

    Args:
        params: float32 weights.
        n_train: N, number of training samples (times the augmentation's factor where it counts).
        lr: alpha. momentum: b, 0 for none. temperature: tau. samples: S; 0 uses w = tanh(lam), s =
        N.
        initial: |lam| at the start, its sign at random. prior: lam_0, a number to begin with.
        lagged: compute s with the mu of the step before, as the authors' code does.
    """

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
    ):
        defaults = {"lr": lr, "momentum": momentum, "temperature": temperature}
        super().__init__(params, defaults)
        self.n_train, self.samples, self.lagged = n_train, samples, lagged
        with torch.no_grad():
            for group, weight in self._each():
                if weight.dtype != torch.float32:
                    raise ValueError(f"BayesBiNN works in float32 only, not {weight.dtype}")
                sign = torch.where(torch.rand_like(weight) < 0.5, -1.0, 1.0)
                state = self.state[weight]
                state["lam"] = sign * initial
                state["mu"] = torch.tanh(state["lam"])
                state["prior"] = torch.full_like(weight, prior)
                state["step"] = 0
                if momentum:
                    state["momentum"] = torch.zeros_like(weight)
        self.set_mode()

    def _each(self):
        return [(group, w) for group in self.param_groups for w in group["params"]]

    @torch.no_grad()
    def step(self, closure: Callable):
        """One step; returns the closure's last result."""
        sums = {}
        for index in range(max(self.samples, 1)):
            scales = {w: self._draw(group, w) for group, w in self._each()}
            with torch.enable_grad():
                result = closure()
            for _, weight in self._each():
                if weight.grad is None:
                    continue
                scaled = weight.grad * scales[weight]
                sums[weight] = scaled if index == 0 else sums[weight].add_(scaled)
        for group, weight in self._each():
            if weight in sums:
                self._update(group, weight, sums[weight].div_(max(self.samples, 1)))
        return result

    def _draw(self, group: dict, weight: Tensor) -> Tensor | float:
        """Put a relaxed sample into the weight; the scale s of its gradient."""
        state, tau = self.state[weight], group["temperature"]
        if self.samples == 0:
            weight.copy_(torch.tanh(state["lam"]))
            return float(self.n_train)
        return self.relax(weight, state, tau, torch.rand_like(weight))

    def relax(self, weight: Tensor, state: dict, tau: float, eps: Tensor) -> Tensor:
        """Put the relaxed sample w_b of given noise into a weight (formulas: head of the file).

        Args:
            weight, eps: float32 of one shape; eps uniform in [0, 1).
            state: the weight's lam and mu, float32 of that shape.
            tau: temperature.

        Returns:
            s, float32 of that shape: the factor of the gradient g at w_b.
        """
        # in place: fresh memory for each of ten large tensors would cost more than the arithmetic
        noise = torch.sub(1, eps)
        torch.div(eps, noise, out=noise).log_().mul_(0.5)
        sample = noise.add_(state["lam"]).div_(tau).tanh_()
        weight.copy_(sample)
        scale = _one_less_square(sample).mul_(self.n_train).div_(tau)
        return scale.div_(_one_less_square(state["mu"].clone()))

    def _update(self, group: dict, weight: Tensor, gradient: Tensor) -> None:
        """Move lam by the averaged, scaled gradient."""
        state, alpha, momentum = self.state[weight], group["lr"], group["momentum"]
        lam = state["lam"]
        if self.lagged:
            torch.tanh(lam, out=state["mu"])
        state["step"] += 1
        if momentum:
            pull = gradient.add_(lam).sub_(state["prior"])
            state["momentum"].mul_(momentum).add_(pull, alpha=1 - momentum)
            lam.sub_(state["momentum"], alpha=alpha / (1 - momentum ** state["step"]))
        else:
            lam.mul_(1 - alpha).sub_(gradient.sub_(state["prior"]), alpha=alpha)
        if not self.lagged:
            torch.tanh(lam, out=state["mu"])

    @torch.no_grad()
    def set_mode(self) -> None:
        """Put the likelier value of each weight into the parameters: -1 where mu <= 0, else +1."""
        for _, weight in self._each():
            weight.copy_(torch.where(self.state[weight]["mu"] <= 0, -1.0, 1.0))

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


def _one_less_square(x: Tensor) -> Tensor:
    """1 - x^2 + EPS, in x's own memory."""
    return x.mul_(x).neg_().add_(1).add_(EPS)
