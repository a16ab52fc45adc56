"""The JSON Schema that an editor checks recipes with.

    hw-bnn recipes schema > recipe.schema.json

A recipe's first line `# yaml-language-server: $schema=recipe.schema.json` lets an editor complete
keys, show their choices and mark what is wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Union

from pydantic import Field, create_model

from ..nn import zoo
from .methods import METHODS
from .recipe import Recipe, model_settings


def recipe_schema() -> dict[str, Any]:
    """The JSON Schema of a recipe (draft 2020-12): every key, its type, default and choices."""
    models: Any = Union[tuple(model_settings(name) for name in zoo.BUILDERS)]  # noqa: UP007
    model: Any = Annotated[models, Field(discriminator="name")]
    whole: Any = create_model("Recipe", __base__=Recipe, model=(model, ...))
    schema = whole.model_json_schema()
    stage = schema["$defs"]["Stage"]
    method = stage["properties"]["method"]
    stage["properties"]["method"] = {"anyOf": [{"enum": list(METHODS)}, method]}
    # a later stage says what changes: a part of a stage, and of a method's settings
    change = {**stage["properties"], "method": {"type": "object"}}
    schema["properties"]["stages"]["items"] = {
        "type": "object", "additionalProperties": False, "properties": change,
    }  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
