"""Networks with constant subgraphs off the main path."""

from __future__ import annotations

import numpy as np
import onnx

from tests.networks.qonnx_networks import Builder


class Net(Builder):
    """With constant subgraphs off the main path."""

    def compute(self, op_type: str, *inputs: str, **attributes) -> str:
        """A node of constants."""
        stem = self.at
        out = self.add(op_type, *inputs[1:], source=inputs[0] if inputs else "", **attributes)
        if not inputs:
            del self.nodes[-1].input[:]
        self.at = stem
        return out

    def whole(self, *values: int) -> str:
        return self.constant(list(values), np.int64)


def perceptron(scale, shape=(6,)) -> onnx.ModelProto:
    """4-bit input, dense, sign, dense; `scale(net)` gives the weights' scale, or stops there."""
    net = Net(shape, 3, 1)
    net.quant(4.0, 0.125, signed=0)
    weights = net.constant(net.rng.normal(0, 1, (4, 6)))
    quantised = net.compute("BipolarQuant", weights, scale(net))
    net.add("Gemm", quantised, transB=1)
    net.batch_norm(4)
    net.bipolar()
    net.linear(4, 3)
    return net.model()
