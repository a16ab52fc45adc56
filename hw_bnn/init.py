"""`init`: a project of one's own: recipe, build script, CI for GitHub and GitLab.

init("my_network")     # then: cd my_network && python build.py
"""

from __future__ import annotations

import shlex
from pathlib import Path
from string import Template
from typing import Any

from . import console
from .data.sets import DATASETS
from .errors import BadInput
from .files import yamlfile
from .files.given import text_path
from .files.output import MARKER, output_folder, place
from .train.catalogue import find_recipe

FILES = Path(__file__).parent / "project"
PLACES = {
    "build.py": "build.py",
    "github.yml": ".github/workflows/hw-bnn.yml",
    "gitlab.yml": ".gitlab-ci.yml",
    "gitignore": ".gitignore",
    "requirements.txt": "requirements.txt",
    "readme.md": "README.md",
}
"""File of the package -> its place in the project."""


def init(folder: str | Path, *, recipe: str | Path = "digits_mlp") -> dict[str, Any]:
    """Write a project that trains, compiles and verifies, here and in CI.

    Args:
        folder: to make; it must not exist, or be empty.
        recipe: what to begin with: a packaged recipe's name, or a file.

    Returns:
        {"folder", "recipe", "files"}.

    Raises:
        BadInput: there is no such recipe, its data are no data set of images with labels, or the
            folder exists.
    """
    source = find_recipe(recipe)
    content = yamlfile.read(source)
    data = content.get("data") if isinstance(content, dict) else None
    dataset = data.get("name") if isinstance(data, dict) else None
    if dataset not in {*DATASETS, "image_folder"} - {"snelson"}:  # it becomes a text in build.py
        raise BadInput(
            f"the recipe {recipe} has no images to verify on", remedy="begin with digits_mlp"
        )
    folder = text_path(folder)
    words = {"name": folder.absolute().name, "dataset": dataset}
    with output_folder(folder) as made:
        for name, inside in PLACES.items():
            target = made / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(name, words), encoding="utf-8")
        (made / "recipe.yaml").write_bytes(source.read_bytes())
    (place(folder) / MARKER).unlink()  # the user's own from now on: no --force replaces it
    files = sorted(["recipe.yaml", *PLACES.values()])
    return {"folder": str(folder), "recipe": str(recipe), "files": files}


def _filled(name: str, words: dict[str, str]) -> str:
    text = (FILES / name).read_text(encoding="utf-8")
    return Template(text).substitute(words) if name in ("build.py", "readme.md") else text


def show(document: dict[str, Any]) -> None:
    """Print what :func:`init` has made."""
    console.out(f"wrote {document['folder']}: {', '.join(document['files'])}")
    console.out(f"next: cd {shlex.quote(document['folder'])} && python build.py")
