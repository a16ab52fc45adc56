"""Two streams of pixels side by side."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for


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

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        out, count = p["PE"] * p["OUT_BITS"], bits_for(p["A_WORDS"] + p["B_WORDS"])
        parts: dict[str, float] = {"out": out, "count": count, "one": 1}
        return Parts(parts, {"exact": out + count, "one": 1})
