"""FINN's builder on a machine without Vivado, and without its output on the user's terminal.

finn-plus binds Vivado's simulator (XSI) when its builder is imported; no step used here calls it.
Where no Vivado is set up, its names are bound to a class that says so when it is called.

Its builder also imports torch, SciPy, scikit-learn, pandas, SymPy and ONNX Script, for steps that
are not used here either. They would be most of a small network's compile time; while the builder is
imported stand-ins take their place, and what was taken from one is imported when it is first used.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import MissingTool, finn_remedy
from ..files.temporary import temporary_folder
from .limits import bound_transformations


class _NoSimulator:
    """Stands for the names that finn.xsi takes from Vivado."""

    def __init__(self, *_args, **_kwargs):
        raise MissingTool(
            "FINN's own RTL simulation needs Vivado",
            remedy="use `hw-bnn simulate`, which runs in Verilator",
        )


LATER = (
    "scipy",
    "scipy.special",
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "finn.analysis.fpgadataflow.empirical_qor_estimation",
    "finn.builder.passes",
    "finn.transformation.fpgadataflow.loop_rolling",
    "finn.transformation.fpgadataflow.multifpga.partition_model",
    "finn.transformation.fpgadataflow.simulation_connected",
)
"""Modules that FINN's builder imports and that only steps which are not used here need."""


class _Name:
    """A name of a module, imported when it is first used."""

    def __init__(self, module: str, name: str):
        self._module, self.__name__ = module, name

    def _found(self):
        return getattr(import_module(self._module), self.__name__)

    def __getattr__(self, attribute: str):
        return getattr(self._found(), attribute)

    def __call__(self, *arguments, **options):
        return self._found()(*arguments, **options)


class _Later(ModuleType):
    """Stands for a module that is not imported yet."""

    def __getattr__(self, name: str) -> _Name:
        if name.startswith("__"):  # of the import system, which asks for what may be absent
            raise AttributeError(name)
        return _Name(self.__name__, name)


_ONE_AT_A_TIME = threading.RLock()
"""Held while the import statement is another."""


@contextlib.contextmanager
def _imported_later(names: Iterable[str]) -> Iterator[None]:
    """While this lasts, an import of one of these modules (a package before its parts) in this
    thread gives a stand-in; those that are there already stay. The stand-ins are no modules of the
    process: sys.modules does not have them, and another thread imports what there is.
    """
    stand_ins = {name: _Later(name) for name in names}
    for name, module in stand_ins.items():
        parent, _, last = name.rpartition(".")
        if parent in stand_ins:
            setattr(stand_ins[parent], last, module)
    thread = threading.get_ident()

    def instead(name: str, scope: Mapping[str, Any] | None, asked: Any, level: int) -> Any:
        """What an import statement gets in place of a module; None for the module itself."""
        if threading.get_ident() != thread:
            return None
        if level:
            name = resolve_name("." * level + name, str((scope or {}).get("__package__")))
        if name in sys.modules or name not in stand_ins:
            return None
        return stand_ins[name] if asked else stand_ins.get(name.partition(".")[0])

    with _ONE_AT_A_TIME:
        original = builtins.__import__

        def imported(name, globals=None, locals=None, fromlist=(), level=0):
            found = instead(name, globals, fromlist, level)
            return original(name, globals, locals, fromlist, level) if found is None else found

        builtins.__import__ = imported
        try:
            yield
        finally:
            builtins.__import__ = original


def builder():
    """The module finn.builder.build_dataflow_steps, imported without Vivado.

    Raises:
        MissingTool: finn-plus is not installed.
    """
    try:
        xsi = import_module("finn.xsi")
    except ImportError as error:
        raise MissingTool(
            f"FINN cannot be imported ({error})",
            remedy=finn_remedy("pip install 'hw-bnn[compile]'"),
        ) from error
    if "XILINX_VIVADO" not in os.environ:
        for name in xsi._LAZY_NAMES:
            xsi.__dict__.setdefault(name, _NoSimulator)
    bound_transformations()
    with _imported_later(LATER):
        return import_module("finn.builder.build_dataflow_steps")


@contextlib.contextmanager
def finn_session(log: Path | None = None) -> Iterator[Path]:
    """Run FINN code: a build folder of its own, printed and logged text to `log`
    instead of the terminal.

    Yields:
        the build folder; it is removed at the end.
    """
    text = io.StringIO()
    before = os.environ.get("FINN_BUILD_DIR")
    root = logging.getLogger()
    handler = logging.StreamHandler(text)
    with temporary_folder("finn") as folder:
        os.environ["FINN_BUILD_DIR"] = str(folder)
        if settings := sys.modules.get("finn.util.settings"):
            vars(settings)["_SETTINGS"] = None  # else it keeps an earlier session's folder
        root.addHandler(handler)
        kept = root.handlers[:]
        root.handlers[:] = [handler]
        try:
            with (
                contextlib.redirect_stdout(text),
                contextlib.redirect_stderr(text),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("ignore")
                yield folder
        finally:
            root.handlers[:] = [h for h in kept if h is not handler]
            if before is None:
                os.environ.pop("FINN_BUILD_DIR", None)
            else:
                os.environ["FINN_BUILD_DIR"] = before
            if log is not None:
                with contextlib.suppress(OSError):
                    log.write_text(text.getvalue())


def outside(function):
    """`function`, with standard output and error as they are now, also when called in a session."""
    out, err = sys.stdout, sys.stderr

    def call(*args, **kwargs):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return function(*args, **kwargs)

    return call
