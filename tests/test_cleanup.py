"""The clean-up of exported files gives what qonnx's own gives."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.cleanup import cleanup_model

from hw_bnn.cleanup import FoldAll, cleaned_up
from tests.networks.keras_network import keras_network
from tests.networks.qonnx_networks import QONNX, random_network


def chains() -> onnx.ModelProto:
    """Constants of constants, shapes that other constants make known, one read by two nodes."""
    numbers = {
        "half": np.float32(0.5),
        "w": np.arange(12, dtype=np.float32).reshape(3, 4),
        "one": np.array([1], np.int64),
        "rest": np.array([-1], np.int64),
        "scale": np.float32(0.25),
        "zero": np.float32(0),
        "bits": np.float32(4),
    }
    quant = {"domain": QONNX, "signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    nodes = [
        helper.make_node("Constant", [], ["two"], value=numpy_helper.from_array(np.float32(2))),
        helper.make_node("Mul", ["half", "two"], ["unit"]),
        helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),
        helper.make_node("Mul", ["wt", "unit"], ["scaled"]),
        helper.make_node("Quant", ["scaled", "scale", "zero", "bits"], ["q"], **quant),
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "one"], ["count"]),
        helper.make_node("Concat", ["rest", "count"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["flat"]),
        helper.make_node("Shape", ["flat"], ["again"]),
        helper.make_node("Reshape", ["flat", "again"], ["same"]),
        helper.make_node("MatMul", ["same", "q"], ["y"]),
        helper.make_node("Mul", ["y", "unit"], ["z"]),
        helper.make_node("Add", ["z", "unit"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "chains",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [2, 3])],
        [numpy_helper.from_array(value, name) for name, value in numbers.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


NETWORKS = {
    "chains": chains,
    "keras": keras_network,
    **{f"random {seed}": lambda seed=seed: random_network(seed) for seed in range(4)},
}


def tensors(found) -> dict:
    return {item.name: item for item in found}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_graph(name):
    """But for the order of the tensors that it stores."""
    model = NETWORKS[name]()
    theirs = cleanup_model(ModelWrapper(copy.deepcopy(model))).graph
    ours = cleaned_up(ModelWrapper(model)).graph
    assert list(theirs.node) == list(ours.node)
    assert list(theirs.input) == list(ours.input) and list(theirs.output) == list(ours.output)
    for field in ("initializer", "value_info"):
        assert tensors(getattr(theirs, field)) == tensors(getattr(ours, field))


def test_a_sweep_folds_all_that_it_can():
    model = ModelWrapper(chains()).transform(InferShapes())
    rounds = 0
    changed = True
    while changed:
        model, changed = FoldAll().apply(model)
        rounds += 1
    assert rounds == 3  # what is known at once, a shape that this tells, nothing
    left = [node.op_type for node in model.graph.node]
    assert left == ["Quant", "Reshape", "Reshape", "MatMul", "Mul", "Add"]
