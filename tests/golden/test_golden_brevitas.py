"""FINN's own networks, as their users export them, against QONNX execution."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from hw_bnn.golden import GoldenModel
from tests.networks.qonnx_graph import compare, random_integers

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Name -> path of the exported network with random BatchNorm statistics; each made once."""
    folder, made = tmp_path_factory.mktemp("brevitas"), {}

    def export(name: str):
        if name not in made:
            made[name] = _export(name, folder / f"{name}.onnx")
        return made[name]

    return export


def _export(name: str, path):
    import os

    os.environ["BREVITAS_JIT"] = "0"
    from brevitas.export import export_qonnx
    from brevitas_examples.bnn_pynq.models import model_with_cfg

    torch.manual_seed(len(name))
    model, _ = model_with_cfg(name, pretrained=False)
    model.eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            n = module.num_features
            module.running_mean.copy_(torch.randn(n) * 4)
            module.running_var.copy_(torch.rand(n) * 20 + 0.1)
            module.weight.data.copy_(torch.randn(n))
            module.bias.data.copy_(torch.randn(n))
            module.weight.data[::7] = 0
    shape = (1, 3, 32, 32) if "cnv" in name else (1, 1, 28, 28)
    export_qonnx(model, args=torch.rand(shape), export_path=str(path))
    return path


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("tfc_1w1a", 16),
        ("sfc_1w1a", 16),
        ("tfc_1w2a", 16),
        ("tfc_2w2a", 16),
        ("lfc_1w1a", 6),
    ],
)
def test_dense_networks(exported, name, frames):
    path = exported(name)
    golden = GoldenModel.from_onnx(path)
    x = random_integers(golden, frames, 1)
    difference = compare(onnx.load(path), golden, x)
    assert not difference.mismatches, difference.mismatches[0]
    assert len(difference.ties) <= frames // 4
    for form in (True, False):
        trace = golden.trace(x, packed=form)
        assert all(len(np.unique(v)) > 1 for v in trace.values()), (
            "a dead layer would hide mistakes"
        )
    assert np.array_equal(golden.scores(x, packed=True), golden.scores(x, packed=False))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cnv_1w1a", "cnv_1w2a"])
def test_convolutional_networks(exported, name):
    path = exported(name)
    golden = GoldenModel.from_onnx(path)
    assert golden.input.shape == (3, 32, 32)
    assert golden.input.datatype == "INT8"
    x = random_integers(golden, 18, 1)
    difference = compare(onnx.load(path), golden, x[:2])
    assert not difference.mismatches, difference.mismatches[0]
    plain, packed = golden.trace(x[:3], packed=False), golden.trace(x, packed=True)
    assert all(np.array_equal(packed[name][:3], plain[name]) for name in plain)


def test_raw_input_moves_the_first_quantiser_into_the_network(exported):
    """UINT8 pixels u, real input u/255, through 2x - 1 and sign: +1 exactly for u >= 128."""
    path = exported("tfc_1w1a")
    raw = GoldenModel.from_onnx(path, input_datatype="UINT8", input_scale="1/255")
    host = GoldenModel.from_onnx(path)
    assert (raw.input.shape, raw.input.minimum, raw.input.maximum) == ((1, 28, 28), 0, 255)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 1, 28, 28))
    binary = np.where(pixels.reshape(50, -1) >= 128, 1, -1)
    assert np.array_equal(raw.scores(pixels), host.scores(binary))
    thresholds = raw.thresholds()[host.input.tensor]
    assert thresholds.values.reshape(-1).tolist() == [128]
    difference = compare(onnx.load(path), raw, pixels[:8])
    assert not difference.mismatches
