"""The runs of a table: rows x seeds, what of them is there already, training side by side.

A run that the results hold is not trained again: results outlive run folders, and machines.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path

from hw_bnn.errors import HwBnnError
from hw_bnn.train import cluster, train
from hw_bnn.train.metrics import read_metrics
from hw_bnn.train.recipe import Recipe, decisive, load_recipe
from hw_bnn.train.run_folder import RESULT, SELECTED
from hw_bnn.train.shorten import shortened

HERE = Path(__file__).resolve().parent
TOLD_SECONDS = 60.0  # between two lines of the time left, while runs go on side by side


@dataclass(frozen=True)
class PlannedRun:
    """One run of a table: its recipe, with the teacher looked for among the table's runs."""

    row: str
    seed: int
    recipe: Recipe
    digest: str  # of what decides its result
    teacher: str | None  # name of the run that it is distilled from, if that is one of the table's

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.row}-seed{self.seed}"


def recipes() -> dict[str, Path]:
    """Recipe name -> file, of all recipes of the papers."""
    return {path.stem: path for path in (HERE / "recipes").rglob("*.yaml")}


def changes_of(row: str, changes: list[str]) -> list[str]:
    """The `key=value` of a row, of changes to all rows and of `PATTERN:key=value`, to some."""
    own = []
    for change in changes:
        key, equals, value = change.partition("=")
        pattern, colon, rest = key.rpartition(":")
        if not colon or fnmatch(row, pattern):
            own.append(f"{rest}{equals}{value}")
    return own


def planned(
    row: str, seed: int, changes: list[str], epochs: int | None, out: Path, files: dict[str, Path]
) -> PlannedRun:
    """The run of a row and a seed: `changes` (`[ROWS:]key=value`) made, cut to `epochs`.

    Raises:
        BadInput: the changes do not fit the recipe.
    """
    recipe = load_recipe(files[row], [f"seed={seed}", *changes_of(row, changes)])
    if epochs:
        recipe = shortened(recipe, epochs)
    document = recipe.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(decisive(document), sort_keys=True).encode()).hexdigest()
    teacher = None
    for stage in (document["training"], *document["stages"]):
        distil = stage.get("distil")
        if distil and distil["teacher"].startswith("runs/"):
            teacher = distil["teacher"].removeprefix("runs/").format(seed=seed)
            distil["teacher"] = str(out / teacher)
    return PlannedRun(row, seed, load_recipe(document), digest[:16], teacher)


def to_train(runs: list[PlannedRun], kept: set[tuple[str, int]], out: Path) -> list[PlannedRun]:
    """The runs that are not kept, and those of the kept that a run to be trained learns from."""
    todo = [run for run in runs if (run.row, run.seed) not in kept]
    taught = {run.teacher for run in todo}
    teachers = [
        run
        for run in runs
        if run not in todo and run.name in taught and not (out / run.name / SELECTED).is_file()
    ]
    return [*teachers, *todo]


def waves(runs: list[PlannedRun]) -> list[list[PlannedRun]]:
    """The runs in order: teachers before the runs that learn from them."""
    names = {run.name for run in runs}
    first = [run for run in runs if run.teacher not in names]
    later = [run for run in runs if run.teacher in names]
    return [wave for wave in (first, later) if wave]


def seconds_left(runs: list[PlannedRun], out: Path, jobs: int) -> float | None:
    """Seconds to the end of all runs by the pace of the epochs done; None before the first one.

    A run that has not begun is taken to have its row's pace, else the mean of all.
    """
    paces: dict[str, list[float]] = {}
    due: list[tuple[str, int]] = []
    for run in runs:
        records = read_metrics(out / run.name)
        total = sum(stage.epochs for stage in run.recipe.resolved_stages())
        due.append((run.row, total - len(records)))
        if records:
            mean = sum(r["seconds"] for r in records) / len(records)
            paces.setdefault(run.row, []).append(mean)
    if not paces:
        return None
    of_row = {row: sum(found) / len(found) for row, found in paces.items()}
    of_all = sum(of_row.values()) / len(of_row)
    return sum(epochs * of_row.get(row, of_all) for row, epochs in due) / min(jobs, len(runs))


def tell_left(runs: list[PlannedRun], out: Path, jobs: int) -> None:
    """A line of how many runs are to be done and how long that will take."""
    due = [run for run in runs if not (out / run.name / RESULT).is_file()]
    if not due:
        return
    seconds = seconds_left(due, out, jobs)
    left = "" if seconds is None else f", about {timedelta(seconds=round(seconds))} left"
    print(f"{len(runs) - len(due)} of {len(runs)} runs done{left}", file=sys.stderr, flush=True)


def train_all(
    runs: list[PlannedRun], out: Path, jobs: int, data_root: Path | None
) -> Iterator[tuple[PlannedRun, dict | BaseException]]:
    """Train the runs, `jobs` at a time; each with its result.json, or its error, as it ends.

    A run that is distilled from one that failed fails, too.
    """
    for wave in waves(runs):
        by_name = {run.name: run for run in wave}
        if jobs == 1:
            for run in wave:
                tell_left(runs, out, jobs)
                yield run, _trained_here(run, out, data_root)
            continue
        todo = {run.name: run.recipe for run in wave}
        ended = cluster.trained(
            todo, out, label=f"table-{time.time_ns()}", workers=jobs, data_root=data_root,
            every=TOLD_SECONDS, waiting=lambda: tell_left(runs, out, jobs),
        )  # fmt: skip
        for name, result in ended:
            tell_left(runs, out, jobs)
            yield by_name[name], result


def _trained_here(run: PlannedRun, out: Path, data_root: Path | None) -> dict | HwBnnError:
    try:
        folder = train(run.recipe, out=out / run.name, resume=True, data_root=data_root)
    except HwBnnError as error:
        return error
    return json.loads((folder / RESULT).read_text())
