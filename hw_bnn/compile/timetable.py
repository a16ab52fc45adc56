"""When every word of an accelerator moves, from the schedules of its kernels.

No kernel's schedule depends on data (kernels/schedule.py). Where no FIFO is ever full a node's
steps follow from the times of its inputs: step k is made at max(time of step k - 1, plus 1; time at
which the last word that it needs is there). So all times of some frames are computed node by node.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..accelerator import Description
from ..errors import Unsupported
from ..kernels import KERNELS
from ..kernels.schedule import Schedule, Steps, counted

FIFO = "Fifo_rtl"


def schedules_of(accelerator: Description) -> dict[str, Schedule]:
    """Of all nodes but FIFOs, by name.

    Raises:
        Unsupported: a node has none.
    """
    words, found = {s.name: s.words for s in accelerator.streams}, {}
    for node in accelerator.nodes:
        if node.op != FIFO:
            ins = tuple(words[name] for name in node.inputs)
            schedule = KERNELS[node.kernel].schedule(node.parameters, ins)
            if schedule is None:
                raise Unsupported(
                    "its frames, of several contexts, are not alike, so that no schedule tells "
                    "FIFO depths",
                    node=node.name,
                    remedy='let simulation find the FIFO depths (fifo_sizing="simulation")',
                )
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
        leaves, given = node_times(
            schedules[node.name], [there.pop(n) for n in node.inputs], frames
        )
        for name, moves in zip(node.inputs, leaves, strict=True):
            yield name, moves.reshape(frames, -1)
        for name in node.outputs:
            if name in held:
                yield name, given.reshape(frames, -1)
                there[held[name]] = given + 1
            else:
                there[name] = given
    yield from ((name, times.reshape(frames, -1)) for name, times in there.items())


def node_times(
    schedule: Schedule, there: list[Steps], frames: int, hold: Steps | None = None
) -> tuple[list[Steps], Steps]:
    """A node's times.

    Args:
        there: of each input, the cycle in which each word is there, (frames * words,).
        frames: how many frames that is.
        hold: (frames * words of an output,), when a word can move at the earliest; None for no
            limit. A word that waits is told as made later: the kernel does what is before it as
            soon or sooner.

    Returns:
        (when the words of each input leave it, when those of an output move), as `there`.
    """
    enters = [
        (_taken_ahead(times, None) if read.kept else times)
        for read, times in zip(schedule.reads, there, strict=True)
    ]
    while True:
        step = _steps(schedule, enters, frames, hold)
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
            given = step[:, schedule.given] + (schedule.latency + schedule.late)
            return leaves, given.reshape(-1)


def latest_times(schedule: Schedule, reads: list[Steps]) -> Steps:
    """When the words of an output move at the latest, (frames, words), for those that read them to
    have them in time.

    Args:
        reads: of each output, when its words leave the FIFO behind it, (frames, words).
    """
    frames = len(reads[0])
    due = np.minimum.reduce(reads) - np.int64(1) - schedule.latency - schedule.late
    steps = np.full(frames * schedule.steps, np.iinfo(np.int64).max // 2)
    place = (counted(frames)[:, None] * schedule.steps + schedule.given).reshape(-1)
    np.minimum.at(steps, place, due.reshape(-1))
    order = counted(steps.size)
    steps = np.minimum.accumulate((steps - order)[::-1])[::-1] + order
    return steps[place].reshape(frames, -1) + schedule.latency + schedule.late


def _steps(schedule: Schedule, enters: list[Steps], frames: int, hold: Steps | None) -> Steps:
    """When each step is made, (frames, steps), from when the words are there, or have entered what
    keeps them."""
    ready = np.zeros((frames, schedule.steps), dtype=np.int64)
    for read, times in zip(schedule.reads, enters, strict=True):
        last = times.reshape(frames, -1)[:, np.maximum(read.needed, 1) - 1] + (read.kept > 0)
        np.maximum(ready, last, out=ready, where=read.needed > 0)
    if hold is not None:
        least = hold.reshape(frames, -1) - schedule.latency - schedule.late
        place = (counted(frames)[:, None] * schedule.steps + schedule.given).reshape(-1)
        np.maximum.at(ready.reshape(-1), place, least.reshape(-1))
    order = counted(ready.size)
    return (np.maximum.accumulate(ready.reshape(-1) - order) + order).reshape(frames, -1)


def _taken_ahead(times: Steps, taken: Steps | None, kept: int = 0) -> Steps:
    """When words enter what keeps `kept` of them, each until it is `taken`: one a cycle."""
    ready = times.copy()
    if taken is not None and kept < len(ready):
        np.maximum(ready[kept:], taken[:-kept] + 1, out=ready[kept:])
    order = counted(len(ready))
    return np.maximum.accumulate(ready - order) + order
