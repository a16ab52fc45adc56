"""Exit codes and sentences of the command line."""

import inspect
import json
import re
import subprocess
import sys

import pytest
import typer

from hw_bnn import cli, console
from hw_bnn.cli.options import Debug
from hw_bnn.errors import BadInput, CheckFailed, MissingTool, Unsupported


@pytest.fixture
def failing(monkeypatch):
    """A command line whose only command, `fail`, raises a given exception."""

    def make(error):
        app = typer.Typer()

        @app.callback()
        def main():
            pass

        @app.command()
        def fail(debug: Debug = False):
            raise error

        monkeypatch.setattr(cli, "app", app)

    return make


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (CheckFailed("rtl and golden differ in 1 frame"), 1, "rtl and golden differ in 1 frame"),
        (BadInput("no such file"), 2, "no such file"),
        (Unsupported("x is not supported", node="N_3", remedy="do y"), 2,
         "N_3: x is not supported; do y"),
        (MissingTool("g++ is not installed", remedy="install it"), 3,
         "g++ is not installed; install it"),
        (ModuleNotFoundError("No module", name="torch.nn"), 3,
         "the Python package torch is not installed; "
         "install it with `pip install 'hw-bnn[train]'`"),
        (ModuleNotFoundError("No module", name="finn"), 3,
         "the Python package finn is not installed; "
         "install it with `pip install 'hw-bnn[compile]'`"),
        (PermissionError(13, "Permission denied", "/x"), 2, "/x: Permission denied"),
        (MemoryError(), 2,
         "the memory is used up; give fewer frames (--limit) or fewer jobs (--jobs)"),
        (KeyboardInterrupt(), 130, "stopped"),
        (ValueError("odd\nthing \x1b[31m"), 70,
         "internal error (ValueError: odd thing ?[31m); run again with --debug and report it"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence(failing, capsys, error, code, sentence):
    failing(error)
    assert cli.run(["fail"]) == code
    captured = capsys.readouterr()
    assert captured.err == f"error: {sentence}\n"
    assert captured.out == ""


def test_debug_shows_the_traceback(failing):
    failing(ValueError("odd"))
    with pytest.raises(ValueError, match="odd"):
        cli.run(["fail", "--debug"])
    assert cli.run(["fail"]) == cli.INTERNAL_ERROR  # not kept for the next run


@pytest.mark.parametrize(
    "arguments", [["nosuch"], ["--nosuch"], ["doctor", "--nosuch"], ["doctor", "extra"]]
)
def test_bad_use(capsys, arguments):
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert "--help`)" in captured.err
    assert captured.out == ""


def test_every_command_has_help(capsys):
    for command in cli.app.registered_commands:
        name = command.name or command.callback.__name__
        assert cli.run([name, "--help"]) == 0
        assert "--debug" in capsys.readouterr().out


def test_no_command_is_a_wish_for_help(capsys, monkeypatch):
    """Each command in a line of a narrow terminal, nothing cut off."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    assert cli.run([]) == 0
    printed = capsys.readouterr()
    listed = printed.out.partition("Commands:\n")[2].splitlines()
    assert len(listed) == len(cli.app.registered_commands) + 1 and not printed.err
    assert not [line for line in listed if line.endswith("...") or len(line) > 80]


def test_json_prints_one_document(capsys):
    assert cli.run(["doctor", "--json"]) == 0
    assert "items" in json.loads(capsys.readouterr().out)


def test_what_is_no_recipe_is_not_shown(tmp_path, capsys):
    (tmp_path / "list.yaml").write_text("- 1\n")
    assert cli.run(["recipes", "show", str(tmp_path / "list.yaml")]) == 2
    assert "holds no mapping of keys" in capsys.readouterr().err
    assert cli.run(["recipes", "show", "digits_mlp", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "digits_mlp"


def test_a_closed_pipe_is_no_error():
    command = [sys.executable, "-m", "hw_bnn", "doctor"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdout.close()
    errors = run.stderr.read()
    run.stderr.close()
    run.wait(timeout=60)
    assert "Traceback" not in errors, errors


def test_quiet_and_verbose_are_options_of_every_command(capsys, monkeypatch):
    import hw_bnn.doctor

    def doctor():
        with console.steps("looking") as begin:
            begin("left")
            begin("right")
            begin("right")
        return {}

    monkeypatch.setattr(hw_bnn.doctor, "doctor", doctor)
    monkeypatch.setattr(hw_bnn.doctor, "show", lambda _: None)
    told = {}
    for flag in ("--json", "-q", "--verbose"):
        assert cli.run(["doctor", flag]) == 0
        told[flag] = [re.sub(r"[\d.]+", "N", t) for t in capsys.readouterr().err.splitlines()]
    assert told["--json"] == ["looking  N s (left N, right N)"] and told["-q"] == []
    assert (
        told["--verbose"]
        == [f"looking: {step}  N s" for step in ("left", "right")] + told["--json"]
    )
    groups = [group.typer_instance for group in cli.app.registered_groups]
    assert groups
    for command in (
        *cli.app.registered_commands,
        *(command for group in groups for command in group.registered_commands),
        *(group.registered_callback for group in groups),
    ):
        names = set(inspect.signature(command.callback).parameters)
        assert {"quiet", "verbose", "debug"} <= names
        assert "json" in names or command.callback.__name__ == "board"  # it serves


def test_what_is_written_is_named_alike_by_every_command():
    """-o and --out, of a file --output, too."""
    writing = {}
    for command in cli.app.registered_commands:
        context = typer.main.get_command_from_info(
            command, pretty_exceptions_short=True, rich_markup_mode=None
        )
        for parameter in context.params:
            if parameter.name in ("out", "output"):
                writing[context.name] = set(parameter.opts)
    assert len(writing) >= 11
    assert all(flags >= {"-o", "--out"} for flags in writing.values()), writing
