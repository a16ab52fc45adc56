"""BinaryConnect's VGG, hardware form: `same` borders, pools before BatchNorm, 8-bit input.

A quarter of the width in CI, with each of the three borders; full width with `-m full`.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from hw_bnn.golden import GoldenModel
from tests.compile.compile_stages import check_rtl, check_stages
from tests.networks.qonnx_graph import random_integers

pytest.importorskip("finn")
torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

BORDERS = pytest.mark.parametrize("border", [0.0, -1.0, 1.0], ids=["zero", "minus", "plus"])


def vgg(path, border: float, divisor: int, size: int) -> onnx.ModelProto:
    """VGG-10 with random BatchNorms, gains of both signs and 0; `divisor` of its channels."""
    from hw_bnn.export import export_model
    from hw_bnn.nn import zoo
    from hw_bnn.nn.mlp import Input

    torch.manual_seed(5)
    widths = [w // divisor for w in (128, 128, 256, 256, 512, 512)]
    model = zoo.build(
        "vgg",
        in_channels=3,
        classes=10,
        channels=widths,
        fc=[1024 // divisor] * 2,
        size=size,
        input=Input(bits=8),
        activation="sign",
        pool="before_norm",
        pad_value=border,
    )
    x = torch.randint(0, 256, (8, 3, size, size)).float()
    model(x)  # running statistics near those of the data
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                module.weight.uniform_(0.3, 1.5).mul_(
                    torch.where(torch.rand_like(module.weight) < 0.5, -1, 1)
                )
                module.weight[3::16] = 0
                module.bias.uniform_(-0.5, 0.5)
    export_model(model.eval(), path, x[:2])
    return onnx.load(path)


@pytest.mark.slow
@BORDERS
def test_a_quarter_of_the_width_in_rtl(tmp_path, border):
    model = vgg(tmp_path / "vgg.onnx", border, 4, 16)
    ops = [n.op_type for n in model.graph.node]
    assert ops.count("Conv") == 6 and ops.count("MaxPool") == 3
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 3, 1)
    assert len(np.unique(golden.scores(x), axis=0)) == 3, "a dead network would hide mistakes"
    check_rtl(model, tmp_path, x=x, rate=4, target_cycles=73_728)


@pytest.mark.full
@BORDERS
def test_full_width_in_rtl(tmp_path, border):
    model = vgg(tmp_path / "vgg.onnx", border, 1, 32)
    check_stages(model, frames=2)
    check_rtl(model, tmp_path, frames=3, rate=4, target_cycles=1_179_648)
