"""Recipes: what is trained, on what, how; a YAML file with a validated schema.

    name: digits_mlp
    data: {name: digits, batch: 64, validation: 0.1}
    model: {name: mlp, hidden: [256, 256], input: {bits: 5}}
    training:
      epochs: 60
      loss: squared_hinge
      method: {name: ste, optimiser: adam, lr: {start: 0.01, end: 0.0, kind: linear, per: step}}

`stages` may follow `training`: a list of changes, each stage being `training` with its changes, and
starting from the weights that the stage before it left. A key is set from outside by its path:
`training.epochs=3`, `stages.1.epochs=5`, `data.batch=50`; a bare `epochs=3` means training.epochs.
"""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union, get_type_hints

from pydantic import ConfigDict, Field, create_model, field_serializer, model_validator

from ..errors import BadInput, nearest
from ..files import yamlfile
from ..nn import zoo
from ..nn.schema import Section, validated
from .catalogue import find_recipe
from .methods import METHODS

# Filled in from the data set, not by the recipe.
FROM_DATA = ("in_features", "in_channels", "classes")


class Augment(Section):
    """Batched augmentation of images: random crop from a zero-padded image, horizontal flip.

    resized_crop: random resized crop, for image folders only.
    """

    section: ClassVar[str] = "data.augment"
    crop: int = Field(0, ge=0)
    flip: bool = False
    resized_crop: bool = False


class Data(Section):
    """The data set and how it is fed.

    scale: `integer` raw values; `unit` /255; `bipolar` /127.5 - 1; `normalise` (x/255 - mean)/std;
    `standardise` per image to mean 0, deviation 1; `gcn_zca` contrast-normalised and ZCA-whitened;
    `raw` for sets of real numbers.
    validation: a fraction below 1 or a number of training samples held out; split: which.
    limit: train on that many samples only. permutation_seed: permute the pixels.
    classes, image_size, workers: of an image folder.
    """

    section: ClassVar[str] = "data"
    name: Literal[
        "digits",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "cifar100",
        "two_moons",
        "snelson",
        "image_folder",
    ]
    batch: int = Field(100, ge=1)
    scale: Literal["integer", "unit", "bipolar", "normalise", "standardise", "gcn_zca", "raw"] = (
        "unit"
    )
    mean: list[float] | None = None
    std: list[float] | None = None
    validation: float = Field(0.1, ge=0)
    split: Literal["stratified", "random", "last"] = "random"
    split_seed: int | None = None
    augment: Augment = Augment()
    limit: int | None = Field(None, ge=1)
    drop_last: bool = True
    permutation_seed: int | None = None
    classes: int | None = Field(None, ge=2)
    image_size: int = Field(224, ge=8)
    workers: int = Field(4, ge=0)

    @model_validator(mode="after")
    def _consistent(self):
        if (self.scale == "normalise") != (self.mean is not None and self.std is not None):
            raise ValueError("mean and std go with scale: normalise, and it needs both")
        folder = self.name == "image_folder"
        if folder != (self.classes is not None):
            raise ValueError("an image_folder needs `classes`, and no other set takes it")
        if folder and (
            self.augment.crop or self.scale in ("gcn_zca", "raw") or self.permutation_seed
        ):
            raise ValueError("an image folder takes no crop, whitening, raw scale or permutation")
        if self.augment.resized_crop and not folder:
            raise ValueError("resized_crop is for image folders")
        return self


class Distil(Section):
    """Keys of `training.distil`.

    teacher: run folder or checkpoint; `{seed}` in it stands for the run's seed.
    label_weight: weight of the label's loss beside the teacher's.
    mode: the teacher's BatchNorm in `eval` mode, or in `train` mode (batch statistics,
    as BNEW's script).
    """

    section: ClassVar[str] = "training.distil"
    teacher: str
    temperature: float = Field(1.0, gt=0)
    label_weight: float = Field(0.0, ge=0)
    mode: Literal["eval", "train"] = "eval"


if TYPE_CHECKING:  # what all of them have: which there are is known at run time

    class MethodSettings(Section):
        name: str
