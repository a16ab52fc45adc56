"""Shards on a Dask cluster: each is a job that leaves its result file in the shared folder.

A job whose worker dies is given to another one.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import BadInput, CheckFailed, MissingTool
from .shard_task import attempt, raise_told

RETRIES = 5  # of a shard whose worker died
_ANSWER_SECONDS = 30


def run_on_cluster(
    tasks: list[dict], scheduler: str, progress: Callable[[int], None] | None
) -> None:
    """Run shards (see `shard_task.run_shard`) on the cluster of a running scheduler.

    Args:
        scheduler: its address, as tcp://host:8786. Its workers have hw_bnn installed and see the
            accelerator folder under the same path.

    Raises:
        MissingTool: Dask is not installed. BadInput: the scheduler does not answer, or its address
            is none. HwBnnError: what the first failing shard met.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise MissingTool(
            "shards on a cluster run on Dask", remedy="pip install 'hw-bnn[cluster]'"
        ) from None

    try:
        client = Client(scheduler, timeout=_ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"the Dask scheduler {scheduler} does not answer ({error})",
            remedy="start it, or leave it out",
        ) from None
    with client:
        frames = {client.submit(attempt, task, retries=RETRIES, pure=False): task for task in tasks}
        try:
            for future in as_completed(frames):
                task = frames[future]
                if (met := future.exception()) is not None:
                    raise CheckFailed(
                        f"the frames {task['start']}..{task['stop'] - 1} were not simulated "
                        f"({type(met).__name__}: {met})",
                        remedy="run again; with resume, finished parts are kept",
                    )
                raise_told(future.result())
                if progress is not None:
                    progress(task["stop"] - task["start"])
        finally:
            client.cancel(list(frames))
