"""FIFO depths that keep the full rate: the least, by simulation, or those of the kernels'
schedules (fifo_analysis.py), as the user asks or where simulation would take long. By simulation:

1. With room for some frames in every FIFO and the source slowed to the bottleneck's rate, the
   occupancy of each FIFO is what the schedule needs (an unslowed source would fill them all).
2. At those depths the unslowed rate is measured: the best that the design can do.
3. One FIFO after the other, the widest first, is lowered by bisection as far as the rate holds.
   Lowering another one later can only raise what a FIFO needs, so at the end none can be
   lowered alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..accelerator import Description
from ..errors import BadInput, CheckFailed, Unsupported
from ..options import FifoSizing
from ..sim.native import NativeModel
from ..sim.packing import pack_input
from . import fifo_analysis
from .timetable import FIFO

MINIMUM = 1
PROBE_CYCLES = 150_000
"""Length of one probe. A pipeline can settle into a slower rhythm only after many frames."""
BUDGET = 300_000_000
"""What all probes together may take, in simulated cycles times nodes of the design: about 20
seconds, but counted, so that results repeat. FIFOs that it leaves out, the smallest, keep one word
more than they hold at the full rate. Where one probe takes more, "auto" makes none."""


def size(
    folder: Path,
    accelerator: Description,
    *,
    by: FifoSizing = "auto",
    maximum: int | None = None,
    seed: int = 0,
    budget: int | None = None,
    say: Callable[[str], None] = lambda _step: None,
) -> tuple[dict[str, int], dict]:
    """Depths of all FIFOs, and the report that goes to reports/fifo_depths.json.

    Args:
        folder: accelerator folder whose FIFOs have the depth of a frame.
        by: "simulation", "analysis", or "auto": by analysis where one simulation would take more
            than the budget.
        maximum: cap on every depth, in words; its cost in rate is told in the report.
        budget: simulated cycles times nodes that the search may take, BUDGET by default.
        say: called with the name of each step as it begins.

    Returns:
        (node name -> depth in words, report with occupancy, depth, width and reason of each FIFO).

    Raises:
        CheckFailed: the design deadlocks even with FIFOs of a whole frame.
        BadInput: it deadlocks under the cap.
        Unsupported: by analysis, of an accelerator that has none.
    """
    fifos = {n.name: n for n in accelerator.nodes if n.op == FIFO}
    if not fifos:
        return {}, {"fifos": {}, "cycles_per_frame": None}
    found, budget = None, BUDGET if budget is None else budget
    if by == "analysis":
        found = _analysed(accelerator, say)
    elif by == "auto" and maximum is None and _work(accelerator) > budget:
        with suppress(Unsupported):
            found = _analysed(accelerator, say)
    if found is None:
        found = _simulated(folder, accelerator, maximum, seed, budget, say)
    widths = {s.name: s.word_bits for s in accelerator.streams}
    report = {
        "by": found.by,
        "cycles_per_frame": found.rate,
        "best_cycles_per_frame": found.best,
        "bound_cycles": accelerator.bound_cycles,
        "cap": maximum,
        "fifos": {
            name: {
                "depth": found.depths[name],
                "width_bits": widths[n.outputs[0]],
                "occupancy": found.occupancy[name],
                "between": [
                    _producer(accelerator, n.inputs[0]),
                    _consumer(accelerator, n.outputs[0]),
                ],
                "reason": found.reasons[name],
            }
            for name, n in fifos.items()
        },
    }
    return found.depths, report


@dataclass(frozen=True)
class _Found:
    """Depths and occupancies in words, rates in cycles a frame."""

    by: str
    depths: dict[str, int]
    occupancy: dict[str, int]
    reasons: dict[str, str]
    rate: float
    best: float


def _work(accelerator: Description) -> int:
    """Of one probe, in simulated cycles times nodes."""
    return _frames(accelerator) * accelerator.bound_cycles * len(accelerator.nodes)


def _frames(accelerator: Description) -> int:
    """Of one probe."""
    return min(256, max(8, PROBE_CYCLES // accelerator.bound_cycles))


def _analysed(accelerator: Description, say: Callable[[str], None]) -> _Found:
    found = fifo_analysis.depths(accelerator, say)
    reasons = {
        name: _reason(depth, held, None, "by analysis") for name, (depth, held) in found.items()
    }
    bound = accelerator.bound_cycles
    return _Found(
        "analysis", {n: depth for n, (depth, _) in found.items()},
        {n: held for n, (_, held) in found.items()}, reasons, bound, bound,
    )  # fmt: skip


def _simulated(
    folder: Path, accelerator: Description, maximum: int | None, seed: int, budget: int,
    say: Callable[[str], None],
) -> _Found:  # fmt: skip
    fifos = {n.name: n for n in accelerator.nodes if n.op == FIFO}
    widths = {s.name: s.word_bits for s in accelerator.streams}
    width = {name: widths[n.outputs[0]] for name, n in fifos.items()}
    say("Verilator")
    with NativeModel(folder / "rtl", accelerator) as model:
        say("FIFO sizing")
        probe = _Probe(model, accelerator, seed)
        room = {name: largest(n.depth or 0) for name, n in fifos.items()}
        best, _ = probe.rate(room)
        _, occupancy = probe.rate(room, throttle=best / accelerator.input.words)
        wanted = probe.cycles(room)
        # One word more than it ever held: a full FIFO takes no word in the cycle in
        # which it gives one.
        depths = {name: min(occupancy[name] + 1, room[name]) for name in fifos}
        while probe.cycles(depths) > wanted:  # a slowed source can hide what a burst needs
            depths = {name: min(2 * depths[name], room[name]) for name in fifos}
        searched: set[str] = set()
        registers = {name: MINIMUM for name in fifos if occupancy[name] <= MINIMUM}
        if probe.cycles({**depths, **registers}) <= wanted:  # most need one word: try them together
            depths |= registers
        for number, name in enumerate(sorted(fifos, key=lambda n: (-width[n] * depths[n], n)), 1):
            say(f"FIFO sizing: {number} of {len(fifos)}")
            if probe.spent * len(accelerator.nodes) < budget:
                depths[name] = probe.least(depths, name, wanted)
                searched.add(name)
        rate = best
        if maximum is not None:
            depths, rate = _capped(probe, depths, maximum)
    reasons = {
        name: _reason(
            depths[name], occupancy[name], maximum, None if name in searched else "search budget"
        )
        for name in fifos
    }
    return _Found("simulation", depths, occupancy, reasons, rate, best)


def _capped(probe: _Probe, depths: dict[str, int], maximum: int) -> tuple[dict[str, int], float]:
    """Depths of at most `maximum` words, and the cycles a frame with them.

    Raises:
        BadInput: the design deadlocks.
    """
    depths = {name: min(d, maximum) for name, d in depths.items()}
    try:
        rate, _ = probe.rate(depths)
    except CheckFailed as error:
        first = error.reason.splitlines()[0]
        raise BadInput(
            f"with FIFOs of at most {maximum} words the design deadlocks ({first})",
            remedy="allow deeper FIFOs",
        ) from error
    return depths, rate


def largest(frame: int) -> int:
    """Words that a simulated FIFO can hold whose DEPTH is a frame's words (rtl/bnn_fifo.sv).

    A shortcut may have to hold several frames: as many as are under way in the branch beside it, in
    which each convolution on a map of a few pixels lags by a frame.
    """
    return max(4 * frame, 8192)


class _Probe:
    """Rates of one model under different capacities."""

    def __init__(self, model: NativeModel, accelerator: Description, seed: int):
        self.model, self.accelerator = model, accelerator
        contract = accelerator.input
        rng = np.random.default_rng(seed)
        frames = _frames(accelerator)
        self.warm_up = frames // 2
        x = rng.integers(
            contract.minimum, contract.maximum, (frames, *contract.shape), endpoint=True
        )
        if contract.datatype == "BIPOLAR":
            x = np.where(x > 0, 1, -1)
        self.words = pack_input(contract, x)
        self.spent = 0

    def _run(self, caps, throttle=None):
        self.model.set_fifo_caps(caps)
        self.spent += len(self.words) * self.accelerator.bound_cycles
        return self.model.run(self.words, throttle=throttle)

    def rate(self, caps, throttle=None) -> tuple[float, dict[str, int]]:
        """(cycles a frame in steady state, largest occupancy by FIFO)."""
        run = self._run(caps, throttle)
        return self._steady(run) / (len(self.words) - self.warm_up), run.fifo_max

    def _steady(self, run) -> int:
        done = run.frame_done.astype(np.int64)
        return int(done[-1] - done[self.warm_up - 1])

    def cycles(self, caps) -> int:
        """Cycles of the steady part; a deadlock counts as infinitely many."""
        try:
            return self._steady(self._run(caps))
        except CheckFailed:
            return 2**62

    def least(self, depths, name: str, wanted: int) -> int:
        """Smallest depth of one FIFO that keeps `wanted` cycles."""
        low, high = MINIMUM, depths[name]
        if low < high and self.cycles({**depths, name: low}) <= wanted:
            return low  # as often as not
        low += 1
        while low < high:
            middle = (low + high) // 2
            if self.cycles({**depths, name: middle}) <= wanted:
                high = middle
            else:
                low = middle + 1
        return high


def _reason(depth: int, occupancy: int, maximum: int | None, unsearched: str | None) -> str:
    if maximum is not None and depth == maximum:
        return f"capped at {maximum} words"
    if depth == MINIMUM:
        return "a register: producer and consumer keep the same pace"
    if unsearched is not None:
        return f"{occupancy} words held at the full rate; not lowered further ({unsearched})"
    return f"one word less lowers the rate; {occupancy} words held at the full rate"


def _producer(accelerator: Description, stream: str) -> str:
    return next(s.producer for s in accelerator.streams if s.name == stream)


def _consumer(accelerator: Description, stream: str) -> str:
    return next(s.consumer for s in accelerator.streams if s.name == stream)
