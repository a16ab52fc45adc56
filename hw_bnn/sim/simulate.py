"""`simulate`: integer frames through an accelerator folder's RTL, or gates, to integer scores.

from hw_bnn.sim import simulate
result = simulate("digits", x, jobs=2)       # x: (N, *shape) integers of the input contract
result.scores, result.cycles_per_frame
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Accelerator
from ..accelerator.folder import open_accelerator
from ..errors import BadInput
from .native import NativeModel
from .options import check_options
from .packing import Words, pack_input, unpack_output
from .results import EngineRun, SimulationResult, StreamStatistics
from .shards import run_sharded
from .stall import stall_pair

Engine = Literal["native", "cocotb", "netlist", "shell"]


def simulate(
    folder: str | Path,
    x: object,
    engine: Engine = "native",
    *,
    stall: float | tuple[float, float] = 0.0,
    seed: int = 0,
    waves: str | Path | None = None,
    window: tuple[int, int] | None = None,
    jobs: int = 1,
    throttle: float | None = None,
    fifo_caps: Mapping[str, int] | None = None,
    limit: int | None = None,
    resume: bool = False,
    scheduler: str | None = None,
    statistics: bool = False,
    preamble: int = 0,
    family: str | None = None,
    trust: bool = False,
    progress: Callable[[int], None] | None = None,
) -> SimulationResult:
    """Stream frames back to back through an accelerator.

    Args:
        folder: an accelerator folder, as `compile` writes it.
        x: (N, *shape) integers within the input contract.
        engine: "native" (a Verilated library, fast), "cocotb" (protocol checkers on every stream,
            slow), "netlist" (the gates that `synth` left in the folder) or "shell" (with the AXI
            shell and the driver of a board, memory at 100 cycles of latency).
        stall: probability of a pause per cycle of source and sink, or of each (source, sink).
        seed: of the pauses and of registers' power-up bits.
        waves: FST file to write; window: only its cycles from <= c < to. A list of signals for a
            viewer is put beside it (.gtkw).
        jobs: processes to share the frames among.
        throttle: cycles between two input words, at least; fractions count.
        fifo_caps: FIFO capacities in words, by node name, in place of the built ones.
        limit: simulate only this many frames.
        resume: keep finished parts in FOLDER/sim and take those of an interrupted run from there.
        scheduler: address of a running Dask scheduler (tcp://...) whose workers share the frames
            instead of `jobs` processes here; they must see the folder.
        statistics: count each stream's busy, stalled and starved cycles.
        preamble: first stream this many words in, then reset in the middle of a frame.
        family: which netlist, if there are several (engine "netlist"): xc7, xcup or ecp5.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).
        progress: called with the number of frames newly done.

    Raises:
        BadInput: folder (damaged, or a stranger's), inputs or options cannot be used.
        CheckFailed: the design hangs, breaks a stream's rules or stops itself.
        MissingTool: Verilator, g++, make, perl or (engine "cocotb") cocotb is absent.
    """
    folder = Path(folder)
    single = jobs == 1 and not resume and scheduler is None
    check_options(
        engine, jobs=jobs, seed=seed, stall=stall, throttle=throttle, preamble=preamble,
        waves=waves, window=window, family=family, alone=single,
    )  # fmt: skip
    accelerator = open_accelerator(folder, trust=trust)
    frames = np.asarray(x)
    words = pack_input(accelerator.input, frames if limit is None else frames[:limit])
    if not len(words):
        raise BadInput("there are no input frames")
    options = dict(stall=stall, seed=seed, throttle=throttle, preamble=preamble)
    started = time.monotonic()
    if engine == "shell":
        from ..boards.engine import run_shell

        if waves is not None or fifo_caps or statistics or preamble or throttle is not None:
            raise BadInput(
                "the engine shell has no waves, FIFO capacities, statistics, preamble and throttle",
                remedy="use the engine native for them",
            )
        return run_shell(
            folder,
            accelerator,
            frames[: len(words)],
            stall=stall_pair(stall),
            seed=seed,
            progress=progress,
        )
    if engine == "cocotb":
        from .cocotb_engine import run_cocotb

        if waves is not None or fifo_caps or statistics:
            raise BadInput("waves, FIFO capacities and statistics are the native engine's")
        runs, build_seconds = run_cocotb(folder / "rtl", accelerator, words, **options)
        shards, reused = 1, 0
    elif engine == "netlist":
        from .netlist import netlist_model

        with netlist_model(
            folder, accelerator, family=family, seed=seed, waves=waves is not None, trust=trust
        ) as model:
            build_seconds = model.build_seconds
            runs = [
                _in_process(model, words, options, fifo_caps, waves, window, statistics, progress)
            ]
        shards, reused = 1, 0
    elif single:
        variant = "waves" if waves is not None else "fast"
        with NativeModel(folder / "rtl", accelerator, variant=variant, seed=seed + 1) as model:
            build_seconds = model.build_seconds
            runs = [
                _in_process(model, words, options, fifo_caps, waves, window, statistics, progress)
            ]
        shards, reused = 1, 0
    else:
        sharded = run_sharded(
            folder, accelerator, words, jobs=jobs, resume=resume, stall=stall, seed=seed,
            throttle=throttle, fifo_caps=dict(fifo_caps or {}), statistics=statistics,
            progress=progress, scheduler=scheduler,
        )  # fmt: skip
        runs, build_seconds = sharded.runs, sharded.build_seconds
        shards, reused = len(runs), sharded.reused
    seconds = time.monotonic() - started - build_seconds
    result = _result(engine, accelerator, runs, seconds, build_seconds, seed)
    result.shards, result.shards_reused = shards, reused
    result.waves = Path(waves) if waves is not None else None
    return result


def capture(
    folder: str | Path,
    x: object,
    streams: Sequence[str] | None = None,
    *,
    stall: float | tuple[float, float] = 0.0,
    seed: int = 0,
    trust: bool = False,
) -> dict[str, tuple[Words, NDArray[np.uint64]]]:
    """Every word that the named streams (None: all) carry, with the cycle of its transfer.

    Returns:
        {stream: (words (N, words, tdata bytes) uint8, cycles (N, words) uint64)}

    Raises:
        As `simulate`; CheckFailed too where a stream carries too many or too few words.
    """
    folder = Path(folder)
    accelerator = open_accelerator(folder, trust=trust)
    words = pack_input(accelerator.input, x)
    names = [s.name for s in accelerator.streams] if streams is None else list(streams)
    with NativeModel(folder / "rtl", accelerator, seed=seed + 1) as model:
        return model.run(words, stall=stall, seed=seed + 1, capture=names).capture


def _in_process(
    model: NativeModel, words: Words, options: dict, fifo_caps: Mapping[str, int] | None,
    waves: str | Path | None, window: tuple[int, int] | None, statistics: bool,
    progress: Callable[[int], None] | None,
) -> EngineRun:  # fmt: skip
    if fifo_caps:
        model.set_fifo_caps(fifo_caps)
    if waves is None:
        return model.run(words, watch=statistics, progress=progress, **_native(options))
    from .waves import write_signal_list

    write_signal_list(Path(waves), model.accelerator)
    model.trace(waves, window)
    try:
        return model.run(words, watch=statistics, progress=progress, **_native(options))
    finally:
        model.trace(None)


def _native(options: dict) -> dict:
    return {**options, "seed": options["seed"] + 1}


def _result(
    engine: str, accelerator: Accelerator, runs: list[EngineRun], seconds: float,
    build_seconds: float, seed: int,
) -> SimulationResult:  # fmt: skip
    words = runs[0].words if len(runs) == 1 else np.concatenate([run.words for run in runs])
    scores, labels = unpack_output(accelerator.output, words)
    longest = max(runs, key=lambda run: len(run.words))
    streams: dict[str, StreamStatistics] = {}
    fifo_max: dict[str, int] = {}
    for run in runs:
        for name, counts in run.streams.items():
            streams[name] = streams[name] + counts if name in streams else counts
        for name, fill in run.fifo_max.items():
            fifo_max[name] = max(fill, fifo_max.get(name, 0))
    return SimulationResult(
        engine=engine, frames=len(words), scores=scores, labels=labels,
        cycles_per_frame=longest.cycles_per_frame, latency_cycles=runs[0].latency_cycles,
        cycles=sum(run.cycles for run in runs), seconds=max(seconds, 1e-9),
        build_seconds=build_seconds, seed=seed, fifo_max=fifo_max, streams=streams,
    )  # fmt: skip
