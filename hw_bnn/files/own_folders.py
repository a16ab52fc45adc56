"""Folders of the user's own outside any project: the build cache and the state with the key.

Where a user has no home that can be written (a container that runs under a bare number), both are
in a folder of the temporary one that nobody else may enter.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ..errors import BadInput


def cache_folder() -> Path:
    """HW_BNN_CACHE, else hw_bnn in XDG_CACHE_HOME, else ~/.cache/hw_bnn."""
    return _folder("HW_BNN_CACHE", "XDG_CACHE_HOME", ".cache", "cache")


def state_folder() -> Path:
    """HW_BNN_STATE, else hw_bnn in XDG_STATE_HOME, else ~/.local/state/hw_bnn."""
    return _folder("HW_BNN_STATE", "XDG_STATE_HOME", ".local/state", "state")


def _folder(variable: str, base_variable: str, below_home: str, name: str) -> Path:
    try:
        if given := os.environ.get(variable):
            return Path(given).expanduser().absolute()
        if base := os.environ.get(base_variable):
            return Path(base).absolute() / "hw_bnn"
        folder = Path.home().absolute() / below_home / "hw_bnn"
        if folder.is_dir() or _can_be_made(folder):
            return folder
    except (RuntimeError, OSError):  # no HOME and no entry in the password file; HOME not ours
        pass
    return private_temporary() / name


def _can_be_made(folder: Path) -> bool:
    """Whether the nearest folder above that exists may be written to."""
    above = next(parent for parent in folder.parents if parent.exists())
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)


def private_temporary() -> Path:
    """The temporary folder of this user alone, made where it is not there.

    Raises:
        BadInput: something that is not ours, or open to others, has its name.
    """
    path = Path(tempfile.gettempdir()).absolute() / f"hw_bnn-{os.geteuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be made ({error.strerror})",
            remedy="set HW_BNN_CACHE and HW_BNN_STATE to folders of yours",
        ) from error
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not own or status.st_mode & 0o077:
        raise BadInput(
            f"{path} is not a folder of yours alone",
            remedy="remove it, or set HW_BNN_CACHE and HW_BNN_STATE to folders of yours",
        )
    return path
