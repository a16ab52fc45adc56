"""xnor_mvau against the definition: P = number of equal bits, compared with thresholds."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Bench
from rtl_tests.mvau import (
    draw_sets,
    fold_thresholds,
    fold_weights,
    levels,
    sets_file,
    vectors,
    wide_words,
    windows_of,
)

SHAPES = [
    {"MW": 1, "MH": 1, "PE": 1, "SIMD": 1},
    {"MW": 24, "MH": 6, "PE": 2, "SIMD": 8},
    {"MW": 16, "MH": 6, "PE": 1, "SIMD": 16, "PIPELINE": 0},  # SF = 1
    {"MW": 20, "MH": 3, "PE": 3, "SIMD": 5, "PIPELINE": 2, "WEIGHTS_STAGE": 1},  # NF = 1
    {"MW": 37, "MH": 5, "PE": 5, "SIMD": 37, "PIPELINE": 3},  # a vector a cycle
    {"MW": 64, "MH": 4, "PE": 4, "SIMD": 64, "N_THRESHOLDS": 0, "OUT_BITS": 8},
    {
        "MW": 12,
        "MH": 4,
        "PE": 2,
        "SIMD": 3,
        "N_THRESHOLDS": 0,
        "OUT_BITS": 6,
        "PIPELINE": 4,
        "WEIGHTS_STAGE": 1,
    },
    {
        "MW": 18,
        "MH": 6,
        "PE": 3,
        "SIMD": 6,
        "N_THRESHOLDS": 3,
        "OUT_BITS": 2,
        "OUT_BIAS": -2,
        "N_SETS": 3,
        "N_VECTORS": 4,
        "WEIGHTS_STAGE": 1,
    },
    {"MW": 9, "MH": 2, "PE": 2, "SIMD": 9, "N_SETS": 2, "N_VECTORS": 3},
    {
        "MW": 7,
        "MH": 6,
        "PE": 2,
        "SIMD": 7,
        "N_SETS": 2,
        "N_VECTORS": 3,
        "WEIGHTS_STAGE": 1,
    },  # SF = 1
    {"MW": 15, "MH": 4, "PE": 1, "SIMD": 1, "N_THRESHOLDS": 7, "OUT_BITS": 3},
]

SHARING = [  # several windows a weight word: fewer of them than rounds, more, as many; strides
    {"MW": 18, "MH": 8, "PE": 2, "SIMD": 18, "MMV": 2, "RUN": 6, "STEP": 2},
    {"MW": 12, "MH": 4, "PE": 2, "SIMD": 12, "MMV": 5, "RUN": 6, "STEP": 3, "WEIGHTS_STAGE": 1},
    {"MW": 9, "MH": 3, "PE": 3, "SIMD": 9, "MMV": 3, "RUN": 3, "STEP": 3, "PIPELINE": 3},
    {
        "MW": 8,
        "MH": 6,
        "PE": 3,
        "SIMD": 8,
        "MMV": 2,
        "RUN": 4,
        "STEP": 2,
        "N_THRESHOLDS": 3,
        "OUT_BITS": 2,
        "N_VECTORS": 3,
    },
    {
        "MW": 6,
        "MH": 4,
        "PE": 1,
        "SIMD": 6,
        "MMV": 4,
        "RUN": 3,
        "STEP": 1,
        "N_THRESHOLDS": 0,
        "OUT_BITS": 5,
    },
]


def draw_shape(rng):
    """Random parameters; sizes small enough for a bench."""
    simd, sf = int(rng.integers(1, 20)), int(rng.integers(1, 6))
    pe, nf = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    shape = {"MW": simd * sf, "MH": pe * nf, "PE": pe, "SIMD": simd}
    shape["N_THRESHOLDS"] = int(rng.choice([0, 1, 1, 3]))
    if shape["N_THRESHOLDS"] == 0:
        shape["OUT_BITS"] = int(simd * sf).bit_length() + 1 + int(rng.integers(0, 2))
    elif shape["N_THRESHOLDS"] > 1:
        shape["OUT_BITS"], shape["OUT_BIAS"] = 3, int(rng.integers(-4, 1))
    if rng.integers(0, 2):
        shape["N_VECTORS"] = int(rng.integers(1, 6))
        shape["N_SETS"] = int(rng.integers(1, 4))
    shape["PIPELINE"] = int(rng.integers(0, 5))
    shape["WEIGHTS_STAGE"] = int(rng.integers(0, 2))
    return shape


def draw(shape, rng, frames=12):
    """Random data in which all sums from 0 to MW and thresholds at both ends are likely."""
    mw, mh, pe, simd = (shape[name] for name in ("MW", "MH", "PE", "SIMD"))
    n_sets = shape.get("N_SETS", 1)
    n_thresholds, out_bits = shape.get("N_THRESHOLDS", 1), shape.get("OUT_BITS", 1)
    weights = rng.integers(0, 2, (mh, mw))
    weights[rng.integers(0, mh)] = rng.integers(0, 2)  # a row of all +1 or all -1
    # sums at the extremes: constants, a row, its complement
    x = wide_words(shape, rng, frames, 0, 1, np.concatenate([weights, 1 - weights]))
    seen = windows_of(shape, x)
    popcounts = (seen[:, :, None, :] == weights).sum(-1)
    files = {"WEIGHTS_FILE": fold_weights(weights, pe, simd)}
    if n_thresholds == 0:
        y = 2 * popcounts - mw
    else:
        thresholds = rng.integers(0, mw + 2, (n_sets, mh, n_thresholds))
        flat = thresholds.reshape(-1)
        flat[rng.integers(0, flat.size, 1 + flat.size // 4)] = 0  # always on
        flat[rng.integers(0, flat.size, 1 + flat.size // 4)] = mw + 1  # never on
        flat[rng.integers(0, flat.size, 1 + flat.size // 4)] = mw
        thresholds.sort(axis=-1)
        sets = draw_sets(rng, n_sets, seen.shape[1])
        y = levels(popcounts, thresholds, sets, out_bits, shape.get("OUT_BIAS", 0))
        files["THRESHOLDS_FILE"] = fold_thresholds(thresholds, pe, (mw + 1).bit_length())
        if n_sets > 1:
            files["SETS_FILE"] = sets_file(sets, n_sets)
    return vectors(shape, x, y, files, frames)


def run(shapes, simulator, seeds):
    bench = Bench("xnor_mvau", shapes, simulator)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in shapes], seed)


def test_xnor_mvau(shape_seed):
    rng = np.random.default_rng(shape_seed)
    run(SHAPES + SHARING + [draw_shape(rng) for _ in range(4)], "verilator", (1, 2))


def test_in_icarus():
    run(SHAPES + SHARING, "icarus", (3,))
