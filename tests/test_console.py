"""What the terminal is told of long work."""

import contextlib
import io
import itertools

import pytest

from hw_bnn import console


@pytest.fixture
def clock(monkeypatch):
    """Each look at the clock is a second later than the one before."""
    seconds = itertools.count()
    monkeypatch.setattr(console.time, "monotonic", lambda: float(next(seconds)))


def test_steps_are_told_with_their_seconds(clock, capsys):
    with console.steps("compile") as begin:  # 0
        for name in ("import", "FINN", "FINN", "FIFOs: 1 of 2", "FIFOs: 2 of 2"):  # 1 to 5
            begin(name)
    # ends at 6
    told = "compile  6.0 s (import 1.0, FINN 2.0, FIFOs 2.0)\n"
    assert capsys.readouterr().err == told


def test_work_without_steps_and_work_that_fails(clock, capsys):
    with console.steps("compile"):
        pass
    assert capsys.readouterr().err == "compile  1.0 s\n"
    with pytest.raises(ValueError), console.steps("compile") as begin:
        begin("import")
        raise ValueError
    assert capsys.readouterr().err == ""


def test_quiet_says_nothing(capsys):
    console.set_quiet(True)
    try:
        with console.steps("compile") as begin:
            begin("import")
    finally:
        console.set_quiet(False)
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_the_step_while_stderr_is_someone_elses(monkeypatch):
    screen, log = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with console.steps("compile") as begin:
        with contextlib.redirect_stderr(log):
            begin("FINN")
            console._live.refresh()
        begin("RTL")
    assert "compile: FINN" in screen.getvalue() and not log.getvalue()
