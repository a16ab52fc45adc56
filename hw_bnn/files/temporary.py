"""Temporary folders that do not outlive their process for long, however that ends.

A folder made here holds a file that its process keeps locked. A process that is killed leaves the
folder and loses the lock; the next one that needs a temporary folder removes what nobody holds.

>>> with temporary_folder("example") as folder:
...     _ = (folder / "x").write_text("1")
>>> folder.exists()
False
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BadInput

PREFIX = "hw_bnn_"
_OWNER = ".owner"
_GRACE_S = 60.0  # between a folder's making and its lock
_UNMARKED_S = 86_400.0  # without a lock file: of a process that was killed in between
_swept: set[str] = set()


@contextmanager
def temporary_folder(kind: str, place: Path | None = None) -> Iterator[Path]:
    """An empty folder that is removed when the body ends.

    Args:
        kind: part of its name, for who finds it.
        place: where to make it; the temporary folder of the system by default.

    Raises:
        BadInput: it cannot be made.
    """
    above = Path(place) if place is not None else Path(tempfile.gettempdir())
    if str(above) not in _swept:
        _swept.add(str(above))
        remove_strays(above)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}_", dir=above)).absolute()
        handle = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadInput(
            f"no temporary folder can be made in {above} ({error.strerror or error})",
            remedy="free some space, or set TMPDIR to a folder elsewhere",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def remove_strays(above: Path) -> None:
    """Remove temporary folders of ours whose process has ended; errors concern nobody here."""
    try:
        entries = list(os.scandir(above))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                _remove_stray(Path(entry.path), entry.stat(follow_symlinks=False))
        except OSError:
            continue


def _remove_stray(folder: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        return
    age = time.time() - status.st_mtime
    try:
        handle = os.open(folder / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        if age > _UNMARKED_S and not any(folder.iterdir()):
            folder.rmdir()
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where its process lives
        if time.time() - os.fstat(handle).st_mtime > _GRACE_S:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
