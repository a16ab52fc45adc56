"""What the optimisers of 1-bit weights share: torch.optim's conventions, kept in one place.

Every hyper-parameter is a key of the parameter groups, so that it can be given per group, is moved
by torch's schedulers and stands in the state_dict; `RANGES` says which values it may have. A new
group, whenever it comes, goes through the same checks and the same start as the first one.

>>> import torch
>>> from hw_bnn.optim import Bop
>>> Bop([torch.nn.Parameter(torch.zeros(2))], gamma=float("nan"))
Traceback (most recent call last):
    ...
ValueError: Invalid gamma value: nan
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Range:
    """Finite numbers from `low` to `high`; `open_low`, `open_high` leave the ends out.

    >>> Range(0, 1, open_high=True).holds(1.0), Range(0).holds(1e9), Range(0).holds(float("nan"))
    (False, True, False)
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """Whether `value`, a number or a tensor of one, lies within."""
        if isinstance(value, bool | str) or (self.whole and not isinstance(value, int)):
            return False
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            return False
        if not math.isfinite(number):  # NaN among them
            return False
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return above and below


RATE = Range(0)
SHARE = Range(0, 1)
AVERAGING = Range(0, 1, open_high=True)
POSITIVE = Range(0, open_low=True)

_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


class BinaryOptimizer(torch.optim.Optimizer):
    """Base of the optimisers of hw_bnn.

    Args:
        params: weights, (name, weight) pairs, or groups of either; any iterable.
        defaults: the group keys and their defaults.

    Raises:
        ValueError: a hyper-parameter outside its range, no weights at all, or weights that are not
            real floating-point numbers.
    """

    RANGES: ClassVar[dict[str, Range]] = {}

    def __init__(self, params, defaults: dict[str, Any]):
        self.check(defaults)
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError where a hyper-parameter of `group` is outside its range."""
        for key, allowed in self.RANGES.items():
            if key in group and not allowed.holds(group[key]):
                raise ValueError(f"Invalid {_WORDS.get(key, f'{key} value')}: {group[key]}")
        betas = group.get("betas")
        if betas is not None:
            if not isinstance(betas, tuple | list) or len(betas) != 2:
                raise ValueError(f"Invalid beta parameters: {betas}")
            for index, beta in enumerate(betas):
                if not AVERAGING.holds(beta):
                    raise ValueError(f"Invalid beta parameter at index {index}: {beta}")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, as torch.optim does; its weights start as those of the first groups did.

        Raises:
            ValueError: as at construction; the optimiser is then as it was.
        """
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            self.check(group)
            for weight in group["params"]:
                if not weight.dtype.is_floating_point:
                    raise ValueError(
                        f"{type(self).__name__} works on real floating-point weights, not "
                        f"{weight.dtype}"
                    )
            with torch.no_grad():
                for weight in group["params"]:
                    self.start_weight(group, weight)
        except Exception:
            self.param_groups.pop()
            for weight in group["params"]:
                self.state.pop(weight, None)
            raise

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # a state_dict of before a key was there
            for key, default in self.defaults.items():
                group.setdefault(key, default)

    def start_weight(self, group: dict[str, Any], weight: Tensor) -> None:
        """Set up the state of a new weight, and what the weight holds from now on."""

    def with_gradients(self, group: dict[str, Any]) -> list[Tensor]:
        """The weights of a group that have a gradient.

        Raises:
            RuntimeError: a gradient is sparse.
        """
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if any(weight.grad.is_sparse for weight in weights):
            raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
        return weights

    @torch.no_grad()
    def step(self, closure=None):
        """One step; `closure`, if given, first computes loss and gradients. Returns the loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = self.with_gradients(group)
            if weights:
                self.step_group(group, weights)
        return loss

    def step_group(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        """Move the weights of one group, all of which have a gradient."""
        # As torch.optim.Optimizer.step: its class is no ABC, a method without it says so when run.
        raise NotImplementedError


def gradients(weights: list[Tensor]) -> list[Tensor]:
    """The gradients of weights that all have one."""
    found = [weight.grad for weight in weights if weight.grad is not None]
    if len(found) < len(weights):
        raise ValueError("a weight has no gradient")
    return found


def signed_gradients(group: dict[str, Any], weights: list[Tensor]) -> list[Tensor]:
    """The gradients of what is minimised: negated where the group says `maximize`."""
    found = gradients(weights)
    return list(torch._foreach_neg(found)) if group["maximize"] else found


def signed_gradient(group: dict[str, Any], weight: Tensor) -> Tensor:
    """As :func:`signed_gradients`, of one weight."""
    (gradient,) = gradients([weight])
    return -gradient if group["maximize"] else gradient
