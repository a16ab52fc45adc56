"""Rules for op types, and the walk over a file's nodes that names the node in every error.

    RULES = Registry()

    @RULES.rule("Add", "Sub")
    def add(state, node): ...

    walk(graph.nodes, RULES, lambda rule, node: rule(state, node))

A rule reads what a stranger's file says. What it cannot make sense of (a shape that does not fit, a
list that is too short, a number out of range) becomes an error of that node, whatever Python calls
it; the cause is chained, so that --debug shows a fault of our own as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import BadInput, HwBnnError, Unsupported
from .node import Node
from .support import ALL, HARDWARE_DOMAIN, QONNX, STANDARD_DOMAINS

Rule = Callable[..., Any]

_MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What Python and numpy raise where a file's numbers do not fit together."""


class Registry:
    """Rules by op type."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}

    def rule(self, *op_types: str) -> Callable[[Rule], Rule]:
        """Register a function as the rule of these op types."""

        def register(function: Rule) -> Rule:
            self.rules.update(dict.fromkeys(op_types, function))
            return function

        return register

    def find(self, node: Node) -> Rule:
        """The rule of a node.

        Raises:
            Unsupported: there is none.
        """
        if node.domain.startswith(HARDWARE_DOMAIN):
            raise Unsupported(
                f"{node.op_type} is a hardware layer: FINN has converted this file already",
                node=node.name,
                remedy="give the file from before that conversion (the QONNX export, or FINN's "
                "streamlined one)",
            )
        found = self.rules.get(node.op_type)
        usual = node.domain in STANDARD_DOMAINS or node.op_type in QONNX
        if found is None or not usual:
            of = "" if usual else f" of {node.domain}"
            raise Unsupported(
                f"the operator {node.op_type}{of} is not supported",
                node=node.name,
                remedy=f"supported are {', '.join(ALL)}, and any operator on constants",
            )
        return found


def walk(nodes: Iterable[Node], rules: Registry, apply: Callable[[Rule, Node], None]) -> None:
    """Apply the rule of each node, in order.

    Raises:
        BadInput, Unsupported: of the first node that cannot be followed; it carries the node's name.
    """
    for node in nodes:
        with naming(node.name):
            apply(rules.find(node), node)


@contextmanager
def naming(node: str | None) -> Iterator[None]:
    """Whatever goes wrong inside is an error of this node (or, with None, of the file)."""
    try:
        yield
    except HwBnnError as error:
        if error.node is None and node is not None:
            raise type(error)(error.reason, node=node, remedy=error.remedy) from error
        raise
    except ZeroDivisionError as error:
        raise BadInput(
            "it divides by an exact zero", node=node, remedy="check the scales in the file"
        ) from error
    except _MALFORMED as error:
        raise BadInput(
            f"it cannot be computed ({_kind(error)})",
            node=node,
            remedy="check its constants, attributes and shapes",
        ) from error


def _kind(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()[:200]
    plain = isinstance(error, ValueError) and text
    return text if plain else f"{type(error).__name__}{': ' + text if text else ''}"
