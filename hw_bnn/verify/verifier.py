"""Runs the stages of one accelerator on given frames and compares each with the golden model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import console
from ..accelerator import Description
from ..errors import CheckFailed
from ..frames import Frames
from .compare import Outcome, compare
from .stage import Ask, Case, Stage, all_stages

if TYPE_CHECKING:
    from ..golden import GoldenModel


class Verifier:
    """The stages of one accelerator.

    Attributes:
        case: what they are run on.
        outcomes: stage -> what its comparison gave, of the stages run so far.
        seconds: by stage, and of what went before.
    """

    def __init__(
        self,
        golden: GoldenModel,
        folder: Path,
        accelerator: Description,
        frames: Frames,
        seconds: dict[str, float],
        ask: Ask,
    ):
        self.seconds = seconds
        self.outcomes: dict[str, Outcome] = {}
        with self._timed("reference"):
            scores = np.asarray(golden.scores(frames.x)).reshape(len(frames), -1)
            labels = np.asarray(golden.labels(scores))
        self.case = Case(golden, folder, accelerator, frames, scores, labels, ask)

    def run_all(self) -> None:
        """Every stage that is wanted, and synthesis where a family is asked for."""
        family = self.case.ask.family
        if family is not None:
            from ..synth import synth

            with self._timed("synth"), console.stage(f"synth ({family})"):
                synth(self.case.folder, family)
        for stage in all_stages():
            if stage.wanted(self.case.ask):
                self.outcomes[stage.name] = self._outcome(stage)

    def _outcome(self, stage: Stage) -> Outcome:
        case, count = self.case, stage.frames(self.case)
        started = time.monotonic()
        try:
            with console.progress(f"verify {stage.name}", count, "frames") as advance:
                run = stage.run(case, case.frames.x[:count], advance)
            outcome = compare(stage, case, run)
        except CheckFailed as error:  # a simulation that hangs proves no frame
            outcome = Outcome(stage.title, count, count, failure=str(error))
        outcome.seconds = self.seconds[stage.name] = time.monotonic() - started
        if outcome.divergence is not None:
            inside = stage.locate(case, outcome.divergence.frame)
            if inside is not None:
                outcome.divergence = replace(inside, inside=True)
        return outcome

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started
