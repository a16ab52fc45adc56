"""Looking, building nothing: estimate, info, diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import TargetOptions
from .app import app, finish
from .options import Debug, Json, flags


@app.command()
@flags(asked=TargetOptions)
def estimate(
    model: Annotated[Path, typer.Argument(help="A QONNX file.")],
    *,
    asked: TargetOptions,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Layers, cycles, LUTs and the boards that fit, before a build."""
    from ..estimate import estimate, show

    finish(estimate(model, asked=asked), show, json)


@app.command()
def info(
    path: Annotated[Path, typer.Argument(help="A model, accelerator, run, or bitstream.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """What a file or folder is: who made it, shapes, figures, hash."""
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