else:
    MethodSettings = Annotated[
        Union[tuple(method.Settings for method in METHODS.values())],  # noqa: UP007  (as above)
        Field(discriminator="name"),
    ]
    """The settings of any method: which one, says `name`."""


class Stage(Section):
    """One stage of training: a method for a number of epochs.

    select: `best` keeps the weights of the epoch with the best validation score,
    `last` the last ones.
    ties: which epoch wins among equally good ones. selectable_from: first epoch
    that may be selected.
    start: the weights a later stage starts from: the `selected` or the `last` of the stage before.
    task: number of the pixel permutation (drawn from data.permutation_seed) that the stage trains
        on; the accuracy on the test sets of all tasks so far is recorded each epoch.
    """

    section: ClassVar[str] = "training"
    elsewhere: ClassVar[dict[str, str]] = {
        "lr": "training.method.lr",
        "optimiser": "training.method.optimiser",
        "optimizer": "training.method.optimiser",
        "batch": "data.batch",
        "batch_size": "data.batch",
        "seed": "a key of the recipe itself",
    }
    epochs: int = Field(ge=1)
    method: MethodSettings
    loss: Literal["squared_hinge", "cross_entropy", "bce", "mse"] = "cross_entropy"
    bn_momentum: float | None = Field(None, gt=0, le=1)
    select: Literal["best", "last"] = "best"
    ties: Literal["first", "last"] = "first"
    selectable_from: int = Field(0, ge=0)
    start: Literal["selected", "last"] = "selected"
    task: int | None = Field(None, ge=0)
    distil: Distil | None = None

    @model_validator(mode="before")
    @classmethod
    def _method(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("method"), str):
            value = {**value, "method": {"name": value["method"]}}
        if isinstance(value, dict) and isinstance(value.get("method"), dict):
            name = value["method"].get("name")
            if not isinstance(name, str) or name not in METHODS:
                remedy = nearest(str(name), METHODS)
                raise BadInput(f"training.method has no name {name!r}", remedy=remedy)
        return value

    @field_serializer("method")
    def _as_given(self, method: Any) -> dict[str, Any]:
        """What the recipe said, without defaults: another optimiser refuses its unused keys."""
        return {"name": method.name, **method.model_dump(mode="json", exclude_unset=True)}


@functools.cache
def model_settings(name: str) -> type[Section]:
    """The settings class of a model, made from its builder's signature."""
    builder = zoo.BUILDERS[name]
    hints = get_type_hints(builder.__init__ if inspect.isclass(builder) else builder)
    fields: dict[str, Any] = {"name": (Literal[name], ...)}
    for parameter in inspect.signature(builder).parameters.values():
        if parameter.name in FROM_DATA:
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(f"{name}_settings", __base__=_ModelSection, **fields)


class _ModelSection(Section):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
    section: ClassVar[str] = "model"


class Recipe(Section):
    """A training run, resolved: everything that decides its result but the code and the machine."""

    section: ClassVar[str] = "the recipe"
    elsewhere: ClassVar[dict[str, str]] = {
        "epochs": "training.epochs",
        "method": "training.method",
        "loss": "training.loss",
        "lr": "training.method.lr",
        "batch": "data.batch",
        "dataset": "data.name",
        "optimiser": "training.method.optimiser",
    }
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    source: str = ""
    published: dict[str, float | str] = {}
    seed: int = 0
    data: Data
    model: dict[str, Any]
    training: Stage
    stages: list[dict[str, Any]] = []
    device: Literal["auto", "cpu", "cuda"] = "auto"
    mixed_precision: bool = False
    threads: int | None = Field(None, ge=1)
    checkpoint_seconds: float = Field(10.0, ge=0)

    @model_validator(mode="after")
    def _parts(self):
        self.model_settings()
        stages = self.resolved_stages()
        if self.data.validation == 0 and any(s.select == "best" for s in stages):
            raise ValueError(
                "select: best needs a validation split; set data.validation or select: last"
            )
        for stage in stages:
            if stage.select == "best" and stage.selectable_from >= stage.epochs:
                raise ValueError(
                    f"no epoch is selected: selectable_from is {stage.selectable_from}, of "
                    f"{stage.epochs} epochs; lower it, or set select: last"
                )
        if any(s.task is not None for s in stages) and self.data.permutation_seed is None:
            raise ValueError("tasks are pixel permutations; set data.permutation_seed")
        for stage in stages:
            METHODS[stage.method.name].check(stage.method, self)
        return self

    def model_settings(self) -> Section:
        """The validated settings of the model; `name` is one of hw_bnn.nn.zoo's."""
        name = self.model.get("name")
        if not isinstance(name, str) or name not in zoo.BUILDERS:
            raise BadInput(f"model has no name {name!r}", remedy=nearest(str(name), zoo.BUILDERS))
        return validated(model_settings(name), self.model, f"model ({name})")

    def resolved_stages(self) -> list[Stage]:
        """The stages, each complete."""
        if not self.stages:
            return [self.training]
        base = self.training.model_dump(mode="json")
        return [
            validated(Stage, _merge(base, change), f"stages.{index}")
            for index, change in enumerate(self.stages)
        ]


