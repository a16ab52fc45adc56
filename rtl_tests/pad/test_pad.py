"""pad: a frame surrounded by a constant; specification: numpy.pad."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint, pack


def shape(h, w, channels, simd, bits, pads, value):
    sides = {f"PAD_{side}": pad for side, pad in zip("TBLR", pads, strict=True)}
    return {
        "IFM_H": h,
        "IFM_W": w,
        "CHANNELS": channels,
        "SIMD": simd,
        "BITS": bits,
        "VALUE": value,
    } | sides


SHAPES = [
    shape(4, 4, 4, 2, 1, (1, 1, 1, 1), 0),
    shape(3, 5, 8, 8, 1, (1, 1, 1, 1), 1),
    shape(3, 4, 3, 1, 8, (2, 0, 0, 1), -128),
    shape(2, 3, 2, 2, 4, (0, 1, 3, 0), 15),
    shape(1, 1, 3, 3, 3, (0, 0, 2, 2), -3),
    shape(3, 2, 4, 1, 2, (0, 2, 0, 0), 1),
    shape(3, 3, 2, 1, 5, (0, 0, 0, 0), 0),
    shape(1, 1, 1, 1, 1, (1, 0, 0, 0), 1),
]


def draw(shape, rng, frames=4):
    size = (frames, shape["IFM_H"], shape["IFM_W"], shape["CHANNELS"])
    maps = rng.integers(0, 1 << shape["BITS"], size)
    top, bottom, left, right = (shape[f"PAD_{side}"] for side in "TBLR")
    borders = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(maps, borders, constant_values=shape["VALUE"])
    out = pack(padded, shape["SIMD"], shape["BITS"])
    width = shape["SIMD"] * shape["BITS"]
    return Data(
        inputs={"s_axis": Stream(width, pack(maps, shape["SIMD"], shape["BITS"]))},
        outputs={"m_axis": Stream(width, out)},
        frames=frames,
        interval=len(out) // frames,
    )


def test_pad(simulator):
    bench = Bench("pad", SHAPES, simulator)
    rng = np.random.default_rng(5)
    bench.run([draw(shape, rng) for shape in SHAPES], seed=5)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"SIMD": 3}, "SIMD = 3 must divide CHANNELS = 4"),
        ({"PAD_L": -1}, "a border cannot be negative"),
        ({"VALUE": 2}, "VALUE = 2 does not fit into 1 bits"),
        ({"VALUE": -129, "BITS": 8}, "VALUE = -129 does not fit into 8 bits"),
        ({"IFM_W": 0}, "at least 1"),
    ],
)
def test_bad_parameters_are_refused(bad, message):
    assert message in lint("pad", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("pad", shape) == ""
