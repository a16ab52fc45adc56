"""The C++ that `hls` left in the folder, in C simulation."""

from __future__ import annotations

import time

from ...accelerator.config_stream import not_served
from ..engine import Engine, Progress, Task, register
from ..packing import unpack_output
from ..results import SimulationResult


@register
class Hls(Engine):
    """C simulation: it has no cycles."""

    name, order = "hls", 5
    offers = frozenset({"jobs"})

    def run(self, task: Task, progress: Progress) -> SimulationResult:
        from ...hls.csim import opened

        if task.description.config is not None:
            raise not_served("HLS code")
        started = time.monotonic()
        with opened(task.folder, trust=task.trust) as model:
            built = time.monotonic()
            words = model.run(task.words, jobs=task.asked.jobs, progress=progress)
        scores, labels = unpack_output(task.description.output, words)
        return SimulationResult(
            engine=self.name, frames=len(words), scores=scores, labels=labels,
            cycles_per_frame=None, latency_cycles=None, cycles=None,
            seconds=max(time.monotonic() - built, 1e-9), build_seconds=built - started,
            seed=task.seed,
        )  # fmt: skip
