"""A border of one value around a map."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .schedule import Schedule, bordered, counted


@register
class Pad(Kernel):
    """A word's register and the counters of a frame."""

    name = "pad"
    defaults = {
        "IFM_H": 4, "IFM_W": 4, "CHANNELS": 4, "SIMD": 2, "BITS": 1,
        "PAD_T": 1, "PAD_B": 1, "PAD_L": 1, "PAD_R": 1, "VALUE": 0,
    }  # fmt: skip

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p = self.values(parameters)
        read = bordered(
            p["IFM_H"], p["IFM_W"], p["CHANNELS"] // p["SIMD"],
            (p["PAD_T"], p["PAD_L"], p["PAD_B"], p["PAD_R"]),
        )  # fmt: skip
        return Schedule(len(read.needed), (read,), counted(len(read.needed)), latency=1)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        width = p["SIMD"] * p["BITS"]
        count = (
            bits_for(p["CHANNELS"] // p["SIMD"])
            + bits_for(p["IFM_H"] + p["PAD_T"] + p["PAD_B"])
            + bits_for(p["IFM_W"] + p["PAD_L"] + p["PAD_R"])
        )
        return Parts(
            {"width": width, "count": count, "one": 1}, {"exact": width, "count": count, "one": 1}
        )
