"""Reading JSON that may be anything: what is no plain JSON document is refused in one sentence.

Python's own reader takes NaN, lets the last of two equal names win, and fails with other errors
than its own on numbers of thousands of digits and on deep nesting.

>>> parse_json('{"pe": 4}')
{'pe': 4}
>>> parse_json('{"pe": 4, "pe": 8}')
Traceback (most recent call last):
ValueError: the name 'pe' stands twice in one object
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from ..errors import BadInput
from .given import given_path

LARGEST_BYTES = 64 << 20
_DIGITS = 400  # of an integer: far above any count, and below what Python converts


def read_json(path: str | Path, *, remedy: str) -> object:
    """The document in a file.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such file.
        BadInput: it cannot be read or is no JSON document; `remedy` ends the sentence.
    """
    path = given_path(path)
    try:
        if not path.is_file() and path.exists():
            raise BadInput(f"{path} is no file", remedy=remedy)
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror or error})", remedy=remedy
        ) from error
    if len(data) > LARGEST_BYTES:
        raise BadInput(f"{path} is larger than {LARGEST_BYTES >> 20} MiB", remedy=remedy)
    try:
        return parse_json(data.decode("utf-8"))
    except ValueError as error:  # of the encoding or of the document
        raise BadInput(f"{path} is damaged ({_reason(error)})", remedy=remedy) from None


def read_object(path: str | Path, *, remedy: str) -> dict[str, Any]:
    """The object in a file.

    Raises:
        As :func:`read_json`; BadInput: it is another document.
    """
    content = read_json(path, remedy=remedy)
    if not isinstance(content, dict):
        raise BadInput(f"{path} is damaged (no object)", remedy=remedy)
    return content


def parse_json(text: str) -> object:
    """The document in a text.

    Raises:
        ValueError: it is none, or holds NaN, an infinity, a name twice in an object, an integer of
            more than 400 digits, or nests deeper than Python reads.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer,
            parse_float=_real,
        )  # fmt: skip
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in times if times[name] > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return result


def _constant(text: str) -> object:
    raise ValueError(f"{text} is no number of JSON")


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"a number of {len(text):,} digits")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is out of range")
    return value


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is no UTF-8"
    return str(error)
