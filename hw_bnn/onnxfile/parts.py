"""The parts of a tensor that Split and Slice give, as the standard says.

>>> from onnx import helper
>>> split = Node(helper.make_node("Split", ["x"], ["a", "b"], axis=1))
>>> parts(split, (2, 5, 4), None)[1].ranges
(range(0, 2), range(3, 5), range(0, 4))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise

from ..errors import BadInput
from .axes import axes as read_axes
from .axes import axis as read_axis
from .node import Node
from .tensor import AGAIN

Numbers = Callable[[Node, int], list[int]]
"""A constant input of a node, as integers."""


@dataclass(frozen=True)
class Part:
    """output: name of its tensor, "" where the file wants none. ranges: of the indices that it
    holds, an axis each."""

    output: str
    ranges: tuple[range, ...]


def parts(node: Node, shape: tuple[int, ...], numbers: Numbers | None) -> list[Part]:
    """The parts of a tensor of this shape, batch included, one an output.

    Raises:
        BadInput: sizes or limits that do not fit the tensor.
    """
    whole = [range(size) for size in shape]
    if node.op_type == "Slice":
        return [Part(node.output, tuple(_sliced(node, whole, numbers)))]
    axis = read_axis(node, node.integer("axis", 0), len(shape))
    ends = list(accumulate(_sizes(node, shape[axis], numbers), initial=0))
    return [
        Part(name, (*whole[:axis], range(first, last), *whole[axis + 1 :]))
        for name, (first, last) in zip(node.outputs, pairwise(ends), strict=True)
    ]


def _sizes(node: Node, size: int, numbers: Numbers | None) -> list[int]:
    """Of the parts of Split: an input, before opset 13 an attribute, or equal ones."""
    given = node.integers("split", None)
    if node.has(1) and numbers is not None:
        given = numbers(node, 1)
    count = len(node.outputs)
    if given is None:  # the last is smaller where they are not alike
        each = -(-size // count)
        given = [min(each, size - i * each) for i in range(count)]
    if len(given) != count or sum(given) != size or min(given) < 0:
        raise BadInput(f"its parts {given} are not those of {size}", node=node.name, remedy=AGAIN)
    return given


def _sliced(node: Node, whole: list[range], numbers: Numbers | None) -> list[range]:
    def listed(position: int, key: str, default: list[int] | None) -> list[int] | None:
        if node.has(position) and numbers is not None:
            return numbers(node, position)
        return node.integers(key, default)

    starts, ends = listed(1, "starts", None), listed(2, "ends", None)
    if starts is None or ends is None:
        raise BadInput("it names no starts or ends", node=node.name, remedy=AGAIN)
    every = list(range(len(starts)))
    places = read_axes(node, listed(3, "axes", every) or every, len(whole))
    steps = listed(4, "steps", None) or [1] * len(starts)
    counts = {"starts": starts, "ends": ends, "axes": places, "steps": steps}
    if len({len(values) for values in counts.values()}) > 1:
        told = ", ".join(f"{len(values)} {name}" for name, values in counts.items())
        raise BadInput(f"its limits do not go together: {told}", node=node.name, remedy=AGAIN)
    if 0 in steps:
        raise BadInput("it takes a step of 0", node=node.name, remedy=AGAIN)
    out = list(whole)
    for start, end, place, step in zip(starts, ends, places, steps, strict=True):
        out[place] = whole[place][slice(start, end, step)]
    return out
