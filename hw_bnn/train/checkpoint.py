"""Checkpoints: written atomically, checked by a checksum, loaded without executing anything.

A file is first written under a temporary name in the same folder, flushed to the disk and then
renamed, so that a reader finds the old or the new one whole, at whatever moment the process dies.
The content is tensors and plain values; it is loaded with `weights_only=True`.

torch's files carry a CRC of every tensor and do not look at it. So the SHA-256 of all bytes before
it stands at the end, as the comment of the zip archive that such a file is: it stays an ordinary
file of torch.save, and one changed byte anywhere is refused.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from ..errors import BadInput
from ..files.given import given_path, open_file
from ..files.output import replaced_file, writing

FORMAT = "hw_bnn checkpoint"
VERSION = 2  # 1 had no checksum

_SEAL = b"hw_bnn sha256 "
_DIGEST = 64
# The last record of a zip archive; its last two bytes are the length of the comment that follows.
_END, _END_SIZE = b"PK\x05\x06", 22
_BEGIN = b"PK\x03\x04"  # of its first record


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call write(file) on a temporary file beside `path`, then put it in place of `path`.

    Raises:
        BadInput: the file cannot be written (disk full, no permission); the old one is as it was.
    """
    with writing(path), replaced_file(path) as partial, partial.open("wb") as file:
        write(file)


def save_sealed(path: Path, content: Any) -> None:
    """Write `content` (tensors and plain values) atomically, with its checksum.

    Raises:
        BadInput: the file cannot be written.
    """
    memory = io.BytesIO()  # torch would hide the reason why a disk takes no more
    torch.save(content, memory)
    body = memory.getbuffer()
    if body[-_END_SIZE : 4 - _END_SIZE] != _END or body[-2:] != b"\0\0":
        raise ValueError("torch.save wrote no zip archive without comment")
    body[-2:] = (len(_SEAL) + _DIGEST).to_bytes(2, "little")
    digest = hashlib.sha256(body)
    digest.update(_SEAL)

    def write(file) -> None:
        file.write(body)
        file.write(_SEAL + digest.hexdigest().encode())

    write_atomically(path, write)


def load_sealed(path: Path) -> tuple[Any, bool]:
    """The content of a file of torch, on the CPU, and whether it carries its checksum.

    Raises:
        BadInput: the file is missing, cannot be read, or is not what was written.
    """
    try:
        with open_file(path) as file:
            begin = file.read(len(_BEGIN))
            content = begin + file.read() if begin == _BEGIN else None
    except FileNotFoundError:
        raise BadInput(f"there is no checkpoint {path}", remedy="train first") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror})") from None
    if content is None:
        raise BadInput(
            f"{path} is damaged or no checkpoint (it begins like none)",
            remedy="use another checkpoint of the run",
        )
    sealed = content[:-_DIGEST].endswith(_SEAL)
    if sealed:
        found = hashlib.sha256(memoryview(content)[:-_DIGEST]).hexdigest()
        if found.encode() != content[-_DIGEST:]:
            raise BadInput(
                f"{path} is damaged: its checksum is not that of its content",
                remedy="use another checkpoint of the run, or train again",
            )
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True), sealed
    except Exception as error:  # of any kind: the bytes are anything, and torch checks few of them
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(
            f"{path} is damaged or no checkpoint ({first[:120]})",
            remedy="use another checkpoint of the run",
        ) from None


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write `content` (tensors and plain values) atomically, with its checksum."""
    save_sealed(path, {"format": FORMAT, "version": VERSION, **content})


def load_checkpoint(path: str | Path, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU.

    Args:
        keys: what has to be in it.

    Raises:
        BadInput: the file is missing, damaged, no checkpoint of hw_bnn, or of another version.
    """
    path = given_path(path)
    document, sealed = load_sealed(path)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadInput(
            f"{path} is no checkpoint of hw_bnn", remedy="give one that `hw-bnn train` wrote"
        )
    if document.get("version") != VERSION:
        raise BadInput(
            f"{path} has checkpoint version {document.get('version')}, this hw_bnn reads {VERSION}",
            remedy="train again, or use the hw_bnn that wrote it",
        )
    if not sealed:
        raise BadInput(
            f"{path} is damaged: it has no checksum",
            remedy="use another checkpoint of the run, or train again",
        )
    for key in keys:
        if key not in document:
            raise BadInput(
                f"{path} is no whole checkpoint: it has no {key}",
                remedy="give one that `hw-bnn train` wrote",
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
        if not isinstance(state[name], torch.Tensor):
            raise BadInput(f"{where} is no whole checkpoint: its {name} is no tensor")
        if state[name].layout != torch.strided:
            raise BadInput(
                f"{where} is no checkpoint of hw_bnn: its {name} is a tensor of the layout "
                f"{state[name].layout}, not a dense one",
                remedy="use another checkpoint of the run",
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