def _merge(base: dict, change: dict) -> dict:
    """`base` changed by `change`, part by part; another method's name drops the old
    method's settings.
    """
    result = dict(base)
    for key, value in change.items():
        old = base.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            renamed = key == "method" and "name" in value and value["name"] != old.get("name")
            result[key] = value if renamed or _is_schedule(value) else _merge(old, value)
        else:
            result[key] = value
    return result


def _is_schedule(value: dict) -> bool:
    return "start" in value


def load_recipe(
    recipe: str | Path | dict | Recipe, overrides: list[str] | tuple[str, ...] = ()
) -> Recipe:
    """The recipe of a file (or name, or dict), with `key=value` overrides applied.

    Raises:
        BadInput: no such file, not YAML, an unknown key or a value that does not fit.
    """
    if isinstance(recipe, Recipe):
        document, where = recipe.model_dump(mode="json"), recipe.name
    elif isinstance(recipe, dict):
        document, where = recipe, str(recipe.get("name", "recipe"))
    else:
        path = find_recipe(recipe)
        where = path.name
        document = yamlfile.read(path)
    if not isinstance(document, dict):
        raise BadInput(f"{where} holds no mapping of keys", remedy="start it with `name:`")
    for override in overrides:
        document = _override(document, override)
    return validated(Recipe, document, where)


def _override(document: dict, override: str) -> dict:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise BadInput(
            f"set= has {override!r}, which is not key=value",
            remedy="write for example training.epochs=3",
        )
    value = yamlfile.parse(text, f"set= {key}: its value")
    if isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        value = float(value) if _is_number(value) else value
    path = key.split(".")
    if len(path) == 1 and path[0] in Recipe.elsewhere:
        path = Recipe.elsewhere[path[0]].split(".")
    return _assign(document, path, value, key)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _assign(node: Any, path: list[str], value: Any, key: str) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(node, list):
        if not head.isdigit() or int(head) >= len(node):
            raise BadInput(f"set= {key}: the recipe has {len(node)} entries there, no {head!r}")
        changed = list(node)
        changed[int(head)] = _assign(node[int(head)], rest, value, key)
        return changed
    if node is None:
        node = {}
    if not isinstance(node, dict):
        raise BadInput(f"set= {key}: nothing stands below {head!r} in the recipe")
    return {**node, head: _assign(node.get(head), rest, value, key)}


# Keys that change nothing of a run's result: a resumed run may have others.
_FREE = ("checkpoint_seconds", "description", "source", "threads")


def decisive(document: dict[str, Any]) -> dict[str, Any]:
    """What decides a run's result, of a recipe's JSON document: dotted key -> value."""
    return {
        key: value
        for key, value in flat(document).items()
        if key not in _FREE and not key.startswith("published")
    }


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """A nested document as one level of dotted keys."""
    if not isinstance(node, dict | list | tuple):
        return {prefix.rstrip("."): node}
    items = node.items() if isinstance(node, dict) else enumerate(node)
    return {k: v for key, value in items for k, v in flat(value, f"{prefix}{key}.").items()}
