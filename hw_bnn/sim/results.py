"""What a simulation gives, for every engine alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .packing import Words

Handshakes = dict[int, dict[str, tuple[bool, bool]]]
"""Cycle -> stream -> (tvalid, tready)."""


@dataclass(frozen=True)
class StreamStatistics:
    """Cycles of one stream by its handshake; moved = words transferred."""

    moved: int
    stalled: int  # valid and not ready: the consumer is the slower
    starved: int  # ready and not valid: the producer is the slower
    idle: int

    def __add__(self, other: StreamStatistics) -> StreamStatistics:
        return StreamStatistics(
            self.moved + other.moved, self.stalled + other.stalled,
            self.starved + other.starved, self.idle + other.idle,
        )  # fmt: skip


@dataclass
class EngineRun:
    """What one run of an engine gave. Cycle 0 is the first after reset.

    Attributes:
        words: (N, out words, bytes) uint8, as on m_axis.
        frame_done: (N,) cycle in which the frame's last word left.
        first_in: cycle in which the first word was taken.
        cycles: length of the run.
        streams: by name, where watched.
        capture: by name (words (N, w, bytes), cycles (N, w)), where asked for.
        looked: handshakes of all streams, in the cycles that were asked for.
        fifo_max: largest fill of each FIFO in words, by node name.
        config_status: of the config port at the end, 0 without one.
        lanes: frames side by side: frame f ran in lane f % lanes, after f // lanes others.
    """

    words: Words
    frame_done: NDArray[np.uint64]
    first_in: int
    cycles: int
    seconds: float
    streams: dict[str, StreamStatistics] = field(default_factory=dict)
    capture: dict[str, tuple[Words, NDArray[np.uint64]]] = field(default_factory=dict)
    looked: Handshakes = field(default_factory=dict)
    fifo_max: dict[str, int] = field(default_factory=dict)
    config_status: int = 0
    lanes: int = 1

    @property
    def latency_cycles(self) -> int | None:
        """Cycles from the first frame's first word in to its last word out, both counted."""
        return int(self.frame_done[0]) - self.first_in + 1 if len(self.frame_done) else None

    @property
    def cycles_per_frame(self) -> float | None:
        """Mean distance of the frames' ends in the second half of the run, None below two frames.

        The first half is warm-up: until every FIFO has its steady fill,
        frames leave faster or slower.
        """
        done = self.frame_done[:: self.lanes]
        count = len(done)
        if count < 2:
            return None
        warm = (count - 1) // 2
        span = int(done[-1]) - int(done[warm])
        return span / (count - 1 - warm)


@dataclass
class SimulationResult:
    """What `simulate` gives.

    Attributes:
        scores: (N, n) int64 accumulators of the last integer layer, None with output mode "label".
        labels: (N,) int64, None with output mode "scores". Of several contexts (N, K), with scores
            (N, K, n); of an ensemble on chip the votes (N, n), with sums of scores.
        cycles_per_frame: in steady state, None below two frames (see EngineRun).
        latency_cycles: of the first frame, from its first word in to its last word out.
        cycles: simulated in all (over all shards), None where the engine has none.
        seconds: wall time of the simulation; build_seconds: of the build (near 0 from the cache).
        fifo_max: largest fill of each FIFO in words, by node name.
        streams: handshake statistics by stream, where asked for.
        shards, shards_reused: parts the run was cut into, and those taken from a run before.
        input: what the frames are; pixels: what their stored pixels become, where they have any.
        accuracy: of the frames not seen in training, where labels are known. warnings: what looks
            wrong about the frames.
    """

    engine: str
    frames: int
    scores: NDArray[np.int64] | None
    labels: NDArray[np.int64] | None
    cycles_per_frame: float | None
    latency_cycles: int | None
    cycles: int | None
    seconds: float
    build_seconds: float
    seed: int
    fifo_max: dict[str, int] = field(default_factory=dict)
    streams: dict[str, StreamStatistics] = field(default_factory=dict)
    shards: int = 1
    shards_reused: int = 0
    waves: Path | None = None
    input: str = "given frames"
    pixels: str | None = None
    accuracy: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def frames_per_second(self) -> float:
        """Simulated frames per second of wall time, without the build."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def cycles_per_second(self) -> float:
        """Simulated clock cycles per second of wall time, without the build."""
        return (self.cycles or 0) / self.seconds if self.seconds else 0.0
