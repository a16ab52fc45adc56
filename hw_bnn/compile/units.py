"""What a graph of our ops needs to know of itself before it is folded: which unit a layer is, what
makes up for zeros around it, how wide its numbers are. Used by FINN's steps (steps.py) and by the
outline without FINN (outline.py), which differ in where a node's op comes from (`op_of`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from onnx import NodeProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper

from ..errors import Unsupported
from .ops.mvau import FoldedMVAU

OpOf = Callable[[NodeProto], Any]


def layer_op(weights: str, inputs: str) -> str:
    """Our op for a matrix-vector unit of these QONNX types."""
    if weights != "BIPOLAR":
        return "WideMVAU_rtl"
    return "XnorMVAU_rtl" if inputs == "BIPOLAR" else "IntMVAU_rtl"


def sort_nodes(model: ModelWrapper, op_of: OpOf) -> None:
    """Order the nodes by their distance from the input, then by their layers' names.

    Nodes are numbered in this order: it is one for all branches, whatever changed the graph before.
    """
    levels: dict[str, int] = {}
    names: dict[str, list] = {}
    for node in model.graph.node:  # topological
        level = 1 + max((levels.get(name, 0) for name in node.input), default=0)
        levels.update(dict.fromkeys(node.output, level))
        op = op_of(node)
        whose = [_natural(op.get_nodeattr(key)) for key in ("layer", "origin")]
        if not whose[0]:  # a fork goes by what it copies
            whose = names.get(node.input[0], whose)
        names.update(dict.fromkeys(node.output, whose))

    def place(node: NodeProto) -> tuple[int, list, str]:
        return levels[node.output[0]], names[node.output[0]], node.op_type

    nodes = sorted(model.graph.node, key=place)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _natural(text: str) -> list[tuple[str, int]]:
    """A name as a key by which conv_2 comes before conv_10."""
    return [(word, int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", text)]


def make_up_for_zeros(model: ModelWrapper, node: NodeProto, op_of: OpOf) -> None:
    """Tell a 1-bit layer the geometry of the exact zero padding in front of it (ops/mvau.py).

    Raises:
        Unsupported: the layer has no thresholds of its own, which alone can make up for it.
    """
    op = op_of(node)
    if not isinstance(op, FoldedMVAU) or op.get_input_datatype(0) != DataType["BIPOLAR"]:
        return
    window, pad = None, model.find_producer(node.input[0])
    if pad is not None and pad.op_type == "SlidingWindow_rtl":
        window, pad = op_of(pad), model.find_producer(pad.input[0])
    if pad is None or pad.op_type != "StreamPad_rtl" or op_of(pad).get_nodeattr("value"):
        return
    pad = op_of(pad)
    if op.get_nodeattr("noActivation"):
        raise Unsupported(
            "exact zero padding of a 1-bit map in front of a layer without thresholds of its own",
            node=op.get_nodeattr("layer") or node.name,
            remedy="build with standalone_thresholds: false",
        )
    moves = [[1, 1]] * 3
    if window is not None:
        moves = [window.get_nodeattr(k) for k in ("KernelDim", "Stride", "Dilation")]
    geometry = [pad.get_nodeattr("IFMDim"), *moves, pad.get_nodeattr("padding")]
    op.set_nodeattr("zeroPadding", [int(v) for values in geometry for v in values])


def share_windows(model: ModelWrapper, node: NodeProto, op_of: OpOf) -> None:
    """Tell a layer and the windows in front of it that several windows of a row may share its
    weights (MMV): where all of a row have the same thresholds. Run after `make_up_for_zeros`."""
    op, source = op_of(node), model.find_producer(node.input[0])
    if not isinstance(op, FoldedMVAU) or not op.shares or len(op.get_nodeattr("zeroPadding")):
        return
    if source is None or source.op_type != "SlidingWindow_rtl":
        return
    window = op_of(source)
    (height, width), channels = window.get_nodeattr("KernelDim"), window.get_nodeattr("NumChannels")
    if height * width == 1 or window.get_nodeattr("Dilation")[1] != 1:
        return
    row = window.output_dim()[1]
    step = window.get_nodeattr("Stride")[1]
    op.set_nodeattr("windows", [int(width * channels), int(step * channels), row])
    window.set_nodeattr("shared", row)


def set_bit_widths(model: ModelWrapper, op_of: OpOf) -> None:
    """Accumulators as narrow as every reachable value and threshold allows, in order."""
    for node in model.graph.node:
        op = op_of(node)
        for attribute, index in (("inputDataType", 0), ("inputDataType2", 1)):
            if attribute in op.get_nodeattr_types():
                op.set_nodeattr(attribute, model.get_tensor_datatype(node.input[index]).name)
        if hasattr(op, "accumulator_range"):
            op.minimize_accumulator_width(model)
            model.set_tensor_datatype(node.output[0], op.get_output_datatype())
        else:
            op.infer_node_datatype(model)
