"""Processes that end with this one: compilers, simulators, synthesis, workers.

Each is the head of a process group of its own, so that what it starts (a compiler's passes, abc)
ends with it. When the caller is interrupted the group is killed; when this process itself is
killed, a small guard process sees its pipe close and does it.

>>> run(["echo", "hello"], stdout=subprocess.PIPE).stdout
b'hello\\n'
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import Any

# Reads "+GROUP" and "-GROUP" lines until its pipe closes, then kills the groups that are left.
_GUARD = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""
_lock = threading.Lock()
_groups: set[int] = set()
_guard: subprocess.Popen | None = None


def _forget() -> None:
    """In a forked child: what its parent started is not its own, nor is the guard."""
    global _lock, _guard
    _lock, _guard = threading.Lock(), None
    _groups.clear()


os.register_at_fork(after_in_child=_forget)


def start(command: list[str], **options: Any) -> subprocess.Popen:
    """subprocess.Popen, for a process that ends with this one. Its end is to be told to `ended`."""
    with _lock:  # the guard knows of a group before anybody can ask for it
        process = subprocess.Popen(command, process_group=0, **options)
        _tell("+", process.pid)
    return process


def ended(process: subprocess.Popen) -> None:
    """Forget a process that `start` gave and that has been waited for."""
    with _lock:
        _tell("-", process.pid)


def kill(process: subprocess.Popen) -> None:
    """End a process and all that it started, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it started may outlive it
    process.wait()


def kill_all() -> None:
    """End everything that is running: the way out of an interruption."""
    with _lock:
        for group in _groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def run(
    command: list[str], *, input: bytes | str | None = None, timeout: float | None = None,
    **options: Any,
) -> subprocess.CompletedProcess:  # fmt: skip
    """subprocess.run, for a process that ends with this one; whatever ends the wait ends the group.

    Raises:
        subprocess.TimeoutExpired: as subprocess.run. OSError: the program cannot be started.
    """
    stdin = subprocess.PIPE if input is not None else subprocess.DEVNULL
    process = start(command, stdin=stdin, **options)
    try:
        out, err = process.communicate(input, timeout=timeout)
    except BaseException:
        kill(process)
        raise
    finally:
        ended(process)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _tell(sign: str, group: int) -> None:
    """Tell the guard, which is started with the first group. Called with the lock held."""
    global _guard
    (_groups.add if sign == "+" else _groups.discard)(group)
    if _guard is not None:
        try:
            _write(_guard, f"{sign}{group}\n")
            return
        except BrokenPipeError:  # it was killed
            _guard.wait()
    _guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _GUARD], stdin=subprocess.PIPE, bufsize=0,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with contextlib.suppress(BrokenPipeError):  # killed too; the next group gets a new one
        _write(_guard, "".join(f"+{each}\n" for each in sorted(_groups)))


def _write(guard: subprocess.Popen, lines: str) -> None:
    assert guard.stdin is not None
    guard.stdin.write(lines.encode())
