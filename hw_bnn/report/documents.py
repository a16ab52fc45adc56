"""What the report reads of reports/*.json, which anybody may have written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import BadInput
from ..files.jsonfile import read_json

Number = Annotated[int | float, Field(ge=0, le=1 << 62)]
Index = Annotated[int, Field(ge=0, le=1 << 62)]
Share = Annotated[int | float, Field(ge=0, le=1)]
Whole = Annotated[int, Field(ge=-(1 << 62), le=1 << 62)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


Document = TypeVar("Document", bound=_Lenient)


Levels = Annotated[str, Field(min_length=1, max_length=256, pattern="^[01]+$")]
Hexadecimal = Annotated[str, Field(max_length=1 << 20, pattern="^[0-9a-f]+$")]


class Signals(_Lenient):
    """A stream's wires, a cycle after the other (sim/signals.py)."""

    stream: str
    producer: str
    consumer: str
    bits: Index
    first: Index
    valid: Levels
    ready: Levels
    data: Annotated[list[Hexadecimal | None], Field(max_length=256)]
    last: Levels | None = None


class Waveform(_Lenient):
    """The wires around a divergence (verify/waveform.py)."""

    stream: str
    expected: Hexadecimal
    streams: Annotated[list[Signals], Field(min_length=1, max_length=16)]

    @property
    def cycles(self) -> range:
        first = self.streams[0].first
        return range(first, first + len(self.streams[0].valid))

    @model_validator(mode="after")
    def _side_by_side(self) -> Self:
        spans = {
            (s.first, len(wire))
            for s in self.streams
            for wire in (s.valid, s.ready, s.data, s.valid if s.last is None else s.last)
        }
        if len(spans) != 1:
            raise ValueError("the streams of the waveform are not of the same cycles")
        return self


class DivergenceText(_Lenient):
    """A divergence as it is told, and where it is (verify/divergence.py)."""

    text: str
    inside: bool = False
    compared: list[str] = []
    stage: str = ""
    tensor: str = ""
    frame: int = 0
    position: list[int] = []
    channel: int = 0
    expected: int = 0
    found: int = 0
    cycle: Index | None = None
    waveform: Waveform | None = None


class Bottleneck(_Lenient):
    """The slowest node, and what a faster folding would cost."""

    node: str
    why: str


class Folding(_Lenient):
    """What is read of reports/folding.json."""

    bottleneck: Bottleneck


class Waits(_Lenient):
    """Shares of all cycles in which a node waited for its input, and to be rid of its output."""

    starved: Share
    stalled: Share


class Verification(_Lenient):
    """The summary that `verify` wrote; numbers by stage."""

    passed: bool | None = None
    input: str = "not told"
    frames: dict[str, Number] = {}
    mismatches: dict[str, Number] = {}
    float_ties: dict[str, Number] = {}
    seconds: dict[str, Number] = {}
    cycles_per_frame: Annotated[int | float, Field(gt=0, le=1 << 62)] | None = None
    latency_cycles: Annotated[int, Field(ge=0, le=1 << 62)] | None = None
    accuracy: dict[str, Number | None] = {}
    fifo_max: dict[str, Number] | None = None
    waits: dict[str, Waits] = {}
    divergences: list[DivergenceText] = []
    failures: dict[str, str] = {}  # stage -> why it stopped

    @property
    def exact(self) -> bool | None:
        """Whether all stages are equal; None where nothing was compared."""
        wrong = self.divergences or self.failures or any(self.mismatches.values())
        if self.passed is False or wrong:
            return False
        return True if self.mismatches else None


class Scores(_Lenient):
    """Histograms of raw scores in equal bins from low to high: of the label that is said, of the
    others."""

    low: Whole
    high: Whole
    said: Annotated[list[Index], Field(min_length=1, max_length=1000)]
    others: Annotated[list[Index], Field(min_length=1, max_length=1000)]


class Wrong(_Lenient):
    """A frame that is taken for another label; x as it is streamed."""

    frame: Index
    label: Index
    said: Index
    x: Annotated[list[Whole], Field(max_length=1 << 14)] | None = None


class Labels(_Lenient):
    """What `verify` told of labels (verify/details.py)."""

    confusion: Annotated[list[list[Index]], Field(min_length=1, max_length=1000)] | None = None
    scores: Scores | None = None
    wrong: Annotated[list[Wrong], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _square(self) -> Self:
        rows = self.confusion or []
        if any(len(row) != len(rows) for row in rows):
            raise ValueError("the confusion matrix is not square")
        return self


class Epoch(_Lenient):
    """Figures of an epoch of training, counted from 1."""

    epoch: Index
    train_loss: Number | None = None
    train_accuracy: Number | None = None
    validation_loss: Number | None = None
    validation_accuracy: Number | None = None
    flips: Number | None = None


class Training(_Lenient):
    """The curves of the run that `verify` was given."""

    epochs: Annotated[list[Epoch], Field(max_length=10_000)] = []


def read_verification(folder: Path) -> Verification | None:
    """What `verify` told of the accelerator in FOLDER; None where it was not run.

    Raises:
        BadInput: the document is damaged.
    """
    return _read(folder, "verification.json", Verification, "run `hw-bnn verify` on it again")


def read_labels(folder: Path) -> Labels | None:
    """What `verify` told of labels; None where it knew none.

    Raises:
        BadInput: the document is damaged.
    """
    return _read(folder, "labels.json", Labels, "run `hw-bnn verify` on it again")


def read_training(folder: Path) -> Training | None:
    """The curves of the training run; None where `verify` was given none.

    Raises:
        BadInput: the document is damaged.
    """
    return _read(folder, "training.json", Training, "run `hw-bnn verify` on it again")


def read_folding(folder: Path) -> Folding | None:
    """What `compile` told of the folding; None where it told nothing.

    Raises:
        BadInput: the document is damaged.
    """
    return _read(folder, "folding.json", Folding, "compile the model again")


def _read(folder: Path, name: str, kind: type[Document], again: str) -> Document | None:
    path = folder / "reports" / name
    try:
        content = read_json(path, remedy=again)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return kind.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise BadInput(f"{path} is damaged ({where}: {first['msg']})", remedy=again) from None
