"""What the terminal is told of long work."""

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
        for name in ("import", "FINN", "FINN", "RTL"):  # 1 to 4
            begin(name)
    # ends at 5
    told = "compile  5.0 s (import 1.0, FINN 2.0, RTL 1.0)\n"
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
