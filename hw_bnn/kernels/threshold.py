"""Integers to levels, by thresholds of their channel."""

from __future__ import annotations

from .base import CONFIGURED, Kernel, Memory, Parameters, Parts, contexts, register
from .logic import bits_for
from .memory_cost import rom
from .schedule import Schedule, word_by_word


@register
class Threshold(Kernel):
    """Comparators beside two registers of the word."""

    name = "threshold"
    defaults = {
        "CHANNELS": 1, "PE": 1, "IN_BITS": 8, "IN_SIGNED": 1, "N_THRESHOLDS": 1, "OUT_BITS": 1,
        "OUT_BIAS": 0, "N_SETS": 1, "N_VECTORS": 1,
    }  # fmt: skip

    def memories(self, parameters: Parameters) -> tuple[Memory, ...]:
        p = self.values(parameters)
        pe, sets = p["PE"], p["N_SETS"]
        nf = p["CHANNELS"] // pe
        bits = p["IN_BITS"] + 2  # with a sign, and one above the largest number
        found = [Memory("THRESHOLDS_FILE", sets * nf, pe * p["N_THRESHOLDS"], (bits,))]
        if sets > 1:
            found.append(Memory("SETS_FILE", p["N_VECTORS"], 1, (bits_for(sets),)))
        return (*found, Memory("NEGATE_FILE", nf, pe, (1,)))

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return word_by_word(words[0], latency=3)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, bits, levels = p["PE"], p["IN_BITS"], p["N_THRESHOLDS"]
        nf, sets = p["CHANNELS"] // pe, p["N_SETS"]
        constant = nf * sets == 1 and CONFIGURED not in parameters
        written = CONFIGURED in parameters
        held = nf * contexts(parameters)
        table = rom(pe * levels * (bits + 2), held * sets, written=written)
        negates = written or parameters.get("NEGATE_FILE")
        negate = rom(pe, held, written=written) if negates else (0, 0, 0)
        out = pe * p["OUT_BITS"]
        lut = {
            "exact": table[0] + negate[0],
            "compare": 0 if constant else pe * levels * bits,
            "constant": pe * levels * bits if constant else 0,
            "out": out,
            "address": bits_for(nf) + bits_for(p["N_VECTORS"]),
            "one": 1,
        }
        words = 1 if constant else 2  # registers of the word
        ff = {
            "exact": table[1] + negate[1] + words * pe * bits + 2 * out,
            "address": 3 * bits_for(nf),
            "one": 1,
        }
        return Parts(lut, ff, table[2])
