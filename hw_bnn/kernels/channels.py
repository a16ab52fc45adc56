"""Some neighbouring channels of every pixel."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .schedule import Reads, Schedule, counted


@register
class Channels(Kernel):
    """A word's register and a counter of words."""

    name = "channels"
    defaults = {"BITS": 8, "WORDS": 2, "FIRST": 0, "TAKEN": 1}

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p, steps = self.values(parameters), counted(words[0])
        place = steps % p["WORDS"] - p["FIRST"]
        given = steps[(place >= 0) & (place < p["TAKEN"])]
        return Schedule(words[0], (Reads(steps + 1, steps),), given, latency=1)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        count = bits_for(p["WORDS"])
        return Parts({"count": count, "one": 1}, {"exact": p["BITS"] + count, "one": 1})
