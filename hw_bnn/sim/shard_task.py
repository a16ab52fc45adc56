"""One shard of frames: what a worker does, on this machine or another, and what it leaves.

A task is a dictionary of plain values (it travels as JSON); its result is a file that appears
whole in the task's folder.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..accelerator import trust
from ..accelerator.folder import open_accelerator
from ..errors import BadInput, CheckFailed, HwBnnError, MissingTool
from ..files.output import cannot_write
from .config import Config
from .native import NativeModel
from .packing import frame_names
from .results import EngineRun, StreamStatistics

CONFIG = "config.npy"
"""In the folder of the tasks: what goes to the config port before the frames."""

_ERRORS = {cls.__name__: cls for cls in (BadInput, CheckFailed, MissingTool)}


def read_shard(work: Path, index: int, start: int, stop: int) -> EngineRun | None:
    """The result of a shard, None if it is absent or damaged."""
    try:
        with np.load(_shard_path(work, index)) as file:
            meta = json.loads(str(file["meta"]))
            run = EngineRun(
                words=file["words"], frame_done=file["frame_done"], first_in=meta["first_in"],
                cycles=meta["cycles"], seconds=meta["seconds"], fifo_max=meta["fifo_max"],
                streams={n: StreamStatistics(**s) for n, s in meta["streams"].items()},
            )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    return run if len(run.words) == stop - start else None


def run_shard(task: dict, advance: Callable[[int], None] | None = None) -> None:
    """Simulate one shard and write its result file."""
    trust.take_over(task["trust"])
    accelerator = open_accelerator(task["folder"])
    work = Path(task["work"])
    words = np.load(work / "input.npy", mmap_mode="r")[task["start"] : task["stop"]]
    config = Config(np.load(work / CONFIG)) if task["load"] else None
    with NativeModel(task["rtl"], accelerator, seed=task["seed"]) as model:
        model.set_fifo_caps(task["fifo_caps"])
        stall = task["stall"]
        run = model.run(
            np.ascontiguousarray(words), stall=tuple(stall) if isinstance(stall, list) else stall,
            seed=task["seed"], throttle=task["throttle"], watch=task["watch"], progress=advance,
            config=config, names=frame_names(len(words), task["context"]),
        )  # fmt: skip
    meta = dict(
        first_in=run.first_in, cycles=run.cycles, seconds=run.seconds, fifo_max=run.fifo_max,
        streams={name: asdict(s) for name, s in run.streams.items()},
    )  # fmt: skip
    save_whole(
        _shard_path(work, task["shard"]),
        lambda file: np.savez(
            file, words=run.words, frame_done=run.frame_done, meta=np.array(json.dumps(meta))
        ),
    )


def attempt(task: dict, advance: Callable[[int], None] | None = None) -> dict:
    """Run a shard; what to tell the parent: {"done": True}, or an error's sentence and class."""
    try:
        run_shard(task, advance)
        return {"done": True}
    except HwBnnError as error:
        return {"error": str(error), "class": type(error).__name__}
    except OSError as error:
        return {"error": f"the shard cannot be written ({error.strerror})", "class": "BadInput"}


def raise_told(message: dict) -> None:
    """Raise the error that an `attempt` elsewhere told, if it did."""
    if "error" in message:
        raise _ERRORS.get(message["class"], BadInput)(message["error"])


def _shard_path(work: Path, index: int) -> Path:
    return work / f"shard_{index:04d}.npz"


def save_whole(path: Path, write: Callable) -> None:
    """Write a file so that it appears whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise cannot_write(path, error) from error
