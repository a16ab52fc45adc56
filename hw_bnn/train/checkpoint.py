"""Checkpoints: written atomically, loaded without executing anything from the file.

A file is first written under a temporary name in the same folder, flushed to the disk and then
renamed, so that a reader finds the old or the new one whole, at whatever moment the process dies.
The content is tensors and plain values; it is loaded with `weights_only=True`.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch

from ..errors import BadInput

FORMAT = "hw_bnn checkpoint"
VERSION = 1


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_atomically(path: Path, write) -> None:
    """Call write(file) on a temporary file beside `path`, then put it in place of `path`."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write `content` (tensors and plain values) atomically."""
    document = {"format": FORMAT, "version": VERSION, **content}
    write_atomically(path, lambda file: torch.save(document, file))


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU.

    Raises:
        BadInput: the file is missing, damaged, no checkpoint of hw_bnn, or of another version.
    """
    path = Path(path)
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise BadInput(f"there is no checkpoint {path}", remedy="train first") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(
            f"{path} is damaged or no checkpoint ({first[:120]})",
            remedy="use another checkpoint of the run",
        ) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadInput(
            f"{path} is no checkpoint of hw_bnn", remedy="give one that `hw-bnn train` wrote"
        )
    if document.get("version") != VERSION:
        raise BadInput(
            f"{path} has checkpoint version {document.get('version')}, this hw_bnn reads {VERSION}",
            remedy="train again, or use the hw_bnn that wrote it",
        )
    return document


def load_model_state(model: torch.nn.Module, state: dict[str, Any], where: str) -> None:
    """Put `state` into `model`; BadInput if it is another model's."""
    own = model.state_dict()
    for name in own:
        if name not in state:
            raise BadInput(
                f"{where} is of another model: it has no {name}", remedy="use the run's recipe"
            )
        if own[name].shape != state[name].shape:
            raise BadInput(
                f"{where} is of another model: {name} has shape {tuple(state[name].shape)} there "
                f"and {tuple(own[name].shape)} here",
                remedy="use the run's recipe",
            )
    extra = sorted(set(state) - set(own))
    if extra:
        raise BadInput(
            f"{where} is of another model: it has {extra[0]}", remedy="use the run's recipe"
        )
    model.load_state_dict(state)
