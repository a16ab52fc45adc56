"""Frames shared among processes, and runs that survive being killed.

The frames are cut into shards. A worker process (driven by JSON lines) simulates one at a time and
leaves its result as a file that appears whole. With `resume` the files stay in FOLDER/sim/<key>,
where <key> names everything the results depend on, so that a run after a crash does only what is
missing. With `scheduler` the workers are those of a Dask cluster, which must see FOLDER.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import children
from ..accelerator import Description, trust
from ..accelerator.config_stream import ConfigWords
from ..accelerator.folder import DESCRIPTION
from ..errors import BadInput, CheckFailed, HwBnnError
from ..files.inside import subfolder
from ..files.temporary import temporary_folder
from .build import library
from .cache import content_key, file_digest
from .cluster import run_on_cluster
from .packing import Words
from .results import EngineRun
from .rtl_design import rtl_design
from .shard_task import CONFIG, attempt, raise_told, read_shard, save_whole

_SHARDS = 32
_SMALLEST = 16  # frames a shard, at least: the pipeline's filling is paid once a shard


@dataclass
class Sharded:
    """Results in the frames' order."""

    runs: list[EngineRun]
    build_seconds: float
    reused: int


def run_sharded(
    folder: Path, accelerator: Description, words: Words, *, jobs: int, resume: bool,
    stall: float | tuple[float, float], seed: int, throttle: float | None,
    fifo_caps: dict[str, int], statistics: bool, progress: Callable[[int], None] | None,
    scheduler: str | None = None, load: ConfigWords | None = None, context: int | None = None,
) -> Sharded:  # fmt: skip
    """Simulate in `jobs` processes, or on a Dask cluster; see `simulate` for the arguments.

    Raises:
        HwBnnError: what the first failing worker met.
    """
    rtl = folder / "rtl"
    design = rtl_design(rtl, accelerator)
    # The size of a cluster is not asked for: a cut that serves any number of workers.
    bounds = shard_bounds(len(words), jobs, resume or scheduler is not None)
    options = dict(stall=stall, throttle=throttle, watch=statistics, context=context)
    build = _build_once(design)
    with ExitStack() as stack:
        if resume:
            memories = [(name, file_digest(rtl / name)) for name in accelerator.memory_files]
            key = content_key(design.key(), memories, accelerator.model_dump(mode="json"),
                              _digest(words), options, seed, fifo_caps, bounds,
                              None if load is None else _digest(load))  # fmt: skip
            work = subfolder(folder.absolute(), "sim", key)
        else:
            # What workers on other machines see is the accelerator folder.
            place = None if scheduler is None else subfolder(folder.absolute(), "sim")
            work = stack.enter_context(temporary_folder("shards", place))
        save_whole(work / "input.npy", lambda file: np.save(file, words))
        if load is not None:
            save_whole(work / CONFIG, lambda file: np.save(file, load))
        tasks = [
            dict(rtl=str(rtl.absolute()), folder=str(folder.absolute()), work=str(work), shard=i,
                 start=start, stop=stop, seed=seed + i + 1, fifo_caps=fifo_caps,
                 trust=trust.pass_on(folder, DESCRIPTION), load=load is not None, **options)
            for i, (start, stop) in enumerate(bounds)
        ]  # fmt: skip
        done = {i for i in range(len(tasks)) if read_shard(work, i, *bounds[i]) is not None}
        if progress is not None:
            progress(sum(bounds[i][1] - bounds[i][0] for i in done))
        todo = [t for t in tasks if t["shard"] not in done]
        if scheduler is None:
            _work_off(todo, jobs, progress)
        else:
            run_on_cluster(todo, scheduler, progress)
        runs: list[EngineRun] = []
        for i in range(len(tasks)):
            if (run := read_shard(work, i, *bounds[i])) is None:
                raise BadInput(f"shard {i} in {work} cannot be read", remedy="run again")
            runs.append(run)
        return Sharded(runs, build, len(done))


def shard_bounds(frames: int, jobs: int, resume: bool) -> list[tuple[int, int]]:
    """Cut 0..frames into nearly equal parts; with `resume` independent of the number of jobs."""
    wanted = _SHARDS if resume else 4 * jobs
    parts = max(1, min(wanted, frames // _SMALLEST))
    if not resume:
        parts = max(parts, min(jobs, frames))
    cuts = [frames * i // parts for i in range(parts + 1)]
    return list(zip(cuts[:-1], cuts[1:], strict=True))


def _work_off(tasks: list[dict], jobs: int, progress: Callable[[int], None] | None) -> None:
    """Give the tasks to workers, a thread each; the first error stops all."""
    waiting = list(reversed(tasks))
    failures: list[HwBnnError] = []
    lock = threading.Lock()
    workers: list[subprocess.Popen] = []

    def serve() -> None:
        worker = children.start(
            [sys.executable, "-c", "from hw_bnn.sim.shards import serve_tasks; serve_tasks()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_worker_environment(),
        )  # fmt: skip
        workers.append(worker)
        assert worker.stdin is not None and worker.stdout is not None  # the two pipes
        try:
            while not failures:
                with lock:
                    task = waiting.pop() if waiting else None
                if task is None:
                    break
                _exchange(worker, task, lock, progress)
        except HwBnnError as error:
            failures.append(error)
        finally:
            if failures:
                children.kill(worker)
            with contextlib.suppress(BrokenPipeError):  # it died with a task not yet read
                worker.stdin.close()
            worker.wait()
            children.ended(worker)
            worker.stdout.close()

    threads = [threading.Thread(target=serve) for _ in range(min(jobs, len(tasks)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
                if failures:
                    _kill(workers)
    except BaseException:
        failures.append(CheckFailed("interrupted"))
        _kill(workers)
        raise
    if failures:
        raise failures[0]


def _exchange(worker, task: dict, lock, progress: Callable[[int], None] | None) -> None:
    """One task through a worker: lines {"frames": n} while it runs, then {"done": ...}."""
    try:
        worker.stdin.write(json.dumps(task) + "\n")
        worker.stdin.flush()
    except BrokenPipeError:
        pass  # its end is reported below
    for line in worker.stdout:
        message = json.loads(line)
        if "frames" in message:
            if progress is not None:
                with lock:
                    progress(message["frames"])
        else:
            raise_told(message)
            return
    raise CheckFailed(
        f"the worker of frames {task['start']}..{task['stop'] - 1} ended "
        f"(exit code {worker.wait()})",
        remedy="run again; with resume, finished parts are kept",
    )


def _worker_environment() -> dict[str, str]:
    """The present one, in which hw_bnn is found wherever this process found it."""
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def _kill(workers: list[subprocess.Popen]) -> None:
    for worker in workers:
        children.kill(worker)


def serve_tasks() -> None:
    """The worker's loop: a task a line on stdin, until it closes."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing but messages may reach the parent's pipe

    def send(**message: object) -> None:
        try:
            output.write(json.dumps(message) + "\n")
            output.flush()
        except BrokenPipeError:
            os._exit(1)  # the parent was killed: nobody waits for this shard

    for line in sys.stdin:
        send(**attempt(json.loads(line), lambda frames: send(frames=frames)))


def _build_once(design) -> float:
    """Build the library before the workers want it all at once; returns seconds."""
    started = time.monotonic()
    with library(design):
        pass
    return time.monotonic() - started


def _digest(words: Words | ConfigWords) -> str:
    return hashlib.sha256(np.ascontiguousarray(words).data).hexdigest()
