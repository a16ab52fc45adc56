"""Integers on one scale to integers on another: a multiplication, an addition, a shift, a clip."""

from __future__ import annotations

from .base import CONFIGURED, Kernel, Memory, Parameters, Parts, contexts, register
from .logic import bits_for
from .memory_cost import rom
from .schedule import Schedule, word_by_word

DSP_SIDES = (25, 18)
"""Bits of the two sides of a DSP48E1's multiplier."""


@register
class Requantise(Kernel):
    """A DSP block a lane, and a table of each channel's numbers."""

    name = "requantise"
    defaults = {
        "CHANNELS": 1, "PE": 1, "IN_BITS": 16, "IN_SIGNED": 1, "OUT_BITS": 8, "LOW": -128,
        "HIGH": 127, "SHIFT": 8, "HALF_EVEN": 0, "PIECES": 1, "GAIN_BITS": 16, "OFFSET_BITS": 24,
        "SUM_BITS": 34,
    }  # fmt: skip

    def memories(self, parameters: Parameters) -> tuple[Memory, ...]:
        p = self.values(parameters)
        widths = (p["GAIN_BITS"], p["OFFSET_BITS"]) * p["PIECES"]
        if p["PIECES"] == 2:
            widths = (*widths, p["IN_BITS"] + 1)
        return (Memory("TABLE_FILE", p["CHANNELS"] // p["PE"], p["PE"], widths),)

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return word_by_word(words[0], latency=5)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, nf = p["PE"], p["CHANNELS"] // p["PE"]
        (layout,) = self.memories(parameters)
        held = nf * contexts(parameters)
        table = rom(layout.word_bits, held, written=CONFIGURED in parameters)
        piece, wide = p["GAIN_BITS"] + p["OFFSET_BITS"], p["SUM_BITS"] - p["SHIFT"]
        factors = (p["GAIN_BITS"], p["IN_BITS"] + 1)
        dsp = min(
            -(-factors[0] // side) * -(-factors[1] // other)
            for side, other in (DSP_SIDES, DSP_SIDES[::-1])
        )
        control = {
            "address": bits_for(held) + bits_for(int(parameters.get("N_VECTORS", 1))),
            "one": 1,
        }
        lut = {
            "exact": table[0],
            "choice": pe * (p["PIECES"] - 1) * (piece + p["IN_BITS"]),
            "clip": pe * (wide + p["OUT_BITS"]),
            "tie": pe * p["HALF_EVEN"] * p["SHIFT"] / 6,
            **control,
        }
        ff = {
            "exact": table[1] + pe * (p["IN_BITS"] + 2 * p["OUT_BITS"]),
            "choice": pe * (p["PIECES"] - 1) * piece,
            **control,
        }
        return Parts(lut, ff, table[2], dsp=pe * dsp)
