"""wide_mvau against the definition: acc = sum of x*w, compared with thresholds."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Bench
from rtl_tests.int_mvau.test_int_mvau import limits as integer_limits
from rtl_tests.mvau import fold_weights, signed_levels, vectors


def shape(mw, mh, pe, simd, inputs, bits, weight_bits, levels=1, **more):
    """Parameters of a unit; `inputs`: "bipolar", "unsigned" or "signed"."""
    made = {
        "MW": mw, "MH": mh, "PE": pe, "SIMD": simd, "IN_BITS": bits,
        "IN_SIGNED": int(inputs == "signed"), "IN_BIPOLAR": int(inputs == "bipolar"),
        "WEIGHT_BITS": weight_bits, "N_THRESHOLDS": levels,
    }  # fmt: skip
    made["ACC_BITS"] = acc_bits(made)
    if not levels:
        made["OUT_BITS"] = made["ACC_BITS"]
    return made | more


def limits(shape):
    """Least and largest element."""
    return (-1, 1) if shape["IN_BIPOLAR"] else integer_limits(shape)


def acc_bits(shape):
    """Bits that hold every sum, the least weight times the least element included."""
    largest = max(map(abs, limits(shape))) << (shape["WEIGHT_BITS"] - 1)
    return (shape["MW"] * largest).bit_length() + 1


SHAPES = [
    shape(1, 1, 1, 1, "unsigned", 8, 8, MULTIPLY=1),
    shape(1, 1, 1, 1, "bipolar", 1, 2),
    shape(24, 6, 2, 8, "bipolar", 1, 2, PIPELINE=2),
    shape(20, 3, 3, 5, "bipolar", 1, 8, levels=0, PIPELINE=4),
    shape(16, 6, 1, 16, "unsigned", 1, 3, PIPELINE=0),  # SF = 1
    shape(20, 3, 3, 5, "unsigned", 4, 2, PIPELINE=3, WEIGHTS_STAGE=1),  # NF = 1
    shape(13, 5, 5, 13, "signed", 2, 2, PIPELINE=1),  # a vector a cycle, planes of both
    shape(13, 5, 5, 13, "unsigned", 8, 8, PIPELINE=0, MULTIPLY=1),
    shape(12, 4, 2, 3, "signed", 8, 8, levels=0, PIPELINE=4, WEIGHTS_STAGE=1, MULTIPLY=1),
    shape(8, 4, 4, 8, "signed", 3, 5, levels=0, PIPELINE=2, MULTIPLY=1),
    shape(18, 6, 3, 6, "signed", 5, 4, levels=3, OUT_BITS=2, OUT_BIAS=-2, N_SETS=3, N_VECTORS=4,
          WEIGHTS_STAGE=1, MULTIPLY=1),
    shape(18, 6, 3, 6, "bipolar", 1, 4, levels=3, OUT_BITS=2, OUT_BIAS=-2, N_SETS=3, N_VECTORS=4),
]  # fmt: skip


def draw_shape(rng):
    simd, sf = int(rng.integers(1, 12)), int(rng.integers(1, 6))
    pe, nf = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    inputs = str(rng.choice(["bipolar", "unsigned", "signed"]))
    bits = 1 if inputs == "bipolar" else int(rng.integers(1, 10))
    more = {"PIPELINE": int(rng.integers(0, 5)), "WEIGHTS_STAGE": int(rng.integers(0, 2)),
            "MULTIPLY": int(rng.integers(0, 2))}  # fmt: skip
    n_levels = int(rng.choice([0, 1, 1, 3]))
    if n_levels > 1:
        more |= {"OUT_BITS": 3, "OUT_BIAS": int(rng.integers(-4, 1))}
    if rng.integers(0, 2):
        more |= {"N_VECTORS": int(rng.integers(1, 6)), "N_SETS": int(rng.integers(1, 4))}
    weight_bits = int(rng.integers(2, 9))
    return shape(simd * sf, pe * nf, pe, simd, inputs, bits, weight_bits, n_levels, **more)


def draw(shape, rng, frames=12):
    """Random data in which extreme weights and sums, and thresholds at sums, are likely."""
    mw, mh, pe, simd = (shape[name] for name in ("MW", "MH", "PE", "SIMD"))
    n_vectors = shape.get("N_VECTORS", 1)
    (low, high), least = limits(shape), -(1 << shape["WEIGHT_BITS"] - 1)
    weights = rng.integers(least, -least, (mh, mw))
    weights[rng.integers(0, mh)] = rng.choice([least, -least - 1, 0, -1])
    x = rng.integers(low, high + 1, (frames, n_vectors, mw))
    if shape["IN_BIPOLAR"]:
        x = np.where(x > 0, 1, -1)
    for vector in x.reshape(-1, mw)[: frames * n_vectors // 2]:
        row = weights[rng.integers(0, mh)] > 0  # the largest and the least sum of a row, constants
        vector[:] = (low, high, np.where(row, high, low), np.where(row, low, high))[
            rng.integers(0, 4)
        ]
    sums = (x[:, :, None, :] * weights).sum(-1)
    ends = 1 << shape["ACC_BITS"] - 1
    assert -ends <= sums.min() and sums.max() < ends, "ACC_BITS too small for this data"
    files = {"WEIGHTS_FILE": fold_weights(weights, pe, simd, shape["WEIGHT_BITS"])}
    y = sums if shape.get("N_THRESHOLDS", 1) == 0 else signed_levels(shape, sums, rng, files)
    words = (x > 0).astype(int) if shape["IN_BIPOLAR"] else x
    return vectors(shape, words, y, files, frames)


def run(shapes, simulator, seeds):
    bench = Bench("wide_mvau", shapes, simulator)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in shapes], seed)


def test_wide_mvau(shape_seed):
    rng = np.random.default_rng(shape_seed)
    run(SHAPES + [draw_shape(rng) for _ in range(6)], "verilator", (1, 2))


def test_in_icarus():
    run(SHAPES, "icarus", (3,))
