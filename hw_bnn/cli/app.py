"""The application ``hw-bnn``: its commands are in the files beside this one, by topic.

A command is thin: it takes what the function of its name takes, calls it, and shows the
result, or prints it as a document (``--json``). Heavy packages are imported by the functions
when they run, never here.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__, console

_Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", callback=console.set_quiet, help="Say errors alone.")
]
_Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", callback=console.set_verbose, help="Tell each step.")
]


class App(typer.Typer):
    """Typer, whose commands all take --quiet and --verbose; what these set is the console's."""

    def command(  # type: ignore[override]  # Typer's keywords are handed on as they come
        self, name: str | None = None, **options: Any
    ) -> Callable[[Callable], Callable]:
        """Register a command, as Typer does."""
        register = super().command(name, **options)
        return lambda function: register(with_loudness(function))


def with_loudness(function: Callable) -> Callable:
    """The function with the options --quiet and --verbose."""
    own = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def call(**given: Any) -> Any:
        return function(**{name: given[name] for name in own.parameters})

    flags = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in (("quiet", _Quiet), ("verbose", _Verbose))
    ]
    parameters = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own.parameters.values()
    ]  # fmt: skip
    # what inspect looks for, and Typer through it
    call.__signature__ = inspect.Signature([*parameters, *flags])  # type: ignore[attr-defined]
    call.__annotations__ = {}
    return call


app = App(
    name="hw-bnn",
    help="1-bit neural networks from training to a proven FPGA accelerator.",
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"max_content_width": 100},
    rich_markup_mode=None,  # rich's help takes longer to import than all else here
)


def _show_version(value: bool) -> bool:
    if value:
        console.out(f"hw-bnn {__version__}")
        raise typer.Exit()
    return value


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    pass


def finish(document: dict, show: Callable[[dict], None], json: bool) -> None:
    """Print the result document, or what `show` makes of it."""
    if json:
        console.document(document)
    else:
        show(document)


def read_document(path: Path) -> dict:
    """A JSON file of ours."""
    return loads(path.read_text())
