"""What the README shows exists: its example, commands, files."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hw_bnn import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = re.search(r"```python\n(.*?)```", README, re.S)[1]


def test_the_example_has_twenty_lines():
    assert len(EXAMPLE.splitlines()) <= 20


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLE.replace("epochs=20", "epochs=2"), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "equal to the model: True" in printed
    assert "clock cycles per image: 128.0" in printed


COMMANDS = re.findall(r"^    (hw-bnn .*)$", README, re.M)
LONG = ("verify", "synth")
"""Run once in CI: what they write is not in the way of a second run."""


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)[1:]


def test_its_commands_and_options_exist(capsys):
    assert len(COMMANDS) >= 10
    for line in COMMANDS:
        command, *arguments = words(line)
        assert cli.run([command, "--help"]) == 0, line
        told = capsys.readouterr().out
        for option in (a for a in arguments if a.startswith("-")):
            assert option in told, line


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Runs a line in a shell, as it stands, in one folder for all tests here."""
    folder = tmp_path_factory.mktemp("readme")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def run(line: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            line, shell=True, cwd=folder, env={**os.environ, "PATH": path}, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=800,
        )  # fmt: skip

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def first(shell):
    """The README's commands in their order: line -> what it did."""
    return {line: shell(line) for line in COMMANDS}


@pytest.mark.full
def test_its_commands_run_in_sequence(first, shell):
    for line, done in first.items():
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    made = {p.name for p in shell.folder.iterdir()}
    assert made >= {"run", "digits.onnx", "digits_accelerator", "digits_z1", "results.xml"}
    assert (shell.folder / "digits_accelerator" / "reports" / "report.html").is_file()


@pytest.mark.full
@pytest.mark.parametrize("line", [c for c in COMMANDS if words(c)[0] not in LONG])
def test_its_commands_run_again(line, first, shell):
    """Once more: done again, or one sentence that names what is there and the way on."""
    _again(line, shell)


@pytest.mark.full
@pytest.mark.parametrize("line", [c for c in COMMANDS if words(c)[0] in LONG])
def test_its_long_commands_run_again(line, first, shell):
    _again(line, shell)


def _again(line: str, shell) -> None:
    done = shell(line)
    if done.returncode == 0:
        return
    assert done.returncode == 2, done.stderr
    told = [t for t in done.stderr.splitlines() if t.startswith("error: ")]
    assert len(told) == 1 and "Traceback" not in done.stderr
    way = re.search(r"--(force|resume)", told[0])
    assert way and re.search("exists|holds|there", told[0]), told[0]
    if words(line)[0] != "train" and "--board" not in line:
        plain = line.split("  #")[0]
        done = shell(f"{plain} {way[0]}")
        assert done.returncode == 0, done.stderr


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file(), target
