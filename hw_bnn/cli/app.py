"""The application ``hw-bnn``: its commands are in the files beside this one, by topic.

A command is thin: it takes what the function of its name takes, calls it, and shows the
result, or prints it as a document (``--json``). Heavy packages are imported by the functions
when they run, never here.
"""

from __future__ import annotations

from collections.abc import Callable
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__, console

app = typer.Typer(
    name="hw-bnn",
    help="1-bit neural networks from training to a proven FPGA accelerator.",
    no_args_is_help=True,
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
