"""What ProxQuant and BNEW share: a step of one of torch's optimisers,
then a map of the binary weights.

The wrapped optimiser's groups and state are the wrapper's own, so learning-rate schedulers and
state_dicts work as usual. Groups with `binary: False` are updated by the wrapped optimiser alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..nn.estimators import hard_sign
from .base import RATE, BinaryOptimizer, Range


class Proximal(BinaryOptimizer, ABC):
    """Base of optimisers that follow each step by `project(group, weights)` on the binary weights.

    Args:
        params: weights, or groups; a group with `binary: False` holds parameters that stay real.
        base: makes the wrapped optimiser from the groups, for example
            ``lambda groups: torch.optim.Adam(groups, lr=0.01)``.
        defaults: further group keys.
    """

    RANGES: ClassVar[dict[str, Range]] = {"lr": RATE}

    def __init__(self, params, base: Callable[[list], torch.optim.Optimizer], defaults: dict):
        super().__init__(params, {"binary": True, "frozen": False, **defaults})
        self.base = base(self.param_groups)
        # One set of groups and one state for both: what a scheduler or a checkpoint changes, the
        # wrapped optimiser sees.
        self.param_groups = self.base.param_groups
        self.state = self.base.state
        for group in self.param_groups:
            self.check(group)  # again: the wrapped optimiser's keys are there now

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group to both; it takes the wrapped optimiser's keys (`lr`, ...) as well."""
        super().add_param_group(param_group)
        if not hasattr(self, "base"):
            return  # under construction: the wrapped optimiser is made from the groups
        group = self.param_groups.pop()
        self.base.add_param_group(group)
        if isinstance(self.base, torch.optim.Adagrad):
            self._start_adagrad(group)

    def _start_adagrad(self, group: dict[str, Any]) -> None:
        """What torch's Adagrad does for its first groups only."""
        start = group["initial_accumulator_value"]
        fresh = torch.optim.Adagrad([{**group}], initial_accumulator_value=start)
        self.base.state.update(fresh.state)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "base": self.base}

    @torch.no_grad()
    def step(self, closure=None):
        """One step; frozen groups are left exactly as they are. Returns the closure's loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["frozen"]:
                for weight in group["params"]:
                    weight.grad = None
            self.with_gradients(group)  # refuses sparse ones
        self.before_step()
        self.base.step()
        for group in self._moving():
            self.project(group, group["params"])
        return loss

    def _moving(self) -> list[dict]:
        return [g for g in self.param_groups if g["binary"] and not g["frozen"] and g["params"]]

    def before_step(self) -> None:
        """Hook for methods that map the weights before the wrapped step."""

    @abstractmethod
    def project(self, group: dict, weights: list[Tensor]) -> None:
        """Map the weights in place after the wrapped step."""

    @torch.no_grad()
    def freeze(self) -> None:
        """Replace the binary weights by their signs and stop updating them for good."""
        for group in self.param_groups:
            if group["binary"]:
                group["frozen"] = True
                for weight in group["params"]:
                    weight.copy_(hard_sign(weight))
                    weight.grad = None

    @property
    def frozen(self) -> bool:
        """Whether `freeze` was called."""
        return all(group["frozen"] for group in self.param_groups if group["binary"])

    def load_state_dict(self, state_dict: dict) -> None:
        """Load, and share groups and state with the wrapped optimiser again."""
        super().load_state_dict(state_dict)
        self.base.__setstate__({"state": self.state, "param_groups": self.param_groups})
