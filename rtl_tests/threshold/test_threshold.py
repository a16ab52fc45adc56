"""threshold against the definition: bias + number of thresholds reached, by x or by ~x."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Memory, Stream
from rtl_tests.mvau import draw_sets, fold_thresholds, levels, sets_file
from rtl_tests.packing import pack, pack_words

SHAPES = [
    {"CHANNELS": 1, "PE": 1, "IN_BITS": 8, "IN_SIGNED": 0},
    {"CHANNELS": 6, "PE": 2, "IN_BITS": 8, "IN_SIGNED": 1},
    {"CHANNELS": 5, "PE": 5, "IN_BITS": 1, "IN_SIGNED": 0},
    {
        "CHANNELS": 4,
        "PE": 1,
        "IN_BITS": 12,
        "IN_SIGNED": 1,
        "N_THRESHOLDS": 15,
        "OUT_BITS": 4,
        "OUT_BIAS": -8,
    },
    {
        "CHANNELS": 6,
        "PE": 3,
        "IN_BITS": 5,
        "IN_SIGNED": 0,
        "N_THRESHOLDS": 3,
        "OUT_BITS": 2,
        "N_SETS": 3,
        "N_VECTORS": 4,
    },
    {"CHANNELS": 2, "PE": 2, "IN_BITS": 7, "IN_SIGNED": 1, "N_SETS": 2, "N_VECTORS": 3},
    {"CHANNELS": 1, "PE": 1, "IN_BITS": 32, "IN_SIGNED": 1, "N_THRESHOLDS": 1, "OUT_BITS": 2},
]

MANY = [
    {
        "CHANNELS": 4,
        "PE": 2,
        "IN_BITS": 9,
        "IN_SIGNED": 1,
        "N_THRESHOLDS": 31,
        "OUT_BITS": 5,
        "OUT_BIAS": -16,
    },
    {"CHANNELS": 3, "PE": 1, "IN_BITS": 7, "IN_SIGNED": 0, "N_THRESHOLDS": 22, "OUT_BITS": 5},
    {"CHANNELS": 2, "PE": 1, "IN_BITS": 6, "IN_SIGNED": 1, "N_THRESHOLDS": 16, "OUT_BITS": 5},
]
"""Shapes that a simulation of an accelerator counts by bisection."""

FALLING = [
    {"CHANNELS": 6, "PE": 2, "IN_BITS": 6, "IN_SIGNED": 1, "N_THRESHOLDS": 3, "OUT_BITS": 2},
    {"CHANNELS": 3, "PE": 3, "IN_BITS": 4, "IN_SIGNED": 0},
    {"CHANNELS": 4, "PE": 1, "IN_BITS": 1, "IN_SIGNED": 0, "N_SETS": 2, "N_VECTORS": 3},
]
"""Drawn with a NEGATE_FILE."""


def draw_shape(rng):
    pe, nf = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    shape = {
        "CHANNELS": pe * nf,
        "PE": pe,
        "IN_BITS": int(rng.integers(1, 20)),
        "IN_SIGNED": int(rng.integers(0, 2)),
    }
    shape["N_THRESHOLDS"] = int(rng.choice([1, 2, 3, 7]))
    if shape["N_THRESHOLDS"] > 1:
        shape["OUT_BITS"], shape["OUT_BIAS"] = 4, int(rng.integers(-8, 1))
    if rng.integers(0, 2):
        shape["N_VECTORS"] = int(rng.integers(1, 6))
        shape["N_SETS"] = int(rng.integers(1, 4))
    return shape


def draw(shape, rng, frames=24, falling=False):
    channels, pe, bits = shape["CHANNELS"], shape["PE"], shape["IN_BITS"]
    n_vectors, n_sets = shape.get("N_VECTORS", 1), shape.get("N_SETS", 1)
    n_thresholds, out_bits = shape.get("N_THRESHOLDS", 1), shape.get("OUT_BITS", 1)
    low, high = (
        (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if shape["IN_SIGNED"] else (0, 2**bits - 1)
    )
    x = rng.integers(low, high + 1, (frames, n_vectors, channels))
    ends = rng.integers(0, 4, x.shape)
    x = np.where(ends == 0, low, np.where(ends == 1, high, x))
    thresholds = rng.choice(x.reshape(-1), (n_sets, channels, n_thresholds))
    thresholds = thresholds + rng.integers(-1, 2, thresholds.shape)
    flat = thresholds.reshape(-1)
    # Always on; never on; and the furthest that a threshold's bits can hold.
    flat[rng.integers(0, flat.size, 1 + flat.size // 6)] = rng.choice([low, -(2 ** (bits + 1))])
    flat[rng.integers(0, flat.size, 1 + flat.size // 6)] = rng.choice(
        [high + 1, 2 ** (bits + 1) - 1]
    )
    thresholds.sort(axis=-1)
    sets = draw_sets(rng, n_sets, n_vectors)
    negate = rng.integers(0, 2, channels) if falling else np.zeros(channels, dtype=int)
    # What is compared in a falling channel is -x, with thresholds of that domain;
    # the file holds T - 1.
    compared = np.where(negate, -x, x)
    thresholds = np.where(negate[None, :, None], np.sort(1 - thresholds, axis=-1), thresholds)
    y = levels(compared, thresholds, sets, out_bits, shape.get("OUT_BIAS", 0))
    stored = np.clip(thresholds - negate[None, :, None], -(2 ** (bits + 1)), 2 ** (bits + 1) - 1)
    files = {"THRESHOLDS_FILE": fold_thresholds(stored, pe, bits + 2)}
    if falling:
        files["NEGATE_FILE"] = Memory(pe, [pack(word, 1) for word in negate.reshape(-1, pe)])
    if n_sets > 1:
        files["SETS_FILE"] = sets_file(sets, n_sets)
    return Data(
        inputs={"s_axis": Stream(pe * bits, pack_words(x, bits, pe))},
        outputs={"m_axis": Stream(pe * out_bits, pack_words(y, out_bits, pe))},
        frames=frames,
        files=files,
        interval=n_vectors * channels // pe,
        latency=3,
    )


def run(shapes, simulator, seeds, defines=None):
    bench = Bench("threshold", shapes + FALLING, simulator, defines)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bench.run(
            [draw(shape, rng) for shape in shapes]
            + [draw(shape, rng, falling=True) for shape in FALLING],
            seed,
        )


def test_threshold(shape_seed):
    rng = np.random.default_rng(shape_seed)
    run(SHAPES + [draw_shape(rng) for _ in range(4)], "verilator", (1, 2))


@pytest.mark.parametrize("defines", [{}, {"HW_BNN_SIM": 1}])
def test_many_thresholds(defines):
    """Both forms, the hardware's and the simulation's."""
    run(MANY, "verilator", (4,), defines)


def test_in_icarus():
    run(SHAPES, "icarus", (3,))
