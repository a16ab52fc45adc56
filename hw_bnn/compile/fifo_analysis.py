"""FIFO depths by analysis: what each holds while every frame takes the bottleneck's cycles.

No kernel's schedule depends on data (kernels/schedule.py). With frames that come at the slowest
node's rate, and no FIFO ever full, a node's steps follow from the times of its inputs: step k is
made at max(time of step k - 1, plus 1; time at which the last word that it needs is there). So all
times of some frames are computed node by node, until a frame repeats the one before it.

FIFOs of those depths block nothing in this schedule; and a dataflow network whose inputs come
sooner does nothing later (its times are maxima and sums of its inputs' times), so that it keeps the
rate when frames come as fast as they are taken, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..accelerator import Description
from ..kernels import KERNELS
from ..kernels.schedule import Schedule, Steps, counted

FIFO = "Fifo_rtl"
FRAMES = (8, 16, 32, 64)
"""How many frames are tried until what they do repeats itself."""


def depths(
    accelerator: Description, say: Callable[[str], None] = lambda _step: None
) -> dict[str, tuple[int, int]] | None:
    """(depth of each FIFO with which the accelerator takes its bound of cycles a frame, how much it
    holds then), in words; None where a node has no fixed schedule, or frames do not come to repeat
    each other.

    Args:
        say: called with what is being done.
    """
    schedules = schedules_of(accelerator)
    if schedules is None:
        return None
    for frames in FRAMES:
        say(f"FIFO depths: {frames} frames")
        found = _settled(accelerator, schedules, frames)
        if found is not None:
            return found
    return None


def _settled(
    accelerator: Description, schedules: dict[str, Schedule], frames: int
) -> dict[str, tuple[int, int]] | None:
    """As `depths`, from so many frames; None where they are too few: the last one has to enter when
    another has left that came after the first of those that are a period apart everywhere."""
    behind = {n.outputs[0]: n for n in accelerator.nodes if n.op == FIFO}
    before = {n.inputs[0] for n in behind.values()}
    entered, found = {}, {}
    settled, ends = 0, np.zeros(frames, dtype=np.int64)
    words, period = accelerator.input.words, accelerator.bound_cycles
    source = (counted(frames * words) * period // words).reshape(frames, words)
    for name, moves in movements(accelerator, schedules, source):
        apart = (np.diff(moves, axis=0) == period).all(axis=1)
        settled = max(settled, frames - 1 - int(np.argmin([*apart[::-1], False])))
        np.maximum(ends, moves.max(axis=1), out=ends)
        if name in before:
            entered[name] = moves
        if name in behind:
            fifo = behind[name]
            found[fifo.name] = _depth(entered.pop(fifo.inputs[0]), moves)
    return found if settled < frames - 1 and ends[settled] < source[-1, 0] else None


def schedules_of(accelerator: Description) -> dict[str, Schedule] | None:
    """Of all nodes but FIFOs, by name; None where a node has none."""
    words, found = {s.name: s.words for s in accelerator.streams}, {}
    for node in accelerator.nodes:
        if node.op != FIFO:
            ins = tuple(words[name] for name in node.inputs)
            schedule = KERNELS[node.kernel].schedule(node.parameters, ins)
            if schedule is None:
                return None
            found[node.name] = schedule
    return found


def movements(
    accelerator: Description, schedules: dict[str, Schedule], source: Steps
) -> Iterator[tuple[str, Steps]]:
    """When words move if no FIFO is ever full.

    Args:
        source: (frames, words of the input), the cycle in which a word is there.

    Yields:
        For each stream: its name, and the cycle in which each word moves, (frames, words).
    """
    frames = len(source)
    there = {accelerator.streams[0].name: source.reshape(-1)}  # when a word is, for its reader
    held = {n.inputs[0]: n.outputs[0] for n in accelerator.nodes if n.op == FIFO}
    for node in accelerator.nodes:
        if node.op == FIFO:
            continue
        leaves, given = _times(schedules[node.name], [there.pop(n) for n in node.inputs], frames)
        for name, moves in zip(node.inputs, leaves, strict=True):
            yield name, moves.reshape(frames, -1)
        for name in node.outputs:
            if name in held:
                yield name, given.reshape(frames, -1)
                there[held[name]] = given + 1
            else:
                there[name] = given
    yield from ((name, times.reshape(frames, -1)) for name, times in there.items())


def _times(schedule: Schedule, there: list[Steps], frames: int) -> tuple[list[Steps], Steps]:
    """(when the words of each input leave it, when those of an output are on offer), from when the
    words of the inputs are there."""
    enters = [
        (_taken_ahead(times, None) if read.kept else times)
        for read, times in zip(schedule.reads, there, strict=True)
    ]
    while True:
        step = _steps(schedule, enters, frames)
        leaves, again = [], False
        for index, (read, times) in enumerate(zip(schedule.reads, there, strict=True)):
            taken = step[:, read.taken].reshape(-1)
            if not read.kept:
                leaves.append(taken)
                continue
            entered = _taken_ahead(times, taken, read.kept)
            again |= not np.array_equal(entered, enters[index])
            enters[index] = entered
            leaves.append(entered)
        if not again:
            given = step[:, np.asarray(schedule.given)] + (schedule.latency + schedule.late)
            return leaves, given.reshape(-1)


def _steps(schedule: Schedule, enters: list[Steps], frames: int) -> Steps:
    """When each step is made, (frames, steps), from when the words are there, or have entered what
    keeps them."""
    ready = np.zeros((frames, schedule.steps), dtype=np.int64)
    for read, times in zip(schedule.reads, enters, strict=True):
        last = times.reshape(frames, -1)[:, np.maximum(read.needed, 1) - 1] + (read.kept > 0)
        np.maximum(ready, last, out=ready, where=read.needed > 0)
    order = counted(ready.size)
    return (np.maximum.accumulate(ready.reshape(-1) - order) + order).reshape(frames, -1)


def _taken_ahead(times: Steps, taken: Steps | None, kept: int = 0) -> Steps:
    """When words enter what keeps `kept` of them, each until it is `taken`: one a cycle."""
    ready = times.copy()
    if taken is not None and kept < len(ready):
        np.maximum(ready[kept:], taken[:-kept] + 1, out=ready[kept:])
    order = counted(len(ready))
    return np.maximum.accumulate(ready - order) + order


def _depth(moves_in: Steps, moves_out: Steps) -> tuple[int, int]:
    """(words that a FIFO has to have room for, words that it holds at most). A FIFO of one word
    takes a word as it gives one, deeper ones do not (rtl/bnn_fifo.sv)."""
    enters, leaves = moves_in.reshape(-1), moves_out.reshape(-1)
    number = counted(len(enters)) + 1
    held = int((number - np.searchsorted(leaves, enters, side="right")).max())
    room = int((number - np.searchsorted(leaves, enters, side="left")).max())
    return (1 if held <= 1 else room), held
