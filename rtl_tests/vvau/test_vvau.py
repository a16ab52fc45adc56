"""vvau against the definition: each channel's dot product with its own group's window."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.mvau import fold_weights, signed_levels
from rtl_tests.packing import pack_words


def shape(taps, groups, of_group, lanes, inputs, bits, weight_bits, levels=1, **more):
    """Parameters of a unit.

    Args:
        of_group: (input, output) channels of a group; lanes: (groups, taps) a step.
        inputs: "bipolar", "unsigned" or "signed".
    """
    (into, out), (pe, simd) = of_group, lanes
    made = {
        "MW": taps * into, "MH": groups * out, "PE": pe * out, "SIMD": simd * into,
        "GROUP_IN": into, "GROUP_OUT": out, "IN_BITS": bits,
        "IN_SIGNED": int(inputs == "signed"), "IN_BIPOLAR": int(inputs == "bipolar"),
        "WEIGHT_BITS": weight_bits, "N_THRESHOLDS": levels,
    }  # fmt: skip
    largest = max(map(abs, limits(made))) << max(weight_bits - 1, 0)
    made["ACC_BITS"] = (made["MW"] * largest).bit_length() + 1
    if not levels:
        made["OUT_BITS"] = made["ACC_BITS"]
    return made | more


def limits(shape):
    """Least and largest element."""
    bits = shape["IN_BITS"]
    if shape["IN_BIPOLAR"]:
        return -1, 1
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if shape["IN_SIGNED"] else (0, (1 << bits) - 1)


DEPTHWISE, TWICE = (1, 1), (1, 2)
SHAPES = [
    shape(1, 1, DEPTHWISE, (1, 1), "unsigned", 8, 1),  # one step a vector
    shape(9, 6, DEPTHWISE, (2, 1), "unsigned", 8, 1, PIPELINE=2),
    shape(9, 4, DEPTHWISE, (4, 9), "unsigned", 4, 1, PIPELINE=0),  # a vector a cycle
    shape(9, 6, DEPTHWISE, (6, 3), "signed", 3, 1, levels=0, PIPELINE=3, WEIGHTS_STAGE=1),
    shape(9, 8, DEPTHWISE, (2, 1), "bipolar", 1, 1, N_SETS=3, N_VECTORS=4),
    shape(25, 3, DEPTHWISE, (3, 5), "bipolar", 1, 1, levels=0, PIPELINE=4),
    shape(9, 6, DEPTHWISE, (3, 1), "unsigned", 4, 4, MULTIPLY=1, WEIGHTS_STAGE=1),
    shape(9, 4, DEPTHWISE, (4, 9), "unsigned", 8, 8, levels=0, MULTIPLY=1, PIPELINE=3),
    shape(6, 4, DEPTHWISE, (1, 1), "signed", 8, 9, levels=3, OUT_BITS=2, OUT_BIAS=-2),
    shape(9, 4, DEPTHWISE, (4, 3), "bipolar", 1, 5, PIPELINE=2),
    shape(4, 5, TWICE, (5, 2), "unsigned", 1, 1, levels=0),  # a channel multiplier of 2
    shape(9, 4, TWICE, (2, 1), "signed", 5, 4, levels=3, OUT_BITS=3, OUT_BIAS=-1, N_SETS=2,
          N_VECTORS=3, MULTIPLY=1, WEIGHTS_STAGE=1),
    shape(4, 6, (3, 2), (2, 1), "unsigned", 3, 1),  # grouped
    shape(9, 3, (2, 4), (3, 3), "signed", 4, 3, levels=0, PIPELINE=2),
]  # fmt: skip


def draw_shape(rng):
    pe, nf, simd, sf, into, out = map(int, rng.integers(1, 4, 6))
    if rng.integers(0, 2):
        into = out = 1
    inputs = str(rng.choice(["bipolar", "unsigned", "signed"]))
    bits = 1 if inputs == "bipolar" else int(rng.integers(1, 10))
    more = {"PIPELINE": int(rng.integers(0, 5)), "WEIGHTS_STAGE": int(rng.integers(0, 2)),
            "MULTIPLY": int(rng.integers(0, 2))}  # fmt: skip
    n_levels = int(rng.choice([0, 1, 1, 3]))
    if n_levels > 1:
        more |= {"OUT_BITS": 3, "OUT_BIAS": int(rng.integers(-4, 1))}
    if rng.integers(0, 2):
        more |= {"N_VECTORS": int(rng.integers(1, 6)), "N_SETS": int(rng.integers(1, 4))}
    weight_bits = int(rng.choice([1, 1, 2, 4, 8, 9]))
    return shape(simd * sf, pe * nf, (into, out), (pe, simd), inputs, bits, weight_bits, n_levels,
                 **more)  # fmt: skip


def draw(shape, rng, frames=12):
    """Random data in which extreme weights and sums, and thresholds at sums, are likely."""
    mw, mh, pe, simd = (shape[name] for name in ("MW", "MH", "PE", "SIMD"))
    into, out, weight_bits = (shape[name] for name in ("GROUP_IN", "GROUP_OUT", "WEIGHT_BITS"))
    n_vectors, groups = shape.get("N_VECTORS", 1), mh // out
    low, high = limits(shape)
    if weight_bits == 1:
        weights = rng.choice([-1, 1], (mh, mw))
    else:
        least = -(1 << weight_bits - 1)
        weights = rng.integers(least, -least, (mh, mw))
        weights[rng.integers(0, mh)] = rng.choice([least, -least - 1, 0, -1])
    windows = rng.integers(low, high + 1, (frames, n_vectors, groups, mw))
    if shape["IN_BIPOLAR"]:
        windows = np.where(windows > 0, 1, -1)
    for window in windows.reshape(-1, groups, mw)[: frames * n_vectors // 2]:
        for group in range(groups):  # the largest and the least sum of a channel, constants
            row = weights[group * out + rng.integers(0, out)] > 0
            ends = (low, high, np.where(row, high, low), np.where(row, low, high))
            window[group] = ends[rng.integers(0, 4)]
    own = np.repeat(windows, out, axis=2)  # (frames, vectors, MH, MW): what each channel sees
    sums = (own * weights).sum(-1)
    ends = 1 << shape["ACC_BITS"] - 1
    assert -ends <= sums.min() and sums.max() < ends, "ACC_BITS too small for this data"
    stored = weights > 0 if weight_bits == 1 else weights
    files = {"WEIGHTS_FILE": fold_weights(stored.astype(int), pe, simd, weight_bits)}
    y = sums if shape.get("N_THRESHOLDS", 1) == 0 else signed_levels(shape, sums, rng, files)
    return _data(shape, windows, y, files, frames)


def _data(shape, windows, y, files, frames):
    """Words of the windows (frames, vectors, groups, MW) in the order of the steps; y out."""
    mw, mh, pe, simd = (shape[name] for name in ("MW", "MH", "PE", "SIMD"))
    into, out, in_bits = (shape[name] for name in ("GROUP_IN", "GROUP_OUT", "IN_BITS"))
    nf, sf, out_bits = mh // pe, mw // simd, shape.get("OUT_BITS", 1)
    size = (frames, -1, nf, pe // out, sf, simd // into, into)
    x = windows.reshape(size).transpose(0, 1, 2, 4, 5, 3, 6)  # nf, sf | tap, group, channel
    x = (x > 0).astype(int) if shape["IN_BIPOLAR"] else x
    elements = simd * pe // out
    return Data(
        inputs={"s_axis": Stream(elements * in_bits, pack_words(x, in_bits, elements))},
        outputs={"m_axis": Stream(pe * out_bits, pack_words(y, out_bits, pe))},
        frames=frames,
        files=files,
        interval=shape.get("N_VECTORS", 1) * nf * sf,
        latency=3 + shape.get("PIPELINE", 1) + shape.get("WEIGHTS_STAGE", 0),
    )


def run(shapes, simulator, seeds):
    bench = Bench("vvau", shapes, simulator)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in shapes], seed)


def test_vvau(shape_seed):
    rng = np.random.default_rng(shape_seed)
    run(SHAPES + [draw_shape(rng) for _ in range(3)], "verilator", (1, 2))


def test_in_icarus():
    run(SHAPES, "icarus", (3,))
