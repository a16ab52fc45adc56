"""Models from recipes, and trained models from run folders and checkpoints."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..data.pixels import Pixels
from ..data.sets import Sizes, sizes_of
from ..errors import BadInput
from ..nn import zoo
from .checkpoint import load_checkpoint, load_model_state
from .methods import METHODS
from .recipe import FROM_DATA, Recipe, Stage, load_recipe
from .run_folder import checkpoint_of


def build_model(recipe: Recipe, sizes: Sizes) -> nn.Module:
    """The untrained model of a recipe, sized for its data,
    from the torch generator's present state.
    """
    settings, name = recipe.model_settings(), recipe.model["name"]
    options = {key: getattr(settings, key) for key in type(settings).model_fields if key != "name"}
    parameters = inspect.signature(zoo.BUILDERS[name]).parameters
    options |= {key: getattr(sizes, key) for key in FROM_DATA if key in parameters}
    return zoo.build(name, **options)


@dataclass(frozen=True)
class Trained:
    """A trained model in eval mode on the CPU, with what it was trained by."""

    model: nn.Module
    recipe: Recipe
    sample_shape: tuple[int, ...]
    extra: dict  # the method's, see Method.selected_extra
    pixels: Pixels  # what stored samples become


def load_trained(run_or_checkpoint: str | Path) -> Trained:
    """The selected weights of a run folder, or those of one of its checkpoint files.

    Raises:
        BadInput: no such run, or the checkpoint is damaged, of another version or of another model.
    """
    path, content = _read(run_or_checkpoint)
    recipe, stage, pixels = _recipe_of(content, path)
    sizes = sizes_of(recipe.data)
    with torch.random.fork_rng(devices=[]):
        model = build_model(recipe, sizes)
    METHODS[stage.method.name].set_modes(stage.method, model)
    load_model_state(model, content["model"], str(path))
    return Trained(model.eval(), recipe, sizes.sample_shape, content.get("extra", {}), pixels)


def pixels_of_run(run_or_checkpoint: str | Path) -> Pixels:
    """What stored samples become before the network of a run, as its recipe says.

    Raises:
        BadInput: as :func:`load_trained`.
    """
    path, content = _read(run_or_checkpoint)
    return _recipe_of(content, path)[2]


def _read(run_or_checkpoint: str | Path) -> tuple[Path, dict]:
    path = checkpoint_of(run_or_checkpoint)
    return path, load_checkpoint(path, ("recipe", "position", "classes", "model"))


def _recipe_of(content: dict, path: Path) -> tuple[Recipe, Stage, Pixels]:
    """The recipe in a checkpoint, the stage that it was written in, and what that one fed."""
    if not isinstance(content["recipe"], dict) or not isinstance(content["model"], dict):
        raise BadInput(f"{path} is no whole checkpoint: its recipe or model is no mapping")
    recipe = load_recipe(content["recipe"])
    stages = recipe.resolved_stages()
    position = content["position"]
    number = position.get("stage") if isinstance(position, dict) else None
    if not isinstance(number, int) or number < 0:
        raise BadInput(f"{path} is no whole checkpoint: it does not say its stage")
    stage = stages[min(number, len(stages) - 1)]
    return recipe, stage, Pixels.of_recipe(recipe.data, stage.task, content["classes"])
