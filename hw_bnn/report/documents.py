"""What the report reads of reports/verification.json, which anybody may have written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import BadInput
from ..files.jsonfile import read_json

Number = Annotated[int | float, Field(ge=0)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class DivergenceText(_Lenient):
    """A divergence as it is told."""

    text: str


class Verification(_Lenient):
    """The summary that `verify` wrote; numbers by stage."""

    passed: bool | None = None
    input: str = "not told"
    frames: dict[str, Number] = {}
    mismatches: dict[str, Number] = {}
    float_ties: dict[str, Number] = {}
    seconds: dict[str, Number] = {}
    cycles_per_frame: Annotated[int | float, Field(gt=0)] | None = None
    latency_cycles: int | None = None
    accuracy: dict[str, Number | None] = {}
    fifo_max: dict[str, Number] | None = None
    divergences: list[DivergenceText] = []


def read_verification(folder: Path) -> Verification | None:
    """What `verify` told of the accelerator in FOLDER; None where it was not run.

    Raises:
        BadInput: the document is damaged.
    """
    path, again = folder / "reports" / "verification.json", "run `hw-bnn verify` on it again"
    try:
        content = read_json(path, remedy=again)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return Verification.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise BadInput(f"{path} is damaged ({where}: {first['msg']})", remedy=again) from None
