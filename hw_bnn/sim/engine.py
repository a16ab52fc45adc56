"""What an engine is: one way of running an accelerator's frames.

A new engine is one file in engines/:

    @register
    class Hls(Engine):
        name = "hls"
        offers = frozenset({"jobs"})

        def run(self, task, progress):
            return task.result(...)

What is asked beyond what it offers is refused before any work.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Description
from ..accelerator.config_stream import ConfigWords
from ..errors import BadInput
from ..options import EngineOptions
from .config import Config
from .native import NativeModel
from .packing import Words, frame_names, unpack_output
from .results import EngineRun, SimulationResult, StreamStatistics

Progress = Callable[[int], None] | None
"""To be called with the number of frames newly done."""


@dataclass(frozen=True)
class Task:
    """Frames to be streamed through the accelerator of a folder, and how.

    frames: (N, *shape) integers of the input contract; words: the same as s_axis takes them,
    (N, words, bytes). load: what goes to the config port first.
    """

    folder: Path
    description: Description
    frames: NDArray[np.integer]
    words: Words
    asked: EngineOptions
    seed: int
    fifo_caps: dict[str, int]
    preamble: int
    trust: bool
    load: ConfigWords | None

    @property
    def names(self) -> NDArray[np.uint8]:
        """What the frames name: `names` of `NativeModel.run`."""
        return frame_names(len(self.words), self.asked.context)

    @property
    def source(self) -> dict[str, Any]:
        """How the runs of a model are paced."""
        asked = self.asked
        return dict(stall=asked.stall, throttle=asked.throttle, preamble=self.preamble)

    def through(self, model: NativeModel, progress: Progress) -> EngineRun:
        """One run of a model of the RTL or of gates, as the options ask for it."""
        if self.fifo_caps:
            model.set_fifo_caps(self.fifo_caps)
        waves, config = self.asked.waves, None if self.load is None else Config(self.load)
        how = dict(
            watch=self.asked.statistics, progress=progress, seed=self.seed + 1, config=config,
            names=self.names, **self.source,
        )  # fmt: skip
        if waves is None:
            return model.run(self.words, **how)
        from .waves import write_signal_list

        signals = write_signal_list(Path(waves), model.accelerator)
        try:
            model.trace(waves, self.asked.window)
            try:
                return model.run(self.words, **how)
            finally:
                model.trace(None)
        except BadInput:  # what there is of them has no end, and no reader takes it
            for path in (Path(waves), signals):
                path.unlink(missing_ok=True)
            raise

    def result(
        self, runs: list[EngineRun], *, seconds: float, build_seconds: float, reused: int = 0
    ) -> SimulationResult:
        """What the runs of the frames' parts, in order, come to.

        Args:
            seconds: of the simulation alone. reused: parts that an earlier run left.
        """
        words = runs[0].words if len(runs) == 1 else np.concatenate([run.words for run in runs])
        output = self.description.output
        if self.asked.context is not None:
            output = output.model_copy(update={"results": 1})
        scores, labels = unpack_output(output, words)
        longest = max(runs, key=lambda run: len(run.words))
        streams: dict[str, StreamStatistics] = {}
        fifo_max: dict[str, int] = {}
        for run in runs:
            for name, counts in run.streams.items():
                streams[name] = streams[name] + counts if name in streams else counts
            for name, fill in run.fifo_max.items():
                fifo_max[name] = max(fill, fifo_max.get(name, 0))
        waves = self.asked.waves
        return SimulationResult(
            engine=self.asked.engine, frames=len(words), scores=scores, labels=labels,
            cycles_per_frame=longest.cycles_per_frame, latency_cycles=runs[0].latency_cycles,
            cycles=sum(run.cycles * min(run.lanes, len(run.words)) for run in runs),
            seconds=max(seconds, 1e-9), build_seconds=build_seconds, seed=self.seed,
            fifo_max=fifo_max, streams=streams, shards=len(runs), shards_reused=reused,
            waves=Path(waves) if waves is not None else None,
        )  # fmt: skip


EXTRAS: dict[str, str] = {
    "stall": "pauses", "throttle": "a throttle", "preamble": "a preamble", "waves": "waves",
    "fifo_caps": "FIFO capacities", "statistics": "statistics", "weights": "weights to load",
    "context": "one context",
    "family": "a family of netlists", "jobs": "several jobs", "resume": "resuming",
    "scheduler": "a cluster",
}  # fmt: skip
"""What may be asked of an engine beside the frames: name of the argument -> in words."""


class Engine(ABC):
    """One way of running an accelerator.

    name: of `engine=`, and in results. order: of the list of engines. offers: those of EXTRAS that
    it takes.
    """

    name: str
    order: int
    offers: frozenset[str]

    @abstractmethod
    def run(self, task: Task, progress: Progress) -> SimulationResult:
        """Run all frames.

        Raises:
            BadInput, Unsupported: what the engine needs of the folder is not there.
            CheckFailed: the design hangs, or breaks a stream's rules.
            MissingTool: a tool is not installed.
        """


_ENGINES: dict[str, Engine] = {}


def register(kind: type[Engine]) -> type[Engine]:
    """Make a class's engine known, under its name."""
    _ENGINES[kind.name] = kind()
    return kind


def all_engines() -> dict[str, Engine]:
    """Every engine of engines/, by name, in their order."""
    from . import engines

    for module in pkgutil.iter_modules(engines.__path__):
        importlib.import_module(f"{engines.__name__}.{module.name}")
    return {e.name: e for e in sorted(_ENGINES.values(), key=lambda engine: engine.order)}


def engine_for(asked: EngineOptions, *, fifo_caps: bool = False, preamble: int = 0) -> Engine:
    """The engine that is asked for.

    Raises:
        BadInput: there is none of the name, or it does not offer what is asked of it; names the
            engines that do.
    """
    engines = all_engines()
    if asked.engine not in engines:
        raise BadInput(
            f"unknown engine {asked.engine!r}", remedy=f"choose one of {', '.join(engines)}"
        )
    engine, default = engines[asked.engine], EngineOptions()
    named = (k for k in EXTRAS if hasattr(default, k) and getattr(asked, k) != getattr(default, k))
    extras = {*named, *(["fifo_caps"] if fifo_caps else []), *(["preamble"] if preamble else [])}
    if lacking := [EXTRAS[k] for k in EXTRAS if k in extras - engine.offers]:
        others = [name for name, other in engines.items() if extras <= other.offers]
        leave = "leave it out" if len(lacking) == 1 else "leave them out"
        raise BadInput(
            f"the engine {engine.name} does not offer {' and '.join(lacking)}",
            remedy=f"use the engine {' or '.join(others)}, or {leave}" if others else leave,
        )
    return engine
