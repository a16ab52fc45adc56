"""Networks of brevitas_examples.bnn_pynq beyond tests/test_finn_networks.py: 2-bit activations, CNV, 2-bit weights."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from compile_stages import check_rtl, dataflow_scores
from golden_qonnx import random_integers

from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel

pytest.importorskip("finn")
torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Name -> model with random BatchNorm statistics; gains of both signs, some 0."""
    folder, made = tmp_path_factory.mktemp("models"), {}

    def export(name: str) -> onnx.ModelProto:
        if name not in made:
            made[name] = _export(name, folder / f"{name}.onnx")
        return made[name]

    return export


def _export(name: str, path) -> onnx.ModelProto:
    os.environ["BREVITAS_JIT"] = "0"
    import hw_bnn.nn.brevitas_compat  # noqa: F401  (before Brevitas' own layers)

    from brevitas.export import export_qonnx  # isort: skip
    from brevitas_examples.bnn_pynq.models import model_with_cfg  # isort: skip

    torch.manual_seed(3)
    model, _ = model_with_cfg(name, pretrained=False)
    model.eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 4)
            module.running_var.uniform_(0.5, 30)
            module.weight.data.normal_(0, 1)
            module.bias.data.normal_(0, 1)
            module.weight.data[::7] = 0
    shape = (1, 3, 32, 32) if "cnv" in name else (1, 1, 28, 28)
    export_qonnx(model, args=torch.rand(shape), export_path=str(path))
    return onnx.load(path)


def test_tfc_with_2_bit_activations_in_rtl(exported, tmp_path):
    check_rtl(exported("tfc_1w2a"), tmp_path, seed=1, frames=32)


def test_2_bit_weights_are_refused_by_name(exported, tmp_path):
    from hw_bnn.compile import compile_model

    path = tmp_path / "network.onnx"
    onnx.save(exported("tfc_2w2a"), path)
    with pytest.raises(Unsupported, match="which needs more than 1 bit; use 1-bit weights") as error:
        compile_model(path, tmp_path / "out")
    assert error.value.exit_code == 2 and error.value.node
    assert [p.name for p in tmp_path.iterdir()] == ["network.onnx"]


def test_cnv_dataflow_equals_golden(exported):
    model = exported("cnv_1w1a")
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 3, 1)
    scores = golden.scores(x)
    assert len(np.unique(scores)) > 3, "a dead network would hide mistakes"
    assert np.array_equal(dataflow_scores(model, x), scores)


@pytest.mark.full
def test_cnv_in_rtl(exported, tmp_path):
    check_rtl(exported("cnv_1w1a"), tmp_path, seed=1, frames=16, target_cycles=32768)
