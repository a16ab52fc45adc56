"""Marks each frame's last word."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .schedule import Schedule, word_by_word


@register
class FrameLast(Kernel):
    """A counter of words."""

    name = "frame_last"
    defaults = {"BITS": 8, "WORDS": 1}

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return word_by_word(words[0], latency=0)

    def cost(self, parameters: Parameters) -> Parts:
        count = bits_for(self.values(parameters)["WORDS"])
        return Parts({"count": count, "one": 1}, {"count": count, "one": 1})
