"""The files in DIR/hls: written with hashes in manifest.json and signed, opened as written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..accelerator import trust as trusting
from ..accelerator.folder import DESCRIPTION, file_hash
from ..accelerator.names import RelativeName, Sha256
from ..errors import BadInput
from ..files.inside import within
from ..files.jsonfile import read_json
from ..files.output import output_folder

SCHEMA = 1
MANIFEST = "manifest.json"


class ManifestProcess(BaseModel):
    """interval: steps of its loop a frame."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    kernel: str
    layer: str | None
    interval: int = Field(ge=1)


class Manifest(BaseModel):
    """What is read again of manifest.json."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: Literal[1]
    top: str
    interval: int = Field(ge=1)
    processes: list[ManifestProcess] = Field(min_length=1)
    accelerator_sha256: Sha256  # of the accelerator.json that the code is of
    hashes: dict[RelativeName, Sha256]  # file name in hls/ -> SHA-256


def write_files(folder: Path, files: Mapping[str, str], document: Mapping[str, object]) -> dict:
    """Write FOLDER/hls as a whole; returns the manifest, `document` with the hashes.

    Raises:
        BadInput: it cannot be written.
    """
    with output_folder(within(folder, "hls"), overwrite=True) as place:
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        return _seal(folder, place, sorted(files), document)


def reseal_files(folder: Path) -> None:
    """Take over a change that was made by hand in FOLDER/hls."""
    place = within(folder, "hls")
    document = json.loads((place / MANIFEST).read_text())
    _seal(folder, place, list(document["hashes"]), document)


def _seal(folder: Path, place: Path, names: list[str], document: Mapping[str, object]) -> dict:
    whole = {
        "schema_version": SCHEMA,
        **document,
        "accelerator_sha256": file_hash(folder, DESCRIPTION),
        "hashes": {name: file_hash(place, name) for name in names},
    }
    (place / MANIFEST).write_text(json.dumps(whole, indent=1) + "\n")
    trusting.inherit(folder, DESCRIPTION, place, MANIFEST)
    return whole


def there(folder: Path) -> bool:
    """Whether FOLDER has HLS code of its accelerator, changed or not."""
    try:
        return _read(folder).accelerator_sha256 == file_hash(folder, DESCRIPTION)
    except FileNotFoundError:
        return False


def open_files(folder: Path, *, trust: bool = False) -> dict[str, str]:
    """Name -> text of the files of FOLDER/hls, unchanged since `hls` of this user, or `trust`.

    Raises:
        BadInput: there are none, they are of another accelerator or changed,
            or nobody vouches for them.
    """
    document = read_manifest(folder)
    place, again = folder / "hls", _again(folder)
    for name, digest in document.hashes.items():
        if file_hash(place, name) != digest:
            raise BadInput(
                f"{place / name} is not the file that hls wrote (its SHA-256 differs from "
                f"{MANIFEST}'s)", remedy=again,
            )  # fmt: skip
    trusting.require(within(folder, "hls"), MANIFEST, trust=trust)
    return {name: (place / name).read_text() for name in document.hashes}


def read_manifest(folder: Path) -> Manifest:
    """The manifest in FOLDER/hls, of FOLDER's accelerator.

    Raises:
        BadInput: there is none, it is damaged, or of another accelerator.
    """
    try:
        document = _read(folder)
    except FileNotFoundError:
        raise BadInput(
            f"{folder / 'hls'} has no HLS code", remedy=f"run `hw-bnn hls {folder}`"
        ) from None
    if document.accelerator_sha256 != file_hash(folder, DESCRIPTION):
        raise BadInput(
            f"{folder / 'hls' / MANIFEST} is of another accelerator than {folder}",
            remedy=_again(folder),
        )
    return document


def _again(folder: Path) -> str:
    return f"run `hw-bnn hls {folder}` again"


def _read(folder: Path) -> Manifest:
    path, again = folder / "hls" / MANIFEST, _again(folder)
    try:
        return Manifest.model_validate(read_json(path, remedy=again), strict=True)
    except NotADirectoryError:
        raise FileNotFoundError(path) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise BadInput(f"{path} is damaged ({where}: {first['msg']})", remedy=again) from None
