"""Windows over one axis as windows over two: what a stage has to know are maps.

    (N, C, L) -> Unsqueeze -> (N, C, 1, L) -> the node with kernel [1, k] -> Squeeze -> (N, M, L')

>>> from onnx import helper
>>> node = Node(helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[3], pads=[1, 0]))
>>> [n.op_type for n in over_two_axes(node, None)]
['Unsqueeze', 'MaxPool', 'Squeeze']
>>> over_two_axes(node, None)[1].integers("pads")
[0, 1, 0, 0]
"""

from __future__ import annotations

import onnx
from onnx import helper

from ..errors import BadInput
from .node import Node
from .tensor import AGAIN

POOLS = ("AveragePool", "MaxPool")
MAXIMA = ("GlobalMaxPool", "ReduceMax")
"""Maxima of whole maps: a MaxPool whose window is the map."""
NEW_AXIS = 2
"""Where the axis of length 1 goes: the height of a map."""
_FILLED = {"kernel_shape": 1, "strides": 1, "dilations": 1, "pads": 0}
"""Attribute -> what it says of the new axis."""


def over_two_axes(node: Node, weights: tuple[int, ...] | None) -> list[Node]:
    """The nodes to follow in the place of a node: itself, but for a window over one axis.

    Args:
        weights: shape of the second input of a Conv.

    Raises:
        BadInput: its strides, dilations or pads are not those of one axis.
    """
    if node.op_type == "Conv" and weights is not None and len(weights) == 3:
        parameters = [node.input(1)]
    elif node.op_type in POOLS and len(node.integers("kernel_shape", [])) == 1:
        parameters = []
    else:
        return [node]
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    _lift(node, proto)
    found = []
    for position, name in enumerate([node.input(0), *parameters]):
        proto.input[position] = f"{node.output}/map{position}"
        found.append(_axis(node, "Unsqueeze", name, proto.input[position]))
    proto.output[0] = f"{node.output}/map"
    return [*found, Node(proto), _axis(node, "Squeeze", proto.output[0], node.output)]


def over_a_window(node: Node, frame: tuple[int, ...], axes: list[int]) -> list[Node]:
    """One of MAXIMA as a MaxPool, or itself where it is none.

    Args:
        frame: shape of what it reads, without the batch.
        axes: of a ReduceMax, 0 to the number of axes of `frame`.

    >>> node = Node(helper.make_node("ReduceMax", ["x"], ["y"], keepdims=0))
    >>> pool, squeeze = over_a_window(node, (8, 5, 4), [3, 2])
    >>> pool.op_type, pool.integers("kernel_shape"), squeeze.integers("axes")
    ('MaxPool', [5, 4], [2, 3])
    """
    places = list(range(2, len(frame) + 1))
    if not 2 <= len(frame) <= 3 or (node.op_type == "ReduceMax" and sorted(axes) != places):
        return [node]
    flat = node.op_type == "ReduceMax" and not node.integer("keepdims", 1)
    target = f"{node.output}/map" if flat else node.output
    pool = helper.make_node(
        "MaxPool", [node.input(0)], [target], name=node.name, kernel_shape=list(frame[1:])
    )
    dropped = helper.make_node("Squeeze", [target], [node.output], name=node.name, axes=places)
    return [Node(pool), Node(dropped)] if flat else [Node(pool)]


def turned(node: Node, *inputs: str) -> Node:
    """A node with a window over two axes, for maps whose axes are exchanged.

    Args:
        inputs: names that take the place of its first inputs.
    """
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    for position, name in enumerate(inputs):
        proto.input[position] = name
    for item in proto.attribute:
        if item.name in _FILLED:
            values = node.integers(item.name)
            swapped = [v for i in range(0, len(values) - 1, 2) for v in values[i : i + 2][::-1]]
            item.ints[:] = swapped if len(values) % 2 == 0 else values
    return Node(proto)


def _lift(node: Node, proto: onnx.NodeProto) -> None:
    """Attributes of one axis, said of two."""
    for item in proto.attribute:
        filler = _FILLED.get(item.name)
        if filler is None:
            continue
        values = node.integers(item.name)
        if len(values) != (2 if item.name == "pads" else 1):
            raise BadInput(
                f"its {item.name} {values} are not those of a window over one axis",
                node=node.name,
                remedy=AGAIN,
            )
        del item.ints[:]
        item.ints.extend(v for value in values for v in (filler, value))


def _axis(node: Node, op_type: str, source: str, target: str) -> Node:
    proto = helper.make_node(op_type, [source], [target], name=node.name, axes=[NEW_AXIS])
    return Node(proto)
