"""The estimator: its trees are the kernels', its factors the grid's, its error is told."""

import json
from pathlib import Path

import pytest

from hw_bnn.kernels import KERNELS
from hw_bnn.kernels.logic import tree_luts, xnor_popcount_luts
from hw_bnn.kernels.memory_cost import block_ram, ram_luts, rom_luts
from hw_bnn.rtl import rtl_sources
from hw_bnn.synth.estimate import (
    calibrate,
    coefficients,
    estimate,
    estimate_kernel,
)
from hw_bnn.synth.synthesis import synthesise

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "estimator.json"


@pytest.mark.parametrize("n", [7, 23, 64])
def test_trees_cost_what_they_cost(tmp_path, n):
    files = rtl_sources("popcount", "xnor_popcount")
    tree = synthesise(files, "bnn_popcount", "xc7", place=tmp_path, parameters={"N": n})
    assert abs(tree["total"]["lut"] - tree_luts(n)) <= 1
    pairs = synthesise(files, "bnn_xnor_popcount", "xc7", place=tmp_path, parameters={"N": n})
    assert abs(pairs["total"]["lut"] - xnor_popcount_luts(n)) <= 2


def test_the_grid():
    """Within 15 % or 12 LUTs of every kernel of it, block RAM within a half."""
    rows = json.loads(RESULTS.read_text())["grid"]
    assert len(rows) >= 60
    for row in rows:
        guess = estimate_kernel(row["kernel"], row["parameters"])
        assert abs(guess["lut"] - row["lut"]) <= max(0.15 * row["lut"], 12), (row, guess)
        assert abs(guess["bram"] - row["bram"]) <= 0.5, (row, guess)


NETWORKS = json.loads(RESULTS.read_text())["networks"]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_that_were_not_fitted(name):
    row = NETWORKS[name]
    assert not row["not_estimated"]
    assert abs(row["lut"]["estimated"] / row["lut"]["synth"] - 1) <= 0.15


def test_the_factors_are_those_of_the_grid():
    rows = json.loads(RESULTS.read_text())["grid"]
    found = calibrate(rows)
    assert found.keys() == coefficients().keys()
    for kernel, kinds in found.items():
        for kind, factors in kinds.items():
            assert factors == pytest.approx(coefficients()[kernel][kind], abs=2e-4)


def test_memories():
    assert rom_luts(100, 1) == 0 and rom_luts(100, 16) == 50 and rom_luts(10, 64) == 10
    assert rom_luts(10, 128) == 20 and rom_luts(10_000, 4) <= 16
    assert rom_luts(8, 1024) == 136 and rom_luts(8, 2048) == 280  # as Yosys counts them
    assert ram_luts(64, 16) == 44 and ram_luts(64, 64) == 88
    for width, depth, blocks in [
        (16, 16, 0.5),
        (64, 128, 1),
        (72, 512, 1),
        (73, 512, 1.5),
        (40, 1024, 1.5),
        (20, 2048, 1.5),
        (9, 4096, 1),
        (8, 300, 0.5),
        (32, 576, 1),
        (64, 576, 2),
        (32, 1152, 1.5),
        (16, 2304, 1.5),
    ]:  # fmt: skip  (synthesised)
        assert block_ram(width, depth)[0] == blocks


def test_a_window_has_the_kernels_words():
    p = {"IFM_H": 8, "IFM_W": 8, "CHANNELS": 16, "SIMD": 4, "BITS": 1}
    span = (2 * 8 + 3) * 4  # words from a window's first to its last
    jump = 8 * 8 * 4 - 5 * 4 - 5 * 32  # to the next frame, of which 4 * 8 load as it is read
    assert KERNELS["window"].words(p) == span + 1 + jump - 32


def test_an_accelerator(accelerator):
    found = estimate(accelerator)
    assert set(found["layers"]) == {"layer0_fifo", "layer1_mvau"} and not found["not_estimated"]
    for kind in ("lut", "ff", "bram"):
        assert found["total"][kind] == sum(layer[kind] for layer in found["layers"].values())
    assert estimate_kernel("unheard_of", {}) is None
