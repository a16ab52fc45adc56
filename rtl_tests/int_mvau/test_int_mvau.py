"""int_mvau against the definition: acc = sum of x or -x, compared with thresholds."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Bench
from rtl_tests.mvau import fold_weights, signed_levels, vectors, wide_words, windows_of

SHAPES = [
    {"MW": 1, "MH": 1, "PE": 1, "SIMD": 1, "IN_BITS": 8, "IN_SIGNED": 0, "ACC_BITS": 9},
    {"MW": 24, "MH": 6, "PE": 2, "SIMD": 8, "IN_BITS": 8, "IN_SIGNED": 1, "ACC_BITS": 13},
    {
        "MW": 16,
        "MH": 6,
        "PE": 1,
        "SIMD": 16,
        "IN_BITS": 2,
        "IN_SIGNED": 1,
        "ACC_BITS": 7,
        "PIPELINE": 0,
    },  # SF = 1
    {
        "MW": 20,
        "MH": 3,
        "PE": 3,
        "SIMD": 5,
        "IN_BITS": 4,
        "IN_SIGNED": 0,
        "ACC_BITS": 10,
        "PIPELINE": 2,
        "WEIGHTS_STAGE": 1,
    },  # NF = 1
    {
        "MW": 13,
        "MH": 5,
        "PE": 5,
        "SIMD": 13,
        "IN_BITS": 8,
        "IN_SIGNED": 0,
        "ACC_BITS": 13,
        "PIPELINE": 3,
    },  # a vector a cycle
    {
        "MW": 12,
        "MH": 4,
        "PE": 2,
        "SIMD": 3,
        "IN_BITS": 3,
        "IN_SIGNED": 1,
        "ACC_BITS": 7,
        "N_THRESHOLDS": 0,
        "OUT_BITS": 9,
        "PIPELINE": 4,
        "WEIGHTS_STAGE": 1,
    },
    {
        "MW": 8,
        "MH": 4,
        "PE": 4,
        "SIMD": 8,
        "IN_BITS": 1,
        "IN_SIGNED": 0,
        "ACC_BITS": 5,
        "N_THRESHOLDS": 0,
        "OUT_BITS": 5,
    },
    {
        "MW": 18,
        "MH": 6,
        "PE": 3,
        "SIMD": 6,
        "IN_BITS": 5,
        "IN_SIGNED": 1,
        "ACC_BITS": 10,
        "N_THRESHOLDS": 3,
        "OUT_BITS": 2,
        "OUT_BIAS": -2,
        "N_SETS": 3,
        "N_VECTORS": 4,
        "WEIGHTS_STAGE": 1,
    },
    {
        "MW": 7,
        "MH": 6,
        "PE": 2,
        "SIMD": 7,
        "IN_BITS": 3,
        "IN_SIGNED": 1,
        "ACC_BITS": 7,
        "WEIGHTS_STAGE": 1,
    },  # SF = 1
    {
        "MW": 9,
        "MH": 2,
        "PE": 2,
        "SIMD": 9,
        "IN_BITS": 2,
        "IN_SIGNED": 0,
        "ACC_BITS": 6,
        "N_SETS": 2,
        "N_VECTORS": 3,
    },
]

SHARING = [  # several windows a weight word: fewer of them than rounds, and more
    {
        "MW": 12,
        "MH": 6,
        "PE": 2,
        "SIMD": 12,
        "IN_BITS": 4,
        "IN_SIGNED": 0,
        "ACC_BITS": 9,
        "MMV": 2,
        "RUN": 6,
        "STEP": 2,
    },
    {
        "MW": 9,
        "MH": 2,
        "PE": 1,
        "SIMD": 9,
        "IN_BITS": 2,
        "IN_SIGNED": 1,
        "ACC_BITS": 6,
        "MMV": 4,
        "RUN": 3,
        "STEP": 3,
        "WEIGHTS_STAGE": 1,
    },
]


def limits(shape):
    """Least and largest element."""
    bits = shape["IN_BITS"]
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if shape["IN_SIGNED"] else (0, 2**bits - 1)


def acc_bits(mw, low, high):
    """Bits that hold every sum of mw elements in low..high with signs."""
    return (mw * max(-low, high)).bit_length() + 1


def draw_shape(rng):
    simd, sf = int(rng.integers(1, 12)), int(rng.integers(1, 6))
    pe, nf = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    shape = {
        "MW": simd * sf,
        "MH": pe * nf,
        "PE": pe,
        "SIMD": simd,
        "IN_BITS": int(rng.integers(1, 10)),
        "IN_SIGNED": int(rng.integers(0, 2)),
    }
    shape["ACC_BITS"] = acc_bits(shape["MW"], *limits(shape))
    shape["N_THRESHOLDS"] = int(rng.choice([0, 1, 1, 3]))
    if shape["N_THRESHOLDS"] == 0:
        shape["OUT_BITS"] = shape["ACC_BITS"] + int(rng.integers(0, 2))
    elif shape["N_THRESHOLDS"] > 1:
        shape["OUT_BITS"], shape["OUT_BIAS"] = 3, int(rng.integers(-4, 1))
    if rng.integers(0, 2):
        shape["N_VECTORS"] = int(rng.integers(1, 6))
        shape["N_SETS"] = int(rng.integers(1, 4))
    shape["PIPELINE"] = int(rng.integers(0, 5))
    shape["WEIGHTS_STAGE"] = int(rng.integers(0, 2))
    return shape


def draw(shape, rng, frames=12):
    """Random data in which extreme sums and thresholds at the sums themselves are likely."""
    mw, mh, pe, simd = (shape[name] for name in ("MW", "MH", "PE", "SIMD"))
    low, high = limits(shape)
    weights = rng.integers(0, 2, (mh, mw))
    weights[rng.integers(0, mh)] = rng.integers(0, 2)
    # constants, the largest and the least sum of a row
    ends = [np.where(weights, high, low), np.where(weights, low, high)]
    x = wide_words(shape, rng, frames, low, high, np.concatenate(ends))
    sums = (windows_of(shape, x)[:, :, None, :] * (2 * weights - 1)).sum(-1)
    assert sums.min() >= -(2 ** (shape["ACC_BITS"] - 1)), "ACC_BITS too small for this data"
    assert sums.max() < 2 ** (shape["ACC_BITS"] - 1), "ACC_BITS too small for this data"
    files = {"WEIGHTS_FILE": fold_weights(weights, pe, simd)}
    y = sums if shape.get("N_THRESHOLDS", 1) == 0 else signed_levels(shape, sums, rng, files)
    return vectors(shape, x, y, files, frames)


def run(shapes, simulator, seeds):
    bench = Bench("int_mvau", shapes, simulator)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in shapes], seed)


def test_int_mvau(shape_seed):
    rng = np.random.default_rng(shape_seed)
    run(SHAPES + SHARING + [draw_shape(rng) for _ in range(4)], "verilator", (1, 2))


def test_in_icarus():
    run(SHAPES + SHARING, "icarus", (3,))
