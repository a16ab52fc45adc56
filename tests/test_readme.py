"""What the README shows exists and runs: its example, commands, files."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from hw_bnn import cli

from .shown_commands import beside, in_shell, parse, shown, words

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = re.search(r"```python\n(.*?)```", README, re.S)[1]
COMMANDS = shown(README)
BUILDING = ("train", "compile", "verify", "synth")
"""Minutes in all: run on demand."""
LONG = ("verify", "synth")
"""Run once: what they write is not in the way of a second run."""


def test_the_example_has_twenty_lines():
    assert len(EXAMPLE.splitlines()) <= 20


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A folder in which the example ran, with two epochs, and what it printed; what it made stands
    there under the names that the commands give it."""
    folder = tmp_path_factory.mktemp("example")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(EXAMPLE.replace("epochs=20", "epochs=2"), "README.md", "exec"), {})
        made = Path("example")
        made.joinpath("run").rename("run")
        made.joinpath("digits.onnx").rename("digits.onnx")
        made.joinpath("accelerator").rename("digits_accelerator")
        beside(Path("digits_accelerator"), "digits_z1")
    return folder, printed.getvalue()


def test_its_commands_and_options_exist():
    assert len(COMMANDS) >= 10
    for line in COMMANDS:
        parse(line)


@pytest.mark.slow
def test_the_example_runs(example):
    _, printed = example
    assert "equal to the model: True" in printed
    assert "clock cycles per image: 128.0" in printed


@pytest.mark.slow
@pytest.mark.parametrize("line", [c for c in COMMANDS if words(c)[0] not in BUILDING])
def test_commands_on_what_the_example_made(line, example, monkeypatch, capsys):
    monkeypatch.chdir(example[0])
    assert cli.run(words(line)) == 0, capsys.readouterr().err


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """One folder for all tests on demand."""
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def first(shell):
    """The README's commands in their order: line -> what it did."""
    return {line: in_shell(line, shell) for line in COMMANDS}


@pytest.mark.full
def test_its_commands_run_in_sequence(first, shell):
    for line, done in first.items():
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    made = {p.name for p in shell.iterdir()}
    assert made >= {"run", "digits.onnx", "digits_accelerator", "digits_z1", "results.xml"}
    assert (shell / "digits_accelerator" / "reports" / "report.html").is_file()


@pytest.mark.full
@pytest.mark.parametrize("line", [c for c in COMMANDS if words(c)[0] not in LONG])
def test_its_commands_run_again(line, first, shell):
    """Once more: done again, or one sentence that names what is there and the way on."""
    _again(line, shell)


@pytest.mark.full
@pytest.mark.parametrize("line", [c for c in COMMANDS if words(c)[0] in LONG])
def test_its_long_commands_run_again(line, first, shell):
    _again(line, shell)


def _again(line: str, shell: Path) -> None:
    done = in_shell(line, shell)
    if done.returncode == 0:
        return
    assert done.returncode == 2, done.stderr
    told = [t for t in done.stderr.splitlines() if t.startswith("error: ")]
    assert len(told) == 1 and "Traceback" not in done.stderr
    way = re.search(r"--(force|resume)", told[0])
    assert way and re.search("exists|holds|there", told[0]), told[0]
    if words(line)[0] != "train" and "--board" not in line:
        plain = line.partition("  #")[0]
        done = in_shell(f"{plain} {way[0]}", shell)
        assert done.returncode == 0, done.stderr


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file(), target
