"""The whole system of a board but its processor: the AXI shell, memory and the driver."""

from __future__ import annotations

from ..engine import Engine, Progress, Task, register
from ..results import SimulationResult
from ..stall import stall_pair


@register
class Shell(Engine):
    """With memory at a hundred cycles of latency."""

    name, order = "shell", 4
    offers = frozenset({"stall", "weights", "context"})

    def run(self, task: Task, progress: Progress) -> SimulationResult:
        from ...boards.engine import run_shell

        return run_shell(
            task.folder, task.description, task.frames, stall=stall_pair(task.asked.stall),
            seed=task.seed, load=task.load, context=task.asked.context, progress=progress,
        )  # fmt: skip
