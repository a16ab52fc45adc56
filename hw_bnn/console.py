"""What a person sees: progress, tables, sentences. Rich on a terminal, plain lines otherwise.

Progress and remarks go to stderr, results to stdout, so that ``--json`` leaves one document and
nothing else on stdout:

    with stage("compile"):                       # spinner, then "compile  12.3 s"
        ...
    with progress("simulate", total=1797, unit="frames") as advance:
        advance(256)
    table("Verification", ["stage", "frames"], [["golden", "1797"]])

Stages nest, and any code may open one; all share one live display. Names of files, nodes and
tensors are other people's words: what could move a terminal's cursor, colour it or reverse its
writing (control characters, escapes, marks of direction) is shown as ``?``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

PLAIN_INTERVAL_S = 10.0
"""Off a terminal, progress is a line at most this often."""

_quiet = _verbose = False
_wording: Callable[[str], str] = str
_live: Any = None
_open = 0


def set_quiet(quiet: bool) -> None:
    """Say nothing on stderr but errors (`quiet=True`), or everything again."""
    global _quiet
    _quiet = quiet


def set_verbose(verbose: bool) -> None:
    """Tell each step as it ends (`verbose=True`), or what they took at the end alone."""
    global _verbose
    _verbose = verbose


def is_quiet() -> bool:
    """Whether nothing but errors is said on stderr."""
    return _quiet


def is_verbose() -> bool:
    """Whether each step is told as it ends."""
    return _verbose and not _quiet


@contextmanager
def wording(words: Callable[[str], str]) -> Iterator[None]:
    """Put the library's sentences to the user in other words, while the context lasts."""
    global _wording
    before, _wording = _wording, words
    try:
        yield
    finally:
        _wording = before


@contextmanager
def loudness() -> Iterator[None]:
    """Begin neither quiet nor verbose, and end as it was before."""
    global _quiet, _verbose
    before, (_quiet, _verbose) = (_quiet, _verbose), (False, False)
    try:
        yield
    finally:
        _quiet, _verbose = before


def is_terminal() -> bool:
    """Whether progress is drawn on a terminal."""
    return sys.stderr.isatty()


def printable(text: object) -> str:
    r"""Text as it may stand on a terminal or in a document; lines stay lines.

    >>> printable("fc\x1b[2J1\n\udcff\u202e\x9b")
    'fc?[2J1\n???'
    """
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in str(text))


def out(text: object) -> None:
    """Lines of a result, on stdout."""
    print(printable(text), flush=True)


def say(text: str) -> None:
    """One line for the user, on stderr."""
    if not _quiet:
        _to_stderr(text)


def warn(text: str) -> None:
    """Print what the user should look at, on stderr; also where progress is quiet."""
    _to_stderr(f"warning: {text}")


def error(text: str) -> None:
    """One sentence about what went wrong, on stderr."""
    _to_stderr(f"error: {text}")


def last_words(text: str) -> None:
    """An error before the process ends at once: the terminal is left as it was found, and stderr
    is the process's own, whatever a context has put in its place."""
    if _live is not None:
        _live.stop()
    print(f"error: {printable(_wording(text))}", file=sys.__stderr__, flush=True)


def _to_stderr(text: str) -> None:
    """On stderr, above the live display where one is on."""
    text = printable(_wording(text))
    if _live is not None:
        _live.console.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def stage(title: str) -> Iterator[None]:
    """Show that `title` is running; when it ends well, say how many seconds it took."""
    with _task(title, None, "") as (_, started):
        yield
    say(f"{title}  {time.monotonic() - started:.1f} s")


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """Show on a terminal that `title` is running; when it ends, nothing."""
    with _task(title, None, ""):
        yield


