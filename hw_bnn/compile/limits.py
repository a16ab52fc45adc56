"""No step of the compiler runs without end.

FINN and qonnx apply a transformation until it changes nothing more; one that flips for ever would
hang. Here the number of rounds is bounded, the same for the same graph on any machine and in any
thread. What is no such loop is bounded by the clock, generously: a thread besides interrupts the
step, since signals reach the main thread only. Both end in a CompilerError that names the step.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from ..errors import CompilerError

ROUNDS, ROUNDS_A_NODE = 1000, 50
"""What a transformation may take to settle: many move one node past one other a round."""
SECONDS = 3600.0
"""What a step may take: the longest known (FIFO sizing of CNV, a loaded machine) takes minutes."""
REPORT = "this is a defect of the compiler: please report it with the model"

_step: ContextVar[str] = ContextVar("step", default="")


def begin(step: str) -> None:
    """A step begins; errors of this module name it."""
    _step.set(step)


class _Bounded:
    """A transformation that may be applied so many times."""

    def __init__(self, transformation, rounds: int):
        self.transformation, self.rounds, self.left = transformation, rounds, rounds

    def apply(self, model):
        if self.left == 0:
            raise CompilerError(
                f"{type(self.transformation).__name__} goes on changing the graph "
                f"after {self.rounds:,} rounds",
                node=_step.get(),
                remedy=REPORT,
            )
        self.left -= 1
        return self.transformation.apply(model)


def bound_transformations() -> None:
    """Bound the rounds of every transformation of a ModelWrapper, once a process."""
    from qonnx.core.modelwrapper import ModelWrapper

    unbounded = ModelWrapper.transform
    if hasattr(unbounded, "__wrapped__"):
        return

    @functools.wraps(unbounded)
    def transform(self, transformation, *args, **kwargs):
        if not isinstance(transformation, _Bounded):  # subgraphs hand it on
            rounds = ROUNDS + ROUNDS_A_NODE * len(self.graph.node)
            transformation = _Bounded(transformation, rounds)
        return unbounded(self, transformation, *args, **kwargs)

    ModelWrapper.transform = transform


class _OutOfTime(BaseException):
    """Raised in the watched thread; no `except Exception` on its way may swallow it."""


@contextlib.contextmanager
def watched(
    say: Callable[[str], None], seconds: float = SECONDS
) -> Iterator[Callable[[str], None]]:
    """Watch the steps of this thread: each may take so many seconds.

    Yields:
        `say`, which begins the next step.

    Raises:
        CompilerError: a step took longer; names it.
    """
    thread, moved = threading.get_ident(), threading.Condition()
    state = {"count": 0, "ended": False, "raised": False}

    def announce(name: str) -> None:
        begin(name)
        with moved:
            state["count"] += 1
            moved.notify()
        say(name)

    def over(step: int) -> bool:
        return bool(state["ended"]) or state["count"] != step

    def watch() -> None:
        with moved:
            while not state["ended"]:
                if not moved.wait_for(functools.partial(over, state["count"]), seconds):
                    state["raised"] = True
                    _raise_in(thread, _OutOfTime)
                    return

    watcher = threading.Thread(target=watch, name="compile watchdog", daemon=True)
    watcher.start()
    try:
        yield announce
    except _OutOfTime:
        state["raised"] = False
        raise CompilerError(
            f"it has not ended in {seconds:,.0f} seconds", node=_step.get(), remedy=REPORT
        ) from None
    finally:
        with moved:
            if state["raised"]:  # too late
                # not without need: CPython goes on to look for it, under a profiler without end
                _raise_in(thread, None)
            state["ended"] = True
            moved.notify()
        begin("")


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise in another thread, as soon as it runs Python code again; None takes it back."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error else None
    )
