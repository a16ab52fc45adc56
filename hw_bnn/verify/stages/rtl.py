"""The SystemVerilog in Verilator: back to back, and with random pauses at both ends."""

from __future__ import annotations

import numpy as np

from ...accelerator import Description
from ...accelerator.folder import network_folder
from ...simulation import golden_model
from ..divergence import Divergence
from ..stage import SLOW_FRAMES, Advance, Case, Stage, StageRun, register

WATCHED = 16
"""Frames of which the cycles that layers wait are counted."""


@register
class Rtl(Stage):
    """All frames back to back; the rate is measured here."""

    name, order = "rtl", 50
    stall = 0.0

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        run = simulated(case, x, advance, jobs=case.ask.jobs)
        run.figures["waits"] = waits(case, x[:WATCHED])
        return run

    def locate(self, case: Case, frame: int) -> Divergence | None:
        from ..locate import locate

        if case.accelerator.contexts > 1:  # streams carry all contexts
            return None
        waves = case.ask.waves
        return locate(
            case.golden, case.folder, Description.load(case.network), case.frames.x, frame,
            case.layers, stage=self.name, stall=self.stall, weights=case.ask.weights,
            waves=waves / f"{self.name}_divergence.fst" if waves is not None else None,
        )  # fmt: skip


@register
class RtlStalled(Rtl):
    """Some frames with pauses of source and sink."""

    name, order = "rtl_stalled", 55
    stall = 0.3

    def frames(self, case: Case) -> int:
        return min(len(case.frames), SLOW_FRAMES)

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        return simulated(case, x, advance, stall=self.stall, seed=1)


def waits(case: Case, x: np.ndarray) -> dict[str, dict[str, float]]:
    """Node -> the shares of all cycles in which it was starved and stalled (see
    :func:`hw_bnn.simulation.layer_statistics`), over a few frames back to back.
    """
    from ...sim import stream_frames
    from ...simulation import layer_statistics

    result = stream_frames(case.folder, x, weights=case.ask.weights, statistics=True)
    return {
        row["node"]: {key: round(row[key] / result.cycles, 4) for key in ("starved", "stalled")}
        for row in layer_statistics(case.accelerator, result)
    }


def alone(
    case: Case, x: np.ndarray, sums: np.ndarray | None, votes: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """What an ensemble's sums and votes leave to the case's context: (scores, labels).

    They are less what the golden models of the other contexts give; the label is -1 where what is
    left is no single vote.
    """
    assert sums is not None and votes is not None  # its mode is both
    sums, votes = sums.copy(), votes.copy()
    for k in range(case.accelerator.output.ensemble):
        if k == case.ask.context:
            continue
        folder = network_folder(case.ask.weights or case.folder, k)
        other = golden_model(folder, case.accelerator)
        scores = np.asarray(other.scores(x)).reshape(len(x), -1)
        sums -= scores
        votes[np.arange(len(x)), np.asarray(other.labels(scores))] -= 1
    return sums, one_vote(votes)


def one_vote(votes: np.ndarray) -> np.ndarray:
    """The label of each row of votes; -1 where it is no single vote."""
    single = ((votes == 0) | (votes == 1)).all(axis=1) & (votes.sum(axis=1) == 1)
    return np.where(single, votes.argmax(axis=1), -1)


def simulated(case: Case, x: np.ndarray, advance: Advance, **options: object) -> StageRun:
    """A run of one of the engines of `hw_bnn.sim.stream_frames`, with its figures."""
    from ...sim import stream_frames

    result = stream_frames(case.folder, x, progress=advance, weights=case.ask.weights, **options)
    figures = {
        "cycles_per_frame": result.cycles_per_frame,
        "latency_cycles": result.latency_cycles,
        "fifo_max": result.fifo_max,
        "frames_per_second": result.frames_per_second,
        "build_seconds": result.build_seconds,
    }
    scores, labels, context = result.scores, result.labels, case.ask.context
    if case.accelerator.output.ensemble > 1:
        scores, labels = alone(case, x, scores, labels)
    elif case.accelerator.output.results > 1:
        scores = None if scores is None else scores[:, context]
        labels = None if labels is None else labels[:, context]
    return StageRun(scores, labels, figures=figures)
