"""Integer frames through an accelerator folder's RTL, or gates, to integer scores.

from hw_bnn.sim import stream_frames
result = stream_frames("digits", x, jobs=2)       # x: (N, *shape) integers of the input contract
result.scores, result.cycles_per_frame
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Description
from ..accelerator.config_stream import ConfigWords, read_load
from ..accelerator.folder import open_accelerator
from ..errors import BadInput
from ..options import EngineOptions, flat
from .build import Variant
from .lanes.model import lanes_model
from .native import Config, NativeModel
from .options import check_options
from .packing import Words, pack_input, unpack_output
from .results import EngineRun, SimulationResult, StreamStatistics
from .shards import Sharded, run_sharded
from .stall import stall_pair


@flat(asked=EngineOptions)
def stream_frames(
    folder: str | Path,
    x: object,
    *,
    asked: EngineOptions,
    seed: int = 0,
    fifo_caps: Mapping[str, int] | None = None,
    preamble: int = 0,
    trust: bool = False,
    progress: Callable[[int], None] | None = None,
) -> SimulationResult:
    """Stream frames back to back through an accelerator.

    Args:
        folder: an accelerator folder, as `compile` writes it.
        x: (N, *shape) integers within the input contract.
        engine: "native" (a Verilated library, fast), "cocotb" (protocol checkers on every stream,
            slow), "netlist" (the gates that `synth` left in the folder), "lanes" (the same gates,
            up to 512 frames side by side) or "shell" (with the AXI shell and the driver of a
            board, memory at 100 cycles of latency).
        stall: probability of a pause per cycle of source and sink, or of each (source, sink).
        seed: of the pauses and of registers' power-up bits.
        waves: FST file to write; window: only its cycles from <= c < to. A list of signals for a
            viewer is put beside it (.gtkw).
        jobs: processes to share the frames among.
        throttle: cycles between two input words, at least; fractions count.
        resume: keep finished parts in FOLDER/sim and take those of an interrupted run from there.
        scheduler: address of a running Dask scheduler (tcp://...) whose workers share the frames
            instead of `jobs` processes here; they must see the folder.
        statistics: count each stream's busy, stalled and starved cycles.
        weights: a folder that :func:`hw_bnn.weights` wrote: its contents go through the config port
            before the frames.
        family: which netlist, if there are several (engine "netlist" or "lanes"): xc7, xcup or
            ecp5 (not lanes).
        fifo_caps: FIFO capacities in words, by node name, in place of the built ones.
        preamble: first stream this many words in, then reset in the middle of a frame.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).
        progress: called with the number of frames newly done.

    Raises:
        BadInput: folder (damaged, or a stranger's), inputs or options cannot be used.
        CheckFailed: the design hangs, breaks a stream's rules or stops itself.
        MissingTool: Verilator, g++, make, perl or (engine "cocotb") cocotb is absent.
    """
    folder = Path(folder)
    check_options(asked, seed=seed, preamble=preamble)
    description = open_accelerator(folder, trust=trust)
    frames = np.asarray(x)
    words = pack_input(description.input, frames)
    if not len(words):
        raise BadInput("there are no input frames")
    load = None if asked.weights is None else read_load(description, asked.weights)
    task = Task(
        folder, description, words, asked, seed, dict(fifo_caps or {}), preamble, trust, load
    )
    started = time.monotonic()
    if asked.engine == "shell":
        return _shell(task, frames, progress)
    if asked.engine == "cocotb":
        sharded = _cocotb(task)
    elif asked.engine == "netlist":
        sharded = _netlist(task, progress)
    elif asked.engine == "lanes":
        sharded = _lanes(task, progress)
    elif asked.jobs == 1 and not asked.resume and asked.scheduler is None:
        sharded = _native(task, progress)
    else:
        sharded = run_sharded(
            folder, description, words, jobs=asked.jobs, resume=asked.resume, stall=asked.stall,
            seed=seed, throttle=asked.throttle, fifo_caps=task.fifo_caps,
            statistics=asked.statistics, progress=progress, scheduler=asked.scheduler, load=load,
        )  # fmt: skip
    seconds = time.monotonic() - started - sharded.build_seconds
    return _result(task, sharded, seconds)


@dataclass(frozen=True)
class Task:
    """Words (N, w, bytes) to be streamed through the accelerator of a folder, and how."""

    folder: Path
    description: Description
    words: Words
    asked: EngineOptions
    seed: int
    fifo_caps: dict[str, int]
    preamble: int
    trust: bool
    load: ConfigWords | None

    @property
    def source(self) -> dict[str, Any]:
        """How the engines' own runs are paced."""
        asked = self.asked
        return dict(stall=asked.stall, throttle=asked.throttle, preamble=self.preamble)

    @property
    def config(self) -> Config | None:
        """What goes to the config port."""
        return None if self.load is None else Config(self.load)


def _shell(
    task: Task, frames: np.ndarray, progress: Callable[[int], None] | None
) -> SimulationResult:
    from ..boards.engine import run_shell

    asked = task.asked
    inside = asked.waves is not None or task.fifo_caps or asked.statistics or task.preamble
    if inside or asked.throttle is not None:
        raise BadInput(
            "the engine shell has no waves, FIFO capacities, statistics, preamble and throttle",
            remedy="use the engine native for them",
        )
    stall = stall_pair(asked.stall)
    return run_shell(
        task.folder, task.description, frames, stall=stall, seed=task.seed, progress=progress
    )


def _cocotb(task: Task) -> Sharded:
    from .cocotb_engine import run_cocotb

    if task.asked.waves is not None or task.fifo_caps or task.asked.statistics:
        raise BadInput("waves, FIFO capacities and statistics are the native engine's")
    rtl = task.folder / "rtl"
    runs, seconds = run_cocotb(
        rtl, task.description, task.words, seed=task.seed, load=task.load, **task.source
    )
    return Sharded(runs, seconds, 0)


def _netlist(task: Task, progress: Callable[[int], None] | None) -> Sharded:
    from .netlist import netlist_model

    asked = task.asked
    with netlist_model(
        task.folder, task.description, family=asked.family, seed=task.seed,
        waves=asked.waves is not None, trust=task.trust,
    ) as model:  # fmt: skip
        return Sharded([_in_process(model, task, progress)], model.build_seconds, 0)


def _lanes(task: Task, progress: Callable[[int], None] | None) -> Sharded:
    asked = task.asked
    if asked.waves is not None or task.fifo_caps or asked.statistics:
        raise BadInput(
            "the engine lanes has no waves, FIFO capacities and statistics",
            remedy="use the engine native or netlist for them",
        )
    with lanes_model(
        task.folder, task.description, len(task.words), family=asked.family, seed=task.seed + 1,
        trust=task.trust,
    ) as model:  # fmt: skip
        return Sharded([_in_process(model, task, progress)], model.build_seconds, 0)


def _native(task: Task, progress: Callable[[int], None] | None) -> Sharded:
    variant: Variant = "waves" if task.asked.waves is not None else "fast"
    rtl = task.folder / "rtl"
    with NativeModel(rtl, task.description, variant=variant, seed=task.seed + 1) as model:
        return Sharded([_in_process(model, task, progress)], model.build_seconds, 0)


def capture(
    folder: str | Path,
    x: object,
    streams: Sequence[str] | None = None,
    *,
    stall: float | tuple[float, float] = 0.0,
    seed: int = 0,
    trust: bool = False,
    weights: str | Path | None = None,
    engine: Literal["native", "lanes"] = "native",
    family: str | None = None,
) -> dict[str, tuple[Words, NDArray[np.uint64]]]:
    """Every word that the named streams (None: all) carry, with the cycle of its transfer.

    Args:
        engine: of the RTL, or of the gates of a family (cycles are then those of a frame's lane).

    Returns:
        {stream: (words (N, words, tdata bytes) uint8, cycles (N, words) uint64)}

    Raises:
        As `stream_frames`; CheckFailed too where a stream carries too many or too few words.
    """
    folder = Path(folder)
    accelerator = open_accelerator(folder, trust=trust)
    words = pack_input(accelerator.input, x)
    names = [s.name for s in accelerator.streams] if streams is None else list(streams)
    if engine == "lanes":
        made: NativeModel = lanes_model(folder, accelerator, len(words), family=family, trust=trust)
    else:
        made = NativeModel(folder / "rtl", accelerator, seed=seed + 1)
    with made as model:
        config = None if weights is None else Config(read_load(accelerator, weights))
        run = model.run(words, stall=stall, seed=seed + 1, capture=names, config=config)
        return run.capture


def _in_process(
    model: NativeModel, task: Task, progress: Callable[[int], None] | None
) -> EngineRun:
    if task.fifo_caps:
        model.set_fifo_caps(task.fifo_caps)
    waves = task.asked.waves
    how = dict(
        watch=task.asked.statistics, progress=progress, seed=task.seed + 1, config=task.config,
        **task.source,
    )  # fmt: skip
    if waves is None:
        return model.run(task.words, **how)
    from .waves import write_signal_list

    write_signal_list(Path(waves), model.accelerator)
    model.trace(waves, task.asked.window)
    try:
        return model.run(task.words, **how)
    finally:
        model.trace(None)


def _result(task: Task, sharded: Sharded, seconds: float) -> SimulationResult:
    runs = sharded.runs
    words = runs[0].words if len(runs) == 1 else np.concatenate([run.words for run in runs])
    scores, labels = unpack_output(task.description.output, words)
    longest = max(runs, key=lambda run: len(run.words))
    streams: dict[str, StreamStatistics] = {}
    fifo_max: dict[str, int] = {}
    for run in runs:
        for name, counts in run.streams.items():
            streams[name] = streams[name] + counts if name in streams else counts
        for name, fill in run.fifo_max.items():
            fifo_max[name] = max(fill, fifo_max.get(name, 0))
    waves = task.asked.waves
    return SimulationResult(
        engine=task.asked.engine, frames=len(words), scores=scores, labels=labels,
        cycles_per_frame=longest.cycles_per_frame, latency_cycles=runs[0].latency_cycles,
        cycles=sum(run.cycles * min(run.lanes, len(run.words)) for run in runs),
        seconds=max(seconds, 1e-9), build_seconds=sharded.build_seconds, seed=task.seed,
        fifo_max=fifo_max, streams=streams,
        shards=len(runs), shards_reused=sharded.reused,
        waves=Path(waves) if waves is not None else None,
    )  # fmt: skip
