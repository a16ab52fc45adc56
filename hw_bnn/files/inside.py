"""Paths below a folder that somebody else may have packed: what is written there has to land there.

An accelerator folder can hold a link of any name to any place; `reports/report.html` must not
become another file of the user's.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..errors import BadInput
from .output import cannot_write, replaced_file


def within(folder: str | Path, *parts: str) -> Path:
    """The path of a file or folder below FOLDER, to be written.

    Raises:
        BadInput: one of PARTS is a link.
    """
    path = Path(folder)
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise BadInput(
                f"{path} is a link, and nothing is written through it", remedy="remove the link"
            )
    return path


def subfolder(folder: str | Path, *parts: str) -> Path:
    """As :func:`within`, and the folder is made where it is not there.

    Raises:
        BadInput: one of PARTS is a link or a file, or the folder cannot be made.
    """
    path = within(folder, *parts)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadInput(f"{path} is a file, not a folder", remedy="move it away") from None
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def workplace(folder: str | Path, *parts: str) -> Path:
    """As :func:`subfolder`, for tools that write files of any name there.

    Raises:
        BadInput: as :func:`subfolder`; or there is a link anywhere in it.
    """
    path = subfolder(folder, *parts)
    for above, folders, files in os.walk(path):
        for name in (*folders, *files):
            within(above, name)
    return path


def new_file(folder: str | Path, *parts: str) -> Path:
    """The path of a file below FOLDER that a tool is to write: what was there is removed.

    Raises:
        BadInput: as :func:`subfolder`; or what was there cannot be removed.
    """
    path = subfolder(folder, *parts[:-1]) / parts[-1]
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def replace(source: Path, target: Path) -> None:
    """Move a file, also from another file system, so that TARGET is whole at any time.

    A link at TARGET is replaced, not followed.

    Raises:
        OSError: TARGET cannot be written.
    """
    with replaced_file(target) as aside:
        shutil.copyfile(source, aside)
    source.unlink()
