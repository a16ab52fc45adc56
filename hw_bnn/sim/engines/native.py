"""The RTL in Verilator, in this process or shared among others."""

from __future__ import annotations

import time

from ..build import Variant
from ..engine import Engine, Progress, Task, register
from ..native import NativeModel
from ..results import SimulationResult
from ..shards import run_sharded


@register
class Native(Engine):
    """A Verilated library: fast."""

    name, order = "native", 0
    offers = frozenset({
        "stall", "throttle", "preamble", "waves", "fifo_caps", "statistics", "weights", "context",
        "jobs", "resume", "scheduler",
    })  # fmt: skip

    def run(self, task: Task, progress: Progress) -> SimulationResult:
        asked, started = task.asked, time.monotonic()
        if asked.jobs != 1 or asked.resume or asked.scheduler is not None:
            parts = run_sharded(
                task.folder, task.description, task.words, jobs=asked.jobs, resume=asked.resume,
                stall=asked.stall, seed=task.seed, throttle=asked.throttle,
                fifo_caps=task.fifo_caps, statistics=asked.statistics, progress=progress,
                scheduler=asked.scheduler, load=task.load, context=asked.context,
            )  # fmt: skip
            seconds = time.monotonic() - started - parts.build_seconds
            return task.result(
                parts.runs, seconds=seconds, build_seconds=parts.build_seconds, reused=parts.reused
            )
        variant: Variant = "waves" if asked.waves is not None else "fast"
        rtl = task.folder / "rtl"
        with NativeModel(rtl, task.description, variant=variant, seed=task.seed + 1) as model:
            run = task.through(model, progress)
            seconds = time.monotonic() - started - model.build_seconds
            return task.result([run], seconds=seconds, build_seconds=model.build_seconds)
