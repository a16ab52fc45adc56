"""Element-wise sum of two streams on a shared scale."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .schedule import Schedule, word_by_word


@register
class Add(Kernel):
    """An adder a lane."""

    name = "add"
    defaults = {
        "PE": 2,
        "A_BITS": 8, "A_SIGNED": 1, "A_BIPOLAR": 0, "A_SCALE": 1,
        "B_BITS": 8, "B_SIGNED": 1, "B_BIPOLAR": 0, "B_SCALE": 1,
        "OUT_BITS": 9,
    }  # fmt: skip

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return word_by_word(words[0], latency=1, inputs=2)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        out = p["PE"] * p["OUT_BITS"]
        return Parts({"out": out, "one": 1}, {"exact": out, "one": 1})
