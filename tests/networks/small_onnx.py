"""Small QONNX files for tests of commands, by hand: a perceptron, and what is wrong with it."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"


def perceptron(sizes=(16, 8, 4), seed: int = 0, bits: int = 4) -> onnx.ModelProto:
    """Quant - [MatMul - BatchNormalization - BipolarQuant] - MatMul; weights +-1, gains
    of both signs.

    Input (1, sizes[0]); `bits` of the unsigned input.
    """
    random = np.random.default_rng(seed)
    nodes, parameters = [], []

    def parameter(name, value):
        parameters.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    one = parameter("one", 1.0)
    zero, width = parameter("zero", 0.0), parameter("width", bits)
    nodes.append(
        helper.make_node("Quant", ["x", one, zero, width], ["q"], "input", domain=QONNX, signed=0,
                         narrow=0, rounding_mode="ROUND")
    )  # fmt: skip
    at = "q"
    for i, (rows, columns) in enumerate(zip(sizes, sizes[1:], strict=False)):
        weights = parameter(f"w{i}", random.uniform(-1, 1, (rows, columns)))
        nodes.append(
            helper.make_node("BipolarQuant", [weights, one], [f"b{i}"], f"weights{i}", domain=QONNX)
        )
        nodes.append(helper.make_node("MatMul", [at, f"b{i}"], [f"a{i}"], f"layer{i}"))
        at = f"a{i}"
        if i == len(sizes) - 2:
            break
        norm = [
            parameter(f"{name}{i}", random.uniform(low, high, columns))
            for name, low, high in (("g", -1, 1), ("s", -1, 1), ("m", -5, 5), ("v", 0.5, 9))
        ]
        nodes.append(
            helper.make_node("BatchNormalization", [at, *norm], [f"n{i}"], f"norm{i}", epsilon=1e-5)
        )
        nodes.append(
            helper.make_node("BipolarQuant", [f"n{i}", one], [f"o{i}"], f"sign{i}", domain=QONNX)
        )
        at = f"o{i}"
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, sizes[0]])],
        [helper.make_tensor_value_info(at, TensorProto.FLOAT, [1, sizes[-1]])],
        parameters,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 8
    return model


def with_op(op_type: str) -> onnx.ModelProto:
    """The perceptron with a further node behind its output."""
    model = perceptron()
    out = model.graph.output[0].name
    model.graph.node.append(helper.make_node(op_type, [out], ["end"], f"{op_type}_9"))
    model.graph.output[0].name = "end"
    return model


def float_network() -> onnx.ModelProto:
    """The perceptron without any quantiser."""
    model = perceptron()
    kept = [n for n in model.graph.node if n.op_type not in ("BipolarQuant", "Quant")]
    replaced = {n.output[0]: n.input[0] for n in model.graph.node if n not in kept}
    for node in kept:
        for i, name in enumerate(node.input):
            node.input[i] = replaced.get(name, name)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


def with_external_data(location: str) -> onnx.ModelProto:
    """The perceptron with its first weights in another file."""
    model = perceptron()
    tensor = next(t for t in model.graph.initializer if t.name == "w0")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return model
