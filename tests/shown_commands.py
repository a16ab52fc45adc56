"""Commands as the pages show them: read as the command line reads them, and run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import typer

from hw_bnn import cli

GROUP = typer.main.get_command(cli.app)


def shown(text: str) -> list[str]:
    """The lines of a page that begin with hw-bnn."""
    return re.findall(r"^    (hw-bnn .*)$", text, re.M)


def words(line: str) -> list[str]:
    """What follows hw-bnn, as a shell hands it over."""
    return shlex.split(line, comments=True)[1:]


def parse(line: str) -> None:
    """Fail where the command, an option or a value is none, or an argument lacks; nothing runs."""
    command, *arguments = words(line)
    GROUP.get_command(None, command).make_context(command, arguments)


def in_shell(line: str | list[str], folder: Path) -> subprocess.CompletedProcess:
    """A line in a shell, or a command, as it stands, with this environment's hw-bnn."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        line, shell=isinstance(line, str), cwd=folder, env={**os.environ, "PATH": path}, text=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
