"""What a stage of `verify` is: raw integer scores for the frames of a case, by one way
of running it.

A new stage is one file in stages/:

    @register
    class Csim(Stage):
        name, order, optional = "hls", 60, True

        def run(self, case, x, advance):
            return StageRun(scores)

The raw scores are the accumulators of the last integer layer, before any BatchNorm behind it.
Float stages give them as multiples of the layer's scale; what is no multiple of it is no
score and differs.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..accelerator import Description
from ..accelerator.folder import network_folder
from ..errors import BadInput
from ..frames import Frames
from .divergence import Divergence

if TYPE_CHECKING:
    from ..golden import GoldenModel
    from ..golden.ties import FloatDifference

Advance = Callable[[int], None]
BATCH = 256
"""Frames that a stage executes at once in Python, at most."""

_MOST_ELEMENTS = 2**26
"""Of all tensors of these frames together: 256 MiB of float32."""

SLOW_FRAMES = 256
"""Least number of frames (or all) that the slow stages see."""

_LIGHT_WORK = 4 * 10**8  # weight uses in all, up to which the slow stages see all frames


@dataclass
class StageRun:
    """What a stage gave for the first `len(scores)` frames.

    scores: (N, n) int64, None where the accelerator gives the label alone. labels: (N,) int64 of
    the stage's own argmax, where it has one. inside: of a float stage, which frames differ inside,
    and why. figures: anything else for the summary (cycles, FIFO fills).
    """

    scores: np.ndarray | None
    labels: np.ndarray | None = None
    inside: FloatDifference | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        given = self.scores if self.scores is not None else self.labels
        return 0 if given is None else len(given)


@dataclass(frozen=True)
class Ask:
    """What the user asked of a verification.

    run: a training run's folder or checkpoint, or a torch module. jobs: processes to simulate with.
    slow_frames: frames for the slow stages, if not by their work. family: to synthesise for. also:
    optional stages to run. waves: folder for waveforms of divergences. weights: folder of
    `weights`, whose network is loaded before the frames. context: whose network is compared.
    """

    run: Any = None
    jobs: int = 1
    slow_frames: int | None = None
    family: str | None = None
    also: tuple[str, ...] = ()
    waves: Path | None = None
    weights: Path | None = None
    context: int = 0


@dataclass(frozen=True)
class Case:
    """One accelerator, the frames it is given, and what the golden model says of them.

    folder: the accelerator's. scores: (N, n) int64, labels: (N,) int64,
    of the golden model's packed form.
    """

    golden: GoldenModel
    folder: Path
    accelerator: Description
    frames: Frames
    scores: np.ndarray
    labels: np.ndarray
    ask: Ask = Ask()

    @property
    def network(self) -> Path:
        """The folder of the network that is compared: the accelerator's, or of its new weights."""
        return network_folder(self.ask.weights or self.folder, self.ask.context)

    @property
    def model(self) -> Path:
        """The user's file, as it was compiled."""
        return self.network / "model.onnx"

    @cached_property
    def layers(self) -> dict[str, str]:
        """Tensor of the model file -> the layer of the hardware node that gives it, as in the
        reports, or where no stream holds it the node of the file that makes it."""
        from ..onnxfile import load_onnx

        graph = load_onnx(self.model).graph
        made = {out: n.name or n.op_type for n in graph.node for out in n.output}
        return made | {tensor: n for tensor, n in self.accelerator.layers.items() if n}

    @property
    def batch(self) -> int:
        """Frames that are executed at once in Python."""
        shapes = (tensor.shape for tensor in self.golden.program.tensors.values())
        return at_once(sum(math.prod(shape) for shape in shapes))

    @property
    def work(self) -> int:
        """Uses of weights by all frames: what execution in Python takes its time for."""
        return len(self.frames) * sum(node.products for node in self.accelerator.nodes)

    def light(self, factor: int = 1) -> bool:
        """Whether all frames are little work for a slow stage, or one `factor` times as fast."""
        return self.work <= factor * _LIGHT_WORK

    def slow(self) -> int:
        """Frames for a slow stage: as asked for, else all in a light case, else SLOW_FRAMES."""
        wanted = self.ask.slow_frames or (len(self.frames) if self.light() else SLOW_FRAMES)
        return min(len(self.frames), wanted)


def at_once(elements: int) -> int:
    """Frames whose tensors fit into memory together, BATCH at most.

    Args:
        elements: of all tensors of a frame.
    """
    return max(1, min(BATCH, _MOST_ELEMENTS // max(elements, 1)))


def trace_tensors(golden: GoldenModel) -> tuple[str, ...]:
    """Tensors of the model file that stages are compared at: quantisers' outputs and the scores."""
    return tuple(dict.fromkeys((*golden.program.quantisers, golden.output_tensor)))


class Stage(ABC):
    """One way of running a network.

    name: in summaries and messages. order: stages run in ascending order. floats: it computes in
    floating point, so that proven rounding ties are told apart from mismatches. optional: it runs
    only where it is asked for by name.
    """

    name: str
    order: int
    floats = False
    optional = False

    @property
    def title(self) -> str:
        """What is compared, for reports."""
        return f"{self.name} == golden"

    def wanted(self, ask: Ask) -> bool:
        """Whether it runs."""
        return not self.optional or self.name in ask.also

    def frames(self, case: Case) -> int:
        """How many frames it sees, from the first; all by default."""
        return len(case.frames)

    def check(self, port: bool, family: str | None) -> None:  # noqa: B027  most run anything
        """Refuse before any work what the stage cannot run.

        Args:
            port: whether the accelerator has a config port. family: asked for, of gates.

        Raises:
            BadInput, Unsupported: with the reason.
        """

    @abstractmethod
    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        """Run frames.

        Args:
            x: (N, *input.shape) integers of the accelerator's input.
            advance: to be called with the number of frames newly done.

        Raises:
            CheckFailed: it proves no frame (a simulation hangs); all of them count as differing.
        """

    def locate(self, case: Case, frame: int) -> Divergence | None:
        """The first difference inside, given the first frame whose output differs; None where
        the stage cannot be looked into.
        """
        return None


_STAGES: dict[str, Stage] = {}


def register(kind: type[Stage]) -> type[Stage]:
    """Make a class's stage known, under its name."""
    _STAGES[kind.name] = kind()
    return kind


def all_stages() -> list[Stage]:
    """Every stage of stages/, in the order in which they run."""
    from . import stages

    for module in pkgutil.iter_modules(stages.__path__):
        importlib.import_module(f"{stages.__name__}.{module.name}")
    return sorted(_STAGES.values(), key=lambda stage: stage.order)


def check_stages(ask: Ask, port: bool) -> None:
    """Refuse what one of the stages that are wanted cannot run (`Stage.check`)."""
    for stage in all_stages():
        if stage.wanted(ask):
            stage.check(port, ask.family)


def check_names(also: Sequence[str]) -> None:
    """Refuse names of optional stages that there are not.

    Raises:
        BadInput: an unknown name.
    """
    known = [stage.name for stage in all_stages() if stage.optional]
    for name in also:
        if name not in known:
            raise BadInput(
                f"there is no optional stage {name!r}", remedy=f"choose from {', '.join(known)}"
            )
