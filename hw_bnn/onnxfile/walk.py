"""Rules for op types, and the walk over a file's nodes that names the node in every error.

    RULES = Registry()

    @RULES.rule("Add", "Sub")
    def add(state, node): ...

    walk(graph.nodes, RULES, state)

A rule reads what a stranger's file says. What it cannot make sense of (a shape that does not fit, a
list that is too short, a number out of range) becomes an error of that node, whatever Python calls
it; the cause is chained, so that --debug shows a fault of our own as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ..errors import BadInput, HwBnnError, Unsupported
from .axes import axes as read_axes
from .constants import ARITHMETIC, exact_work, kept
from .evaluate import Budget
from .node import Node
from .one_axis import MAXIMA, over_a_window, over_two_axes
from .support import ALL, CONSTANT_ONLY, HARDWARE_DOMAIN, QONNX, REFUSED, STANDARD_DOMAINS

Rule = Callable[..., Any]

_MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    RuntimeError,
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
        """The rule of a node that reads activations.

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
        found = None if node.op_type in CONSTANT_ONLY else self.rules.get(node.op_type)
        if found is None and node.op_type in REFUSED:
            raise Unsupported(
                f"{node.op_type} of activations is not supported",
                node=node.name,
                remedy=REFUSED[node.op_type],
            )
        usual = node.domain in STANDARD_DOMAINS or node.op_type in QONNX
        if found is None or not usual:
            of = "" if usual else f" of {node.domain}"
            raise Unsupported(
                f"the operator {node.op_type}{of} is not supported",
                node=node.name,
                remedy=f"supported are {', '.join(ALL)}, and any operator on constants",
            )
        return found


class State(Protocol):
    """What a walk knows: a value for each tensor so far."""

    budget: Budget

    def constants(self, node: Node) -> list[Any] | None:
        """The values of the inputs that a node has, if all of them are constants."""

    def fold(self, node: Node) -> None:
        """Compute the node's outputs from its constants (constants.fold)."""

    def apply(self, rule: Rule, node: Node) -> None:
        """Follow the node by its rule."""

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Of a constant or quantised constant; None of anything else."""

    def frame(self, name: str) -> tuple[int, ...] | None:
        """The shape of one frame of an activation or the graph input; None of anything else."""

    def numbers(self, node: Node, position: int) -> list[int]:
        """A constant list of integers that a node reads."""


def walk(nodes: Iterable[Node], rules: Registry, state: State) -> None:
    """Follow each node in order: by its rule, or, where it has constants only, by computing it.

    Raises:
        BadInput, Unsupported: of the first node that cannot be followed;
            it carries the node's name.
    """
    for node in nodes:
        with naming(node.name):
            values = state.constants(node)
            if values is None:
                _follow(node, rules, state)
            elif not kept(node, values):
                state.fold(node)
            elif node.op_type in ARITHMETIC:
                state.budget.spend(exact_work(values), node)
                try:
                    state.apply(rules.rules[node.op_type], node)
                except (Unsupported, ValueError):  # no exact number: the root of a root, say
                    state.fold(node)
            else:
                state.apply(rules.rules[node.op_type], node)


def _follow(node: Node, rules: Registry, state: State) -> None:
    """A node that reads activations; a maximum of whole maps as a window over them."""
    frame = state.frame(node.input(0)) if node.op_type in MAXIMA else None
    if frame is None:
        _follow_window(node, rules, state)
        return
    named = node.integers("axes", [])
    if node.has(1):
        named = state.numbers(node, 1)
    axes = read_axes(node, named, len(frame) + 1)
    for each in over_a_window(node, frame, axes):
        _follow_window(each, rules, state)


def _follow_window(node: Node, rules: Registry, state: State) -> None:
    """A node that reads activations; a window over one axis as one over two."""
    weights = state.shape(node.inputs[1]) if node.has(1) else None
    for each in over_two_axes(node, weights):
        constant = each is not node and state.constants(each) is not None
        rule = rules.rules[each.op_type] if constant else rules.find(each)
        state.apply(rule, each)


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
