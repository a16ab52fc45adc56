"""The graph of our ops without FINN: the same nodes, attributes and costs as FINN's steps lead to,
in a fraction of a second, to ask what a network would take. It is never built or executed.

FINN's classes have a short stand-in here for what the folding search asks of them: datatypes,
widths and cycles (finn/custom_op/fpgadataflow: matrixvectoractivation.py, thresholding.py,
duplicatestreams.py). tests/test_estimate.py holds what the search finds here equal to what it finds
in FINN's graph.
"""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.base import CustomOp

from . import lowering, ops  # noqa: F401  the rules' ops and our own
from .emit import FINN_DOMAIN
from .frontend import ImportedModel
from .ops.classes import OPS
from .ops.kernel import DOMAIN
from .provenance import name_nodes
from .units import layer_op, make_up_for_zeros, set_bit_widths, share_windows, sort_nodes


class Outline(CustomOp):
    """An op by its attributes alone."""

    TYPES: dict[str, tuple] = {}
    LANES_IN, LANES_OUT = "PE", "PE"

    def get_nodeattr_types(self):
        return {"backend": ("s", True, "fpgadataflow"), **self.TYPES}

    def get_input_datatype(self, ind=0):
        return DataType[self.get_nodeattr("inputDataType")]

    def get_output_datatype(self, ind=0):
        return DataType[self.get_nodeattr("outputDataType")]

    def get_instream_width(self, ind=0):
        return self.get_nodeattr(self.LANES_IN) * self.get_input_datatype(ind).bitwidth()

    def get_outstream_width(self, ind=0):
        return self.get_nodeattr(self.LANES_OUT) * self.get_output_datatype(ind).bitwidth()

    def infer_node_datatype(self, model):
        for name in self.onnx_node.output:
            model.set_tensor_datatype(name, self.get_output_datatype())

    def make_shape_compatible_op(self, model):
        raise NotImplementedError("an outline is not executed")

    def execute_node(self, context, graph):
        raise NotImplementedError("an outline is not executed")

    def verify_node(self):
        raise NotImplementedError("an outline is not executed")


