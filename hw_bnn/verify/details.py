"""What the report shows of a verification's labels and training, beside the summary's figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..files.inside import within
from ..files.output import output_file
from ..train.run_folder import RECIPE
from .stage import Case

LABELS, TRAINING = "labels.json", "training.json"
MOST_CLASSES, MOST_WRONG, MOST_ELEMENTS, MOST_EPOCHS, BINS = 100, 12, 4096, 300, 24
_CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "flips")


def labels(case: Case) -> dict[str, Any] | None:
    """Of the frames that training did not see; None where no labels are known.

    Returns:
        `confusion`: [label][what the golden model says], counts (None of more than MOST_CLASSES);
        `scores`: {"low", "high", "said", "others"}, raw scores in BINS bins from low to high, of
        the label that is said and of the rest; `wrong`: the first frames that are taken for
        another label: {"frame", "label", "said", "x"}, x as it is streamed, None of large frames.
    """
    frames, held = case.frames, case.frames.held_out
    if frames.labels is None or not len(frames.labels[held]):
        return None
    known, said = frames.labels[held], case.labels[held]
    classes = int(max(known.max(), said.max(), case.scores.shape[1] - 1)) + 1
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (known, said), 1)
    wrong = []
    for index in np.flatnonzero(known != said)[:MOST_WRONG]:
        x = np.asarray(frames.x[held][index])
        axes = case.accelerator.input.transpose
        streamed = x if axes is None else np.transpose(x, axes)
        wrong.append({
            "frame": int(index) + frames.training, "label": int(known[index]),
            "said": int(said[index]),
            "x": streamed.ravel().tolist() if x.size <= MOST_ELEMENTS else None,
        })  # fmt: skip
    return {
        "confusion": confusion.tolist() if classes <= MOST_CLASSES else None,
        "scores": _scores(case.scores[held], said),
        "wrong": wrong,
    }


def _scores(scores: np.ndarray, said: np.ndarray) -> dict[str, Any] | None:
    if scores.shape[1] <= said.max():  # a label of a single score
        return None
    low, high = int(scores.min()), int(scores.max())
    chosen = np.zeros(scores.shape, bool)
    chosen[np.arange(len(said)), said] = True
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    found = {"low": low, "high": high}
    for name, part in (("said", scores[chosen]), ("others", scores[~chosen])):
        found[name] = np.histogram(part, edges)[0].tolist()
    return found


def training(run: Any) -> dict[str, Any] | None:
    """The curves of a run folder, at most MOST_EPOCHS points; None of anything else."""
    if not isinstance(run, str | Path) or not (Path(run) / RECIPE).is_file():
        return None
    from ..train.metrics import read_metrics

    records = read_metrics(run)
    step = -(-len(records) // MOST_EPOCHS) or 1
    kept = [r for i, r in enumerate(records) if i % step == 0 or i == len(records) - 1]
    return {
        "epochs": [{"epoch": r["epoch"] + 1, **{k: r[k] for k in _CURVES if k in r}} for r in kept]
    }


def write(place: Path, found: dict[str, dict[str, Any] | None]) -> None:
    """Put documents into an accelerator's reports/, by file name; what is None is not kept from a
    verification before."""
    for name, document in found.items():
        path = within(place, "reports", name)
        if document is None:
            path.unlink(missing_ok=True)
            continue
        with output_file(path) as partial:
            partial.write_text(json.dumps(document) + "\n")
