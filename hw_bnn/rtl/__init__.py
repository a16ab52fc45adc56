"""The SystemVerilog kernels, which ship as package data: one module a file, file
name = module name.

>>> rtl_path("fifo").name
'fifo.sv'
>>> [path.stem for path in rtl_sources("fifo")]
['skid', 'fifo']
>>> [path.stem for path in rtl_sources("fifo", "frame_last", checks=True)]
['skid', 'stream_checker', 'fifo', 'frame_last']
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from ..errors import BadInput

FOLDER = Path(__file__).resolve().parent
CHECKER = "stream_checker"
"""Instantiated by the kernels only where the macro HW_BNN_CHECK is defined (see the module)."""

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
# `name #(...` or `name instance (`: the start of an instantiation
_INSTANCE = re.compile(r"\b([A-Za-z_]\w*)\s+(?:#\s*\(|[A-Za-z_]\w*\s*(?:\[[^\]]*\]\s*)?\()")


def rtl_path(name: str) -> Path:
    """The file of module `name`.

    Raises:
        BadInput: there is no such kernel.
    """
    path = FOLDER / f"{name}.sv"
    if not path.is_file():
        known = ", ".join(sorted(modules()))
        raise BadInput(f"there is no RTL module {name}", remedy=f"take one of {known}")
    return path


def modules() -> frozenset[str]:
    """Names of all modules in this folder."""
    return frozenset(path.stem for path in FOLDER.glob("*.sv"))


def rtl_sources(*names: str, checks: bool = False) -> list[Path]:
    """The files that modules `names` need, each once, a module after those it instantiates.

    Args:
        names: module names, such as "xnor_mvau".
        checks: with the stream checker, which simulations that define HW_BNN_CHECK need.

    Raises:
        BadInput: there is no such kernel.
    """
    ordered: dict[str, Path] = {}

    def visit(name: str) -> None:
        if name in ordered:
            return
        path = rtl_path(name)
        for child in _instantiated(path, path.stat().st_mtime_ns):
            if child != name and (checks or child != CHECKER):  # a tree may instantiate itself
                visit(child)
        ordered[name] = path

    for name in names:
        visit(name)
    return list(ordered.values())


@lru_cache(maxsize=None)
def _instantiated(path: Path, _changed: int) -> tuple[str, ...]:
    """Modules of this folder that the file instantiates, in order of appearance."""
    text = _COMMENTS.sub(" ", path.read_text())
    found = (match.group(1) for match in _INSTANCE.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name in modules()))
