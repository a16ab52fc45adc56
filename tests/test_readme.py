"""What the README shows exists and runs: its example, commands, files."""

import re
from pathlib import Path

import pytest

from .shown_commands import in_shell, parse, shown, words

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = re.search(r"```python\n(.*?)```", README, re.S)[1]
COMMANDS = shown(README)


def test_the_example_has_twenty_lines():
    assert len(EXAMPLE.splitlines()) <= 20


def test_its_commands_and_options_exist():
    assert len(COMMANDS) >= 10
    for line in COMMANDS:
        parse(line)


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch, capsys):
    """With two epochs: what it prints last is of the hardware, not of the training."""
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLE.replace("epochs=20", "epochs=2"), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "equal to the model: True" in printed
    assert "clock cycles per image: 128.0" in printed


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """One folder for all commands."""
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def first(shell):
    """The README's commands in their order: line -> what it did."""
    return {line: in_shell(line, shell) for line in COMMANDS}


@pytest.mark.slow
def test_its_commands_run_in_sequence(first, shell):
    for line, done in first.items():
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    made = {p.name for p in shell.iterdir()}
    assert made >= {"run", "digits.onnx", "digits_accelerator", "digits_z1", "results.xml"}
    assert (shell / "digits_accelerator" / "reports" / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_run_again(line, first, shell):
    """Once more: done again, or one sentence that names what is there and the way on, which works.

    The way on is gone for one of the compilations.
    """
    done = in_shell(line, shell)
    if done.returncode == 0:
        return
    assert done.returncode == 2, done.stderr
    told = [t for t in done.stderr.splitlines() if t.startswith("error: ")]
    assert len(told) == 1 and "Traceback" not in done.stderr
    way = re.search(r"--(force|resume)", told[0])
    assert way and re.search("exists|holds", told[0]), told[0]
    if words(line)[0] != "compile" or "--out" not in line:
        plain = line.partition("#")[0]
        done = in_shell(f"{plain} {way[0]}", shell)
        assert done.returncode == 0, done.stderr


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file(), target
