"""max_pool: maximum or minimum per channel over windows; single bits: OR and AND.

Specification: the windows of numpy's sliding_window_view, borders filled with what never wins.
"""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import ALL_SCENARIOS, Bench, Data, Memory, Stream
from rtl_tests.pixels import lint, pack, pad_words, pooled_windows


def shape(h, w, channels, simd, bits, kernel, stride, signed=0, pads=(0, 0, 0, 0)):
    sides = {f"PAD_{side}": pad for side, pad in zip("TBLR", pads, strict=True)}
    return {
        "IFM_H": h,
        "IFM_W": w,
        "CHANNELS": channels,
        "SIMD": simd,
        "BITS": bits,
        "SIGNED": signed,
        "K_H": kernel[0],
        "K_W": kernel[1],
        "STRIDE_H": stride[0],
        "STRIDE_W": stride[1],
    } | sides


# Each with the channels' kinds: "max", "min", "mixed" (these two by a file).
SHAPES = [
    (shape(4, 4, 4, 2, 1, (2, 2), (2, 2)), "max"),
    (shape(4, 6, 8, 8, 1, (2, 2), (2, 2)), "mixed"),
    (shape(5, 7, 6, 2, 1, (3, 3), (2, 2)), "mixed"),
    (shape(4, 5, 3, 3, 4, (3, 3), (1, 1), signed=1), "mixed"),
    (shape(5, 5, 4, 1, 8, (2, 3), (1, 2), signed=0), "min"),
    (shape(4, 4, 2, 2, 2, (3, 3), (2, 2), signed=1, pads=(1, 1, 1, 1)), "mixed"),
    (shape(3, 4, 2, 1, 1, (3, 4), (1, 1)), "mixed"),
    (shape(5, 5, 2, 2, 3, (1, 1), (2, 2)), "max"),
]
MORE_SHAPES = [
    (shape(9, 9, 3, 3, 1, (4, 4), (1, 1)), "mixed"),
    (shape(8, 8, 2, 2, 5, (5, 3), (2, 1), signed=1, pads=(2, 2, 1, 1)), "mixed"),
    (shape(7, 7, 1, 1, 1, (2, 2), (3, 3)), "min"),
    (shape(4, 4, 2, 2, 3, (2, 2), (3, 3)), "max"),  # one window, and room for half another
    (shape(6, 6, 40, 40, 1, (2, 2), (2, 2)), "mixed"),
    (shape(3, 3, 4, 4, 1, (1, 1), (1, 1)), "mixed"),
    (shape(6, 4, 12, 1, 1, (3, 1), (3, 1)), "mixed"),
    (shape(4, 6, 12, 4, 2, (1, 3), (1, 3), pads=(0, 0, 0, 2)), "min"),
    (shape(1, 1, 1, 1, 6, (1, 1), (1, 1), signed=1), "max"),
    (shape(2, 2, 1, 1, 1, (2, 2), (2, 2)), "min"),
]


def draw(described, rng, frames=4):
    shape, kind = described
    bits, simd, channels = shape["BITS"], shape["SIMD"], shape["CHANNELS"]
    low, high = (-(1 << bits - 1), 1 << bits - 1) if shape["SIGNED"] else (0, 1 << bits)
    maps = rng.integers(low, high, (frames, shape["IFM_H"], shape["IFM_W"], channels))
    if bits == 1:  # windows of fair coins are all alike
        maps = (rng.random(maps.shape) < rng.choice([0.2, 0.8], (frames, 1, 1, 1))).astype(int)
    takes_min = {
        "max": np.zeros(channels, bool),
        "min": np.ones(channels, bool),
        "mixed": rng.random(channels) < 0.5,
    }[kind]
    never_wins = np.where(takes_min, high - 1, low)
    patches = pooled_windows(maps, shape, never_wins)
    out = np.where(takes_min, patches.min(axis=(-2, -1)), patches.max(axis=(-2, -1)))
    return Data(
        inputs={"s_axis": Stream(simd * bits, pack(maps, simd, bits))},
        outputs={"m_axis": Stream(simd * bits, pack(out, simd, bits))},
        files={} if kind == "max" else {"MIN_FILE": Memory(simd, pack(takes_min, simd, 1))},
        frames=frames,
        interval=pad_words(shape),
    )


def run(shapes, simulator, seed, scenarios=ALL_SCENARIOS):
    bench = Bench("max_pool", [shape for shape, _ in shapes], simulator)
    rng = np.random.default_rng(seed)
    bench.run([draw(shape, rng) for shape in shapes], seed, scenarios)


def test_max_pool(simulator):
    run(SHAPES, simulator, 1)


def test_more_shapes():
    run(MORE_SHAPES, "verilator", 2, ("unstalled",))


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"SIMD": 3}, "SIMD = 3 must divide CHANNELS = 4"),
        ({"K_H": 5}, "KERNEL = 5 does not fit LENGTH = 4"),
        ({"PAD_R": 2}, "windows without a pixel"),
    ],
)
def test_bad_parameters_are_refused(bad, message):
    assert message in lint("max_pool", bad)


@pytest.mark.parametrize("shape", [shape for shape, _ in SHAPES + MORE_SHAPES])
def test_lint_is_clean(shape):
    assert lint("max_pool", shape) == ""
