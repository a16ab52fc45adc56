"""qonnx's clean-up of an exported file, in a time that grows with the file, not with its square.

    model = cleaned_up(ModelWrapper(proto))        # the graph that qonnx's cleanup_model gives

cleanup_model folds one constant node, infers all shapes, copies the model and starts again. Here
every node whose inputs are known is folded in one sweep; the nodes are executed by qonnx, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_node
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util import cleanup


def cleaned_up(model: ModelWrapper) -> ModelWrapper:
    """What qonnx's cleanup_model makes of a model: shapes inferred, constants folded but for
    quantisers of weights, tensors and nodes named by their place."""
    with _replaced("FoldConstants", FoldAll):
        return cleanup.cleanup_model(model)


@contextmanager
def _replaced(name: str, value: Callable[..., Any]):
    before = getattr(cleanup, name)
    setattr(cleanup, name, value)
    try:
        yield
    finally:
        setattr(cleanup, name, before)


class FoldAll(FoldConstants):
    """FoldConstants for all nodes at once; again for those that the shapes found then allow."""

    def apply(self, model):
        graph, opset = model.graph, model.model.opset_import[0].version
        known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        infos = {i.name: i for part in (graph.value_info, graph.input, graph.output) for i in part}
        folded = []
        for node in graph.node:
            if self._folds(node, known, infos):
                known[node.output[0]] = _executed(node, known, infos, opset)
                folded.append(node)
        read = {name for node in graph.node for name in node.input}
        read |= {output.name for output in graph.output}
        for node in folded:
            graph.node.remove(node)
        for node in folded:
            if node.output[0] in read:
                model.set_initializer(node.output[0], known[node.output[0]])
        if folded:
            model = model.transform(InferShapes())
        return model, bool(folded)

    def _folds(self, node, known, infos) -> bool:
        if node.op_type in self.exclude_op_types:
            return False
        if all(name in known for name in node.input):
            return True
        info = infos.get(node.input[0])
        return (
            node.op_type == "Shape" and info is not None and info.type.tensor_type.HasField("shape")
        )


def _executed(node, known, infos, opset: int) -> np.ndarray:
    """A node's first output."""
    given = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(known[name].dtype), known[name].shape
        )
        if name in known
        else infos[name]
        for name in dict.fromkeys(filter(None, node.input))
    ]
    made = [infos.get(name, onnx.ValueInfoProto(name=name)) for name in node.output]
    graph = helper.make_graph([node], "constants", given, made)
    context = {name: known.get(name) for name in node.input}
    for info in (*given, *made):
        if context.get(info.name) is None:
            shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
            kind = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type or 1)
            context[info.name] = np.zeros(shape, kind)
    execute_node(node, context, graph, opset)
    return context[node.output[0]]
