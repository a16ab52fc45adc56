"""The demo's network on the ULX3S, folded by the search: placed, routed and packed at 100 MHz; its
gates equal golden."""

import numpy as np
import pytest

from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model
from hw_bnn.data.sets import load_arrays
from hw_bnn.demo import RECIPE, TARGET_CYCLES
from hw_bnn.export import export
from hw_bnn.golden import GoldenModel
from hw_bnn.simulation import simulate
from hw_bnn.synth import bitstream, synth
from hw_bnn.train import train


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_the_demo_runs_at_100_mhz(tmp_path):
    run = train(RECIPE, set=["threads=1"], out=tmp_path / "run", tensorboard=False)
    model = export(run, tmp_path / "digits.onnx")
    folder = compile_model(model, tmp_path / "acc", board="ulx3s", target_cycles=TARGET_CYCLES)
    assert Description.load(folder).bound_cycles == TARGET_CYCLES
    result = bitstream(folder, board="ulx3s")
    assert result["freq_mhz"] == 100 and result["fmax_mhz"] >= 100
    assert (folder / "board" / "ulx3s" / "ulx3s.bit").stat().st_size == result["bytes"]
    synth(folder, family="ecp5")
    images = np.concatenate([load_arrays("digits", split)[0] for split in ("train", "test")])
    assert len(images) == 1797
    gates = simulate(folder, images, engine="netlist", family="ecp5")
    golden = GoldenModel.from_onnx(model)
    scores = golden.scores(images)
    np.testing.assert_array_equal(gates.scores, scores)
    np.testing.assert_array_equal(gates.labels, golden.labels(scores))
