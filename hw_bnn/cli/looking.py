"""Looking at what is there: info, diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .app import app, finish
from .options import Debug, Json


@app.command()
def info(
    path: Annotated[Path, typer.Argument(help="A model, accelerator, run, or bitstream.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """What a file or folder is, who made it, its shapes, figures and hash."""
    from ..info import info, show

    finish(info(path), show, json)


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="An accelerator folder.")],
    b: Annotated[Path, typer.Argument(help="Another.")],
    frames: Annotated[int, typer.Option(help="Random frames to score with both models.")] = 256,
    seed: Annotated[int, typer.Option(help="Of these frames.")] = 0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Two accelerators beside each other: resources, cycles, scores."""
    from ..diff import diff, show

    finish(diff(a, b, frames=frames, seed=seed), show, json)
