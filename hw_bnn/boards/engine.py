"""`simulate --shell`: frames as a board's processor sends them: driver, registers, DMA and core."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Description
from ..accelerator.config_stream import ConfigWords, first_load
from ..compile.boards import BOARDS
from ..errors import BadInput, CheckFailed
from ..sim.results import SimulationResult
from ..sim.stall import hang_limit
from .shell import PORTS, Port
from .simboard import MEMORY_BYTES, SimulatedBoard, driver, io_document

DEFAULT_PROCESSOR = "zynq7000"
LATENCY = 100
"""Cycles of the simulated memory: about a microsecond at 100 MHz, as of a Zynq's busy DDR."""
_LARGEST_BATCH = 4096


def port_of(board: str | None) -> Port:
    """The memory port of a board's processor; Zynq-7000's where it has none or is not known."""
    known = BOARDS.get(board or "")
    return PORTS[known.processor if known and known.processor else DEFAULT_PROCESSOR]


def run_shell(
    folder: Path, accelerator: Description, x: NDArray[np.integer], *, stall: tuple[float, float],
    seed: int, load: ConfigWords | None = None, context: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> SimulationResult:  # fmt: skip
    """Run frames on the simulated board.

    Args:
        x: (N, *shape) integers within the input contract.
        stall: probability of a pause per cycle of memory's read channels and of its write channels.
        load: what goes to the config port first. context: of the frames; None for all.

    Returns:
        The result; cycles_per_frame counts whole runs, from start to the last write response.

    Raises:
        BadInput: a frame is too large for the simulated memory.
        CheckFailed: the run does not end, or the shell or memory told of an error.
    """
    started = time.monotonic()
    stalls = (stall[0], stall[0], stall[1], stall[1], stall[1])
    with SimulatedBoard.of(
        folder,
        accelerator,
        port_of(accelerator.board),
        latency=LATENCY,
        stall=stalls,
        seed=seed + 1,
    ) as port:
        built = time.monotonic()
        io = io_document(accelerator, port.shell)
        frame = (
            accelerator.input.words * io["in_stride"]
            + accelerator.output.frame_words * io["out_stride"]
        )
        batch = min(len(x), _LARGEST_BATCH, MEMORY_BYTES // 3 // frame)
        if batch < 1:
            raise BadInput(f"a frame takes {frame:,} bytes, more than the simulated memory has")
        quiet = hang_limit(
            accelerator, stall, None
        )  # cycles; a run is not longer than all its frames' own
        limit = (quiet + batch * 20 * accelerator.bound_cycles) * port.clk_period_ns * 1e-9
        board = driver().Board(io, port, batch=batch, timeout_s=limit)
        parts = []
        try:
            if load is None:
                load = first_load(accelerator, folder / "rtl")
            if load is not None:
                board.load_weights(load)
            for start in range(0, len(x), 2 * batch):
                part = x[start : start + 2 * batch]
                parts.append(board.run(part, context))
                if progress is not None:
                    progress(len(part))
        except driver().BoardError as error:
            raise CheckFailed(f"the simulated board: {error}", node=accelerator.name) from error
    scores, labels = (None if p[0] is None else np.concatenate(p) for p in zip(*parts, strict=True))
    return SimulationResult(
        engine="shell", frames=len(x), scores=scores, labels=labels,
        cycles_per_frame=board.cycles / len(x), latency_cycles=None, cycles=board.cycles,
        seconds=max(time.monotonic() - built, 1e-9), build_seconds=built - started, seed=seed,
    )  # fmt: skip
