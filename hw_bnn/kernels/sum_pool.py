"""Sums a channel over windows."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .pool import WINDOW, pool_cost, pool_schedule
from .schedule import Schedule


@register
class SumPool(Kernel):
    """Wider out than in."""

    name = "sum_pool"
    defaults = {
        "IFM_H": 4, "IFM_W": 4, "CHANNELS": 4, "SIMD": 2, "IN_BITS": 4, "IN_SIGNED": 0,
        "IN_BIPOLAR": 0, "OUT_BITS": 8, "SHIFT": 0,
    } | WINDOW  # fmt: skip

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return pool_schedule(self.values(parameters))

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        bits = 2 if p["IN_BIPOLAR"] else p["IN_BITS"]
        return pool_cost(p, bits, max(p["OUT_BITS"], bits))
