"""A 64-64-64-64-10 network of 1-bit weights and activations on digits, pixels binarised at 8.

    weights, thresholds, x, y, accuracy = train()
    onnx.save(qonnx_model(weights, thresholds), "digits_mlp.onnx")   # bipolar inputs, 2 x - 1

Trained in seconds with a straight-through estimator and BatchNorm; thresholds are in the popcount
domain, rows of negative BatchNorm scale negated, so that every bit is popcount >= threshold.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

SIZES = (64, 64, 64, 64, 10)


def train(epochs: int = 120, seed: int = 0):
    """Returns ([weights (MH, MW) of +-1], [thresholds (MH,) or None], x (1797, 64) bits, labels,
    accuracy on the 360 images not trained on)."""
    import torch
    from sklearn.datasets import load_digits
    from torch import nn

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    bits, labels = (digits.data >= 8).astype(np.float32), digits.target
    order = np.random.default_rng(seed).permutation(len(bits))
    rows, held = torch.tensor(order[:1437]), order[1437:]

    class Sign(torch.autograd.Function):
        @staticmethod
        def forward(context, value):
            context.save_for_backward(value)
            return torch.where(value >= 0, 1.0, -1.0)

        @staticmethod
        def backward(context, gradient):
            (value,) = context.saved_tensors
            return gradient * (value.abs() <= 1)

    weights = [nn.Parameter(torch.empty(o, i).uniform_(-0.5, 0.5)) for i, o in pairwise(SIZES)]
    norms = nn.ModuleList(nn.BatchNorm1d(o) for o in SIZES[1:])
    optimiser = torch.optim.Adam([*weights, *norms.parameters()], lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)

    def forward(value):
        for k, (weight, norm) in enumerate(zip(weights, norms, strict=True)):
            value = norm(value @ Sign.apply(weight).T)
            value = Sign.apply(value) if k < len(weights) - 1 else value
        return value

    x, y = torch.tensor(bits * 2 - 1), torch.tensor(labels)
    for _ in range(epochs):
        norms.train()
        for batch in rows[torch.randperm(len(rows))].split(64):
            if len(batch) > 1:
                loss = nn.functional.cross_entropy(forward(x[batch]) / 4, y[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                for weight in weights:
                    weight.data.clamp_(-1, 1)
        schedule.step()
    norms.eval()
    with torch.no_grad():
        accuracy = (forward(x[held]).argmax(1) == y[held]).double().mean().item()
    matrices, thresholds = [], []
    for k, (weight, norm) in enumerate(zip(weights, norms, strict=True)):
        matrix = np.where(weight.detach().numpy() >= 0, 1, -1)
        limit = None
        if k < len(weights) - 1:
            gamma, beta, mean, variance = (
                v.detach().double().numpy()
                for v in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
            )
            matrix = matrix * np.sign(gamma).astype(int)[:, None]
            dot = (mean - beta * np.sqrt(variance + norm.eps) / gamma) * np.sign(gamma)
            limit = np.clip(
                np.ceil((np.ceil(dot) + matrix.shape[1]) / 2), 0, matrix.shape[1] + 1
            ).astype(int)
        matrices.append(matrix)
        thresholds.append(limit)
    return matrices, thresholds, bits.astype(np.uint8), labels, accuracy


def qonnx_model(weights, thresholds):
    """The network as QONNX: BipolarQuant - [MatMul - Add - BipolarQuant] - MatMul.

    popcount >= T is dot >= 2 T - K: the constant added before each sign, exact in float32.
    """
    from onnx import TensorProto, helper, numpy_helper

    domain = "qonnx.custom_op.general"
    nodes, parameters = [], [numpy_helper.from_array(np.float32(1), "one")]

    def bipolar(source: str, target: str, name: str) -> str:
        nodes.append(
            helper.make_node("BipolarQuant", [source, "one"], [target], name, domain=domain)
        )
        return target

    at = bipolar("x", "bits", "input")
    for k, (matrix, limit) in enumerate(zip(weights, thresholds, strict=True)):
        parameters.append(numpy_helper.from_array(matrix.T.astype(np.float32), f"w{k}"))
        nodes.append(
            helper.make_node(
                "MatMul", [at, bipolar(f"w{k}", f"b{k}", f"weights{k}")], [f"a{k}"], f"layer{k}"
            )
        )
        at = f"a{k}"
        if limit is not None:
            constant = (matrix.shape[1] - 2 * limit).astype(np.float32)
            parameters.append(numpy_helper.from_array(constant, f"c{k}"))
            nodes.append(helper.make_node("Add", [at, f"c{k}"], [f"s{k}"], f"bias{k}"))
            at = bipolar(f"s{k}", f"o{k}", f"sign{k}")
    graph = helper.make_graph(
        nodes,
        "digits_mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, weights[0].shape[1]])],
        [helper.make_tensor_value_info(at, TensorProto.FLOAT, [1, len(weights[-1])])],
        parameters,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(domain, 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 8
    return model
