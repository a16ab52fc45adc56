"""Random binary networks as QONNX, for measurements: only weights and statistics are random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

GENERAL = "qonnx.custom_op.general"


def binary_mlp(path: Path, widths: list[int], seed: int = 0) -> Path:
    """Write a QONNX file: bipolar inputs, weights and hidden activations, BatchNorm
    before each sign.

    widths: inputs, hidden layers ..., outputs. The last layer gives raw scores.
    """
    return binary_network(path, (widths[0],), [], widths[1:], seed=seed)


def binary_network(
    path: Path, shape: tuple[int, ...], convolutions: list[tuple[int, int, int]],
    dense: list[int], *, input_bits: int = 1, weight_bits: int = 1, depthwise: bool = False,
    seed: int = 0,
) -> Path:  # fmt: skip
    """Write a QONNX file of convolutions and dense layers with 1-bit activations.

    Args:
        shape: of a frame: (inputs,) or (channels, height, width).
        convolutions: (channels, kernel size, pool size) of each; pool size 1 for no pool.
        dense: neurons of each dense layer; the last gives raw scores.
        input_bits: 1 for bipolar inputs, else signed integers of so many bits.
        weight_bits: the same of the weights.
        depthwise: each convolution but the first is of each channel alone, and keeps their number.
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

    def quantised(source: str, target: str, bits: int) -> str:
        if bits == 1:
            return bipolar(source, target)
        constant(f"{target}_step", np.array(2.0 ** (1 - bits)))
        constant(f"{target}_zero", np.zeros(()))
        constant(f"{target}_bits", np.array(float(bits)))
        parameters = [f"{target}_{name}" for name in ("step", "zero", "bits")]
        nodes.append(helper.make_node("Quant", [source, *parameters], [target], domain=GENERAL,
                                      signed=1, narrow=0, rounding_mode="ROUND"))  # fmt: skip
        return target

    def activation(source: str, label: object, n: int, n_in: int) -> str:
        parameters = {
            "gamma": rng.choice([-1, 1], n) * rng.uniform(0.5, 2, n),
            "beta": rng.normal(size=n), "mean": rng.normal(size=n) * n_in**0.5 / 2,
            "var": rng.uniform(0.5, 2, n) * n_in,
        }  # fmt: skip
        names = [constant(f"{name}{label}", array) for name, array in parameters.items()]
        nodes.append(helper.make_node("BatchNormalization", [source, *names], [f"norm{label}"]))
        return bipolar(f"norm{label}", f"sign{label}")

    constant("one", np.ones(()))
    tensor = quantised("x", "x_int", input_bits)
    channels, size = shape[0], shape[-1]
    for i, (n, kernel, pool) in enumerate(convolutions):
        groups = channels if depthwise and i else 1
        into = channels // groups
        weight = constant(f"c{i}_float", rng.normal(0, 0.5, (n, into, kernel, kernel)))
        weight = quantised(weight, f"c{i}", weight_bits)
        nodes.append(helper.make_node("Conv", [tensor, weight], [f"map{i}"], group=groups,
                                      kernel_shape=[kernel, kernel]))  # fmt: skip
        tensor = activation(f"map{i}", f"_c{i}", n, into * kernel**2)
        channels, size = n, size - kernel + 1
        if pool > 1:
            nodes.append(helper.make_node("MaxPool", [tensor], [f"pool{i}"],
                                          kernel_shape=[pool, pool],
                                          strides=[pool, pool]))  # fmt: skip
            tensor, size = f"pool{i}", size // pool
    if convolutions:
        nodes.append(helper.make_node("Flatten", [tensor], ["flat"], axis=1))
        tensor = "flat"
    widths = [channels * size**2 if convolutions else shape[0], *dense]
    for i, (n_in, n_out) in enumerate(zip(widths, widths[1:], strict=False)):
        weight = constant(f"w{i}_float", rng.normal(0, 0.5, (n_in, n_out)))
        weight = quantised(weight, f"w{i}", weight_bits)
        nodes.append(helper.make_node("MatMul", [tensor, weight], [f"dot{i}"]))
        tensor = f"dot{i}"
        if i < len(dense) - 1:
            tensor = activation(tensor, i, n_out, n_in)
    graph = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape])],
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


def zoo_network(name: str, path: Path, shape: tuple[int, ...], seed: int = 1, **options) -> Path:
    """Write a model of hw_bnn.nn.zoo as QONNX, untrained, with random BatchNorm statistics
    of both signs.

    Args:
        shape: of a frame. options: of the model's builder.
    """
    import os

    os.environ["BREVITAS_JIT"] = "0"
    import torch

    from hw_bnn.export import export_model
    from hw_bnn.nn import zoo

    torch.manual_seed(seed)
    model = zoo.randomise_norms(zoo.build(name, **options), seed=seed).eval()
    return export_model(model, path, torch.rand(4, *shape))
