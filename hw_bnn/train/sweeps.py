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
from ..errors import BadInput, CheckFailed, MissingTool
from ..files import yamlfile
from ..files.output import writing
from ..nn.schema import Section, validated
from .catalogue import find_recipe
from .checkpoint import write_atomically
from .recipe import Recipe, load_recipe
from .shorten import shortened

RETRIES = 5  # of a job whose worker died
MOST_RUNS = 10_000
MOST_WORKERS = 256


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


def _run_job(document: dict, folder: str, data_root: str | None) -> dict:
    """Train one run in a worker (or go on with it) and return its result."""
    from .run import RESULT, train

    out = train(
        document, out=folder, resume=True, data_root=data_root, quiet=True, tensorboard=False
    )
    return json.loads((out / RESULT).read_text())


def _run_all(client, sweep_name, todo, folder, root, console) -> tuple[dict, dict]:
    """Submit all runs to a Dask client; results and failures by run name, told as they come in."""
    from distributed import as_completed

    futures = {
        client.submit(
            _run_job,
            recipe.model_dump(mode="json"),
            str((folder / name).resolve()),
            root,
            key=f"{sweep_name}/{name}",
            retries=RETRIES,
            pure=False,
        ): name
        for name, recipe in todo.items()
    }
    results, failures = {}, {}
    for future in as_completed(futures):
        name = futures[future]
        error = future.exception()
        if error is not None:
            failures[name] = f"{type(error).__name__}: {error}"
            told = printable(f"{sweep_name}: {name} failed: {error}")
            console.print(told, highlight=False, markup=False)
            continue
        results[name] = future.result()
        accuracy = results[name].get("test_accuracy")
        shown = "" if accuracy is None else f", test {100 * accuracy:.2f} %"
        done = f"{len(results) + len(failures)}/{len(todo)}"
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
    if not 1 <= workers <= MOST_WORKERS:
        raise BadInput(f"the number of workers is {workers}", remedy=f"use 1 to {MOST_WORKERS}")
    given = sweep_yaml if isinstance(sweep_yaml, Sweep) else load_sweep(sweep_yaml)
    todo = jobs(given)
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise MissingTool("sweeps run on Dask", remedy="pip install 'hw-bnn[cluster]'") from None
    folder = Path(out) if out is not None else Path("runs") / given.name
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True, quiet=quiet)
    root = None if data_root is None else str(Path(data_root).resolve())
    cluster = None
    if scheduler is None:
        # Whoever reaches a scheduler runs code on its workers: nobody from elsewhere does.
        cluster = LocalCluster(
            n_workers=min(workers, len(todo)), threads_per_worker=1, host="127.0.0.1",
            dashboard_address=None, worker_dashboard_address=None,
        )  # fmt: skip
    try:
        with Client(cluster or scheduler, timeout=30) as client:
            results, failures = _run_all(client, given.name, todo, folder, root, console)
    except OSError as error:
        raise BadInput(
            f"the Dask scheduler {scheduler} does not answer ({error})",
            remedy="start it, or leave it out",
        ) from None
    finally:
        if cluster is not None:
            cluster.close()
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
