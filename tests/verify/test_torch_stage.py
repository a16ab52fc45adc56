"""The stage torch follows Brevitas' modules as users write them, call by call."""

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
)
from torch import nn

from hw_bnn.errors import Unsupported
from hw_bnn.export import to_qonnx
from hw_bnn.frames import random_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.verify.stages.torch import run_traced

BINARY = {"weight_quant": SignedBinaryWeightPerTensorConst, "bias": False}
FOUR = {"weight_quant": Int8WeightPerTensorFloat, "weight_bit_width": 4, "bias": True}


class Residual(nn.Module):
    """One quantiser that two branches use, and a sum of Brevitas' quantised tensors."""

    def __init__(self):
        super().__init__()
        self.head = qnn.QuantLinear(6 * 9, 4, **FOUR)  # defined first, runs last
        self.input, self.pool = qnn.QuantIdentity(), nn.MaxPool2d(2)
        self.shared = qnn.QuantIdentity(return_quant_tensor=True)
        self.sign = qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
        self.first = qnn.QuantConv2d(2, 6, 3, padding=1, **FOUR)
        self.second = qnn.QuantConv2d(6, 6, 3, padding=1, **BINARY)
        self.norm, self.relu = nn.BatchNorm2d(6), qnn.QuantReLU()

    def forward(self, x):
        x = self.shared(self.first(self.input(x)))
        x = x + self.shared(self.norm(self.second(self.sign(x.value))))
        return self.head(torch.flatten(self.pool(self.relu(x)), 1))


def plain() -> nn.Module:
    """Layers with 8-bit ReLUs, the last of 4 bits, and no quantiser but theirs."""
    return nn.Sequential(
        qnn.QuantIdentity(), qnn.QuantConv2d(2, 6, 3, **BINARY), nn.BatchNorm2d(6),
        qnn.QuantReLU(), nn.Flatten(), qnn.QuantLinear(96, 8, **BINARY),
        qnn.QuantHardTanh(min_val=-1.0, max_val=1.0), qnn.QuantLinear(8, 3, **FOUR),
    )  # fmt: skip


def at_layers() -> nn.Module:
    """Quantisers that are layers' own, the last one at the network's end."""
    own = {"input_quant": Int8ActPerTensorFloat, **FOUR}
    return nn.Sequential(
        nn.Flatten(), qnn.QuantLinear(72, 8, **own), nn.BatchNorm1d(8), nn.ReLU(),
        qnn.QuantLinear(8, 3, output_quant=Int8ActPerTensorFloat, **own),
    )  # fmt: skip


def trained(make) -> tuple:
    torch.manual_seed(1)
    model = make().train()
    for _ in range(3):
        model(torch.randn(32, 2, 6, 6))
    model.eval()
    golden = GoldenModel.from_onnx(to_qonnx(model, torch.randn(1, 2, 6, 6)))
    return model, golden, random_frames(golden, 40, 0)


@pytest.mark.parametrize("make", [plain, Residual, at_layers])
def test_all_quantisers_and_the_last_layer_are_compared(make):
    model, golden, x = trained(make)
    values, outputs = run_traced(golden, model, golden.real_input(x))
    assert set(values) == {*golden.program.quantisers, golden.output_tensor}
    assert not golden.explain_float_difference(x, values).mismatches
    expected = golden.real_outputs(golden.scores(x)).reshape(outputs.shape)
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-3)
    with torch.no_grad():  # another network than the file's
        next(m for m in model.modules() if isinstance(m, qnn.QuantLinear)).weight[0] *= -1
    values, _ = run_traced(golden, model, golden.real_input(x))
    assert golden.explain_float_difference(x, values).mismatches


def test_another_module_is_refused():
    _, golden, x = trained(plain)
    with pytest.raises(Unsupported, match="has 1 quantised activations, its file 2"):
        other = nn.Sequential(nn.Flatten(), qnn.QuantIdentity(), qnn.QuantLinear(72, 3, **FOUR))
        run_traced(golden, other.eval(), golden.real_input(x))


def test_a_module_of_other_inputs_is_refused():
    _, golden, x = trained(plain)
    other = nn.Sequential(nn.Flatten(), qnn.QuantLinear(5, 3, **FOUR)).eval()
    with pytest.raises(Unsupported, match="does not take its file's frames .*; give the run that"):
        run_traced(golden, other, golden.real_input(x))
