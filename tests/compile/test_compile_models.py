"""Networks of brevitas_examples.bnn_pynq as they are: TFC, SFC and LFC in RTL, CNV, and
2-bit weights.

In CI CNV is held against FINN's execution; `-m full` runs it in RTL at full size, and 1,000 images.
TFC and SFC in 1W1A: tests/test_finn_networks.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest

from hw_bnn.accelerator import Description
from hw_bnn.golden import GoldenModel
from tests.compile.compile_stages import check_rtl, dataflow_scores
from tests.networks.qonnx_graph import compare, random_integers

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


# The largest has the widths of lfc_1w1a and the kernels of sfc_1w2a.
LARGEST = pytest.param("lfc_1w2a", marks=pytest.mark.full)


@pytest.mark.parametrize("name", ["tfc_1w2a", "tfc_2w2a", "sfc_1w2a", "lfc_1w1a", LARGEST])
def test_dense_networks_in_rtl(exported, tmp_path, name):
    cycles = 8192 if "lfc" in name else 1024
    check_rtl(exported(name), tmp_path, seed=1, frames=24, target_cycles=cycles)


@pytest.mark.parametrize("name", ["tfc_2w2a", "sfc_2w2a"])
def test_dense_networks_of_2_bit_weights(exported, name):
    model = exported(name)
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 24, 1)
    assert np.array_equal(dataflow_scores(model, x), golden.scores(x))


@pytest.mark.parametrize("name", ["cnv_1w1a", "cnv_1w2a", "cnv_2w2a"])
def test_cnv_dataflow_equals_golden(exported, name):
    model = exported(name)
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 3, 1)
    scores = golden.scores(x)
    assert len(np.unique(scores)) > 3, "a dead network would hide mistakes"
    assert np.array_equal(dataflow_scores(model, x), scores)


CNV_FOLDING = {
    f"MVAU_{i}": {"PE": pe, "SIMD": simd}
    for i, (pe, simd) in enumerate(
        [(16, 3), (32, 32), (16, 32), (16, 32), (4, 32), (1, 32), (1, 4), (1, 8), (5, 1)]
    )
}
"""That of finn-examples (build/bnn-pynq/folding_config/cnv-w1a1_folding_config.json)."""


def images(golden: GoldenModel, count: int) -> np.ndarray:
    """CIFAR-10's first test images if HW_BNN_DATA has them, else random ones, as integers."""
    root = os.environ.get("HW_BNN_DATA")
    if root is None or not (Path(root) / "cifar-10-batches-py").is_dir():
        return random_integers(golden, count, 1)
    from hw_bnn.frames import load_frames

    return load_frames(golden, dataset="cifar10", data_root=root, limit=count).x


@pytest.mark.full
@pytest.mark.parametrize("name", ["cnv_1w1a", "cnv_1w2a"])
def test_cnv_in_rtl_with_the_folding_of_finn_examples(exported, tmp_path, name):
    """16 images; the slowest layer takes 32,768 cycles, 3,052 frames a second at 100 MHz."""
    model = exported(name)
    x = images(GoldenModel.from_onnx(model), 16)
    folder = check_rtl(
        model, tmp_path, seed=1, x=x, rate=16, target_cycles=32_768, folding=CNV_FOLDING
    )
    accelerator = Description.load(folder)
    assert accelerator.bound_cycles == 32_768
    layers = [(n.pe, n.simd) for n in accelerator.nodes if n.op.endswith("MVAU_rtl")]
    assert layers == [(f["PE"], f["SIMD"]) for f in CNV_FOLDING.values()]


@pytest.mark.full
def test_cnv_on_a_thousand_images(exported):
    """golden, plain and packed, = qonnx but for proven ties, on raw scores and all quantisers."""
    model = exported("cnv_1w1a")
    golden = GoldenModel.from_onnx(model)
    x = images(golden, 1000)
    assert np.array_equal(golden.scores(x, packed=True), golden.scores(x, packed=False))
    for start in range(0, len(x), 100):
        assert compare(model, golden, x[start : start + 100]).mismatches == []


@pytest.mark.parametrize(
    "count", [pytest.param(64, marks=pytest.mark.slow), pytest.param(1000, marks=pytest.mark.full)]
)
def test_cnv_as_code_for_hls_tools(exported, tmp_path, count):
    """In C simulation."""
    from hw_bnn.compile import compile_model
    from hw_bnn.hls.write import hls
    from hw_bnn.sim import stream_frames

    path = tmp_path / "network.onnx"
    onnx.save(exported("cnv_1w1a"), path)
    golden = GoldenModel.from_onnx(path)
    folder = compile_model(
        path, tmp_path / "cnv", target_cycles=32_768, fifo_sizing="none", check=False
    )
    hls(folder)
    x = images(golden, count)
    assert np.array_equal(stream_frames(folder, x, engine="hls", jobs=2).scores, golden.scores(x))
