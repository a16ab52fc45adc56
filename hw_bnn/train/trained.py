"""Models from recipes, and trained models from run folders and checkpoints."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..errors import BadInput
from ..nn import zoo
from .checkpoint import load_checkpoint, load_model_state
from .data import Sizes, sizes_of
from .methods import METHODS
from .recipe import FROM_DATA, Recipe, Stage, load_recipe

SELECTED = "selected.pt"
SELECTED_KEYS = ("recipe", "position", "classes", "model", "extra")


def build_model(recipe: Recipe, sizes: Sizes) -> nn.Module:
    """The untrained model of a recipe, sized for its data, from the torch generator's present
    state.
    """
    settings = recipe.model_settings()
    options = {key: getattr(settings, key) for key in type(settings).model_fields if key != "name"}
    parameters = inspect.signature(zoo.BUILDERS[settings.name]).parameters
    options |= {key: getattr(sizes, key) for key in FROM_DATA if key in parameters}
    return zoo.build(settings.name, **options)


@dataclass(frozen=True)
class Trained:
    """A trained model in eval mode on the CPU, with what it was trained by."""

    model: nn.Module
    recipe: Recipe
    sample_shape: tuple[int, ...]
    extra: dict  # the method's, see Method.selected_extra
    classes: list[str] | None  # names in label order, of an image folder


def load_trained(run_or_checkpoint: str | Path) -> Trained:
    """The selected weights of a run folder, or those of one of its checkpoint files.

    Raises:
        BadInput: no such run, or the checkpoint is damaged, of another version or of another model.
    """
    path = Path(run_or_checkpoint)
    if path.is_dir():
        path = path / SELECTED
        if not path.is_file():
            raise BadInput(
                f"{path.parent} holds no trained network (no {SELECTED})",
                remedy="give a run folder of `hw-bnn train`, or a checkpoint file",
            )
    content = load_checkpoint(path, ("recipe", "position", "classes", "model"))
    recipe, stage = _recipe_of(content, path)
    sizes = sizes_of(recipe.data)
    with torch.random.fork_rng(devices=[]):
        model = build_model(recipe, sizes)
    METHODS[stage.method["name"]].set_modes(stage.method_spec(), model)
    load_model_state(model, content["model"], str(path))
    return Trained(model.eval(), recipe, sizes.sample_shape, content.get("extra", {}), content["classes"])


def _recipe_of(content: dict, path: Path) -> tuple[Recipe, Stage]:
    """The recipe in a checkpoint, and the stage that it was written in."""
    if not isinstance(content["recipe"], dict) or not isinstance(content["model"], dict):
        raise BadInput(f"{path} is no whole checkpoint: its recipe or model is no mapping")
    recipe = load_recipe(content["recipe"])
    stages = recipe.resolved_stages()
    position = content["position"]
    number = position.get("stage") if isinstance(position, dict) else None
    if not isinstance(number, int) or number < 0:
        raise BadInput(f"{path} is no whole checkpoint: it does not say its stage")
    return recipe, stages[min(number, len(stages) - 1)]
