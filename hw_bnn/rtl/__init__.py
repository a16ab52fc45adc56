"""The SystemVerilog kernels, which ship as package data: one module a file, file
name = module name.

A kernel's module is its name with a prefix, which no module of a user's design and no
accelerator has.

>>> rtl_path("fifo").name
'bnn_fifo.sv'
>>> [path.stem for path in rtl_sources("fifo")]
['bnn_skid', 'bnn_fifo']
>>> [path.stem for path in rtl_sources("fifo", "frame_last", checks=True)]
['bnn_skid', 'bnn_stream_checker', 'bnn_fifo', 'bnn_context_queue', 'bnn_frame_last']
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

WRITABLE = PREFIX + "writable_"
"""Of the names of modules whose memories can be written at run time (`rtl_texts`)."""
_CONFIG = re.compile(
    r"^`ifdef HW_BNN_CONFIG\n(.*?)(?:^`else\n(.*?))?^`endif\n", re.DOTALL | re.MULTILINE
)

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
# `name #(...` or `name instance (`: the start of an instantiation
_INSTANCE = re.compile(r"\b([A-Za-z_]\w*)\s+(?:#\s*\(|[A-Za-z_]\w*\s*(?:\[[^\]]*\]\s*)?\()")


def module_of(kernel: str, *, writable: bool = False) -> str:
    """Name of a kernel's SystemVerilog module.

    >>> module_of("xnor_mvau"), module_of("xnor_mvau", writable=True)
    ('bnn_xnor_mvau', 'bnn_writable_xnor_mvau')
    """
    return (WRITABLE if writable and has_memories(kernel) else PREFIX) + kernel


def has_memories(kernel: str) -> bool:
    """Whether a kernel, or a part of kernels, has memories that can be made writable."""
    return _CONFIG.search(rtl_path(kernel).read_text()) is not None


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


def rtl_texts(*names: str, writable: bool = False) -> dict[str, str]:
    """The files of `rtl_sources` by name, as an accelerator's own folder has them.

    What stands between `ifdef HW_BNN_CONFIG and `endif is for memories that can be written at run
    time. Without `writable` it is left out. With it, it is kept, and the modules that have such
    lines get names of their own: both forms may stand in one design.
    """
    sources = rtl_sources(*names)
    if not writable:
        return {path.name: _CONFIG.sub(r"\2", path.read_text()) for path in sources}
    own = {path.stem for path in sources if has_memories(path.stem.removeprefix(PREFIX))}
    words = re.compile(rf"\b(?:{'|'.join(sorted(own))})\b")
    made: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        return WRITABLE + found[0].removeprefix(PREFIX)

    for path in sources:
        name, text = path.name, path.read_text()
        if path.stem in own:  # the others are shared
            name = WRITABLE + name.removeprefix(PREFIX)
            text = words.sub(named, _CONFIG.sub(r"\1", text))
        made[name] = text
    return made


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
