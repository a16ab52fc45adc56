"""One stream to several consumers."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .schedule import Schedule, word_by_word


@register
class StreamFork(Kernel):
    """Registers for the word, a handshake a branch."""

    name = "stream_fork"
    defaults = {"BITS": 8, "N": 2}

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        return word_by_word(words[0], latency=1)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        parts = {"bits": p["BITS"], "branch": p["N"]}
        return Parts(dict(parts), dict(parts))
