"""Handshake of a hard-wired layer, whose constants a generator turns into a netlist."""

from __future__ import annotations

from .base import Kernel, Parameters, register
from .schedule import Schedule, word_by_word


@register
class HardwiredFlow(Kernel):
    """What it takes is counted by the generator (hw_bnn/hardwired)."""

    name = "hardwired_flow"
    defaults = {"IN_BITS": 64, "OUT_BITS": 64, "LATENCY": 1}

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return word_by_word(words[0], latency=self.values(parameters)["LATENCY"])

    def cost(self, parameters: Parameters) -> None:
        return None
