"""Whose a node is: the user's layer, and the user's tensor that its output holds.

They travel with the graph through every transformation, as attributes `layer` and `origin` of our
nodes. FINN makes new nodes out of matrix products and thresholds, but hands on their parameter
tensors, under other names; so there they travel as annotations of the parameters, from which
`name_nodes` sets the attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onnx import NodeProto, StringStringEntryProto, TensorAnnotation
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import get_by_name

ATTRIBUTES = ("layer", "origin")
_PREFIX = "hw_bnn_"


def annotate(model: ModelWrapper, tensor: str, *, layer: str = "", origin: str = "") -> None:
    """Write on a tensor whose it is; what is empty is left out."""
    annotations = model.graph.quantization_annotation
    found = get_by_name(annotations, tensor, "tensor_name")
    if found is None:
        found = annotations.add()
        found.tensor_name = tensor
    for key, value in zip(ATTRIBUTES, (layer, origin), strict=True):
        if value:
            found.quant_parameter_tensor_names.append(
                StringStringEntryProto(key=_PREFIX + key, value=value)
            )


def origin_of(model: ModelWrapper, tensor: str) -> str | None:
    """The user's tensor that was written on this one."""
    return _read(model, tensor).get("origin")


def _read(model: ModelWrapper, tensor: str) -> dict[str, str]:
    found: TensorAnnotation | None = get_by_name(
        model.graph.quantization_annotation, tensor, "tensor_name"
    )
    entries = found.quant_parameter_tensor_names if found is not None else ()
    return {
        entry.key.removeprefix(_PREFIX): entry.value
        for entry in entries
        if entry.key.startswith(_PREFIX)
    }


def name_nodes(model: ModelWrapper, op_of: Callable[[NodeProto], Any] = getCustomOp) -> None:
    """Set `layer` and `origin` of nodes that FINN has made: the layer is its first parameter's, the
    output its last one's (of weights and thresholds in one node, the product's layer and the
    threshold's output).

    Precondition: every node is one of our ops.
    """
    for node in model.graph.node:
        op = op_of(node)
        marks = [m for m in (_read(model, name) for name in node.input) if "layer" in m]
        if marks and not op.get_nodeattr("layer"):
            op.set_nodeattr("layer", marks[0]["layer"])
            op.set_nodeattr("origin", marks[-1]["origin"])


def layers(model: ModelWrapper) -> dict[str, str]:
    """Node name -> the user's layer that it implements, of those that have one."""
    return {n.name: layer for n in model.graph.node if (layer := _attribute(n, "layer"))}


def origins(model: ModelWrapper) -> dict[str, str]:
    """Tensor name -> the user's tensor that it holds, of those that have one."""
    found = {n.output[0]: origin for n in model.graph.node if (origin := _attribute(n, "origin"))}
    source = model.graph.input[0].name
    return {source: origin, **found} if (origin := origin_of(model, source)) else found


def _attribute(node: NodeProto, name: str) -> str | None:
    attribute = get_by_name(node.attribute, name)
    return attribute.s.decode() if attribute is not None else None
