"""Commands as the pages show them: read as the command line reads them, and run."""

import os
import re
import shlex
import shutil
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
    """What follows hw-bnn, without the remark behind it; of `lut|block` the first."""
    kept = re.sub(r"(\w+)(\|\w+)+", r"\1", line.split("  ")[0])
    return [word for word in shlex.split(kept, comments=True)[1:] if word != "..."]


def parse(line: str) -> None:
    """Fail where the command, an option or a value is none, or an argument lacks; nothing runs."""
    command, *arguments = words(line)
    GROUP.get_command(None, command).make_context(command, arguments)


def beside(made: Path, *names: str) -> None:
    """Let one accelerator stand under the names that a page gives it."""
    for name in names:
        shutil.copytree(made, made.parent / name)


def in_shell(line: str | list[str], folder: Path) -> subprocess.CompletedProcess:
    """A line in a shell, or a command, as it stands, with this environment's hw-bnn."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        line, shell=isinstance(line, str), cwd=folder, env={**os.environ, "PATH": path}, text=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
