"""Gives each frame several times."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .memory_cost import ram


@register
class FrameRepeat(Kernel):
    """A memory of a frame, three registers of a word and two counters; of one word two registers;
    what announces the passes.
    """

    name = "frame_repeat"
    defaults = {"BITS": 8, "WORDS": 1, "TIMES": 2}

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        bits, words = p["BITS"], p["WORDS"]
        memory = ram(bits, words, one_port=True) if words > 1 else (0, 0, 0)
        count = bits_for(words) + bits_for(p["TIMES"])
        exact = {"exact": memory[0], "word": bits * (words > 1), "count": count, "one": 1}
        registers = {"exact": memory[1] + 2 * bits + count, "one": 1}
        return Parts(exact, registers, memory[2])
