"""Two streams of pixels side by side."""

from __future__ import annotations

import numpy as np

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .schedule import Reads, Schedule, counted


@register
class Concat(Kernel):
    """A word's register, a multiplexer of two in front of it, a counter of words."""

    name = "concat"
    defaults = {
        "PE": 2,
        "A_WORDS": 1, "A_BITS": 8, "A_SIGNED": 1, "A_BIPOLAR": 0,
        "B_WORDS": 1, "B_BITS": 8, "B_SIGNED": 1, "B_BIPOLAR": 0,
        "OUT_BITS": 8,
    }  # fmt: skip

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p, steps = self.values(parameters), counted(sum(words))
        first = steps % (p["A_WORDS"] + p["B_WORDS"]) < p["A_WORDS"]
        reads = tuple(Reads(np.cumsum(side), steps[side]) for side in (first, ~first))
        return Schedule(len(steps), reads, steps, latency=1)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        out, count = p["PE"] * p["OUT_BITS"], bits_for(p["A_WORDS"] + p["B_WORDS"])
        parts: dict[str, float] = {"out": out, "count": count, "one": 1}
        return Parts(parts, {"exact": out + count, "one": 1})
