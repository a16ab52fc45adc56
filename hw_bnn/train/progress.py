"""Progress of a run and the time left: a rich bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


class TrainingProgress:
    """Use as a context manager; `epoch` is called once per epoch.

    Args:
        title: name of the run.
        epochs: number of epochs in all; done: those that a resumed run has behind it.
        quiet: show nothing.
        console: rich console; by default one on stderr, so that stdout stays free for documents.
        line_seconds: without a terminal, least time between two lines.
    """

    def __init__(
        self,
        title: str,
        epochs: int,
        *,
        done: int = 0,
        quiet: bool = False,
        console: Console | None = None,
        line_seconds: float = 10.0,
    ):
        self.title, self.epochs, self.done, self.quiet = title, epochs, done, quiet
        self.console = console or Console(stderr=True)
        self.line_seconds = line_seconds
        self._bar: Progress | None = None
        self._started = self._last_line = time.monotonic()
        self._first = done

    def __enter__(self) -> TrainingProgress:
        if not self.quiet and self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=8),  # all fits into 80 columns
                MofNCompleteColumn(),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[figures]}"),
                console=self.console,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                f"train {self.title}", total=self.epochs, completed=self.done, figures=""
            )
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.stop()

    def epoch(self, number: int, figures: str, brief: str = "") -> None:
        """Tell that epoch `number` (1-based, of all stages) is done.

        figures: what a line tells of it; brief: what fits beside the bar on a terminal.
        """
        self.done = number
        if self._bar is not None:
            self._bar.update(self._task, completed=number, figures=brief)
        elif not self.quiet:
            now = time.monotonic()
            if number == self.epochs or now - self._last_line >= self.line_seconds:
                self._last_line = now
                # soft_wrap: a line is a line, however narrow the console takes a file to be
                self.console.print(
                    f"train {self.title}: epoch {number}/{self.epochs} {figures}{self._left(now)}",
                    markup=False, highlight=False, soft_wrap=True,
                )  # fmt: skip

    def _left(self, now: float) -> str:
        """The time left by the pace of this call's epochs, where there is some to tell."""
        ran, due = self.done - self._first, self.epochs - self.done
        if ran < 1 or due < 1:
            return ""
        return f", {timedelta(seconds=round((now - self._started) / ran * due))} left"
