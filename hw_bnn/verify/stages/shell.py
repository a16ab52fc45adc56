"""The accelerator in a board's AXI shell, simulated: driver, registers, DMA and core."""

from __future__ import annotations

import numpy as np

from ...accelerator.config_stream import read_load
from ..stage import Advance, Case, Stage, StageRun, register
from .rtl import one_vote


@register
class Shell(Stage):
    """Frames as a board's processor sends them, at the port of the accelerator's board (Zynq-7000's
    where it has none), with memory as slow as a busy board's. Of several contexts they name the
    case's."""

    name, order, optional = "shell", 58, True

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        from ...boards.engine import run_shell

        accelerator, weights = case.accelerator, case.ask.weights
        result = run_shell(
            case.folder, accelerator, x, stall=(0.0, 0.0), seed=0, progress=advance,
            load=None if weights is None else read_load(accelerator, weights),
            context=case.ask.context if accelerator.contexts > 1 else None,
        )  # fmt: skip
        figures = {"cycles_per_frame": result.cycles_per_frame}
        labels = result.labels
        if accelerator.output.ensemble > 1 and labels is not None:
            labels = one_vote(labels)
        return StageRun(result.scores, labels, figures=figures)
