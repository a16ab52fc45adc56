"""Which axis of an accelerator's input holds the channels: the one that the first layer reads so.

A file names no axes. An input of four axes is (N, C, H, W) or, from Keras, (N, H, W, C); of three
(N, C, W) or (N, W, C). It is followed through what leaves its elements in place, through transposes
and axes of 1, to the first convolution, pool or BatchNorm, which has the channels in its axis 1.
"""

from __future__ import annotations

from ..onnxfile import Graph, Node

AXES = {2: ("NC", "NC"), 3: ("NCW", "NWC"), 4: ("NCHW", "NHWC")}
"""Number of axes of the input -> their names with the channels first, and last."""

_IN_PLACE = {
    "Add", "BipolarQuant", "Cast", "Clip", "Div", "Dropout", "Identity", "IntQuant", "Mul", "Neg",
    "Pad", "Quant", "Relu", "Sign", "Sub",
}  # fmt: skip
_OF_CHANNELS = {
    "AveragePool",
    "BatchNormalization",
    "Conv",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "MaxPool",
}


def axes_of_input(graph: Graph, tensor: str, rank: int) -> str:
    """The names of the axes of `tensor`, which becomes the accelerator's input.

    A Transpose before the input quantiser is the host's: what the file calls channels last is
    channels first behind it.
    """
    first, last = AXES[rank]
    places: dict[str, list[int | None]] = {tensor: list(range(rank))}
    for node in graph.nodes:
        axes = places.get(node.inputs[0]) if node.inputs else None
        if axes is None:
            continue
        if node.op_type in _OF_CHANNELS:
            return last if len(axes) > 1 and axes[1] == rank - 1 else first
        moved = _moved(graph, node, axes)
        if moved is not None:
            places[node.output] = moved
    return first


def _moved(graph: Graph, node: Node, axes: list[int | None]) -> list[int | None] | None:
    """The input's axes in a node's output; None where they are lost."""
    if node.op_type in _IN_PLACE:
        return axes
    if node.op_type == "Transpose":
        order = node.integers("perm", [])
        return [axes[p] for p in order] if sorted(order) == list(range(len(axes))) else None
    if node.op_type not in ("Squeeze", "Unsqueeze"):
        return None
    named = node.integers("axes", None)
    if named is None and node.has(1) and node.inputs[1] in graph.constants:
        named = [int(axis) for axis in graph.constants[node.inputs[1]].reshape(-1)]
    if named is None:
        return None
    if node.op_type == "Squeeze":
        dropped = {axis % len(axes) for axis in named}
        return [place for i, place in enumerate(axes) if i not in dropped]
    rank = len(axes) + len(named)
    new, kept = {axis % rank for axis in named}, iter(axes)
    return (
        [None if i in new else next(kept) for i in range(rank)] if len(new) == len(named) else None
    )
