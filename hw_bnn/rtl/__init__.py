"""The SystemVerilog kernels, which ship as package data: one module a file, file
name = module name.

A kernel's module is its name with a prefix, which no module of a user's design and no
accelerator has.

>>> rtl_path("fifo").name
'bnn_fifo.sv'
>>> [path.stem for path in rtl_sources("fifo")]
['bnn_skid', 'bnn_fifo']
>>> [path.stem for path in rtl_sources("fifo", "frame_last", checks=True)]
['bnn_skid', 'bnn_stream_checker', 'bnn_fifo', 'bnn_frame_last']
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from ..errors import BadInput

FOLDER = Path(__file__).resolve().parent
PREFIX = "bnn_"
"""Of the names of all modules that ship with hw_bnn."""
CHECKER = "stream_checker"
"""Instantiated by the kernels only where the macro HW_BNN_CHECK is defined (see the module)."""

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
# `name #(...` or `name instance (`: the start of an instantiation
_INSTANCE = re.compile(r"\b([A-Za-z_]\w*)\s+(?:#\s*\(|[A-Za-z_]\w*\s*(?:\[[^\]]*\]\s*)?\()")


def module_of(kernel: str) -> str:
    """Name of a kernel's SystemVerilog module.

    >>> module_of("xnor_mvau")
    'bnn_xnor_mvau'
    """
    return PREFIX + kernel


def rtl_path(kernel: str) -> Path:
    """The file of a kernel's module, or of a part of kernels.

    Raises:
        BadInput: there is no such kernel.
    """
    path = FOLDER / f"{module_of(kernel)}.sv"
    if not path.is_file():
        known = ", ".join(sorted(kernels()))
        raise BadInput(f"there is no RTL kernel {kernel}", remedy=f"take one of {known}")
    return path


def kernels() -> frozenset[str]:
    """Names of all kernels in this folder and of their parts, without the prefix."""
    return frozenset(path.stem.removeprefix(PREFIX) for path in FOLDER.glob("*.sv"))


def rtl_sources(*names: str, checks: bool = False) -> list[Path]:
    """The files that kernels `names` need, each once, a module after those it instantiates.

    Args:
        names: of kernels or their parts, such as "xnor_mvau".
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


@cache
def _instantiated(path: Path, _changed: int) -> tuple[str, ...]:
    """Kernels of this folder that the file instantiates, in order of appearance."""
    text = _COMMENTS.sub(" ", path.read_text())
    found = (match.group(1) for match in _INSTANCE.finditer(text))
    names = (name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX))
    return tuple(dict.fromkeys(name for name in names if name in kernels()))
