"""Why the operating system takes no more, in the words of a sentence and what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from ..errors import BadInput

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space or choose another disk"),
    errno.EDQUOT: ("the disk quota is used up", "free some space or choose another disk"),
    errno.EFBIG: ("the file would be larger than allowed", "raise the limit or the quota"),
    errno.EIO: ("the disk reports an error", "choose another disk"),
    errno.EACCES: ("permission denied", "choose a folder that you may write to"),
    errno.EPERM: ("permission denied", "choose a folder that you may write to"),
    errno.EROFS: ("the file system is read-only", "choose a folder that you may write to"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "choose another path"),
    errno.ELOOP: ("the path has a loop of links", "choose another path"),
    errno.EBUSY: ("it is in use (a mount point?)", "choose a folder below it"),
}


def is_full(error: OSError) -> bool:
    """Whether `error` tells of a full disk; numpy's tells only how little it wrote."""
    if error.errno is None:
        return "requested and" in str(error)
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def cannot_write(path: str | Path, error: OSError) -> BadInput:
    """The sentence for an `error` of the operating system met while writing PATH."""
    number = errno.ENOSPC if is_full(error) else error.errno or 0
    reason, remedy = _REASONS.get(number, (error.strerror or str(error), None))
    return BadInput(f"{path} cannot be written: {reason}", remedy=remedy)
