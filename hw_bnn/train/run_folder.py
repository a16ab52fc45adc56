"""Names of the files in a run folder (run.py tells what they hold), and the keys of checkpoints;
what of a run can be refused without torch, which takes seconds to load."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import BadInput
from ..files.given import given_path
from ..files.output import at_home
from .catalogue import find_recipe

LAST, SELECTED, RESULT, RECIPE = "last.pt", "selected.pt", "result.json", "recipe.yaml"
STAGE = "stage{}.pt"
"""What a stage selected, of a run of several stages, by the stage's number."""
LAST_KEYS = ("recipe", "position", "classes", "model", "method", "rng", "seconds", "has_selected")
SELECTED_KEYS = ("recipe", "position", "classes", "model", "extra")


def refuse_early(recipe: str | Path, out: str | Path | None, *, resume: bool) -> None:
    """Refuse a recipe that is not there, and a folder that holds a run already.

    Raises:
        BadInput: it is so.
    """
    find_recipe(recipe)
    if out is not None and not resume:
        refuse_begun(given_path(at_home(out)))


def refuse_begun(folder: Path) -> None:
    """Refuse to begin a run in a folder that holds one.

    Raises:
        BadInput: it does.
    """
    if (folder / RECIPE).exists() or (folder / LAST).exists():
        raise BadInput(
            f"{folder} already holds a run",
            remedy="pass resume=True to go on with it, or another out=",
        )


def checkpoint_of(run: str | os.PathLike) -> Path:
    """The file with the weights of a run folder, or the checkpoint file that is given itself.

    Raises:
        BadInput: there is none.
    """
    path = given_path(run)
    if not path.exists():
        raise BadInput(f"there is no run {path}", remedy="train first")
    if not path.is_dir():
        return path
    if not (path / SELECTED).is_file():
        raise BadInput(
            f"{path} holds no trained network (no {SELECTED})",
            remedy="give a run folder of `hw-bnn train`, or a checkpoint file",
        )
    return path / SELECTED
