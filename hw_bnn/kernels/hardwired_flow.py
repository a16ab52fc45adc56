"""Handshake of a hard-wired layer, whose constants a generator turns into a netlist."""

from __future__ import annotations

from .base import Kernel, Parameters, register


@register
class HardwiredFlow(Kernel):
    """What it takes is counted by the generator (hw_bnn/hardwired)."""

    name = "hardwired_flow"
    defaults = {"IN_BITS": 64, "OUT_BITS": 64, "LATENCY": 1}

    def cost(self, parameters: Parameters) -> None:
        return None
