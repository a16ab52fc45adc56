"""Netlists of an accelerator: what `synth` leaves in DIR/synth and later commands read there.

DIR/synth/<family>.v      the netlist
DIR/synth/<family>.json   resources, timing, and the hashes of the netlist and of what it is of
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import BadInput
from ..files.inside import replace, subfolder, within
from ..files.jsonfile import read_json
from ..files.output import cannot_write, output_file
from . import trust as trusting
from .folder import DESCRIPTION, file_hash
from .names import FileName, Sha256

SCHEMA = 2
FAMILIES = ("xc7", "xcup", "ecp5")
Figure = Annotated[int | float, Field(ge=0)]
Counts = dict[str, Figure]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Depth(_Lenient):
    """The longest path."""

    lut_levels: int | None = None


class Routed(_Lenient):
    """What place and route reached."""

    fmax_mhz: Figure


class NetlistDocument(_Lenient):
    """What is read again of DIR/synth/<family>.json."""

    schema_version: Literal[2]
    family: Literal["xc7", "xcup", "ecp5"]
    part: str
    total: Counts
    layers: dict[str, Counts]
    depth: Depth = Depth()
    pnr: Routed | None = None
    accelerator: Sha256  # of the accelerator.json that the netlist was made from
    hashes: dict[FileName, Sha256]  # file name in synth/ -> SHA-256


def read_netlist(folder: Path, family: str) -> NetlistDocument | None:
    """What synthesis for FAMILY told of the accelerator in FOLDER; None where it was not run.

    Raises:
        BadInput: the document is damaged, or of another accelerator.
    """
    path = folder / "synth" / f"{family}.json"
    again = f"run `hw-bnn synth {folder} --family {family}` again"
    try:
        content = read_json(path, remedy=again)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        document = NetlistDocument.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise BadInput(f"{path} is damaged ({where}: {first['msg']})", remedy=again) from None
    if document.accelerator != file_hash(folder, DESCRIPTION):
        raise BadInput(f"{path} is of another accelerator than {folder}", remedy=again)
    return document


def open_netlist(folder: Path, family: str, *, trust: bool = False) -> Path:
    """The netlist's file, unchanged since a synthesis of this user, or `trust`.

    Raises:
        BadInput: it is absent, damaged, changed, or nobody vouches for it.
    """
    again = f"run `hw-bnn synth {folder} --family {family}` again"
    document = read_netlist(folder, family)
    name = f"{family}.v"
    if document is None or name not in document.hashes:
        raise BadInput(
            f"{folder / 'synth' / name} has no {family}.json with its hash", remedy=again
        )
    if file_hash(folder, f"synth/{name}") != document.hashes[name]:
        raise BadInput(
            f"{folder / 'synth' / name} is not the file that synth wrote (its SHA-256 differs from "
            f"{family}.json's)",
            remedy=again,
        )
    trusting.require(within(folder, "synth"), f"{family}.json", trust=trust)
    return folder / "synth" / name


def reseal_netlist(folder: Path, family: str) -> None:
    """Take over a change of the netlist, or of the accelerator below it, that was made by hand."""
    place = within(folder, "synth")
    document = json.loads((place / f"{family}.json").read_text())
    hashes = {name: file_hash(place, name) for name in document["hashes"]}
    _write(folder, family, {**document, "hashes": hashes})


def write_netlist(
    folder: Path, family: str, made: Sequence[Path], document: Mapping[str, object]
) -> dict[str, object]:
    """Put what synthesis MADE and its document into FOLDER/synth, signed where FOLDER is.

    Args:
        made: files, <family>.v among them; they are moved.
        document: what :class:`NetlistDocument` reads and more, without the hashes.

    Returns:
        The document as written.

    Raises:
        BadInput: it cannot be written, or DIR/synth is a link.
    """
    place = subfolder(folder, "synth")
    trusting.withdraw(place, f"{family}.json")  # of the netlist before
    hashes = {path.name: file_hash(path.parent, path.name) for path in made}
    try:
        for path in made:
            replace(path, place / path.name)
    except OSError as error:
        raise cannot_write(place, error) from error
    return _write(folder, family, {**document, "hashes": hashes})


def _write(folder: Path, family: str, document: Mapping[str, object]) -> dict[str, object]:
    name = f"{family}.json"
    whole = {"schema_version": SCHEMA, **document, "accelerator": file_hash(folder, DESCRIPTION)}
    with output_file(within(folder, "synth", name)) as partial:
        partial.write_text(json.dumps(whole, indent=1) + "\n")
    trusting.inherit(folder, DESCRIPTION, folder / "synth", name)
    return whole
