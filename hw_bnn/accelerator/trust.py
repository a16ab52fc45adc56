"""Who made a folder: what `compile` writes carries a signature that this user's key proves.

RTL is a program: a simulation of a stranger's folder can run any command ($system, DPI), read and
write files. So a folder's RTL is given to a tool only where a compile of this user on this machine
wrote it, or where the user says so (`--trust`, `trust=True`).

The signature is an HMAC-SHA256 of accelerator.json, which has the hashes of all files, under a
random key that stays in the user's state folder. It proves nothing to others: on another machine,
or for another user, the folder is a stranger's again.

    sign(folder, "accelerator.json")            # writes .accelerator.json.signature
    require(folder, "accelerator.json", trust=False)
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from .. import console
from ..errors import BadInput
from ..files.inside import within
from ..files.output import output_file
from ..files.own_folders import state_folder

KEY_BYTES = 32
_KEY = "key"
_CONTEXT = b"hw_bnn folder, version 1\0"
_accepted: set[str] = set()  # digests of documents that this process made or was told to trust


def signature_name(document: str) -> str:
    """Name of the file with the signature of DOCUMENT, which lies beside it."""
    return f".{document}.signature"


def sign(folder: Path, document: str) -> None:
    """Put this user's signature of FOLDER/DOCUMENT beside it.

    Where no key can be kept (a home that cannot be written) it is said, and the folder stays
    unsigned; this process trusts it in any case.
    """
    content = (folder / document).read_bytes()
    _accepted.add(_digest(content))
    try:
        key = _made_key()
    except (OSError, BadInput) as error:
        console.say(
            f"the folder is not signed, later commands need trust=True: the key cannot be kept "
            f"({error}); set HW_BNN_STATE to a folder of yours"
        )
        return
    with output_file(within(folder, signature_name(document))) as partial:
        partial.write_text(_signature(key, content) + "\n")


def require(
    folder: Path, document: str, *, trust: bool = False, danger: str = "RTL can run commands",
    again: str = "compile the model again",
) -> None:  # fmt: skip
    """Refuse FOLDER unless this user's key, this process, or `trust` vouches for DOCUMENT.

    Args:
        danger: what a stranger's could do. again: how the user makes one.

    Raises:
        BadInput: nobody does.
    """
    content = (folder / document).read_bytes()
    if trust:
        _accepted.add(_digest(content))
    elif not _vouched(folder, document, content):
        raise BadInput(
            f"{folder / document} was not written by you on this machine, and {danger}",
            remedy=f"{again}, or give trust=True if you trust whoever made the folder",
        )


def vouched(folder: Path, document: str) -> bool:
    """Whether this user's key, or this process, vouches for FOLDER/DOCUMENT."""
    return _vouched(folder, document, (folder / document).read_bytes())


def inherit(folder: Path, document: str, place: Path, made: str) -> None:
    """Vouch for PLACE/MADE, which was made from FOLDER/DOCUMENT, as far as that is vouched for.

    A folder that is trusted by word alone has netlists that are trusted in this process alone.
    """
    if _signed(folder, document, (folder / document).read_bytes()):
        sign(place, made)
    else:
        _accepted.add(_digest((place / made).read_bytes()))


def withdraw(folder: Path, document: str) -> None:
    """Remove the signature of FOLDER/DOCUMENT."""
    (folder / signature_name(document)).unlink(missing_ok=True)


def pass_on(folder: Path, document: str) -> str:
    """What `take_over` needs in another process that works for this one."""
    return _digest((folder / document).read_bytes())


def take_over(digest: str) -> None:
    """Trust the document of which the process that gives the work decided so (see `pass_on`)."""
    _accepted.add(digest)


def _vouched(folder: Path, document: str, content: bytes) -> bool:
    return _digest(content) in _accepted or _signed(folder, document, content)


def _signed(folder: Path, document: str, content: bytes) -> bool:
    try:
        path = folder / signature_name(document)
        if not path.is_file() or path.stat().st_size > 1000:
            return False
        found = path.read_bytes().strip()
        key = _read_key(state_folder() / _KEY)
    except (OSError, BadInput):
        return False
    return key is not None and hmac.compare_digest(found, _signature(key, content).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _signature(key: bytes, content: bytes) -> str:
    return hmac.new(key, _CONTEXT + content, hashlib.sha256).hexdigest()


def _made_key() -> bytes:
    """This user's key; a new one where there is none, or where others could read it.

    Raises:
        OSError: it cannot be kept.
    """
    folder = state_folder()
    path = folder / _KEY
    if (key := _read_key(path)) is not None:
        return key
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    aside = folder / f".{_KEY}.{os.getpid()}"
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of processes that begin at once, one makes it
        if (key := _read_key(path)) is None:
            aside.unlink(missing_ok=True)
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
            key = _read_key(path)
    finally:
        aside.unlink(missing_ok=True)
        os.close(lock)
    if key is None:
        raise OSError(errno.EACCES, "others can read what is written there")
    return key


def _read_key(path: Path) -> bytes | None:
    """The key in a file that is ours alone, else None."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        own = status.st_uid == os.geteuid() and not status.st_mode & 0o077
        key = file.read(KEY_BYTES + 1) if own and stat.S_ISREG(status.st_mode) else b""
    return key if len(key) == KEY_BYTES else None
