"""The errors a user can meet: one sentence that says what is wrong, why, and what to do.

Every class carries the exit code of the command line:

>>> str(Unsupported("Softmax is not supported", node="Softmax_3", remedy="remove it"))
'Softmax_3: Softmax is not supported; remove it'
>>> Unsupported.exit_code, CheckFailed.exit_code, MissingTool.exit_code
(2, 1, 3)
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable


class HwBnnError(Exception):
    """Base of all errors that hw_bnn raises on purpose.

    Args:
        reason: what is wrong, one clause without a full stop.
        node: the user's layer or node that it concerns, if there is one; it starts the message.
        remedy: what to do about it, if known; it ends the message.
    """

    exit_code = 2

    def __init__(self, reason: str, *, node: str | None = None, remedy: str | None = None):
        self.reason, self.node, self.remedy = reason, node, remedy
        message = f"{node}: {reason}" if node else reason
        super().__init__(f"{message}; {remedy}" if remedy else message)


class CheckFailed(HwBnnError):
    """A check that the user asked for failed: two stages differ, a run stalled (exit code 1)."""

    exit_code = 1


class CompilerError(HwBnnError):
    """A step of the compiler that does not end: our defect; nothing is written (exit code 1)."""

    exit_code = 1


class BadInput(HwBnnError):
    """A file, option or value that cannot be used (exit code 2)."""


class Unsupported(BadInput):
    """A valid model that this flow cannot turn into exact hardware (exit code 2)."""


class MissingTool(HwBnnError):
    """A tool or package that has to be installed first; the remedy says how (exit code 3)."""

    exit_code = 3


def finn_remedy(otherwise: str) -> str:
    """How to get FINN, where this Python is not too new for finn-plus as `otherwise` says."""
    if sys.version_info >= (3, 12):
        return "use Python 3.11: finn-plus supports no later one"
    return otherwise


def nearest(word: str, choices: Iterable[str]) -> str:
    """A remedy that names the choice nearest to `word`, or all choices."""
    choices = sorted(choices)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    close = close or [c for c in choices if word.lower() in c or c in word.lower()][:1]
    return f"did you mean {close[0]!r}?" if close else f"it has {', '.join(choices)}"
