"""A queue of words."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .memory_cost import ram, ram_luts


@register
class Fifo(Kernel):
    """One register, two registers, or a memory."""

    name = "fifo"
    defaults = {"BITS": 8, "DEPTH": 2}

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        bits, depth = p["BITS"], p["DEPTH"]
        names = ("single", "double", "lutram", "block")
        lut, ff = (dict.fromkeys((*names, "address", "exact", "one"), 0.0) for _ in range(2))
        lut["one"] = ff["one"] = 1
        bram = 0.0
        if depth <= 2:
            lut[names[depth - 1]] = ff[names[depth - 1]] = bits
            return Parts(lut, ff)
        lut["address"] = ff["address"] = bits_for(depth)
        if depth <= 64:
            lut["exact"], lut["lutram"] = ram_luts(bits, depth), bits  # its address is registered
        else:
            memory = ram(bits, depth)
            lut["exact"], lut["block"], bram = memory[0], bits, memory[2]
            ff["exact"] = memory[1] + bits
        return Parts(lut, ff, bram)
