"""FINN's dataflow graph of the accelerator, executed by FINN in Python."""

from __future__ import annotations

import numpy as np

from ..divergence import Divergence, first_divergence
from ..stage import Advance, Case, Stage, StageRun, register


@register
class Dataflow(Stage):
    """What the compiler made of the file, before it became RTL."""

    name, order = "dataflow", 30

    def frames(self, case: Case) -> int:
        return case.slow()

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        from ...compile.dataflow import execute

        parts = []
        for start in range(0, len(x), case.batch):
            part = x[start : start + case.batch]
            parts.append(execute(case.network, part))
            advance(len(part))
        return StageRun(np.concatenate(parts))

    def locate(self, case: Case, frame: int) -> Divergence | None:
        from ...compile.dataflow import trace

        x = case.frames.x[frame : frame + 1]
        expected = case.golden.trace(x)
        shapes = {name: value.shape[1:] for name, value in expected.items()}
        found = trace(case.network, x, shapes)
        return first_divergence(self.name, expected, found, [frame], case.layers)
