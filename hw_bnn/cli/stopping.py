"""Ctrl-C and SIGTERM: an answer at once, and how to go on."""

from __future__ import annotations

import os
import shlex
import signal
from types import FrameType

from .. import console

STOPPED = 130
"""The exit code."""


def told(arguments: list[str]) -> str:
    """What a user is told who has stopped a command: how it goes on."""
    command, resumes = (arguments or [""])[0], "--resume" in arguments
    if command == "train" or (command == "simulate" and resumes):
        words = arguments if resumes else [*arguments, "--resume"]
        return f"stopped; to go on: hw-bnn {shlex.join(words)}"
    if command == "sweep":  # keeps each finished run, and each run's last checkpoint
        return f"stopped; to go on: hw-bnn {shlex.join(arguments)}"
    if command in ("compile", "verify"):
        return f"stopped, nothing was written; to begin again: hw-bnn {shlex.join(arguments)}"
    return "stopped"


def listen(arguments: list[str]) -> None:
    """Raise KeyboardInterrupt on a signal, so that half-written output is removed.

    While a package is imported the process ends there and then, as by a kill, which all output is
    safe from: torch and Brevitas take an exception within their import for a missing feature.
    """

    def stop(_number: int, frame: FrameType | None) -> None:
        if _importing(frame):
            console.last_words(told(arguments))
            os._exit(STOPPED)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
