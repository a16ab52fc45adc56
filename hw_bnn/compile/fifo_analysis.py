"""FIFO depths by analysis: what each has to hold while every frame takes the bottleneck's cycles.

1. With frames that come at the slowest node's rate, and no FIFO ever full, all words have their
   times (timetable.py). Frames are added until one does what the one before it did.
2. Node by node, from the last to the first, FIFOs behind a node are made as small as they can be
   while all words still come when they are read: the node does later what it can. Then its own
   inputs wait longer, which is taken where FIFOs cost less so. The windows of a convolution, for
   example, wait as the fewer words that they are cut out of.

FIFOs of those depths block nothing in this timetable; and a dataflow network whose inputs come
sooner does nothing later (its times are maxima and sums of its inputs' times: Baccelli et al.,
Synchronization and Linearity, 1992), so that it keeps the rate when frames come as fast as they are
taken, too. FINN and FINN+ find depths by simulation alone (transformation/fpgadataflow/
set_fifo_depths.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..accelerator import Description
from ..accelerator.description import Node
from ..errors import Unsupported
from ..kernels.schedule import Schedule, Steps, counted
from .boards import DEFAULT_BOARD, price_of
from .stream_cost import fifo_cost
from .timetable import FIFO, latest_times, movements, node_times, schedules_of

FRAMES = (8, 16, 32, 64)
"""How many frames are tried until what they do repeats itself."""
MOST_WORDS = 2**31
"""Of all streams in these frames; each takes four bytes."""
WORTH = 1.3
"""What the FIFOs around a node may cost, as a factor, with those behind it made smaller: those in
front, which are deeper then, are made smaller in their turn."""


def depths(
    accelerator: Description, say: Callable[[str], None] = lambda _step: None
) -> dict[str, tuple[int, int]]:
    """(depth of each FIFO with which the accelerator takes its bound of cycles a frame, how much it
    holds then), in words.

    Args:
        say: called with what is being done.

    Raises:
        Unsupported: a node has no fixed schedule, or frames do not come to repeat each other in a
            number that memory holds.
    """
    schedules = schedules_of(accelerator)
    words = sum(stream.words for stream in accelerator.streams)
    for frames in FRAMES:
        if frames * words > MOST_WORDS:
            break
        say(f"FIFO depths: {frames} frames")
        found = _settled(accelerator, schedules, frames)
        if found is not None:
            return found
    raise Unsupported(
        "its frames do not come to repeat each other in a number that memory holds, so that no "
        "schedule tells FIFO depths",
        remedy='let simulation find the depths (fifo_sizing="simulation")',
    )


def _settled(
    accelerator: Description, schedules: dict[str, Schedule], frames: int
) -> dict[str, tuple[int, int]] | None:
    """As `depths`, from so many frames; None where they are too few."""
    words = accelerator.input.words
    source = counted(frames * words) * accelerator.bound_cycles // words
    table = _Table(accelerator, schedules, source.reshape(frames, words))
    if not table.settles(table.settled):
        return None
    for node in reversed(accelerator.nodes):
        if node.op != FIFO:
            table.lower(node)
    return table.depths()


class _Table:
    """When the words of all streams move, (frames, words) each.

    Attributes:
        source: when the words of the input are there.
        settled: the first frame from which each is the one before it, a period later, everywhere.
    """

    def __init__(self, accelerator: Description, schedules: dict[str, Schedule], source: Steps):
        self.schedules, self.source, self.settled = schedules, source, 0
        self.frames, self.period = len(source), accelerator.bound_cycles
        fifos = [n for n in accelerator.nodes if n.op == FIFO]
        self.behind = {n.inputs[0]: n for n in fifos}
        self.before = {n.outputs[0]: n for n in fifos}
        self.bits = {s.name: s.word_bits for s in accelerator.streams}
        self.moves: dict[str, Steps] = {}
        self.ends = np.zeros(len(source), dtype=np.int64)
        for name, moves in movements(accelerator, schedules, source):
            self.settled = max(self.settled, _first_alike(moves, self.period))
            np.maximum(self.ends, moves.max(axis=1), out=self.ends)
            self._put({name: moves})

    def _put(self, moves: dict[str, Steps]) -> None:
        small = self.frames * self.period < 2**30
        self.moves |= {name: m.astype(np.int32) if small else m for name, m in moves.items()}

    def settles(self, settled: int) -> bool:
        """Whether the last frame enters when one has left behind which all are alike."""
        return settled < self.frames - 1 and bool(self.ends[settled] < self.source[-1, 0])

    def depths(self) -> dict[str, tuple[int, int]]:
        """(depth, most held) of each FIFO."""
        return {
            n.name: _depth(self.moves[n.inputs[0]], self.moves[n.outputs[0]])
            for n in self.behind.values()
        }

    def lower(self, node: Node) -> None:
        """Make the FIFOs behind a node as small as can be, where that costs less with what those in
        front of it hold then."""
        behind = [self.behind[name] for name in node.outputs if name in self.behind]
        if all(self._room(fifo, self.moves) == 1 for fifo in behind):
            return
        reads = {n.name: self.moves[n.outputs[0]] for n in behind}
        latest = latest_times(self.schedules[node.name], list(reads.values()))
        rooms = {name: _depth(latest, times)[0] for name, times in reads.items()}
        later = self._later(node, behind, rooms)
        if later is None:
            return
        around = [*behind, *(self.before[name] for name in node.inputs if name in self.before)]
        if self._cost(around, self.moves | later) < WORTH * self._cost(around, self.moves):
            self.settled = self._settled_with(later)
            self._put(later)

    def _settled_with(self, moves: dict[str, Steps]) -> int:
        return max(self.settled, *(_first_alike(m, self.period) for m in moves.values()))

    def _later(
        self, node: Node, behind: list[Node], rooms: dict[str, int]
    ) -> dict[str, Steps] | None:
        """What moves when around a node where the FIFOs behind it have that room; None where a word
        comes too late, or frames are not alike."""
        there = [
            self.moves[self.before[name].inputs[0]].reshape(-1) + np.int64(1)
            if name in self.before else self.source.reshape(-1)
            for name in node.inputs
        ]  # fmt: skip
        reads = {n.name: self.moves[n.outputs[0]].reshape(-1) for n in behind}
        hold = np.zeros_like(there[0], shape=reads[behind[0].name].shape)
        for name, room in rooms.items():
            free = reads[name][: max(len(hold) - room, 0)]
            np.maximum(hold[room:], free + (room > 1), out=hold[room:])
        leaves, given = node_times(self.schedules[node.name], there, self.frames, hold)
        if any((given >= times).any() for times in reads.values()):
            return None
        times = [*zip(node.inputs, leaves, strict=True), *((name, given) for name in node.outputs)]
        moves = {name: t.reshape(self.frames, -1) for name, t in times}
        return moves if self.settles(self._settled_with(moves)) else None

    def _room(self, fifo: Node, moves: dict[str, Steps]) -> int:
        return _depth(moves[fifo.inputs[0]], moves[fifo.outputs[0]])[0]

    def _cost(self, fifos: list[Node], moves: dict[str, Steps]) -> float:
        """LUTs of FIFOs, block RAMs at their price."""
        lut, _, bram, *_ = np.sum(
            [fifo_cost(self.bits[n.inputs[0]], self._room(n, moves)) for n in fifos], axis=0
        )
        return float(lut + price_of("brams", DEFAULT_BOARD) * bram)


def _first_alike(moves: Steps, period: int) -> int:
    """The first frame from which each is the one before it, a period later."""
    apart = (np.diff(moves, axis=0) == period).all(axis=1)
    return len(moves) - 1 - int(np.argmin([*apart[::-1], False]))


def _depth(moves_in: Steps, moves_out: Steps) -> tuple[int, int]:
    """(words that a FIFO has to have room for, words that it holds at most). A FIFO of one word
    takes a word as it gives one, deeper ones do not (rtl/bnn_fifo.sv)."""
    enters, leaves = moves_in.reshape(-1), moves_out.reshape(-1)
    number = counted(len(enters)) + 1
    held = int((number - np.searchsorted(leaves, enters, side="right")).max())
    room = int((number - np.searchsorted(leaves, enters, side="left")).max())
    return (1 if held <= 1 else room), held
