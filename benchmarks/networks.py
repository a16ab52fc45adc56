"""Random binary MLPs as QONNX, for measurements: weights and statistics are random, shapes are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

GENERAL = "qonnx.custom_op.general"


def binary_mlp(path: Path, widths: list[int], seed: int = 0) -> Path:
    """Write a QONNX file: bipolar inputs, weights and hidden activations, BatchNorm before each sign.

    widths: inputs, hidden layers ..., outputs. The last layer gives raw scores.
    """
    rng = np.random.default_rng(seed)
    nodes, values = [], []

    def constant(name: str, array: np.ndarray) -> str:
        array = np.asarray(array, np.float32)
        values.append(helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel()))
        return name

    def bipolar(source: str, target: str) -> str:
        nodes.append(helper.make_node("BipolarQuant", [source, "one"], [target], domain=GENERAL))
        return target

    constant("one", np.ones(()))
    tensor = bipolar("x", "x_sign")
    for i, (n_in, n_out) in enumerate(zip(widths, widths[1:], strict=False)):
        weight = constant(f"w{i}_float", rng.normal(size=(n_in, n_out)))
        nodes.append(helper.make_node("MatMul", [tensor, bipolar(weight, f"w{i}")], [f"dot{i}"]))
        if i == len(widths) - 2:
            tensor = f"dot{i}"
            break
        parameters = {
            "gamma": rng.choice([-1, 1], n_out) * rng.uniform(0.5, 2, n_out),
            "beta": rng.normal(size=n_out), "mean": rng.normal(size=n_out) * n_in**0.5 / 2,
            "var": rng.uniform(0.5, 2, n_out) * n_in,
        }  # fmt: skip
        names = [constant(f"{name}{i}", array) for name, array in parameters.items()]
        nodes.append(helper.make_node("BatchNormalization", [f"dot{i}", *names], [f"norm{i}"]))
        tensor = bipolar(f"norm{i}", f"sign{i}")
    graph = helper.make_graph(
        nodes, "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, widths[0]])],
        [helper.make_tensor_value_info(tensor, TensorProto.FLOAT, [1, widths[-1]])],
        initializer=values,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(GENERAL, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, producer_name="hw_bnn"), path)
    return path
