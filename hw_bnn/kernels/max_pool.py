"""Maxima and minima a channel over windows; of bits OR and AND."""

from __future__ import annotations

from .base import Kernel, Memory, Parameters, Parts, register
from .pool import WINDOW, pool_cost, pool_schedule
from .schedule import Schedule


@register
class MaxPool(Kernel):
    """As many bits out as in."""

    name = "max_pool"
    defaults = {"IFM_H": 4, "IFM_W": 4, "CHANNELS": 4, "SIMD": 2, "BITS": 1, "SIGNED": 0} | WINDOW

    def memories(self, parameters: Parameters) -> tuple[Memory, ...]:
        p = self.values(parameters)
        return (Memory("MIN_FILE", p["CHANNELS"] // p["SIMD"], p["SIMD"], (1,)),)

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return pool_schedule(self.values(parameters))

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        return pool_cost(p, p["BITS"], p["BITS"])
