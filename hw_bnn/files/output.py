"""Output that is written whole or not at all.

A folder is filled beside its final place and renamed into it when its body ends well; when the body
raises, nothing is left. One process at a time may write a given place: a second one is refused.

>>> import tempfile, pathlib
>>> place = pathlib.Path(tempfile.mkdtemp()) / "result"
>>> with output_folder(place) as folder:
...     _ = (folder / "answer.txt").write_text("42")
>>> (place / "answer.txt").read_text()
'42'

A folder written here carries a file ``.hw_bnn``. Only such a folder, or an empty one, is ever
replaced (`overwrite=True`), so that a mistyped path cannot delete anything else.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import BadInput
from .given import given_path
from .reasons import cannot_write, is_full

MARKER = ".hw_bnn"
"""File that marks a folder as ours."""

_MARKER_TEXT = "This folder was written by hw_bnn, which may replace it as a whole.\n"

_LEAST_ROOM = 4096
_HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40] or "host"


def at_home(path: str | Path) -> Path:
    """The path, a leading ~ as the home folder: a shell leaves that of `--out=~/net` as it is.

    Raises:
        BadInput: nobody has that home.
    """
    try:
        return given_path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{str(path)!r} is no usable path ({error})") from error


def place(path: str | Path) -> Path:
    """The absolute path that PATH means, links followed; it need not exist.

    Raises:
        BadInput: an empty path, or one that no file system takes.
    """
    if not str(path):
        raise BadInput("the output path is empty", remedy="name a file or folder")
    try:
        return at_home(path).resolve()
    except (ValueError, OSError, RuntimeError) as error:
        raise BadInput(f"{str(path)!r} is no usable path ({error})") from error


def check_space(*folders: str | Path) -> None:
    """Refuse to go on where a tool of others has filled a disk: few tell, most write less.

    Raises:
        BadInput: the file system of one of the folders has no room left.
    """
    for folder in folders:
        status = os.statvfs(folder)
        if status.f_blocks and status.f_bavail * status.f_frsize < _LEAST_ROOM:
            raise cannot_write(folder, OSError(errno.ENOSPC, "full"))


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn an error of the operating system that the body meets into the sentence for PATH.

    Raises:
        BadInput: PATH cannot be written (no permission, disk full).
    """
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def held_folder(path: str | Path) -> Iterator[Path]:
    """Hold PATH, a folder that is worked on in place, against other processes.

    It is made, with the folders above it; those in which nothing came to stand are removed again.

    Raises:
        BadInput: another process holds it, it is a file, or it cannot be written.
    """
    final = place(path)
    made = _make_parents(final, path)
    try:
        with writing(path):
            final.mkdir(exist_ok=True)  # a process that held it before may have removed it
        with _lock(final / ".lock", path):
            yield final
    finally:
        _remove_empty(made)


@contextmanager
def output_folder(
    path: str | Path, *, overwrite: bool | None = None, keeps: Sequence[str | Path] = ()
) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes PATH when the body ends without an exception.

    Args:
        path: the folder to make; its parents are made too. An empty folder there is taken over.
        overwrite: replace a folder that hw_bnn wrote before (the old one stays until the
            new one is complete); None where a user cannot ask for it.
        keeps: files and folders that are read meanwhile: PATH is none of them and holds none.

    Raises:
        BadInput: PATH is or holds what it `keeps`, exists, is a file, is being written by another
            process, or cannot be written (no permission, disk full); also when the body meets a
            full disk.
    """
    final = place(path)
    _check_target(final, path, overwrite)
    for source in keeps:
        if place(source).is_relative_to(final):
            raise BadInput(
                f"{path} is or holds {source}, which is read", remedy="choose another output folder"
            )
    made = _make_parents(final.parent, path)
    _remove_partial_folders(final.parent)
    try:
        with _lock(final.with_name(f".{final.name}.lock"), path):
            _restore(final)
            _check_target(final, path, overwrite)  # again: another process may have finished it
            partial = final.with_name(f".{final.name}.partial")
            try:
                _remove(partial)  # left by a killed process
                partial.mkdir()
            except OSError as error:
                raise cannot_write(path, error) from error
            try:
                yield partial
                (partial / MARKER).write_text(_MARKER_TEXT)
                _check_target(final, path, overwrite)  # others' files may have come meanwhile
                _swap(partial, final)
            except OSError as error:
                if _is_ours(error, partial):
                    raise cannot_write(path, error) from error
                raise
            finally:
                _remove(partial)
    finally:
        _remove_empty(made)


def check_output_file(
    path: str | Path,
    *,
    overwrite: bool = True,
    keeps: Sequence[str | Path] = (),
    suffix: str | None = None,
) -> Path:
    """The absolute path of a file that is to be written: what cannot be is refused before long
    work begins.

    Args:
        overwrite: an older file there is replaced.
        keeps: files and folders that are read meanwhile: PATH is none of them, and no file of such
            a folder (but one with the output's own `suffix`, as an earlier run may have left).

    Raises:
        BadInput: PATH is a folder or a device, exists (without `overwrite`), is what it `keeps`, or
            cannot be written.
    """
    final = place(path)
    try:
        if final.is_dir():
            raise BadInput(f"{path} is a folder", remedy="name a file in it")
        there = final.exists()
        if there and not final.is_file():  # a rename would put a file in a device's place
            raise BadInput(f"{path} is a device or pipe", remedy="name a file")
        above = next(folder for folder in final.parents if folder.exists())
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        if not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "permission denied")
    except OSError as error:
        raise cannot_write(path, error) from error
    if there and not overwrite:
        raise BadInput(f"{path} exists already", remedy="choose another name or give force=True")
    for source in map(place, keeps):
        if final == source or (
            there and final.is_relative_to(source) and final.suffix.lower() != suffix
        ):
            raise BadInput(f"{path} would be replaced, and it is read", remedy="name another file")
    return final


@contextmanager
def output_file(
    path: str | Path,
    *,
    overwrite: bool = True,
    keeps: Sequence[str | Path] = (),
    suffix: str | None = None,
) -> Iterator[Path]:
    """Yield a temporary path that becomes the file PATH when the body ends without an exception.

    Raises:
        BadInput: as :func:`check_output_file`.
    """
    final = check_output_file(path, overwrite=overwrite, keeps=keeps, suffix=suffix)
    made = _make_parents(final.parent, path)
    remove_partial_files(final.parent)
    try:
        with replaced_file(final) as partial:
            yield partial
    except OSError as error:
        if _is_ours(error, partial_name(final)):
            raise cannot_write(path, error) from error
        raise
    finally:
        _remove_empty(made)


@contextmanager
def replaced_file(final: Path) -> Iterator[Path]:
    """As :func:`output_file`, in a folder that is there; a link at FINAL is replaced, not followed.

    A reader finds the old file or the new one whole, also after a power cut.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    partial = partial_name(final)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())  # before the rename: after a power cut there is one of the two
        os.replace(partial, final)
    finally:
        partial.unlink(missing_ok=True)
    _flush_folder(final.parent)


