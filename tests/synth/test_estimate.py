"""The estimator: its trees are the kernels', its factors predict kernels they were not fitted
to."""

import json
from pathlib import Path

import pytest

from hw_bnn.rtl import rtl_sources
from hw_bnn.synth.estimate import (
    calibrate,
    coefficients,
    estimate,
    estimate_kernel,
    kernel_parameters,
    rom_luts,
    tree_luts,
    xnor_popcount_luts,
)
from hw_bnn.synth.synthesis import synthesise

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "area.json"


@pytest.mark.parametrize("n", [7, 23, 64])
def test_trees_cost_what_they_cost(tmp_path, n):
    files = rtl_sources("popcount", "xnor_popcount")
    tree = synthesise(files, "popcount", "xc7", place=tmp_path, parameters={"N": n})
    assert abs(tree["total"]["lut"] - tree_luts(n)) <= 1
    pairs = synthesise(files, "xnor_popcount", "xc7", place=tmp_path, parameters={"N": n})
    assert abs(pairs["total"]["lut"] - xnor_popcount_luts(n)) <= 2


def test_kernels_that_were_not_fitted():
    rows = [row for row in json.loads(RESULTS.read_text())["layers"] if not row["fit"]]
    assert len(rows) >= 4
    for row in rows:
        guess = estimate_kernel(row["kernel"], row["parameters"])
        assert abs(guess["lut"] / row["lut"] - 1) <= 0.15, (row, guess)


def test_the_factors_are_those_of_the_grid():
    rows = [row for row in json.loads(RESULTS.read_text())["layers"] if row["fit"]]
    assert calibrate(rows) == coefficients()


def test_memories():
    assert rom_luts(100, 1) == 0 and rom_luts(100, 16) == 50 and rom_luts(10, 64) == 10
    assert rom_luts(10, 128) == 20 and rom_luts(10_000, 4) <= 16


def test_parameters_are_read_from_a_wrapper():
    text = """module L (input wire ap_clk);
      xnor_mvau #( .MW(256), .PE(16), .OUT_BIAS(-1), .WEIGHTS_FILE("w.hex"), .IN_SIGNED(1'b1)
      ) kernel (.ap_clk(ap_clk));"""
    assert kernel_parameters(text) == (
        "xnor_mvau",
        {"MW": 256, "PE": 16, "OUT_BIAS": -1, "IN_SIGNED": 1},
    )
    assert kernel_parameters("module nothing; endmodule") is None


def test_an_accelerator(accelerator):
    found = estimate(accelerator)
    assert set(found["layers"]) == {"layer0_fifo", "layer1_mvau"} and not found["not_estimated"]
    assert found["total"]["lut"] == sum(layer["lut"] for layer in found["layers"].values())
    assert estimate_kernel("unheard_of", {}) is None