class VectorOutline(Outline):
    """Vectors of NumChannels, PE a cycle."""

    TYPES = {
        "PE": ("i", True, 0),
        "NumChannels": ("i", True, 0),
        "inputDataType": ("s", True, ""),
        "numInputVectors": ("ints", False, [1]),
    }

    def get_normal_input_shape(self, ind=0):
        return (*self.get_nodeattr("numInputVectors"), self.get_nodeattr("NumChannels"))

    def get_folded_output_shape(self, ind=0):
        pe = self.get_nodeattr("PE")
        return (*self.get_nodeattr("numInputVectors"), self.get_nodeattr("NumChannels") // pe, pe)

    def get_exp_cycles(self):
        return int(np.prod(self.get_folded_output_shape()[:-1]))


class Thresholding(VectorOutline):
    TYPES = VectorOutline.TYPES | {
        "numSteps": ("i", True, 1),
        "weightDataType": ("s", True, ""),
        "outputDataType": ("s", True, ""),
        "ActVal": ("i", False, 0),
    }


class DuplicateStreams(VectorOutline):
    TYPES = VectorOutline.TYPES | {"NumOutputStreams": ("i", True, 0)}

    def get_output_datatype(self, ind=0):
        return self.get_input_datatype()


class MVAU(Outline):
    LANES_IN = "SIMD"
    TYPES = {
        **{name: ("i", True, 0) for name in ("PE", "SIMD", "MW", "MH")},
        **{name: ("s", True, "") for name in ("inputDataType", "weightDataType", "outputDataType")},
        "ActVal": ("i", False, 0),
        "noActivation": ("i", False, 0),
        "accDataType": ("s", False, "INT32"),
        "ram_style": ("s", False, "auto"),
        "ram_style_thresholds": ("s", False, "auto"),
        "numInputVectors": ("ints", False, [1]),
    }

    def get_accumulator_datatype(self):
        return DataType[self.get_nodeattr("accDataType")]

    def get_normal_input_shape(self, ind=0):
        return (*self.get_nodeattr("numInputVectors"), self.get_nodeattr("MW"))

    def get_exp_cycles(self):
        mw, mh, pe, simd = (self.get_nodeattr(k) for k in ("MW", "MH", "PE", "SIMD"))
        return mh // pe * (mw // simd) * int(np.prod(self.get_nodeattr("numInputVectors")))


LIKE = {kind.__name__: kind for kind in (MVAU, Thresholding, DuplicateStreams)}


@functools.cache
def _kind(name: str) -> type:
    op = OPS[name]
    base = Outline if op.like is None else LIKE[op.like.split(":")[1]]
    return types.new_class(name, (op.kind, base))


def op_of(node: NodeProto) -> Any:
    """The op of a node of an outline."""
    return _kind(node.op_type)(node)


def outline(imported: ImportedModel, mode: str) -> ModelWrapper:
    """What FINN's steps up to folding make of an imported network, without FINN.

    Args:
        mode: "scores", "label" or "both".
    """
    model = imported.finn_model(mode)
    _drop_reshapes(model)
    _units(model)
    _forks(model)
    name_nodes(model, op_of)
    sort_nodes(model, op_of)
    counts: dict[str, int] = {}
    for node in model.graph.node:
        index = counts.setdefault(node.op_type, 0)
        counts[node.op_type] += 1
        node.name = f"{node.op_type}_{index}"
        make_up_for_zeros(model, node, op_of)
        share_windows(model, node, op_of)
    set_bit_widths(model, op_of)
    return model


def _drop_reshapes(model: ModelWrapper) -> None:
    for node in [n for n in model.graph.node if n.op_type == "Reshape"]:
        for reader in model.find_consumers(node.output[0]):
            reader.input[list(reader.input).index(node.output[0])] = node.input[0]
        model.graph.node.remove(node)


def _units(model: ModelWrapper) -> None:
    """Matrix products, with the thresholds behind them, become units; thresholds ours."""
    thresholds = {n.input[0]: n for n in model.graph.node if n.op_type == "MultiThreshold"}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "MatMul":
            nodes.append(_unit(model, node, thresholds.get(node.output[0])))
        elif node.op_type != "MultiThreshold":
            if (node.domain, node.op_type) == (FINN_DOMAIN, "Thresholding"):
                node.domain, node.op_type = DOMAIN, "BnnThresholding_rtl"
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _unit(model: ModelWrapper, product: NodeProto, threshold: NodeProto | None) -> NodeProto:
    source, weights = product.input
    mw, mh = model.get_tensor_shape(weights)
    last = product if threshold is None else threshold
    kinds = [model.get_tensor_datatype(n).name for n in (source, weights, last.output[0])]
    # the vectors are counted at the output: a flattened map is one vector
    vectors = model.get_tensor_shape(product.output[0])[:-1]
    start = 0
    if threshold is not None and kinds[2] != "BIPOLAR":
        start = int(next(a.f for a in threshold.attribute if a.name == "out_bias"))
    tables = [] if threshold is None else threshold.input[1:]
    return helper.make_node(
        layer_op(kinds[1], kinds[0]), [*product.input, *tables],
        list(last.output), domain=DOMAIN, backend="fpgadataflow", MW=mw, MH=mh, PE=1, SIMD=1,
        inputDataType=kinds[0], weightDataType=kinds[1], outputDataType=kinds[2], ActVal=start,
        noActivation=int(threshold is None), numInputVectors=vectors,
    )  # fmt: skip


def _forks(model: ModelWrapper) -> None:
    """A fork behind every tensor that is read more than once."""
    nodes = list(model.graph.node)
    source = model.graph.input[0].name
    made: list[NodeProto] = []
    for tensors, node in [([source], None), *((list(n.output), n) for n in nodes)]:
        if node is not None:
            made.append(node)
        for tensor in tensors:
            readers = [(n, i) for n in nodes for i, name in enumerate(n.input) if name == tensor]
            if len(readers) < 2:
                continue
            copies = [f"{tensor}_copy{i}" for i in range(len(readers))]
            *vectors, channels = model.get_tensor_shape(tensor)
            kind = model.get_tensor_datatype(tensor)
            for (reader, index), name in zip(readers, copies, strict=True):
                reader.input[index] = name
                model.set_tensor_shape(name, [*vectors, channels])
                model.set_tensor_datatype(name, kind)
            made.append(
                helper.make_node(
                    "Fork_rtl", [tensor], copies, domain=DOMAIN, backend="fpgadataflow", PE=1,
                    NumChannels=channels, NumOutputStreams=len(copies), numInputVectors=vectors,
                    inputDataType=kind.name,
                )
            )  # fmt: skip
    del model.graph.node[:]
    model.graph.node.extend(made)
