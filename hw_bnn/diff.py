"""`diff`: two accelerators beside each other: what they take, how fast they are, what they score.

diff("one", "other")["figures"]["lut"]  # {"a": 990, "b": 2110, "change": 1.1313}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from . import console
from .accelerator import Description, Node
from .accelerator.folder import DESCRIPTION, MODEL, read_accelerator
from .accelerator.netlists import FAMILIES, read_netlist
from .errors import BadInput
from .files.given import given_path
from .options import checked
from .report.documents import Verification, read_verification
from .synth.estimate import KINDS


def diff(a: str | Path, b: str | Path, *, frames: int = 256, seed: int = 0) -> dict[str, Any]:
    """Compare two accelerators.

    Args:
        a, b: accelerator folders, or folders that `verify` wrote.
        frames: random frames whose raw scores, by the golden models, are compared; 0 for none.
        seed: of these frames.

    Returns:
        {"a", "b" (folders), "figures", "layers", "scores"}. `figures`: name -> {"a", "b",
        "change"}, the change as a share of a (None where one is not known). `layers`: the same of
        cycles and resources by the model's node; where two models of as many layers have no name in
        common, the layers stand beside each other in their order, as "first / second". `scores`:
        {"frames", "differing_frames", "differing_labels"}, or {"not_compared": why}.

    Raises:
        BadInput: a folder is no accelerator, or damaged; `frames` or `seed` is no number of 0 or
            more.
    """
    for option, value in (("frames", frames), ("seed", seed)):
        if checked(option, value, int) < 0:
            raise BadInput(f"{option}= is {value}", remedy="use 0 or more")
    places = (_place(a), _place(b))
    one, two = (read_accelerator(place, needs=[MODEL]) for place in places)
    found = (_figures(places[0], one), _figures(places[1], two))
    layers = _paired(_layers(one), _layers(two))
    names = dict.fromkeys([*layers[0], *layers[1]])
    return {
        "a": str(a),
        "b": str(b),
        "figures": _beside(*found),
        "layers": {n: _beside(layers[0].get(n, {}), layers[1].get(n, {})) for n in names},
        "scores": _scores(places, (one, two), frames, seed),
    }


def _place(folder: str | Path) -> Path:
    place = given_path(folder)
    inner = place / "accelerator"
    return inner if not (place / DESCRIPTION).exists() and inner.is_dir() else place


def _figures(folder: Path, made: Description) -> dict[str, float | None]:
    seen = read_verification(folder) or Verification()
    cycles = seen.cycles_per_frame or made.bound_cycles
    figures: dict[str, float | None] = {
        "cycles_per_frame": cycles,
        "latency_cycles": seen.latency_cycles,
        "clk_period_ns": made.clk_period_ns,
        "frames_per_second": round(1e9 / made.clk_period_ns / cycles, 1),
        "weight_bits": made.weight_bits,
        "fifo_bits": _fifo_bits(made),
    }
    estimate = made.resources.model_dump() if made.resources else {}
    figures |= {kind: estimate.get(kind) for kind in KINDS}
    for family in FAMILIES:
        document = read_netlist(folder, family)
        for kind, amount in (document.total if document else {}).items():
            figures[f"{family}_{kind}"] = amount
    figures["accuracy"] = seen.accuracy.get("rtl")
    return figures


def _fifo_bits(made: Description) -> int:
    widths = {stream.name: stream.word_bits for stream in made.streams}
    return sum(n.depth * widths[n.inputs[0]] for n in made.nodes if n.depth)


def _layers(made: Description) -> dict[str, dict[str, float | None]]:
    """Cycles and resources by the model's layer; nodes without one are left out."""
    found: dict[str, list[Node]] = {}
    for node in made.nodes:
        if node.layer is not None:
            found.setdefault(node.layer, []).append(node)
    return {name: _layer(nodes) for name, nodes in found.items()}


def _paired(a: dict[str, Any], b: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if set(a) & set(b) or len(a) != len(b):
        return a, b
    names = [f"{one} / {two}" for one, two in zip(a, b, strict=True)]
    return dict(zip(names, a.values(), strict=True)), dict(zip(names, b.values(), strict=True))


def _layer(nodes: list[Node]) -> dict[str, float | None]:
    costs = [node.resources for node in nodes]
    known = all(cost is not None for cost in costs)
    figures: dict[str, float | None] = {"cycles": max(node.cycles for node in nodes)}
    for kind in KINDS:
        figures[kind] = sum(getattr(cost, kind) for cost in costs) if known else None
    return figures


def _beside(a: dict[str, float | None], b: dict[str, float | None]) -> dict[str, dict]:
    return {
        name: {"a": a.get(name), "b": b.get(name), "change": _change(a.get(name), b.get(name))}
        for name in dict.fromkeys([*a, *b])
        if a.get(name) is not None or b.get(name) is not None
    }


def _change(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    if a == b:
        return 0.0
    return round(b / a - 1, 4) if a else None


def _scores(
    places: tuple[Path, Path], made: tuple[Description, Description], frames: int, seed: int
) -> dict[str, Any]:
    """How many of the same random frames the two models score differently."""
    from .frames import random_frames
    from .simulation import golden_model

    if not frames:
        return {"not_compared": "no frames were asked for"}
    for name in ("datatype", "minimum", "maximum", "shape"):
        ends = [getattr(each.input, name) for each in made]
        if ends[0] != ends[1]:
            return {"not_compared": f"the inputs' {name} differs: {ends[0]} and {ends[1]}"}
    if made[0].output.scores != made[1].output.scores:
        counts = f"{made[0].output.scores} and {made[1].output.scores}"
        return {"not_compared": f"they give {counts} scores"}
    one, two = (golden_model(place, each) for place, each in zip(places, made, strict=True))
    x = random_frames(one, frames, seed)
    a, b = one.scores(x), two.scores(x)
    differing = (np.asarray(a) != np.asarray(b)).reshape(frames, -1).any(1)
    labels = np.asarray(one.labels(a)) != np.asarray(two.labels(b))
    return {
        "frames": frames,
        "differing_frames": int(differing.sum()),
        "differing_labels": int(labels.reshape(frames, -1).any(1).sum()),
    }


def show(document: dict[str, Any]) -> None:
    """Print the document of :func:`diff` as tables."""
    title = f"{document['a']} (A) and {document['b']} (B)"
    rows = [[name.replace("_", " "), *_cells(each)] for name, each in document["figures"].items()]
    console.table(title, ["figure", "A", "B", "change"], rows, right=[1, 2, 3])
    rows = [
        [layer, name, *_cells(each)]
        for layer, figures in document["layers"].items()
        for name, each in figures.items()
        if each["a"] != each["b"]
    ]
    if rows:
        columns = ["layer", "figure", "A", "B", "change"]
        console.table("layers that differ", columns, rows, right=[2, 3, 4])
    scores = document["scores"]
    if "not_compared" in scores:
        console.out(f"scores not compared: {scores['not_compared']}")
    else:
        console.out(
            f"raw scores differ in {scores['differing_frames']:,} of {scores['frames']:,} random "
            f"frames, labels in {scores['differing_labels']:,}"
        )


def _cells(each: dict[str, float | None]) -> list[str | None]:
    change = each["change"]
    told = None if change is None else "=" if change == 0 else f"{100 * change:+.1f} %"
    return [*(None if each[k] is None else f"{each[k]:,.6g}" for k in "ab"), told]
