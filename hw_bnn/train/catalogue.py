"""The recipes that ship with the package. Light: listing them imports no torch."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput, nearest
from ..files import yamlfile
from ..files.given import given_path

PACKAGED = Path(__file__).parent / "recipes"


def recipes() -> list[dict[str, str]]:
    """The packaged recipes, by name: [{"name", "description", "file"}]."""
    return [
        {
            "name": path.stem,
            "description": " ".join(str(yamlfile.read(path).get("description", "")).split()),
            "file": str(path),
        }
        for path in sorted(PACKAGED.glob("*.yaml"))
    ]


def find_recipe(recipe: str | Path) -> Path:
    """The file of a recipe: a path, or the name of one that ships with the package.

    Raises:
        BadInput: there is none; names the nearest.
    """
    path = given_path(recipe)
    if path.is_file():
        return path
    names = [p.stem for p in PACKAGED.glob("*.yaml")]
    if str(recipe) in names:
        return PACKAGED / f"{recipe}.yaml"
    raise BadInput(
        f"there is no recipe file {recipe}",
        remedy=f"give a path, or a name: {nearest(str(recipe), names)}",
    )
