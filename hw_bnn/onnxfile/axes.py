"""Lists of whole numbers that a node gives: axes, permutations, shapes, each checked as it is read.

    axis(node, -1, 4)              # 3
    axes(node, [1, -1], 4)         # [1, 3]

Python would take an axis beyond the tensor modulo its rank, and one named twice as one: both are
refused here, for the compiler and the golden model alike.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..errors import BadInput
from .node import Node
from .tensor import AGAIN


def axis(node: Node, value: int, rank: int) -> int:
    """An axis as 0 to rank - 1; in the file negative ones count from the back.

    Raises:
        BadInput: the tensor has no such axis.
    """
    if not -rank <= value < rank:
        raise BadInput(
            f"its axis {value} does not exist: the tensor has {rank} axes",
            node=node.name,
            remedy=AGAIN,
        )
    return value % rank


def axes(node: Node, values: Iterable[int], rank: int) -> list[int]:
    """Axes as :func:`axis`, in the order of the file.

    Raises:
        BadInput: the tensor has no such axis, or it is named twice.
    """
    values = list(values)
    found = [axis(node, value, rank) for value in values]
    if len(set(found)) < len(found):
        raise BadInput(f"its axes {values} name one twice", node=node.name, remedy=AGAIN)
    return found


def flatten_axis(node: Node, rank: int) -> int:
    """The axis of Flatten, 0 to rank: behind the last axis is a place, too.

    Raises:
        BadInput: it lies outside.
    """
    value = node.integer("axis", 1)
    return rank if value == rank else axis(node, value, rank)


def permutation(node: Node, rank: int) -> list[int]:
    """The perm of Transpose: each of 0 to rank - 1 once; backwards where the file has none.

    Raises:
        BadInput: it is no permutation of the axes.
    """
    perm = node.integers("perm", list(reversed(range(rank))))
    if sorted(perm) != list(range(rank)):
        raise BadInput(
            f"its perm {perm} is no permutation of {rank} axes", node=node.name, remedy=AGAIN
        )
    return perm


def sizes(node: Node, values: list[int]) -> list[int]:
    """The shape that Reshape is given: sizes of 0 and more, at most one of them -1.

    Raises:
        BadInput: another size is negative.
    """
    if min(values, default=0) < -1 or values.count(-1) > 1:
        raise BadInput(
            f"its shape {values} leaves more than one size open", node=node.name, remedy=AGAIN
        )
    return values


def whole(node: Node, position: int, array: np.ndarray) -> list[int]:
    """The numbers of an input that ONNX wants as integers; exact ones (Surd) are taken where whole.

    Raises:
        BadInput: one is no integer.
    """
    numbers = []
    for value in np.asarray(array).reshape(-1).tolist():
        number = getattr(value, "x", value)
        if getattr(value, "d", 0) or number != int(number):
            raise BadInput(
                f"its input {node.inputs[position]!r} holds {float(value):g}, no integer",
                node=node.name,
                remedy=AGAIN,
            )
        numbers.append(int(number))
    return numbers
