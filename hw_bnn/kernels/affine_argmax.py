"""Scores, or the exact label argmax(A score + B), or both."""

from __future__ import annotations

from .base import CONFIGURED, Kernel, Memory, Parameters, Parts, contexts, register
from .logic import bits_for
from .memory_cost import ram, rom
from .schedule import Reads, Schedule, counted

SMALLEST_DSP = 9
"""Bits of a product from which Yosys takes a DSP block for it."""


@register
class AffineArgmax(Kernel):
    """Multiply and add (DSP blocks), a tree of comparisons, a ring of waiting scores."""

    name = "affine_argmax"
    defaults = {
        "N": 10, "PE": 1, "IN_BITS": 8, "IN_SIGNED": 1, "A_BITS": 0, "B_BITS": 0, "MODE": 2,
        "SCORE_BITS": 8, "LABEL_BITS": 4,
    }  # fmt: skip

    def memories(self, parameters: Parameters) -> tuple[Memory, ...]:
        p = self.values(parameters)
        if not p["A_BITS"]:
            return ()
        return (Memory("AFFINE_FILE", p["N"] // p["PE"], p["PE"], (p["A_BITS"], p["B_BITS"])),)

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p, steps = self.values(parameters), counted(words[0])
        latency = 1 if p["MODE"] == 0 else 3 + bits_for(p["PE"]) + 2 * (p["A_BITS"] > 0)
        given = steps[-1:] if p["MODE"] == 1 else steps
        return Schedule(words[0], (Reads(steps + 1, steps),), given, latency)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, bits, a, b, mode = (p[k] for k in ("PE", "IN_BITS", "A_BITS", "B_BITS", "MODE"))
        out = (mode != 1) * pe * p["SCORE_BITS"] + (mode != 0) * p["LABEL_BITS"]
        number = bits + (not p["IN_SIGNED"])  # with its sign
        value = max(number + a, b) + 1 if a else number
        label = int(mode != 0)
        table: tuple[float, float, float] = (0, 0, 0)
        if a and label:
            depth = p["N"] // pe * contexts(parameters)
            table = rom(pe * (a + b), depth, written=CONFIGURED in parameters)
        stages = (3 if a else 1) + bits_for(pe)
        ring: tuple[float, float, float] = (0, pe * bits * (mode == 2), 0)
        if mode == 2 and stages > 1:
            ring = ram(pe * bits, stages)
        dsp = pe if a and label and number + a >= SMALLEST_DSP else 0
        lut = {
            "exact": table[0] + ring[0],
            "compare": label * pe * value,
            "affine": label * pe * value * (a > 0),
            "out": out,
            "one": 1,
        }
        ff = {
            "exact": table[1] + ring[1] + 2 * out + label * 2 * pe * value,
            "affine": label * pe * (number + b) * (a > 0),
            "one": 1,
        }
        return Parts(lut, ff, table[2] + ring[2], dsp)
