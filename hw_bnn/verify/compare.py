"""A stage's run against the golden model: which frames differ, which by rounding, where first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import CheckFailed
from ..golden.ties import FloatDifference
from .divergence import Divergence
from .stage import Advance, Case, Stage, StageRun, trace_tensors

Execute = Callable[[np.ndarray], tuple[dict[str, np.ndarray], np.ndarray | None]]

LISTED = 10
"""Ties told in full."""


@dataclass
class Outcome:
    """What the comparison of one stage gave.

    frames, mismatches: how many were run, and how many differ. ties: of a float stage, those that
    differ by a proven rounding tie (`tied` tells the first); failure: why it proves no frame.
    """

    title: str
    frames: int
    mismatches: int
    seconds: float = 0.0
    ties: int | None = None
    tied: list[str] = field(default_factory=list)
    divergence: Divergence | None = None
    failure: str | None = None
    run: StageRun | None = None


def compare(stage: Stage, case: Case, run: StageRun) -> Outcome:
    """Scores by ==, and labels where the stage's are exact.

    Raises:
        CheckFailed: the stage gives another number of scores.
    """
    count = len(run)
    different = np.zeros(count, bool)
    if run.scores is not None:
        if run.scores.shape != case.scores[:count].shape:
            raise CheckFailed(
                f"{stage.name} gives {run.scores.shape[1:]} scores per frame, golden "
                f"{case.scores.shape[1:]}"
            )
        different |= (run.scores != case.scores[:count]).any(axis=1)
    if stage.floats:
        return _floats(stage, case, run, different)
    if run.labels is not None:
        different |= run.labels != case.labels[:count]
    where = np.flatnonzero(different)
    outcome = Outcome(stage.title, count, len(where), run=run)
    if len(where):
        outcome.divergence = _at_output(stage.name, case, run, int(where[0]))
    return outcome


def _floats(stage: Stage, case: Case, run: StageRun, different: np.ndarray) -> Outcome:
    """Every frame that differs anywhere inside is a proven tie or a mismatch."""
    count, found = len(run), run.inside
    assert found is not None  # by `float_run`
    wrong = {d.frame for d in found.mismatches}
    wrong |= set(np.flatnonzero(different).tolist()) - {d.frame for d in found.divergences}
    outcome = Outcome(stage.title, count, len(wrong), ties=len(found.ties), run=run)
    outcome.tied = [f"{stage.name}: {d}" for d in found.ties[:LISTED]]
    if found.mismatches:
        d = found.mismatches[0]
        outcome.divergence = Divergence(
            stage.name,
            d.tensor,
            case.layers.get(d.tensor, d.node),
            d.frame,
            d.index[1:],
            d.index[0],
            d.golden,
            d.stage,
        )
    return outcome


def _at_output(name: str, case: Case, run: StageRun, frame: int) -> Divergence:
    """The first difference at the output, where nothing is known of the inside."""
    expected, found = case.labels[frame : frame + 1], run.labels
    if run.scores is not None and (run.scores[frame] != case.scores[frame]).any():
        expected, found = case.scores[frame], run.scores
    assert found is not None
    channel = int(np.flatnonzero(expected != found[frame])[0])
    tensor = case.accelerator.output.tensor
    return Divergence(
        name, tensor, case.layers.get(tensor), frame, (), channel,
        int(expected[channel]), int(np.atleast_1d(found[frame])[channel]),
    )  # fmt: skip


def float_run(case: Case, x: np.ndarray, execute: Execute, advance: Advance) -> StageRun:
    """The run of a float stage, compared at every quantiser part by part: no more than a part's
    values are there at once.

    Args:
        x: (N, ...) integers of the accelerator's input.
        execute: a part's real inputs -> tensor of the model file -> (n, ...) real values, at least
            those of trace_tensors, and the (n,) argmax of the stage's own outputs where it has one.
        advance: called with the number of frames newly done.

    Returns:
        The last layer's values as the integers they stand for, and what differs inside.
    """
    golden, inside = case.golden, FloatDifference()
    scores: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for start in range(0, len(x), case.batch):
        part = x[start : start + case.batch]
        values, own = execute(golden.real_input(part))
        wanted = {name: values[name] for name in trace_tensors(golden)}
        last = golden.to_integers(golden.output_tensor, wanted[golden.output_tensor])
        scores.append(last.reshape(len(part), -1))
        if own is not None:
            labels.append(own)
        found = golden.explain_float_difference(part, wanted).divergences
        inside.divergences += [replace(d, frame=start + d.frame) for d in found]
        advance(len(part))
    return StageRun(np.concatenate(scores), np.concatenate(labels) if labels else None, inside)
