"""The gates that synthesis made of the accelerator, in Verilator."""

from __future__ import annotations

import numpy as np

from ..stage import SLOW_FRAMES, Advance, Case, Stage, StageRun, register
from .rtl import simulated

FAMILIES = ("xc7", "xcup", "ecp5")


@register
class Netlist(Stage):
    """The netlist of the family asked for, else of the first that is there, else of xc7; it is
    synthesised where it is missing.
    """

    name, order, optional = "netlist", 60, True

    def frames(self, case: Case) -> int:
        return min(len(case.frames), case.ask.slow_frames or SLOW_FRAMES)

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        from ...synth import synth

        there = [f for f in FAMILIES if (case.folder / "synth" / f"{f}.v").is_file()]
        family = case.ask.family or (there or FAMILIES)[0]
        if family not in there:
            synth(case.folder, family)
        return simulated(case, x, advance, engine="netlist", family=family)
