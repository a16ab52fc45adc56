"""Accelerator folders as later commands open them: whole, unchanged, and only where trusted built.

    accelerator = read_accelerator(folder)               # to show: the hashes hold
    accelerator = open_accelerator(folder, trust=False)  # to give its RTL or graph to a tool

`accelerator.json` has the SHA-256 of the files that are the accelerator. What is absent, altered, a
link to elsewhere, or beside them in rtl/ without standing there, is refused by its name: a changed
digit of a memory file would otherwise only give other scores. Who made a folder is another
question; :mod:`hw_bnn.accelerator.trust` answers it.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from pathlib import Path

from ..errors import BadInput
from ..files.given import given_path
from . import trust as trusting
from .description import Description

DESCRIPTION = "accelerator.json"
MODEL, DATAFLOW = "model.onnx", "dataflow.onnx"
NETWORKS = "contexts"
"""Accelerator folders of the networks in an accelerator's contexts, by number from 1."""
_AGAIN = "compile the model again"


def network_folder(folder: str | Path, context: int) -> Path:
    """The accelerator folder whose model is in a context; all have the folder's where it has no
    other.
    """
    inner = Path(folder) / NETWORKS / str(context)
    return inner if inner.is_dir() else Path(folder)


def read_accelerator(folder: str | Path, *, needs: Iterable[str] = ()) -> Description:
    """The description of a folder whose files are those that its hashes tell.

    Args:
        needs: files besides the sources and memories that the caller reads (MODEL, DATAFLOW).

    Raises:
        BadInput: no accelerator, a damaged description, or a file that is missing, changed, a link
            out of the folder, or unknown to accelerator.json.
    """
    folder = given_path(folder)
    accelerator = Description.load(folder)
    for name in (*accelerator.rtl_files, *needs):
        if name not in accelerator.hashes:
            raise BadInput(f"{folder / DESCRIPTION} has no hash of {name}", remedy=_AGAIN)
    for name, digest in accelerator.hashes.items():
        if file_hash(folder, name) != digest:
            raise BadInput(
                f"{folder / name} is not the file that was compiled (its SHA-256 differs from "
                f"{DESCRIPTION}'s)",
                remedy=f"restore it, or {_AGAIN}",
            )
    if stray := sorted(set(_entries(folder / "rtl")) - set(accelerator.hashes)):
        raise BadInput(
            f"{folder / stray[0]} is no file of this accelerator ({DESCRIPTION} does not name it)",
            remedy=f"move it away, or {_AGAIN}",
        )
    return accelerator


def open_accelerator(
    folder: str | Path, *, trust: bool = False, needs: Iterable[str] = ()
) -> Description:
    """As :func:`read_accelerator`, for a tool that builds or runs what is in the folder.

    Args:
        trust: take it although no compile of this user on this machine wrote it.

    Raises:
        BadInput: as :func:`read_accelerator`; or nobody vouches for the folder.
    """
    accelerator = read_accelerator(folder, needs=needs)
    trusting.require(Path(folder), DESCRIPTION, trust=trust)
    if trust:  # of all that is in it
        made = ("synth/*.json", "hls/manifest.json", "board/*/overlay.json")
        for document in sorted(path for pattern in made for path in Path(folder).glob(pattern)):
            trusting.require(document.parent, document.name, trust=True)
    return accelerator


def file_hash(folder: Path, name: str) -> str:
    """SHA-256 of the file NAME of a folder, in hex.

    Raises:
        BadInput: it is missing, unreadable, no regular file, or lies outside the folder.
    """
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadInput(f"{path} is a link out of the folder", remedy=_AGAIN)
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"{path} is no file", remedy=_AGAIN)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(f"{path} is missing", remedy=f"restore it, or {_AGAIN}") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be read ({reason})", remedy=_AGAIN) from error


def describe(folder: Path, accelerator: Description) -> Description:
    """Write accelerator.json with the hashes of the models and of rtl/; nobody vouches for it yet.

    Returns:
        The description with the hashes.
    """
    models = [name for name in (MODEL, DATAFLOW) if (folder / name).is_file()]
    inner = (path.relative_to(folder) for path in folder.glob(f"{NETWORKS}/*/{DESCRIPTION}"))
    models += sorted(path.as_posix() for path in inner)
    hashes = {name: file_hash(folder, name) for name in [*models, *_entries(folder / "rtl")]}
    sealed = accelerator.model_copy(update={"hashes": hashes})
    (folder / DESCRIPTION).write_text(sealed.dump())
    return sealed


def seal(folder: Path, accelerator: Description) -> Description:
    """Describe a folder that this user made, and sign it.

    Returns:
        The description with the hashes.
    """
    sealed = describe(folder, accelerator)
    trusting.sign(folder, DESCRIPTION)
    return sealed


def reseal(folder: str | Path) -> Description:
    """Take over a change that was made by hand in rtl/: hash and sign the folder as it is now."""
    return seal(Path(folder), Description.load(folder))


def _entries(rtl: Path) -> list[str]:
    """Relative names of what is in rtl/, but for what tools of the desktop leave (.DS_Store)."""
    try:
        return sorted(f"rtl/{path.name}" for path in rtl.iterdir() if path.name[0] != ".")
    except OSError as error:
        raise BadInput(f"{rtl} cannot be read ({error.strerror})", remedy=_AGAIN) from error
