"""Overlays of an accelerator: what `bitstream` leaves in DIR/board/BOARD and `deploy` reads there.

overlay.bit, overlay.hwh   from Vivado
utilization.rpt, timing.rpt   from Vivado, read by vivado_reports.py
overlay.json               board, clock, what the reports say, the accelerator's hash, and the
                           SHA-256 of overlay.bit and overlay.hwh; signed as DIR is
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ..accelerator import trust as trusting
from ..accelerator.folder import DESCRIPTION, file_hash
from ..accelerator.names import FileName, PartName, Sha256
from ..errors import BadInput, CheckFailed
from ..files.inside import within
from ..files.jsonfile import read_json
from ..files.output import output_file
from .vivado_reports import TIMING, UTILISATION

BIT, HWH, DOCUMENT = "overlay.bit", "overlay.hwh", "overlay.json"
LOWEST_MHZ, HIGHEST_MHZ = 1, 500
_LARGEST_BYTES = 256 << 20  # far above a bitstream of any board


class OverlayDocument(BaseModel):
    """What is read again of overlay.json."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    board: PartName
    freq_mhz: Annotated[float, Field(ge=LOWEST_MHZ, le=HIGHEST_MHZ)]  # that timing was closed at
    model: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]  # see shell.model_hash
    hashes: dict[FileName, Sha256]  # of BIT and HWH


@dataclass(frozen=True)
class Overlay:
    """An overlay that Vivado made of an accelerator: its two files, and the clock they are for."""

    bit: bytes
    hwh: bytes
    freq_mhz: float


def clear_overlay(place: Path) -> None:
    """Remove the overlay of an earlier design, its reports and its signature."""
    for name in (BIT, HWH, DOCUMENT, UTILISATION, TIMING):
        (place / name).unlink(missing_ok=True)
    trusting.withdraw(place, DOCUMENT)


def write_overlay(folder: Path, place: Path, document: Mapping[str, object]) -> None:
    """Put overlay.json beside the overlay in PLACE, with its hashes, signed where FOLDER is.

    Raises:
        CheckFailed: Vivado left no overlay. BadInput: it cannot be written.
    """
    for name in (BIT, HWH):
        if not (place / name).is_file():
            raise CheckFailed(f"Vivado ended without an error and left no {place / name}")
    whole = {**document, "hashes": {name: file_hash(place, name) for name in (BIT, HWH)}}
    with output_file(within(place, DOCUMENT)) as partial:
        partial.write_text(json.dumps(whole, indent=1) + "\n")
    trusting.inherit(folder, DESCRIPTION, place, DOCUMENT)


def open_overlay(folder: Path, board: str, model: str, *, trust: bool = False) -> Overlay | None:
    """The overlay of the accelerator MODEL for BOARD in FOLDER; None where `bitstream` made none.

    Args:
        model: the accelerator's hash, 16 hexadecimal digits. trust: take one that
            nobody vouches for.

    Raises:
        BadInput: it is damaged, changed, behind a link, of another accelerator or board, or no
            `bitstream` of this user on this machine made it.
    """
    again = f"run `hw-bnn bitstream {folder} --board {board}` again"
    place = folder
    for part in ("board", board):
        place = _no_link(place / part, again)
    path = _no_link(place / DOCUMENT, again)
    try:
        content = read_json(path, remedy=again)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        document = OverlayDocument.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise BadInput(f"{path} is damaged ({where}: {first['msg']})", remedy=again) from None
    if document.model != model or document.board != board:
        kind = "accelerator" if document.model != model else "board"
        raise BadInput(f"{place / BIT} is the overlay of another {kind}", remedy=again)
    bit, hwh = (_content(place / name, document.hashes.get(name), again) for name in (BIT, HWH))
    trusting.require(
        place,
        DOCUMENT,
        trust=trust,
        danger="a bitstream does what it likes on a board",
        again=again,
    )
    return Overlay(bit, hwh, document.freq_mhz)


def _no_link(path: Path, again: str) -> Path:
    if path.is_symlink():
        raise BadInput(f"{path} is a link, and an overlay is not read through one", remedy=again)
    return path


def _content(path: Path, digest: str | None, again: str) -> bytes:
    """The bytes of a file that has this SHA-256."""
    try:
        status = _no_link(path, again).stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_BYTES:
            raise BadInput(f"{path} is no overlay's file", remedy=again)
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error})", remedy=again) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise BadInput(
            f"{path} is not the file that Vivado wrote (its SHA-256 differs from {DOCUMENT}'s)",
            remedy=again,
        )
    return content
