"""Networks that nobody here made, from the folder named by HW_BNN_MODELS: exact, or refused.

The files are published ones (QONNX model zoo, FINN's tutorials, BNN-PYNQ);
none is part of this project.
"""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

SMALL = ("em_bnn_model_fc_1layer", "finn_fpgaflow_model")
"""Run in RTL on random frames too."""

EXACT = (
    *SMALL, "zoo_TFC_1W1A", "zoo_TFC_1W2A", "al_tfc-w1a2", "al_step_streamline", "bnnpynq_lfc_w1a1",
    "bnnpynq_cnv_w1a1", "zoo_TFC_2W2A", "zoo_unsw_w2a2", "zoo_kws_w3a3",
)  # fmt: skip
REFUSED = {
    "qonnx_residual_block_clean": "Conv_0: its input is the graph input, .*input_datatype=",
}
CORRECT = {"zoo_TFC_1W1A": 9296, "zoo_TFC_1W2A": 9474}
"""Of MNIST's 10,000 test images; published: 93.17 and 94.79 %."""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Name -> path of the unpacked file; skips where there is none."""
    root = os.environ.get("HW_BNN_MODELS")
    place = tmp_path_factory.mktemp("published")

    def find(name: str) -> Path:
        if not root or not Path(root).is_dir():
            pytest.skip("needs published networks in the folder named by HW_BNN_MODELS")
        plain, packed = Path(root) / f"{name}.onnx", Path(root) / f"{name}.onnx.gz"
        if plain.is_file():
            return plain
        if not packed.is_file():
            pytest.skip(f"{root} has no {name}.onnx")
        unpacked = place / f"{name}.onnx"
        if not unpacked.is_file():
            unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
        return unpacked

    return find


def test_every_file_is_expected():
    root = os.environ.get("HW_BNN_MODELS")
    if not root or not Path(root).is_dir():
        pytest.skip("needs published networks in the folder named by HW_BNN_MODELS")
    files = {p.name.split(".onnx")[0] for p in Path(root).iterdir() if ".onnx" in p.name}
    assert files <= {*EXACT, *REFUSED}


@pytest.mark.parametrize("name", EXACT)
def test_golden_model_is_exact(name, published):
    """Against the executor of the tests and against qonnx, which is forgiven proven ties alone."""
    from hw_bnn.frames import random_frames
    from hw_bnn.golden import GoldenModel
    from tests.float_executor import compare

    path = published(name)
    golden = GoldenModel.from_onnx(path)
    x = random_frames(golden, 4, seed=1)
    assert compare(onnx.load(path), golden, x) is None
    assert np.array_equal(golden.scores(x, packed=True), golden.scores(x, packed=False))


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
def test_compiled_is_exact(name, published, tmp_path):
    """qonnx, FINN's dataflow graph and, of the small ones, RTL; at the default target."""
    from hw_bnn.compile import compile_model
    from hw_bnn.compile.dataflow import execute
    from hw_bnn.frames import random_frames
    from hw_bnn.golden import GoldenModel
    from hw_bnn.verify import failed, verify

    path = published(name)
    if name in SMALL:
        summary = verify(path, frames=200)
        assert failed(summary) is None
        assert summary["frames"]["rtl"] == 200 and summary["mismatches"]["qonnx"] == 0
        return
    golden = GoldenModel.from_onnx(path)
    x = random_frames(golden, 4, seed=2)
    out = compile_model(path, tmp_path / "accelerator", fifo_sizing="none", check=False)
    assert np.array_equal(execute(out, x), golden.scores(x))


@pytest.mark.mnist
@pytest.mark.slow
@pytest.mark.parametrize("name", CORRECT)
def test_tfc_on_the_whole_test_set(name, published, data_root):
    """As published, every stage, 10,000 images in RTL."""
    from hw_bnn.verify import failed, verify

    summary = verify(published(name), dataset="mnist", data_root=data_root, target_cycles=1024)
    assert failed(summary) is None
    assert summary["frames"]["rtl"] == 10_000 and summary["mismatches"]["rtl"] == 0
    print(f"{name}: {100 * summary['accuracy']['rtl']:.2f} % of MNIST's test set in RTL")
    assert round(summary["accuracy"]["rtl"] * 10_000) == CORRECT[name]
    assert summary["accuracy"]["rtl"] == summary["accuracy"]["golden"]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name, published, tmp_path):
    from hw_bnn.compile import compile_model
    from hw_bnn.errors import Unsupported

    with pytest.raises(Unsupported) as error:
        compile_model(published(name), tmp_path / "accelerator")
    assert re.search(REFUSED[name], str(error.value)), str(error.value)
    assert not (tmp_path / "accelerator").exists()
