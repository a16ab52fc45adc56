"""The RTL under cocotb, with checkers on every stream."""

from __future__ import annotations

import time

from ..engine import Engine, Progress, Task, register
from ..results import SimulationResult


@register
class Cocotb(Engine):
    """Others' sources and sinks, protocol checkers: slow."""

    name, order = "cocotb", 1
    offers = frozenset({"stall", "preamble", "weights", "context"})

    def run(self, task: Task, progress: Progress) -> SimulationResult:
        from ..cocotb_engine import run_cocotb

        started = time.monotonic()
        runs, built = run_cocotb(
            task.folder / "rtl", task.description, task.words, stall=task.asked.stall,
            seed=task.seed, preamble=task.preamble, load=task.load, named=task.names,
        )  # fmt: skip
        return task.result(runs, seconds=time.monotonic() - started - built, build_seconds=built)
