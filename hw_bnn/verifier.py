"""Runs the stages of one accelerator on given frames and compares each with the golden model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import console
from .accelerator import Accelerator
from .divergence import Divergence, first_divergence
from .errors import CheckFailed
from .frames import Frames
from .report.junit import Case
from .stages import StageRun, run_dataflow, run_golden, run_qonnx, run_rtl, run_torch

if TYPE_CHECKING:
    from .golden import GoldenModel

SLOW_FRAMES = 256
"""Least number of frames (or all) that the slow Python stages see."""

_LIGHT_WORK = 4 * 10**8  # weight uses in all, up to which the slow stages see all frames
_STALL = 0.3
_LISTED = 10  # ties told in full


@dataclass
class Outcome:
    """What the comparison of one stage gave."""

    frames: int
    mismatches: int
    seconds: float
    ties: int | None = None  # float stages only
    tied: list[str] = field(default_factory=list)
    divergence: Divergence | None = None
    failure: str | None = None
    run: StageRun | None = None


class Verifier:
    """Runs the stages of one accelerator on frames and compares them with the golden model."""

    def __init__(
        self,
        golden: GoldenModel,
        folder: Path,
        accelerator: Accelerator,
        frames: Frames,
        seconds: dict[str, float],
        slow_frames: int | None,
    ):
        self.golden, self.folder, self.accelerator = golden, folder, accelerator
        self.frames, self.seconds = frames, seconds
        self.outcomes: dict[str, Outcome] = {}
        self.work = len(frames) * sum(
            n.cycles * n.pe * n.simd for n in accelerator.nodes if n.pe and n.simd
        )
        light = self.work <= _LIGHT_WORK
        self.slow = min(len(frames), slow_frames or (len(frames) if light else SLOW_FRAMES))
        with self._timed("reference"):
            self.scores = np.asarray(golden.scores(frames.x)).reshape(len(frames), -1)
            self.labels = np.asarray(golden.labels(self.scores))

    def run_all(
        self,
        torch_run: Any = None,
        jobs: int = 1,
        waves: Path | None = None,
        family: str | None = None,
    ) -> None:
        """All stages; `waves`: folder for waveforms of divergences; `family`: synthesise too."""
        model = self.folder / "model.onnx"
        golden, folder, count = self.golden, self.folder, len(self.frames)
        if torch_run is not None:
            module = _torch_module(torch_run)
            self._stage("torch", count, lambda x, a: run_torch(golden, module, x, a), floats=True)
        self._stage("qonnx", self.slow, lambda x, a: run_qonnx(golden, model, x, a), floats=True)
        self._stage("dataflow", self.slow, lambda x, a: run_dataflow(folder, x, a))
        self._locate_in_dataflow()
        plain = count if self.work <= 10 * _LIGHT_WORK else self.slow
        self._stage("golden", plain, lambda x, a: run_golden(golden, x, a))
        self._stage("rtl", count, lambda x, a: run_rtl(folder, x, a, jobs=jobs))
        some = min(count, SLOW_FRAMES)
        self._stage("rtl_stalled", some, lambda x, a: run_rtl(folder, x, a, stall=_STALL, seed=1))
        for name in ("rtl", "rtl_stalled"):
            self._locate_in_rtl(name, waves)
        if family is not None:
            from .synth import synth

            with self._timed("synth"), console.stage(f"synth ({family})"):
                synth(folder, family)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started

    def _stage(
        self,
        name: str,
        count: int,
        function: Callable[[np.ndarray, Callable[[int], None]], StageRun],
        floats: bool = False,
    ) -> None:
        """Run a stage on the first `count` frames and compare."""
        started = time.monotonic()
        try:
            with console.progress(f"verify {name}", count, "frames") as advance:
                run = function(self.frames.x[:count], advance)
            outcome = self._compare(name, run, floats)
        except CheckFailed as error:  # a simulation that hangs proves no frame
            outcome = Outcome(count, count, 0.0, failure=str(error))
        outcome.seconds = self.seconds[name] = time.monotonic() - started
        self.outcomes[name] = outcome

    def _compare(self, name: str, run: StageRun, floats: bool) -> Outcome:
        count = len(run)
        different = np.zeros(count, bool)
        if run.scores is not None:
            if run.scores.shape != self.scores[:count].shape:
                raise CheckFailed(
                    f"{name} gives {run.scores.shape[1:]} scores per frame, golden "
                    f"{self.scores.shape[1:]}"
                )
            different |= (run.scores != self.scores[:count]).any(axis=1)
        if not floats and run.labels is not None:
            different |= run.labels != self.labels[:count]
        if floats:
            return self._compare_floats(name, run, different)
        where = np.flatnonzero(different)
        outcome = Outcome(count, len(where), 0.0, run=run)
        if len(where):
            outcome.divergence = self._in_scores(name, run, int(where[0]))
        return outcome

    def _compare_floats(self, name: str, run: StageRun, different: np.ndarray) -> Outcome:
        """A float stage: every frame that differs anywhere inside is a proven tie or a mismatch."""
        count = len(run)
        found = self.golden.explain_float_difference(self.frames.x[:count], run.floats)
        wrong = {d.frame for d in found.mismatches}
        wrong |= set(np.flatnonzero(different).tolist()) - {d.frame for d in found.divergences}
        outcome = Outcome(count, len(wrong), 0.0, ties=len(found.ties), run=run)
        outcome.tied = [f"{name}: {d}" for d in found.ties[:_LISTED]]
        if found.mismatches:
            d = found.mismatches[0]
            outcome.divergence = Divergence(
                name, d.tensor, d.node, d.frame, d.index[1:], d.index[0], d.golden, d.stage
            )
        return outcome

    def _in_scores(self, name: str, run: StageRun, frame: int) -> Divergence:
        """The first difference at the output, where no inner tensors are known."""
        expected, found = self.labels[frame : frame + 1], run.labels
        if run.scores is not None and (run.scores[frame] != self.scores[frame]).any():
            expected, found = self.scores[frame], run.scores
        channel = int(np.flatnonzero(expected != found[frame])[0])
        tensor = self.accelerator.output.tensor
        return Divergence(
            name, tensor, self._layers().get(tensor), frame, (), channel,
            int(expected[channel]), int(np.atleast_1d(found[frame])[channel]),
        )  # fmt: skip

    def _layers(self) -> dict[str, str]:
        """Tensor of the model file -> the node that makes it."""
        from .onnxfile import load_onnx

        graph = load_onnx(self.folder / "model.onnx").graph
        return {out: n.name or n.op_type for n in graph.node for out in n.output}

    def _locate_in_dataflow(self) -> None:
        """Replace a divergence at the dataflow graph's output by the first one inside."""
        outcome = self.outcomes["dataflow"]
        if outcome.divergence is None:
            return
        from .compile.dataflow import trace

        frame = outcome.divergence.frame
        x = self.frames.x[frame : frame + 1]
        expected = self.golden.trace(x)
        found = trace(self.folder, x, {name: v.shape[1:] for name, v in expected.items()})
        outcome.divergence = (
            first_divergence("dataflow", expected, found, [frame], self._layers())
            or outcome.divergence
        )

    def _locate_in_rtl(self, name: str, waves: Path | None) -> None:
        """Replace a divergence at the RTL's output by the first one inside, with a waveform."""
        outcome = self.outcomes[name]
        if outcome.divergence is None:
            return
        from .rtl_divergence import locate

        found = locate(
            self.golden, self.folder, self.accelerator, self.frames.x, outcome.divergence.frame,
            self._layers(), stage=name, stall=_STALL if name == "rtl_stalled" else 0.0,
            waves=waves / f"{name}_divergence.fst" if waves is not None else None,
        )  # fmt: skip
        outcome.divergence = found or outcome.divergence

    # --- the results ---------------------------------------------------------------------------

    def cases(self) -> list[Case]:
        """One JUnit case per stage."""
        cases = []
        if "compile" in self.seconds:
            cases.append(Case("compile", self.seconds["compile"], None))
        for name, outcome in self.outcomes.items():
            failure = None
            if outcome.mismatches:
                told = outcome.failure or str(outcome.divergence or "")
                failure = f"{outcome.mismatches} of {outcome.frames} frames differ\n{told}"
            pair = "golden plain == packed" if name == "golden" else f"{name} == golden"
            cases.append(Case(pair, outcome.seconds, failure))
        return cases

    def _accuracy(self) -> dict[str, float | None]:
        """Share of right labels by stage, over the held-out frames."""
        known = self.frames.labels
        result: dict[str, float | None] = {"torch": None, "golden": None, "rtl": None}
        held_out = self.frames.held_out
        if known is None or not len(known[held_out]):
            return result
        labels = {"golden": self.labels}
        for name in ("torch", "rtl"):
            outcome = self.outcomes.get(name)
            if outcome is None or outcome.run is None:
                continue
            labels[name] = outcome.run.labels
            if labels[name] is None and outcome.run.scores is not None:
                labels[name] = self.golden.labels(outcome.run.scores)
        for name, given in labels.items():
            if given is not None:
                result[name] = float((given[held_out] == known[held_out]).mean())
        return result

    def _resources(self) -> dict[str, float | None]:
        """What synthesis counted, where it has been run for this accelerator."""
        for family in ("xc7", "xcup", "ecp5"):
            path = self.folder / "synth" / f"{family}.json"
            if path.is_file():
                total = json.loads(path.read_text())["total"]
                return {"luts": total["lut"], "ffs": total["ff"], "brams": total["bram"]}
        return {"luts": None, "ffs": None, "brams": None}

    def summary(self, model: Path) -> dict:
        """The result document."""
        outcomes = self.outcomes
        rtl = outcomes["rtl"].run.figures if outcomes["rtl"].run is not None else {}
        divergences = [
            {**asdict(o.divergence), "text": str(o.divergence)}
            for o in outcomes.values() if o.divergence is not None
        ]  # fmt: skip
        return {
            "passed": all(o.mismatches == 0 for o in outcomes.values()),
            "model": model.name,
            "input": self.frames.source,
            "accuracy": self._accuracy(),
            "accuracy_frames": len(self.frames.x[self.frames.held_out]),
            "frames": {name: o.frames for name, o in outcomes.items()},
            "mismatches": {name: o.mismatches for name, o in outcomes.items()},
            "float_ties": {n: o.ties for n, o in outcomes.items() if o.ties is not None},
            "ties": [text for o in outcomes.values() for text in o.tied][:_LISTED],
            "divergences": divergences,
            "failures": {n: o.failure for n, o in outcomes.items() if o.failure is not None},
            "cycles_per_frame": rtl.get("cycles_per_frame"),
            "latency_cycles": rtl.get("latency_cycles"),
            "bound_cycles": self.accelerator.bound_cycles,
            "clk_period_ns": self.accelerator.clk_period_ns,
            **self._resources(),
            "fifo_max": rtl.get("fifo_max", {}),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "versions": self.accelerator.versions,
        }


def _torch_module(run: Any) -> Any:
    """The torch module of a run's folder or checkpoint, or the module itself."""
    if not isinstance(run, str | Path):
        return run
    from .train.trained import load_trained

    return load_trained(run).model
