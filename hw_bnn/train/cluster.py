"""Runs side by side, as jobs of a Dask cluster: a local one, or a running scheduler's.

A job whose worker dies is given to another one, which goes on from the run's last checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..errors import BadInput, MissingTool
from .recipe import Recipe

RETRIES = 5  # of a job whose worker died
MOST_WORKERS = 256


def check_workers(workers: int) -> None:
    """Raises BadInput: no number of workers that a machine has."""
    if not 1 <= workers <= MOST_WORKERS:
        raise BadInput(f"the number of workers is {workers}", remedy=f"use 1 to {MOST_WORKERS}")


def check_installed() -> None:
    """Raises MissingTool: Dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise MissingTool(
            "runs side by side need Dask", remedy="pip install 'hw-bnn[cluster]'"
        ) from None


def _run_job(document: dict, folder: str, data_root: str | None) -> dict:
    """Train one run in a worker (or go on with it) and return its result."""
    from .run import RESULT, train

    out = train(
        document, out=folder, resume=True, data_root=data_root, quiet=True, tensorboard=False
    )
    return json.loads((out / RESULT).read_text())


def trained(
    todo: Mapping[str, Recipe],
    folder: Path,
    *,
    label: str,
    scheduler: str | None = None,
    workers: int = 2,
    data_root: str | Path | None = None,
    every: float | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[tuple[str, dict | BaseException]]:
    """Train all runs, each in `folder`/NAME; (name, result.json or the error) as they end.

    Args:
        todo: run name -> recipe.
        folder: where the run folders go; runs already there are gone on with.
        label: of the jobs on the cluster.
        scheduler: address of a running Dask scheduler (tcp://...), whose workers see `folder` and
            `data_root`; by default `workers` processes of this machine.
        data_root: folder of data files, else HW_BNN_DATA.
        every: seconds after which `waiting` is called while no run ends.

    Raises:
        BadInput: the scheduler does not answer, or no such number of workers.
        MissingTool: Dask is not installed.
    """
    check_workers(workers)
    check_installed()
    from distributed import Client, LocalCluster

    root = None if data_root is None else str(Path(data_root).resolve())
    local = None
    if scheduler is None:
        # Whoever reaches a scheduler runs code on its workers: nobody from elsewhere does.
        local = LocalCluster(
            n_workers=min(workers, len(todo)), threads_per_worker=1, host="127.0.0.1",
            dashboard_address=None, worker_dashboard_address=None,
        )  # fmt: skip
    try:
        with Client(local or scheduler, timeout=30) as client:
            futures = {
                client.submit(
                    _run_job,
                    recipe.model_dump(mode="json"),
                    str((folder / name).resolve()),
                    root,
                    key=f"{label}/{name}",
                    retries=RETRIES,
                    pure=False,
                ): name
                for name, recipe in todo.items()
            }
            yield from _ended(futures, every, waiting)
    except OSError as error:
        raise BadInput(
            f"the Dask scheduler {scheduler} does not answer ({error})",
            remedy="start it, or leave it out",
        ) from None
    finally:
        if local is not None:
            local.close()


def _ended(futures, every, waiting) -> Iterator[tuple[str, dict | BaseException]]:
    from distributed import wait

    pending = set(futures)
    while pending:
        try:
            done, pending = wait(pending, timeout=every, return_when="FIRST_COMPLETED")
        except TimeoutError:
            waiting()
            continue
        for future in done:
            yield futures[future], future.exception() or future.result()
