"""sum_pool: sums over windows of unsigned, signed and bipolar elements, global pools included."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint, pack, pad_words, pooled_windows


def shape(h, w, channels, simd, bits, kind, kernel, stride, out_bits, shift=0, pads=(0, 0, 0, 0)):
    sides = {f"PAD_{side}": pad for side, pad in zip("TBLR", pads, strict=True)}
    return {
        "IFM_H": h,
        "IFM_W": w,
        "CHANNELS": channels,
        "SIMD": simd,
        "IN_BITS": bits,
        "IN_SIGNED": int(kind == "signed"),
        "IN_BIPOLAR": int(kind == "bipolar"),
        "OUT_BITS": out_bits,
        "SHIFT": shift,
        "K_H": kernel[0],
        "K_W": kernel[1],
        "STRIDE_H": stride[0],
        "STRIDE_W": stride[1],
    } | sides


SHAPES = [
    shape(4, 4, 4, 2, 8, "signed", (2, 2), (2, 2), 10),
    shape(4, 5, 6, 3, 4, "unsigned", (4, 5), (1, 1), 9),  # 20 * 15 = 300: 9 bits
    shape(3, 3, 4, 4, 1, "bipolar", (3, 3), (1, 1), 5),
    shape(5, 5, 3, 1, 3, "signed", (3, 3), (2, 2), 7, pads=(1, 1, 1, 1)),
    shape(4, 4, 2, 2, 2, "unsigned", (2, 2), (1, 1), 3, shift=1),
    shape(4, 5, 2, 1, 8, "signed", (2, 2), (2, 3), 8, shift=2),
    shape(3, 4, 5, 5, 1, "bipolar", (2, 3), (1, 1), 4, pads=(0, 1, 1, 1)),
]
MORE_SHAPES = [
    shape(7, 7, 2, 2, 8, "unsigned", (7, 7), (7, 7), 14),
    shape(1, 1, 2, 1, 8, "signed", (1, 1), (1, 1), 11),
    shape(8, 8, 3, 3, 8, "signed", (8, 8), (1, 1), 16),
    shape(9, 6, 2, 1, 1, "unsigned", (5, 2), (1, 2), 5),
]


def draw(shape, rng, frames=4):
    bits, simd = shape["IN_BITS"], shape["SIMD"]
    size = (frames, shape["IFM_H"], shape["IFM_W"], shape["CHANNELS"])
    low, high = (-(1 << bits - 1), 1 << bits - 1) if shape["IN_SIGNED"] else (0, 1 << bits)
    sent = rng.integers(low, high, size)
    sent[0], sent[1] = low, high - 1  # the extreme sums
    values = 2 * sent - 1 if shape["IN_BIPOLAR"] else sent
    sums = pooled_windows(values, shape, np.zeros(shape["CHANNELS"], int)).sum(axis=(-2, -1))
    out = np.floor_divide(sums, 1 << shape["SHIFT"])
    return Data(
        inputs={"s_axis": Stream(simd * bits, pack(sent, simd, bits))},
        outputs={"m_axis": Stream(simd * shape["OUT_BITS"], pack(out, simd, shape["OUT_BITS"]))},
        frames=frames,
        interval=pad_words(shape),
    )


def test_sum_pool(simulator):
    bench = Bench("sum_pool", SHAPES, simulator)
    rng = np.random.default_rng(3)
    bench.run([draw(shape, rng) for shape in SHAPES], seed=3)


def test_more_shapes():
    bench = Bench("sum_pool", MORE_SHAPES, "verilator")
    rng = np.random.default_rng(4)
    bench.run([draw(shape, rng) for shape in MORE_SHAPES], 4, ("unstalled",))


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"SIMD": 3}, "SIMD = 3 must divide CHANNELS = 4"),
        ({"OUT_BITS": 5}, "OUT_BITS = 5 cannot hold sums of 6 bits shifted by 0"),
        ({"OUT_BITS": 4, "SHIFT": 1}, "OUT_BITS = 4 cannot hold sums of 6 bits shifted by 1"),
        ({"IN_BITS": 1, "IN_BIPOLAR": 1, "OUT_BITS": 3}, "cannot hold sums of 4 bits"),
        ({"IN_BIPOLAR": 1}, "bipolar elements have 1 bit"),
    ],
)
def test_bad_parameters_are_refused(bad, message):
    assert message in lint("sum_pool", bad)


@pytest.mark.parametrize("shape", SHAPES + MORE_SHAPES)
def test_lint_is_clean(shape):
    assert lint("sum_pool", shape) == ""
