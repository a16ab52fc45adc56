"""The recipes that ship with the package: listed, shown, and their JSON Schema."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import console
from ..errors import BadInput
from .app import App, app, finish, with_loudness
from .options import Debug, Json

group = App(help="The packaged recipes: list them, show one, print their schema.")
app.add_typer(group, name="recipes", invoke_without_command=True)


@group.callback()
@with_loudness
def recipes(context: typer.Context, json: Json = False, debug: Debug = False) -> None:
    if context.invoked_subcommand is None:
        from ..train.catalogue import recipes

        finish({"recipes": recipes()}, _show, json)


def _show(document: dict) -> None:
    rows = [[recipe["name"], recipe["description"]] for recipe in document["recipes"]]
    console.table("packaged recipes", ["name", "what"], rows)


@group.command()
def show(
    name: Annotated[str, typer.Argument(help="A packaged recipe's name, or a file.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Print a recipe, to begin one's own with: `hw-bnn recipes show NAME > mine.yaml`."""
    from ..files import yamlfile
    from ..train.catalogue import find_recipe

    path = find_recipe(name)
    document = yamlfile.read(path)
    if not isinstance(document, dict):
        raise BadInput(f"{path} holds no mapping of keys", remedy="start it with `name:`")
    text = path.read_text(encoding="utf-8").rstrip("\n")
    finish(document, lambda _: console.out(text), json)


@group.command()
def schema(json: Json = False, debug: Debug = False) -> None:
    """Print the JSON Schema of recipes, for editors."""
    from ..train.recipe_schema import recipe_schema

    console.document(recipe_schema())
