"""Small trained networks that ship with the package.

    from hw_bnn import zoo

    zoo.names()                  # ["CNV_1W1A", "DIGITS_MLP", "LFC_1W1A", ...]
    zoo.card("TFC_1W1A")         # what it is, how it was trained, what was measured
    zoo.get("TFC_1W1A")          # TFC_1W1A/TFC_1W1A.onnx, its recipe and its card

models/ holds of each network NAME.onnx.xz, NAME.yaml (its recipe, resolved) and NAME.json (its
card); training/zoo.py writes them. The weights in the file are -1 and +1, which xz packs to little
more than a bit each.
"""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path
from typing import Any

from .. import console
from ..errors import BadInput, CheckFailed
from ..files.jsonfile import read_object
from ..files.output import at_home, output_folder

CARD = "card.json"
MODELS = Path(__file__).parent / "models"
_REINSTALL = "install hw-bnn again"


def names() -> list[str]:
    """The networks there are."""
    return sorted(path.stem for path in MODELS.glob("*.json"))


def card(name: str) -> dict[str, Any]:
    """What a network is, how it was trained, and what was measured; training/zoo.py tells the keys.

    Raises:
        BadInput: there is no such network.
    """
    if not isinstance(name, str) or name not in names():
        raise BadInput(
            f"there is no network {name!r} in the zoo", remedy=f"take one of {', '.join(names())}"
        )
    return read_object(MODELS / f"{name}.json", remedy=_REINSTALL)


def model(name: str) -> bytes:
    """The QONNX file of a network.

    Raises:
        BadInput: there is no such network. CheckFailed: its file is damaged.
    """
    expected, path = card(name)["sha256"], MODELS / f"{name}.onnx.xz"
    try:
        content = lzma.decompress(path.read_bytes())
    except (OSError, lzma.LZMAError) as error:
        raise CheckFailed(f"{path} cannot be read ({error})", remedy=_REINSTALL) from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise CheckFailed(f"{path} is not the file of its card", remedy=_REINSTALL)
    return content


def get(name: str, out: str | Path | None = None, *, force: bool = False) -> Path:
    """Write a network of the zoo into a folder: NAME.onnx, recipe.yaml, card.json, README.md.

    Args:
        name: one of :func:`names`.
        out: the folder to make; NAME by default.
        force: replace a folder written before.

    Returns:
        The path of the model file.

    Raises:
        BadInput: there is no such network, or the folder exists or cannot be written.
        CheckFailed: the packaged file is damaged.
    """
    content, told = model(name), card(name)
    folder = at_home(out) if out is not None else Path(name)
    with output_folder(folder, overwrite=force) as made:
        (made / f"{name}.onnx").write_bytes(content)
        (made / "recipe.yaml").write_bytes((MODELS / f"{name}.yaml").read_bytes())
        (made / CARD).write_bytes((MODELS / f"{name}.json").read_bytes())
        (made / "README.md").write_text(text(told), encoding="utf-8")
    return folder / f"{name}.onnx"


def show(document: dict[str, Any]) -> None:
    """Print the cards of `networks` as a table."""
    rows = [
        [card["name"], card["what"], card["test"].partition(",")[0],
         f"{100 * card['accuracy']['rtl']:.2f} %", f"{card['cycles_per_frame']:,.6g}", card["luts"]]
        for card in document["networks"]
    ]  # fmt: skip
    columns = ["name", "what", "test set", "accuracy", "cycles a frame", "LUTs"]
    console.table("trained networks", columns, rows, right=range(3, 6))


def text(told: dict[str, Any]) -> str:
    """A card as a page."""
    accuracy, frames, differing = told["accuracy"], told["frames"], told["mismatches"]
    stages = "".join(
        f"| {stage} | {frames[stage]:,} | {differing[stage]:,} |\n" for stage in frames
    )
    measured = ", ".join(f"{stage} {100 * a:.2f} %" for stage, a in accuracy.items() if a)
    return (
        f"# {told['name']}\n\n{told['what']}\n\n"
        f"Accuracy on {told['test']}: {measured} of {told['accuracy_frames']:,} frames.\n\n"
        "| stage | frames | differing from the golden model |\n|---|---:|---:|\n"
        f"{stages}\n"
        f"{told['weights']:,} weights of 1 bit; {told['cycles_per_frame']:,.6g} cycles a frame "
        f"with {told['luts']:,} LUTs by estimate.\n\n"
        f"Trained by recipe.yaml, seed {told['seed']}, {told['epochs']} epochs; the epoch was "
        "selected on validation images, the test set was read once.\n\n"
        f"    {told['command']}\n\n"
        f"Of hw_bnn, under its licence ({told['licence']}).\n"
    )
