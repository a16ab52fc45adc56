"""Paths as a user gives them: what no file can be named is refused like a file that is not there.

Python's own checks differ: `Path.is_file` is False of a name with a NUL and raises OSError for one
that is too long.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from ..errors import BadInput

_SHOWN = 60


def given_path(path: str | os.PathLike) -> Path:
    """The path, which may or may not exist.

    Raises:
        BadInput: it is no path, holds a NUL, or it or a part of it is longer than the system
            allows.
    """
    found = _path(path)
    try:
        found.lstat()
    except ValueError:
        raise BadInput(f"the name {str(path)!r} holds a NUL", remedy="give a file's name") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            shown = str(path)[:_SHOWN]
            raise BadInput(
                f"the name {shown!r}... is too long for a file ({len(str(path)):,} characters)",
                remedy="give a file's name",
            ) from None
    return found


def _path(path: object) -> Path:
    try:
        return Path(path)  # type: ignore[arg-type]  # that is what is tried
    except TypeError:
        raise BadInput(
            f"{path!r:.60} ({type(path).__name__}) is no path", remedy="give a text or a Path"
        ) from None


def text_path(path: str | os.PathLike) -> Path:
    """The path, for tools and documents that take it as a text.

    Raises:
        BadInput: it is none: bytes that are no UTF-8, or that the locale makes no letters of.
    """
    found = _path(path)
    try:
        str(found.absolute()).encode()
    except UnicodeEncodeError:
        raise BadInput(
            f"the path {found} is no text (UTF-8)",
            remedy="choose another, or set LC_ALL=C.UTF-8 if its letters are not ASCII",
        ) from None
    return found


def open_file(path: str | os.PathLike) -> BufferedReader:
    """An ordinary file, opened to be read: a pipe would wait for its writer, and a device need not
    end.

    Raises:
        OSError: it cannot be opened. BadInput: it is a pipe, a socket or a device.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return open(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise BadInput(f"{path} is a pipe or device", remedy="give a file")
