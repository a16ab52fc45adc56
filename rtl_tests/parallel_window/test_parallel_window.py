"""parallel_window: the words of whole pixels in the order of `window`, and its rate.

Specification: for each output position, row by row, in[oy*SH + kh*DH][ox*SW + kw*DW][c] in the
order (kh, kw, c), SIMD elements a word.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rtl_tests.bench import ALL_SCENARIOS, Bench, Data, Stream
from rtl_tests.pixels import lint, pack
from rtl_tests.window.test_window import Shape as WindowShape
from rtl_tests.window.test_window import random_shape as random_window
from rtl_tests.window.test_window import windows


class Shape(WindowShape):
    """As of a window, but SIMD is of an output word."""

    @property
    def interval(self) -> int:
        """Cycles of a frame."""
        chunks = math.prod(self.k) * self.channels // self.simd
        return math.prod(self.ifm) + math.prod(self.ofm) * (chunks - 1)

    def parameters(self) -> dict[str, int]:
        return {k: v for k, v in super().parameters().items() if k not in ("DEPTHWISE", "DEPTH")}


# The last window ends with the frame, since a bench starts its next frames when all words are out.
SHAPES = [
    Shape((4, 5), 4, 36),
    Shape((4, 4), 5, 15, bits=8),
    Shape((7, 5), 2, 18, bits=2, stride=(2, 2)),
    Shape((5, 5), 2, 2, k=(2, 1), stride=(3, 4)),
    Shape((4, 8), 2, 6, k=(1, 3), dilation=(1, 2)),
    Shape((5, 5), 3, 9, stride=(2, 1), dilation=(2, 1)),
    Shape((6, 1), 2, 6, k=(3, 1)),
]
MORE_SHAPES = [
    Shape((8, 8), 4, 12),
    Shape((4, 5), 3, 3, k=(1, 1)),
    Shape((9, 5), 2, 6, k=(3, 1), dilation=(3, 1)),
    Shape((7, 7), 4, 36, stride=(2, 1), dilation=(2, 2)),
    Shape((1, 1), 1, 1, bits=9, k=(1, 1)),
    Shape((3, 5), 40, 360, k=(3, 3)),
    Shape((4, 4), 8, 64, k=(4, 4)),
    Shape((12, 10), 1, 5, bits=8, k=(5, 3)),
    Shape((12, 12), 3, 12, bits=8, k=(2, 2), stride=(2, 2)),
]


def random_shape(rng: np.random.Generator) -> Shape:
    window = replace(random_window(rng), depthwise=0)
    pixels = math.prod(window.k)
    divisors = [d for d in range(1, pixels + 1) if pixels % d == 0]
    simd = window.channels * int(rng.choice(divisors))
    return Shape(window.ifm, window.channels, simd, window.bits, window.k, window.stride,
                 window.dilation)  # fmt: skip


def draw(shape: Shape, rng: np.random.Generator, frames: int = 4) -> Data:
    maps = rng.integers(0, 1 << shape.bits, (frames, *shape.ifm, shape.channels))
    out = [w for m in maps for w in pack(windows(m, shape), shape.simd, shape.bits)]
    inputs = Stream(shape.channels * shape.bits, pack(maps, shape.channels, shape.bits))
    return Data(
        inputs={"s_axis": inputs},
        outputs={"m_axis": Stream(shape.simd * shape.bits, out)},
        frames=frames,
        interval=shape.interval,
    )


def run(shapes, simulator, seed, scenarios=ALL_SCENARIOS):
    bench = Bench("parallel_window", [shape.parameters() for shape in shapes], simulator)
    rng = np.random.default_rng(seed)
    bench.run([draw(shape, rng) for shape in shapes], seed, scenarios)


@pytest.mark.slow
def test_stalls_and_resets():
    run(SHAPES, "verilator", 1)


def test_icarus():
    run(SHAPES[:4], "icarus", 2)


@pytest.mark.slow
def test_rate_of_many_shapes():
    """Values, and exactly so many cycles a frame."""
    rng = np.random.default_rng(2025)
    run(MORE_SHAPES + [random_shape(rng) for _ in range(8)], "verilator", 3, ("unstalled",))


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"SIMD": 6}, "SIMD = 6 must be whole pixels of 4 and divide a window of 36"),
        ({"SIMD": 8}, "SIMD = 8 must be whole pixels of 4 and divide a window of 36"),
        ({"DILATION_W": 4}, "3 x 9 pixels do not fit into 8 x 8"),
        ({"K_H": 0}, "must be at least 1"),
    ],
)
def test_bad_parameters_are_refused(bad, message):
    assert message in lint("parallel_window", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("parallel_window", shape.parameters()) == ""
