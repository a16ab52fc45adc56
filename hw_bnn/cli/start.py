"""Where a newcomer starts: what is installed, a project, the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import console, zoo
from .app import app, finish
from .options import Debug, Force, Jobs, Json


@app.command()
def doctor(json: Json = False, debug: Debug = False) -> None:
    """What is installed, what it unlocks, how to get the rest."""
    from ..doctor import doctor, show

    finish(doctor(), show, json)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="To make; it must not exist, or be empty.")],
    recipe: Annotated[
        str, typer.Option(help="What to begin with: a packaged recipe, or a file.")
    ] = "digits_mlp",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A project of your own: recipe, build script, CI files."""
    from ..init import init, show

    finish(init(folder, recipe=recipe), show, json)


@app.command()
def get(
    name: Annotated[
        str | None, typer.Argument(help=f"A trained network: {', '.join(zoo.names())}.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder to write; by default NAME.")
    ] = None,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A trained network of the package; without a name, a list."""
    if name is None:
        finish({"networks": [zoo.card(each) for each in zoo.names()]}, zoo.show, json)
        return
    path = zoo.get(name, out, force=force)
    document = {"model": str(path), **zoo.card(name)}
    finish(document, lambda told: console.out(f"wrote {told['model']}\n\n{zoo.text(told)}"), json)


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder to write; an earlier demo's is replaced.")
    ] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the training.")] = 0,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    target_cycles: Annotated[int, typer.Option(help="Cycles per image to compile for.")] = 128,
    jobs: Jobs = 1,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train, compile and verify a network for handwritten digits."""
    from ..demo import demo, show
    from ..verify import failed

    summary = demo(out=out, seed=seed, epochs=epochs, target_cycles=target_cycles, jobs=jobs)
    finish(summary, show, json)
    console.say(f"written: {out}/summary.json, report.html, accelerator/, model.onnx, run/")
    if error := failed(summary):
        raise error
