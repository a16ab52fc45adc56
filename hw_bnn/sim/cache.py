"""A content-addressed store of built things that several processes may use and fill at once.

An entry is a folder `CACHE/<kind>/<key>` with a manifest of its files' SHA-256. It appears
whole, by one rename, and is checked each time it is used; one that was truncated or damaged is
built again. A lock file per entry makes a second process wait for the first one's build
instead of repeating it.

    with entry("toy", "0f3a", build=lambda folder: (folder / "x").write_text("1")) as folder:
        (folder / "x").read_text()
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BadInput
from ..files.own_folders import cache_folder

MANIFEST = "manifest.json"
LIMIT_BYTES = 4 << 30
"""Above this much in total the entries used longest ago are removed."""

_ASIDE = ".building"
_swept: set[str] = set()  # caches in which this process looked for what killed ones left


def content_key(*parts: object) -> str:
    """A name for what is determined by `parts` (anything JSON can write), 32 hex digits."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def entry(kind: str, key: str, build: Callable[[Path], None]) -> Iterator[Path]:
    """The folder of an entry, built by `build(folder)` if it is absent or damaged.

    The entry's lock is held (shared) in the body: nobody replaces it meanwhile.

    Raises:
        BadInput: the cache cannot be written, or its disk is full.
    """
    root = cache_folder()
    if str(root) not in _swept:
        _swept.add(str(root))
        _remove_half_built(root)
    folder = root / kind / key
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / f"{key}.lock").open("a")
    except OSError as error:
        raise _cannot_write(root, error) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        while not _intact(folder):
            # Not upgraded in place: two holders of the shared lock would wait for each other.
            fcntl.flock(lock, fcntl.LOCK_UN)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _intact(folder):
                _publish(root, folder, build)
            fcntl.flock(lock, fcntl.LOCK_UN)
            fcntl.flock(lock, fcntl.LOCK_SH)
        _touch(folder)
        yield folder


def _publish(root: Path, folder: Path, build: Callable[[Path], None]) -> None:
    """Build aside, write the manifest, rename. Called with the exclusive lock held."""
    aside = folder.with_name(f"{folder.name}{_ASIDE}")
    try:
        shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
        aside.mkdir()
        build(aside)
        names = sorted(p.relative_to(aside).as_posix() for p in aside.rglob("*") if p.is_file())
        manifest = {name: file_digest(aside / name) for name in names}
        with (aside / MANIFEST).open("w") as file:
            json.dump(manifest, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(aside, folder)
    except OSError as error:
        raise _cannot_write(root, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _prune(root, keep=folder)


def _intact(folder: Path) -> bool:
    """Whether the entry is there and every file is what the manifest says."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        return all(file_digest(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def _touch(folder: Path) -> None:
    with contextlib.suppress(OSError):  # a cache that may be read only
        os.utime(folder / MANIFEST)  # the time of last use, for _prune


def _remove_half_built(root: Path) -> None:
    """Remove what killed processes were building: folders whose lock nobody holds."""
    for aside in root.glob(f"*/*{_ASIDE}"):
        try:
            lock = os.open(
                aside.parent / f"{aside.name.removesuffix(_ASIDE)}.lock", os.O_RDWR | os.O_CLOEXEC
            )
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(aside, ignore_errors=True)
        except OSError:
            pass  # being built
        finally:
            os.close(lock)


def _prune(root: Path, keep: Path) -> None:
    """Remove entries used longest ago while the cache is above its limit; skip any in use."""
    entries = []
    for manifest in root.glob(f"*/*/{MANIFEST}"):
        try:
            size = sum(p.stat().st_size for p in manifest.parent.iterdir())
            entries.append((manifest.stat().st_mtime, size, manifest.parent))
        except OSError:
            continue
    total = sum(size for _, size, _ in entries)
    for used, size, folder in sorted(entries):
        if total <= LIMIT_BYTES or time.time() - used < 600:
            return
        if folder == keep:
            continue
        with (folder.parent / f"{folder.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def _cannot_write(root: Path, error: OSError) -> BadInput:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BadInput(
            f"the disk of the build cache {root} is full",
            remedy="free some space or set HW_BNN_CACHE to a folder elsewhere",
        )
    return BadInput(
        f"the build cache {root} cannot be used ({error.strerror or error})",
        remedy="set HW_BNN_CACHE to a folder that can be written",
    )
