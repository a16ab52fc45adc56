"""Sweeps: recipes x seeds x a grid of changes, as jobs of a Dask cluster (a local one by default).

    name: learning_rates
    recipes: [digits_mlp]
    seeds: 3                       # or a list
    epochs: 10                     # optional: every recipe cut to it, see hw_bnn.train.shorten
    set: [data.batch=50]           # optional changes of all runs
    grid: {training.method.lr: [0.01, 0.003]}

Every run has its own folder and is resumable: a job whose worker dies is given to another one,
which goes on from the last checkpoint. sweep.json lists every run's result.
"""

from __future__ import annotations

import itertools
import json
import re
from math import prod
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field
from rich.console import Console

from ..console import printable
from ..errors import BadInput, CheckFailed
from ..files import yamlfile
from ..files.output import at_home, writing
from ..nn.schema import Section, validated
from . import cluster
from .catalogue import find_recipe
from .checkpoint import write_atomically
from .recipe import Recipe, load_recipe
from .shorten import shortened

MOST_RUNS = 10_000


class Sweep(Section):
    """Contents of a sweep's YAML file; see the module's text. Paths are relative to the file."""

    section: ClassVar[str] = "the sweep"
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    recipes: list[str] = Field(min_length=1)
    seeds: Annotated[int, Field(ge=1, le=MOST_RUNS)] | list[int] = 1
    epochs: int | None = Field(None, ge=1)
    set: list[str] = []
    grid: dict[str, list[Any]] = {}


def load_sweep(path: str | Path) -> Sweep:
    """The sweep of a YAML file, its recipes' paths resolved.

    Raises:
        BadInput: no such file, not YAML, or something in it is wrong.
    """
    path = Path(path)
    document = yamlfile.read(path)
    if not isinstance(document, dict):
        raise BadInput(f"{path} holds no mapping of keys", remedy="start it with `name:`")
    sweep = validated(Sweep, document, path.name)
    resolved = []
    for recipe in sweep.recipes:
        beside = path.parent / recipe
        resolved.append(
            str(beside.resolve() if beside.is_file() else find_recipe(recipe).resolve())
        )
    return sweep.model_copy(update={"recipes": resolved})


def jobs(sweep: Sweep) -> dict[str, Recipe]:
    """Run name -> resolved recipe, for every recipe, grid point and seed."""
    seeds = list(range(sweep.seeds)) if isinstance(sweep.seeds, int) else sweep.seeds
    runs = len(sweep.recipes) * len(seeds) * prod(len(values) for values in sweep.grid.values())
    if not 1 <= runs <= MOST_RUNS:
        raise BadInput(f"the sweep has {runs:,} runs", remedy=f"ask for 1 to {MOST_RUNS:,}")
    result: dict[str, Recipe] = {}
    for recipe in sweep.recipes:
        for values in itertools.product(*sweep.grid.values()):
            changes = [f"{k}={json.dumps(v)}" for k, v in zip(sweep.grid, values, strict=True)]
            label = "".join(
                f"-{k.split('.')[-1]}={v}" for k, v in zip(sweep.grid, values, strict=True)
            )
            for seed in seeds:
                found = load_recipe(recipe, [*sweep.set, *changes, f"seed={seed}"])
                if sweep.epochs:
                    found = shortened(found, sweep.epochs)
                name = re.sub(r"[^A-Za-z0-9._=+-]+", "_", f"{found.name}{label}-seed{seed}")
                if name in result:
                    raise BadInput(
                        f"the sweep has two runs named {name}", remedy="remove one of them"
                    )
                result[name] = found
    return result


def _told(sweep_name: str, outcomes, count: int, console) -> tuple[dict, dict]:
    """Results and failures by run name, told as they come in."""
    results: dict[str, dict] = {}
    failures: dict[str, str] = {}
    for name, result in outcomes:
        if isinstance(result, BaseException):
            failures[name] = f"{type(result).__name__}: {result}"
            told = printable(f"{sweep_name}: {name} failed: {result}")
            console.print(told, highlight=False, markup=False)
            continue
        results[name] = result
        accuracy = result.get("test_accuracy")
        shown = "" if accuracy is None else f", test {100 * accuracy:.2f} %"
        done = f"{len(results) + len(failures)}/{count}"
        console.print(f"{sweep_name}: {done} {name}{shown}", highlight=False)
    return results, failures


def sweep(
    sweep_yaml: str | Path | Sweep,
    scheduler: str | None = None,
    *,
    data_root: str | Path | None = None,
    out: str | Path | None = None,
    workers: int = 2,
    quiet: bool = False,
) -> Path:
    """Run a sweep and return its folder: one run folder per run, and sweep.json.

    Args:
        sweep_yaml: the YAML file, or a Sweep.
        scheduler: address of a running Dask scheduler (tcp://...); by default a cluster of
            `workers` processes on this machine is started. Workers elsewhere must see
            `out` and `data_root`.
        data_root: folder of data files, else HW_BNN_DATA.
        out: the sweep's folder; runs/NAME by default. Runs already there are gone on with.

    Raises:
        BadInput: the sweep or one of its recipes cannot be used (before anything runs).
        MissingTool: Dask is not installed.
        CheckFailed: some runs failed; the others are in sweep.json.
    """
    cluster.check_workers(workers)
    given = sweep_yaml if isinstance(sweep_yaml, Sweep) else load_sweep(sweep_yaml)
    todo = jobs(given)
    folder = at_home(out) if out is not None else Path("runs") / given.name
    cluster.check_installed()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True, quiet=quiet)
    outcomes = cluster.trained(
        todo, folder, label=given.name, scheduler=scheduler, workers=workers, data_root=data_root
    )
    results, failures = _told(given.name, outcomes, len(todo), console)
    document = {
        "sweep": given.model_dump(mode="json"),
        "results": {name: results[name] for name in todo if name in results},
        "failures": failures,
    }
    text = json.dumps(document, indent=1) + "\n"
    write_atomically(folder / "sweep.json", lambda file: file.write(text.encode()))
    if failures:
        first = next(iter(failures))
        raise CheckFailed(
            f"{len(failures)} of {len(todo)} runs failed, first {first} ({failures[first]})"
        )
    return folder


__all__ = ["Sweep", "jobs", "load_sweep", "sweep"]