@contextmanager
def steps(title: str) -> Iterator[Callable[[str], None]]:
    """Show that `title` is running, step by step; yields `begin(name)`, called as each begins.

    A name may tell how far the step is, behind a colon: "FIFO sizing: 3 of 5". When it ends well,
    say how many seconds it took, and each step of these (those of one name as one); verbose, each
    step is told as it ends, too.
    """
    began: list[tuple[str, float]] = []
    with _task(title, None, "") as (_, started):
        task = _live.task_ids[-1] if _live is not None and not _quiet else None

        def tell(now: float) -> None:
            if began and is_verbose():
                name, start = began[-1]
                say(f"{title}: {name}  {now - start:.1f} s")

        def begin(name: str) -> None:
            now, step = time.monotonic(), name.partition(": ")[0]
            if task is not None and _live is not None:
                _live.update(task, description=f"{_line(title)}: {_line(name)}")
            if not began or began[-1][0] != step:
                tell(now)
                began.append((step, now))

        yield begin
        ended = time.monotonic()
        tell(ended)
    spent: dict[str, float] = {}
    for (name, start), (_, end) in pairwise([*began, ("", ended)]):
        spent[name] = spent.get(name, 0.0) + end - start
    told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in spent.items())
    say(f"{title}  {ended - started:.1f} s{f' ({told})' if told else ''}")


@contextmanager
def progress(title: str, total: int | None, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Show how much of `total` is done; yields `advance(n)`, to be called with each n done."""
    with _task(title, total, unit) as (advance, started):
        yield advance
    amount = f" {total:,} {unit}" if total is not None else ""
    say(f"{title}{amount}  {time.monotonic() - started:.1f} s")


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()
) -> None:
    """Print a table on stdout; columns numbered in `right` are aligned to the right."""
    text = [[_cell(cell) for cell in row] for row in rows]
    title, columns = _line(title), [_line(column) for column in columns]
    if sys.stdout.isatty():
        _rich_table(title, columns, text, right)
    else:
        print(plain_table(title, columns, text, right), flush=True)


def plain_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> str:
    """The table as aligned lines of text, nothing cut off.

    >>> print(plain_table("Frames", ["stage", "n"], [["golden", "1,797"], ["rtl", "5"]], right=[1]))
    Frames
      stage   n
      golden  1,797
      rtl         5
    """
    widths = [max(len(line[i]) for line in [columns, *rows]) for i in range(len(columns))]

    def line(cells: Sequence[str], head: bool) -> str:
        parts = [
            cell.rjust(width) if i in right and not head else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return ("  " + "  ".join(parts)).rstrip()

    return "\n".join([title, line(columns, True), *(line(row, False) for row in rows)])


def document(content: object) -> None:
    """Print a result document (``--json``) on stdout."""
    print(json.dumps(content, indent=1, default=str), flush=True)


def _cell(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return _line(cell)


def _line(text: object) -> str:
    return printable(" ".join(str(text).splitlines()))


def _rich_table(
    title: str, columns: Sequence[str], rows: list[list[str]], right: Sequence[int]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    view = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for i, column in enumerate(columns):
        view.add_column(column, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        view.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(view)


@contextmanager
def _task(
    title: str, total: int | None, unit: str
) -> Iterator[tuple[Callable[[int], None], float]]:
    """A running task: on a terminal a line of the shared display, otherwise now and then a line."""
    global _live, _open
    started = time.monotonic()
    title, unit = _line(title), _line(unit)
    if _quiet:
        yield (lambda count: None), started
        return
    if not is_terminal():
        yield _plain_advance(title, total, unit, started), started
        return
    if _live is None:
        _live = _new_display()
        _live.start()
    _open += 1
    live, task = _live, _live.add_task(title, total=total, unit=unit)
    try:
        yield (lambda count: live.advance(task, count)), started
    finally:
        live.remove_task(task)
        _open -= 1
        if _open == 0:
            live.stop()
            _live = None


def _plain_advance(
    title: str, total: int | None, unit: str, started: float
) -> Callable[[int], None]:
    done, last = 0, started

    def advance(count: int) -> None:
        nonlocal done, last
        done += count
        now = time.monotonic()
        if now - last >= PLAIN_INTERVAL_S and (total is None or done < total):
            last = now
            of = f" of {total:,}" if total is not None else ""
            say(f"{title} {done:,}{of} {unit}  {now - started:.0f} s")

    return advance


def _new_display() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.text import Text

    class Count(ProgressColumn):
        """Done and total with the unit, or nothing for a task of unknown length."""

        def render(self, task: Any) -> Text:
            if task.total is None:
                return Text("")
            return Text(f"{int(task.completed):,}/{int(task.total):,} {task.fields['unit']}")

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        Count(),
        TimeElapsedColumn(),
        # The stream itself: while FINN runs, sys.stderr is its log.
        console=Console(file=sys.stderr, highlight=False),
        transient=True,
    )
