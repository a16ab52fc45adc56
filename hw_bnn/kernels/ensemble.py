"""Sums and votes of a frame's results."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .memory_cost import ram


@register
class Ensemble(Kernel):
    """A memory of sums and one of votes, an adder a lane, counters."""

    name = "ensemble"
    defaults = {
        "N": 10, "PE": 1, "SCORE_BITS": 8, "SCORE_SIGNED": 1, "LABEL_BITS": 4, "TIMES": 2,
    }  # fmt: skip

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, n = p["PE"], p["N"]
        wide, vote = p["SCORE_BITS"] + bits_for(p["TIMES"]), bits_for(p["TIMES"] + 1)
        sums = ram(pe * wide, n // pe, one_port=True)
        votes = ram(vote, n, one_port=True)
        count = 2 * bits_for(n) + bits_for(p["TIMES"])
        exact = {"exact": sums[0] + votes[0], "add": pe * wide, "out": wide + vote,
                 "count": count, "one": 1}  # fmt: skip
        registers = {"exact": sums[1] + votes[1], "out": wide + vote, "count": count, "one": 1}
        return Parts(exact, registers, sums[2] + votes[2])
