"""The accelerator in a board's AXI shell, simulated: driver, registers, DMA and core."""

from __future__ import annotations

import numpy as np

from ...accelerator.config_stream import not_served
from ..stage import Advance, Case, Stage, StageRun, register


@register
class Shell(Stage):
    """Frames as a board's processor sends them, at the port of the accelerator's board (Zynq-7000's
    where it has none), with memory as slow as a busy board's."""

    name, order, optional = "shell", 58, True

    def check(self, port: bool, family: str | None) -> None:
        if port:
            raise not_served("the shell of a board")

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        from ...boards.engine import run_shell

        result = run_shell(
            case.folder, case.accelerator, x, stall=(0.0, 0.0), seed=0, progress=advance
        )
        figures = {"cycles_per_frame": result.cycles_per_frame}
        return StageRun(result.scores, result.labels, figures=figures)
