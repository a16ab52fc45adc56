"""One stream to several consumers."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register


@register
class StreamFork(Kernel):
    """Registers for the word, a handshake a branch."""

    name = "stream_fork"
    defaults = {"BITS": 8, "N": 2}

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        parts = {"bits": p["BITS"], "branch": p["N"]}
        return Parts(dict(parts), dict(parts))
