"""The gates that synthesis made of the accelerator: in Verilator, and one frame a bit lane."""

from __future__ import annotations

import numpy as np

from ..divergence import Divergence
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
        return simulated(case, x, advance, engine="netlist", family=synthesised(case, FAMILIES))


@register
class Lanes(Stage):
    """All frames through the gates of 7-series or UltraScale+, up to 512 side by side."""

    name, order, optional = "lanes", 61, True

    def check(self, port: bool, family: str | None) -> None:
        from ...sim.lanes.model import refuse

        refuse(port, family)

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        return simulated(case, x, advance, engine="lanes", family=synthesised(case, FAMILIES[:2]))

    def locate(self, case: Case, frame: int) -> Divergence | None:
        from ..locate import locate

        return locate(
            case.golden, case.folder, case.accelerator, case.frames.x, frame, case.layers,
            stage=self.name, gates=synthesised(case, FAMILIES[:2]),
        )  # fmt: skip


def synthesised(case: Case, families: tuple[str, ...]) -> str:
    """The family asked for, else the first that has a netlist, else xc7; with a netlist now."""
    from ...synth import synth

    there = [f for f in families if (case.folder / "synth" / f"{f}.v").is_file()]
    family = case.ask.family or (there or families)[0]
    if family not in there:
        synth(case.folder, family)
    return family
