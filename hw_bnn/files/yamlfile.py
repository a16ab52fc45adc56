"""YAML files of strangers as plain values: what a recipe or sweep may hold, and nothing that grows.

A few lines of YAML can name a list in a list in a list by anchors (a "billion laughs"), nest until
Python's stack ends, repeat a key, or hold an integer that takes minutes to read. All of that is
refused by one sentence.

>>> parse("a: 1e-3\\nb: [1, x]")["b"]
[1, 'x']
>>> parse("a: 1\\na: 2")
Traceback (most recent call last):
    ...
hw_bnn.errors.BadInput: it is no usable YAML (line 2: the key 'a' stands there twice); correct it
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ..errors import BadInput
from .given import open_file

LARGEST = 1 << 20
"""Bytes of a file."""

_DEEPEST = 50
_MOST_VALUES = 100_000


class _Refused(yaml.YAMLError):
    """Something in the file that YAML allows and we do not."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that counts what aliases stand for, and takes no repeated keys, deep
    nesting, or dates.
    """

    def __init__(self, text: str):
        super().__init__(text)
        self._values = self._depth = self._deepest = 0
        self._whole: dict[int, tuple[int, int]] = {}  # of a finished node: values in it, levels

    def compose_node(self, parent, index):
        line = self.peek_event().start_mark.line + 1
        if self.check_event(yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if id(node) not in self._whole:
                raise _Refused(f"line {line}: an alias to what it stands in")
            values, levels = self._whole[id(node)]
            self._count(values, self._depth + levels, line)
            return node
        before, outside = self._values, self._deepest
        self._depth += 1
        self._deepest = self._depth
        self._count(1, self._depth, line)
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._whole[id(node)] = (self._values - before, self._deepest - self._depth)
        self._deepest = max(outside, self._deepest)
        return node

    def _count(self, values: int, depth: int, line: int) -> None:
        self._values += values
        self._deepest = max(self._deepest, depth)
        if depth > _DEEPEST:
            raise _Refused(f"line {line}: nested deeper than {_DEEPEST} levels")
        if self._values > _MOST_VALUES:
            raise _Refused(f"line {line}: more than {_MOST_VALUES:,} values")

    def compose_mapping_node(self, anchor):
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused(f"line {line}: a key that is no word")
            if key.value in seen:
                raise _Refused(f"line {line}: the key {key.value!r} stands there twice")
            seen.add(key.value)
        return node


# A date is a text to us: `name: 2026-01-31`.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str, what: str = "it") -> Any:
    """The plain values of a YAML text.

    Raises:
        BadInput: no YAML, or something of what the module's text tells.
    """
    if len(text) > LARGEST:
        raise BadInput(f"{what} has more than {LARGEST:,} characters of YAML")
    try:
        return _Loader(text).get_single_data()
    except RecursionError:
        raise BadInput(f"{what} is no usable YAML (nested too deeply)") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError) as error:
        # ValueError: integers of thousands of digits; the others: odd tags of odd values
        first = " ".join(str(error).split())[:300]
        raise BadInput(f"{what} is no usable YAML ({first})", remedy="correct it") from None


def read(path: Path) -> Any:
    """The plain values of a YAML file.

    Raises:
        BadInput: it cannot be read, or as :func:`parse`.
    """
    try:
        with open_file(path) as file:
            content = file.read(LARGEST + 1)
        text = content.decode()
    except OSError as error:
        why = error.strerror
        raise BadInput(f"{path} cannot be read ({why})", remedy="check the path") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a YAML file ({error})", remedy="correct it") from None
    return parse(text, str(path))
