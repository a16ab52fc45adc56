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


def finn_network(name: str, path: Path, seed: int = 3) -> Path:
    """Write a network of brevitas_examples.bnn_pynq (tfc_1w1a, lfc_1w1a, cnv_1w1a) as QONNX.

    Weights, BatchNorm statistics and gains (of both signs) are random: they do not change the work.
    """
    import torch

    import hw_bnn.nn.brevitas_compat  # noqa: F401  (before Brevitas' own layers)

    from brevitas.export import export_qonnx  # isort: skip
    from brevitas_examples.bnn_pynq.models import model_with_cfg  # isort: skip

    torch.manual_seed(seed)
    model, _ = model_with_cfg(name, pretrained=False)
    for module in model.eval().modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 4)
            module.running_var.uniform_(0.5, 30)
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
    shape = (1, 3, 32, 32) if name.startswith("cnv") else (1, 1, 28, 28)
    export_qonnx(model, args=torch.rand(shape), export_path=str(path))
    return path
