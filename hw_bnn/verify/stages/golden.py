"""The golden model's plain form; what all stages are compared with is its bit-packed form."""

from __future__ import annotations

import numpy as np

from ..stage import Advance, Case, Stage, StageRun, register


@register
class Golden(Stage):
    """One obvious numpy line per layer."""

    name, order = "golden", 40

    @property
    def title(self) -> str:
        return "golden plain == packed"

    def frames(self, case: Case) -> int:
        return len(case.frames) if case.light(10) else case.slow()

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        parts = []
        for start in range(0, len(x), case.batch):
            part = x[start : start + case.batch]
            parts.append(case.golden.scores(part, packed=False))
            advance(len(part))
        scores = np.concatenate(parts)
        return StageRun(scores, case.golden.labels(scores))
