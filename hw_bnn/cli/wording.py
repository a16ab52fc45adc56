"""Sentences of the library as the command line says them.

A function's error names its arguments; here they become the flags of the same name:

>>> as_flags("use target_cycles=64 or more", ["target_cycles"])
'use --target-cycles 64 or more'
>>> as_flags('family="ecp5" with pnr=True, not jobs=1', ["family", "pnr"])
'--family ecp5 with --pnr, not jobs=1'
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

import typer

_VALUE = r"True|False|\"[^\"]*\"|'[^']*'|-?\d[\d,]*(?:\.\d+)?"


def parameter_names(app: typer.Typer) -> set[str]:
    """Names of the parameters of all commands."""
    return {
        name
        for command in app.registered_commands
        if command.callback is not None
        for name in inspect.signature(command.callback).parameters
    }


def as_flags(sentence: str, names: Iterable[str]) -> str:
    """The sentence with `name=value` as `--name value`, for the names that are flags."""
    known = "|".join(sorted(names, key=len, reverse=True))

    def flag(match: re.Match[str]) -> str:
        name, value = match[1].replace("_", "-"), match[2]
        if value in (None, "True"):
            return f"--{name}"
        return f"--no-{name}" if value == "False" else f"--{name} {value.strip(chr(34) + chr(39))}"

    return re.sub(rf"(?<![\w.\-])({known})=({_VALUE})?", flag, sentence)
