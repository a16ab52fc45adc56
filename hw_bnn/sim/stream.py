"""Integer frames through an accelerator folder's RTL, or gates, to integer scores.

from hw_bnn.sim import stream_frames
result = stream_frames("digits", x, jobs=2)       # x: (N, *shape) integers of the input contract
result.scores, result.cycles_per_frame
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..accelerator.config_stream import read_load
from ..accelerator.folder import open_accelerator
from ..arrays import as_array
from ..errors import BadInput
from ..files.given import given_path
from ..options import EngineOptions, flat
from .config import Config
from .engine import Task, engine_for
from .lanes.model import lanes_model
from .native import NativeModel
from .options import check_options
from .packing import Words, pack_input
from .results import EngineRun, SimulationResult
from .signals import Signals, signals


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
            up to 512 frames side by side), "shell" (with the AXI shell and the driver of a
            board, memory at 100 cycles of latency) or "hls" (the C++ that `hls` left there, in C
            simulation). What one does not offer is refused.
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
        context: the frames name this context, of an accelerator with several, and have its result
            alone; by default they run through all.
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
    folder, frames = given_path(folder), as_array(x, "x")
    check_options(asked, seed=seed, preamble=preamble)
    engine = engine_for(asked, fifo_caps=bool(fifo_caps), preamble=preamble)
    description = open_accelerator(folder, trust=trust)
    if asked.context is not None and not 0 <= asked.context < description.contexts:
        raise BadInput(
            f"context is {asked.context}",
            remedy=f"the accelerator has {description.contexts}, from 0 (compile with contexts=)",
        )
    words = pack_input(description.input, frames)
    if not len(words):
        raise BadInput("there are no input frames")
    load = None if asked.weights is None else read_load(description, asked.weights)
    caps = dict(fifo_caps or {})
    task = Task(folder, description, frames, words, asked, seed, caps, preamble, trust, load)
    return engine.run(task, progress)


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
    return _watched(
        Path(folder), x, streams, stall=stall, seed=seed, trust=trust, weights=weights,
        engine=engine, family=family,
    ).capture  # fmt: skip


def observe(
    folder: str | Path,
    x: object,
    streams: Sequence[str],
    cycles: range,
    *,
    stall: float | tuple[float, float] = 0.0,
    seed: int = 0,
    trust: bool = False,
    weights: str | Path | None = None,
) -> list[Signals]:
    """The named streams' wires in some cycles; those behind the end of the run are left out.

    Raises:
        As `capture`.
    """
    folder = given_path(folder)
    run = _watched(
        folder, x, streams, stall=stall, seed=seed, trust=trust, weights=weights, look=cycles
    )
    known = {s.name: s for s in open_accelerator(folder, trust=trust).streams}
    return [signals(known[name], run) for name in streams]


def _watched(
    folder: Path,
    x: object,
    streams: Sequence[str] | None,
    *,
    seed: int,
    trust: bool,
    weights: str | Path | None,
    engine: str = "native",
    family: str | None = None,
    **how: Any,
) -> EngineRun:
    """A run in which the words of streams are kept."""
    accelerator = open_accelerator(folder, trust=trust)
    words = pack_input(accelerator.input, x)
    names = [s.name for s in accelerator.streams] if streams is None else list(streams)
    if engine == "lanes":
        made: NativeModel = lanes_model(folder, accelerator, len(words), family=family, trust=trust)
    else:
        made = NativeModel(folder / "rtl", accelerator, seed=seed + 1)
    with made as model:
        config = None if weights is None else Config(read_load(accelerator, weights))
        return model.run(words, seed=seed + 1, capture=names, config=config, **how)
