"""Kernels that an open HLS tool (XLS) makes from DSLX, in ours' place: exact, at the bound."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest

from tests.networks.support_case import end, net, norm

pytest.importorskip("finn")
pytest.importorskip("xls", reason="XLS is missing: pip install 'hw-bnn[xls]'")

from hw_bnn.accelerator import Description
from hw_bnn.accelerator.folder import reseal
from hw_bnn.frames import random_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.hls.xls import synthesise
from hw_bnn.simulation import simulate

FRAMES = 1000


def mlp(path, quantiser: str = "bipolar") -> None:
    """64-64-64-64-10; a 2-bit activation in the middle where `quantiser` says so."""
    made = net((64,))
    for layer in range(3):
        made.linear(64, 64)
        norm(made, 64, 8.0)
        if quantiser == "bipolar" or layer != 1:
            made.bipolar()
        else:
            made.quant(2.0, 0.5)
    onnx.save(end(made, 10), path)


@pytest.fixture(scope="module")
def replaced(tmp_path_factory):
    """(our accelerator, the same with XLS's units, the nodes replaced, frames, golden scores)."""
    from hw_bnn.compile import compile_model

    place = tmp_path_factory.mktemp("xls")
    mlp(place / "mlp.onnx")
    folder = compile_model(
        place / "mlp.onnx", place / "ours", target_cycles=32, check=False, fifo_sizing="none"
    )
    nodes = synthesise(folder, place / "xls")
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = random_frames(golden, FRAMES)
    return folder, place / "xls", nodes, x, np.asarray(golden.scores(x)).reshape(FRAMES, -1)


def test_every_layer_is_exact_and_at_the_bound(replaced):
    folder, made, nodes, x, scores = replaced
    accelerator = Description.load(made)
    units = [node for node in accelerator.nodes if node.kernel == "xnor_mvau"]
    assert nodes == [node.name for node in units] and len(units) == 4
    assert max(node.parameters["PE"] for node in units) > 1
    result = simulate(made, x)
    assert np.array_equal(result.scores, scores)
    assert result.cycles_per_frame == accelerator.bound_cycles == 32
    assert np.array_equal(simulate(made, x[:200], stall=0.4, seed=2).scores, scores[:200])


def test_one_flipped_weight_is_seen(replaced, tmp_path):
    _, made, nodes, x, scores = replaced
    shutil.copytree(made, tmp_path / "mutant")
    path = tmp_path / "mutant" / "rtl" / f"mlp_{nodes[0]}.v"
    text = path.read_text()
    start = text.index("WEIGHTS[0] = ")
    digit = text.index("'h", start) + 2
    path.write_text(f"{text[:digit]}{int(text[digit], 16) ^ 1:x}{text[digit + 1 :]}")
    reseal(tmp_path / "mutant")
    assert (simulate(tmp_path / "mutant", x).scores != scores).any()


def test_many_thresholds(tmp_path):
    from hw_bnn.compile import compile_model

    mlp(tmp_path / "mlp.onnx", "2 bits")
    folder = compile_model(
        tmp_path / "mlp.onnx", tmp_path / "ours", target_cycles=128, check=False, fifo_sizing="none"
    )
    assert len(synthesise(folder, tmp_path / "xls")) == 3  # the layer behind 2 bits is no XNOR one
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = random_frames(golden, 200)
    assert np.array_equal(simulate(tmp_path / "xls", x).scores, golden.scores(x).reshape(200, -1))
