"""The lines of a run's progress."""

import io

from rich.console import Console

from hw_bnn.train import progress
from hw_bnn.train.progress import TrainingProgress


def test_lines_of_a_file_are_whole_and_tell_the_time_left(monkeypatch):
    now = iter([100.0, 130.0, 150.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    text, figures = io.StringIO(), "loss 0.5, validation 98.60 %" + ", more of it" * 9
    console = Console(file=text, width=40)
    with TrainingProgress("run[/] [red]", 40, done=10, console=console, line_seconds=0) as shown:
        shown.epoch(13, figures)
        shown.epoch(40, "done")
    assert text.getvalue().splitlines() == [
        f"train run[/] [red]: epoch 13/40 {figures}, 0:04:30 left",
        "train run[/] [red]: epoch 40/40 done",
    ]


def test_eighty_columns_hold_the_bar_the_time_and_the_figures():
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with TrainingProgress("tfc_hardware_ste", 1000, console=console) as shown:
        shown.epoch(999, "more " * 20, "loss 0.04531, 94.62 %, 12,345/s")
    told = console.file.getvalue()
    assert "999/1000" in told and "loss 0.04531, 94.62 %, 12,345/s" in told
    assert "tfc_hardware_ste" in told and "more" not in told