def _flush_folder(folder: Path) -> None:
    """Have the renames in FOLDER on the disk, where its file system does that for folders."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:  # it may be written and not read
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def partial_name(final: Path) -> Path:
    """The name under which a file is written before it is FINAL; it tells who writes it."""
    # The suffix stays last: writers of numpy and ONNX look at it.
    return final.with_name(f".{_HOST}.{os.getpid()}.partial.{final.name}")


def remove_partial_files(folder: Path) -> None:
    """Remove half-written files in FOLDER whose writer on this machine has been killed."""
    pattern = re.compile(rf"\.{re.escape(_HOST)}\.(\d{{1,9}})\.partial\..+")
    try:
        for name in os.listdir(folder):
            if (found := pattern.fullmatch(name)) and not _lives(int(found[1])):
                (folder / name).unlink()
    except OSError:
        pass  # they are in nobody's way


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    return True


def _remove_partial_folders(parent: Path) -> None:
    """Remove what killed processes left in PARENT: half-written folders whose lock nobody holds."""
    try:
        locks = [name for name in os.listdir(parent) if re.fullmatch(r"\..+\.lock", name)]
        for lock in locks:
            partial = parent / f"{lock.removesuffix('.lock')}.partial"
            if not partial.is_dir() or partial.is_symlink():
                continue
            handle = os.open(parent / lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(partial)
                (parent / lock).unlink(missing_ok=True)
            except BlockingIOError:
                pass  # being written
            finally:
                os.close(handle)
    except OSError:
        pass  # they are in nobody's way


def _check_target(final: Path, path: str | Path, overwrite: bool | None) -> None:
    """Refuse a target that may not be replaced."""
    try:
        if final.is_file() or (final.exists() and not final.is_dir()):
            raise BadInput(f"{path} is a file", remedy="choose another name for the output folder")
        if final.name == "" or final == Path.cwd():
            raise BadInput(
                f"{path} is the current folder" if final.name else f"{path} is the root folder",
                remedy="give the output a folder of its own",
            )
        content = os.listdir(final) if final.is_dir() else []
    except OSError as error:
        raise cannot_write(path, error) from error
    if not content:
        return
    if MARKER not in content:
        raise BadInput(
            f"{path} exists and holds other files", remedy="choose another output folder"
        )
    if not overwrite:
        forced = "" if overwrite is None else " or give force=True"
        raise BadInput(f"{path} exists already", remedy=f"choose another output folder{forced}")


def _make_parents(folder: Path, path: str | Path) -> list[Path]:
    """Make FOLDER and what is missing above it; return what was made, deepest first."""
    missing = []
    try:
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        if not os.access(missing[0] if missing else folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "permission denied")
    except OSError as error:
        raise cannot_write(path, error) from error
    return missing


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders, deepest first, up to the first in which something stands."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            break


@contextmanager
def _lock(lock: Path, path: str | Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `lock`, removed afterwards, for writing PATH."""
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise BadInput(
                    f"{path} is being written by another hw-bnn process",
                    remedy="wait for it or choose another output folder",
                ) from None
            raise cannot_write(path, error) from error
        # The holder before us removes the file: a lock on a removed file locks nothing.
        try:
            if os.stat(lock).st_ino == os.fstat(handle).st_ino:
                break
        except FileNotFoundError:
            pass
        os.close(handle)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def _swap(partial: Path, final: Path) -> None:
    """Rename `partial` to `final`; an older `final` is removed after that."""
    if not final.exists() or not os.listdir(final):
        os.rename(partial, final)
        return
    old = _old(final)
    os.rename(final, old)
    try:
        os.rename(partial, final)
    except OSError:
        os.rename(old, final)
        raise
    _remove(old)


def _restore(final: Path) -> None:
    """Undo a swap that a killed process left half done."""
    old = _old(final)
    if old.exists():
        if final.exists():
            _remove(old)
        else:
            os.rename(old, final)


def _old(final: Path) -> Path:
    return final.with_name(f".{final.name}.old")


def _remove(path: Path) -> None:
    """Remove a folder tree, whatever it is; no error where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_ours(error: OSError, partial: Path) -> bool:
    """Whether `error` is about writing the output: it names no file, as those of a write that the
    disk or a limit ends do, or one inside `partial`."""
    if is_full(error) or error.errno in (errno.EFBIG, errno.EIO):
        return True
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return any(name.startswith(str(partial)) for name in names)
