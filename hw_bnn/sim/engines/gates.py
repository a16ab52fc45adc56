"""The gates that `synth` left in the folder: in Verilator, and one frame a bit lane."""

from __future__ import annotations

import time

from ..engine import Engine, Progress, Task, register
from ..results import SimulationResult


@register
class Netlist(Engine):
    """A Verilated netlist."""

    name, order = "netlist", 2
    offers = frozenset({
        "stall", "throttle", "preamble", "waves", "fifo_caps", "statistics", "weights", "context",
        "family",
    })  # fmt: skip

    def run(self, task: Task, progress: Progress) -> SimulationResult:
        from ..netlist import netlist_model

        started, asked = time.monotonic(), task.asked
        with netlist_model(
            task.folder, task.description, family=asked.family, seed=task.seed,
            waves=asked.waves is not None, trust=task.trust,
        ) as model:  # fmt: skip
            run = task.through(model, progress)
            seconds = time.monotonic() - started - model.build_seconds
            return task.result([run], seconds=seconds, build_seconds=model.build_seconds)


@register
class Lanes(Engine):
    """The netlist of 7-series or UltraScale+, up to 512 frames side by side."""

    name, order = "lanes", 3
    offers = frozenset({"stall", "throttle", "preamble", "family"})

    def run(self, task: Task, progress: Progress) -> SimulationResult:
        from ..lanes.model import lanes_model

        started, asked = time.monotonic(), task.asked
        with lanes_model(
            task.folder, task.description, len(task.frames), family=asked.family,
            seed=task.seed + 1, trust=task.trust,
        ) as model:  # fmt: skip
            run = task.through(model, progress)
            seconds = time.monotonic() - started - model.build_seconds
            return task.result([run], seconds=seconds, build_seconds=model.build_seconds)
