"""Yosys in a process of its own.

Yosys ends its process at an error and cannot be interrupted from Python, so every script
runs in a child with a time-out; its log stays where the caller wants it, and an error
carries Yosys' own words.

    run_yosys([["read_slang", "top.sv", "--top", "top"], "synth_xilinx -family xc7"],
              log=Path("y.log"))

A command with a name or path in it is a list of its arguments, which Yosys takes as they are: there
is no quoting that a name could break out of. A command of ours alone may be a plain line.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import children
from ..errors import CheckFailed, MissingTool
from ..files.output import cannot_write, check_space

_DRIVER = """
import json, sys
from pyosys import libyosys
design = libyosys.Design()
for command in json.load(sys.stdin):
    if isinstance(command, str):
        libyosys.run_pass(command, design)
    else:
        libyosys.Pass.call(design, command)
"""
Command = str | Sequence[str]
_PLAIN = re.compile(r"[\w %$:;+/*.,='\"-]+", re.ASCII)  # no line of ours holds anything else

# In order: what read_slang says of a source line, what Yosys says, how a crash looks.
_ERRORS = (
    re.compile(r"^\S+:\d+: ERROR: .*$", re.M),
    re.compile(r"^ERROR: .*$", re.M),
    re.compile(r"^(?:terminate called.*|.*Assert .* failed.*)$", re.M),
)


def share_folder() -> Path:
    """Folder of Yosys' cell libraries (share/ of the pyosys package).

    Raises:
        MissingTool: pyosys is not installed.
    """
    spec = importlib.util.find_spec("pyosys")  # does not load it
    if spec is None or not spec.submodule_search_locations:
        raise MissingTool("Yosys is not installed", remedy="run `pip install 'hw-bnn[synth]'`")
    return Path(next(iter(spec.submodule_search_locations))) / "share"


def run_yosys(
    commands: Sequence[Command],
    *,
    log: Path,
    cwd: Path | None = None,
    timeout_s: float = 1800,
    subject: str | None = None,
) -> str:
    """Run Yosys commands and return the log's text.

    Args:
        commands: Yosys commands, as lists of arguments or, without a name of anybody else's, as
            lines; paths are relative to `cwd`.
        log: file that receives the script's whole output; it stays, and the commands beside it.
        cwd: folder to run in; memory files ($readmemh) are found from there.
        timeout_s: seconds after which Yosys is stopped.
        subject: what is being synthesised, for the error's first words.

    Raises:
        MissingTool: pyosys is not installed.
        BadInput: the log cannot be written, or the disk is full.
        CheckFailed: Yosys stopped with an error, crashed, or ran out of time; the message holds
            Yosys' first error line and the log's place.
    """
    share_folder()
    log = Path(log).resolve()
    script = "".join(f"{_line(command)}\n" for command in commands)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.with_suffix(".ys").write_text(script)
    except OSError as error:
        raise cannot_write(log.with_suffix(".ys"), error) from error
    given = json.dumps([c if isinstance(c, str) else list(map(str, c)) for c in commands])
    try:
        with log.open("wb") as output:
            done = children.run(
                [sys.executable, "-c", _DRIVER],
                cwd=cwd,
                input=given.encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
            )
    except subprocess.TimeoutExpired:
        raise CheckFailed(
            f"Yosys did not finish in {timeout_s:g} s (log: {log})",
            node=subject,
            remedy="give it more time or fold the network more",
        ) from None
    text = log.read_text(errors="replace")
    check_space(log.parent, tempfile.gettempdir())
    if done.returncode != 0:
        found = [match.group(0).strip() for each in _ERRORS if (match := each.search(text))]
        reason = found[0] if found else f"it ended with code {done.returncode}"
        raise CheckFailed(f"Yosys failed: {reason} (log: {log})", node=subject)
    return text


def _line(command: Command) -> str:
    """A command as a person reads it in a script."""
    if isinstance(command, str):
        if not _PLAIN.fullmatch(command):
            raise ValueError(f"the command {command!r} has to be a list of its arguments")
        return command
    return " ".join(word if _PLAIN.fullmatch(word) else json.dumps(word) for word in command)


def slang_command(
    sources: Sequence[Path | str],
    top: str,
    *,
    defines: Sequence[str] = (),
    parameters: Mapping[str, object] | None = None,
) -> list[str]:
    """The read_slang command for SystemVerilog sources; hierarchy is kept."""
    words = ["read_slang", "--keep-hierarchy", "--top", top]
    words += [f"-D{define}" for define in defines]
    for name, value in (parameters or {}).items():
        words += ["-G", f"{name}={value}"]
    # Absolute: a name that starts with a dash is no option.
    return [*words, *(str(Path(source).absolute()) for source in sources)]
