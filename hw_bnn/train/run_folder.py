"""Names of the files in a run folder (run.py tells what they hold), and the keys of checkpoints;
what of a run can be refused without torch, which takes seconds to load."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml

from ..errors import BadInput
from ..files import yamlfile
from ..files.given import given_path
from ..files.output import at_home
from .catalogue import find_recipe

LAST, SELECTED, RESULT, RECIPE = "last.pt", "selected.pt", "result.json", "recipe.yaml"
STAGE = "stage{}.pt"
"""What a stage selected, of a run of several stages, by the stage's number."""
LAST_KEYS = ("recipe", "position", "classes", "model", "method", "rng", "seconds", "has_selected")
SELECTED_KEYS = ("recipe", "position", "classes", "model", "extra")
METRICS, TENSORBOARD = "metrics.jsonl", "tensorboard"
_OWN = re.compile(
    rf"(last|selected|stage\d+)\.pt|{RESULT}|{RECIPE}|{METRICS}|{TENSORBOARD}|\.lock|\..+\.partial\..+"
)


def refuse_early(recipe: str | Path, out: str | Path | None, *, resume: bool) -> None:
    """Refuse a recipe that is not there, and a folder that holds a run already, or others' files.

    Raises:
        BadInput: it is so.
    """
    find_recipe(recipe)
    if out is not None:
        folder = given_path(at_home(out))
        if not resume:
            refuse_begun(folder)
        refuse_others(folder)


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


def refuse_others(folder: Path) -> None:
    """Refuse to begin a run in a folder of somebody's: what a run writes may have a file's name
    there. A folder in which a run stopped before its first checkpoint will do.

    Raises:
        BadInput: there are other files, or a recipe that no run wrote.
    """
    if (folder / LAST).exists() or not folder.is_dir():
        return
    others = sorted(name for name in os.listdir(folder) if not _OWN.fullmatch(name))
    if others:
        raise BadInput(
            f"{folder} exists and holds other files ({others[0]})",
            remedy="choose another output folder",
        )
    if (folder / RECIPE).exists():
        text = yaml.safe_dump(yamlfile.read(folder / RECIPE), sort_keys=False)
        if text != (folder / RECIPE).read_text(encoding="utf-8"):
            raise BadInput(
                f"{folder / RECIPE} would be replaced, and no run wrote it",
                remedy="choose another output folder",
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
