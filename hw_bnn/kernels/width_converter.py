"""Words of another width, frame by frame."""

from __future__ import annotations

from math import gcd

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .schedule import Schedule, recut, word_by_word


@register
class WidthConverter(Kernel):
    """A shift register, or for ragged ratios a queue with a barrel shifter."""

    name = "width_converter"
    defaults = {"IN_BITS": 8, "OUT_BITS": 8, "FRAME_BITS": 8}

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p = self.values(parameters)
        if p["IN_BITS"] == p["OUT_BITS"]:
            return word_by_word(words[0], latency=0)
        return recut(p["IN_BITS"], p["OUT_BITS"], p["FRAME_BITS"], latency=1)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        wide, low = max(p["IN_BITS"], p["OUT_BITS"]), min(p["IN_BITS"], p["OUT_BITS"])
        if wide == low:
            return Parts({"one": 0}, {"one": 0})
        words_in = -(-p["FRAME_BITS"] // p["IN_BITS"])
        words = bits_for(words_in)
        queue = shifts = 0
        if wide % low:
            unit = gcd(wide, low)
            capacity = (p["OUT_BITS"] + p["IN_BITS"]) // unit
            queue, shifts = capacity * unit, capacity * unit * bits_for(capacity + 1)
        down = wide if not queue and p["IN_BITS"] > low else 0
        partial = words_in % max(wide // p["IN_BITS"], 1) > 0  # pieces are placed, not shifted
        up = wide if not queue and not down and partial else 0
        lut = {"down": down, "up": up, "queue": queue, "shifts": shifts, "words": words, "one": 1}
        ff = {"exact": queue or wide, "words": words, "one": 1}
        return Parts(dict(lut), dict(ff))
