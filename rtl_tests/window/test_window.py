"""window: the order of the words, and the full rate for any shape.

Specification: for each output position, row by row, in[oy*SH + kh*DH][ox*SW + kw*DW][c] in the
order (kh, kw, c), or (channel fold, kh, kw, lane) in the depthwise form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from rtl_tests.bench import ALL_SCENARIOS, Bench, Data, Stream
from rtl_tests.pixels import lint, pack


@dataclass(frozen=True)
class Shape:
    ifm: tuple[int, int]
    channels: int
    simd: int
    bits: int = 1
    k: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    depthwise: int = 0
    depth: int = 0  # words of the ring; 0 = enough for the full rate

    @property
    def ofm(self) -> tuple[int, ...]:
        axes = zip(self.ifm, self.k, self.stride, self.dilation, strict=True)
        return tuple((n - (k - 1) * d - 1) // s + 1 for n, k, s, d in axes)

    @property
    def words(self) -> tuple[int, int]:
        """Words of a frame: in, out."""
        fold = self.channels // self.simd
        return math.prod(self.ifm) * fold, math.prod(self.ofm) * math.prod(self.k) * fold

    @property
    def span(self) -> int:
        """Words from a window's first to its last: the least depth of the ring."""
        tall, wide = ((k - 1) * d for k, d in zip(self.k, self.dilation, strict=True))
        return (tall * self.ifm[1] + wide + 1) * self.channels // self.simd

    def parameters(self) -> dict[str, int]:
        pairs = {"IFM": self.ifm, "K": self.k, "STRIDE": self.stride, "DILATION": self.dilation}
        both = {
            f"{key}_{axis}": v
            for key, pair in pairs.items()
            for axis, v in zip("HW", pair, strict=True)
        }
        return both | {
            "CHANNELS": self.channels,
            "SIMD": self.simd,
            "BITS": self.bits,
            "DEPTHWISE": self.depthwise,
            "DEPTH": self.depth,
        }


def windows(frame: np.ndarray, shape: Shape) -> np.ndarray:
    """Specification: a frame (H, W, C) to the elements of its windows, in order."""
    (sh, sw), (dh, dw) = shape.stride, shape.dilation
    out = []
    for oy in range(shape.ofm[0]):
        for ox in range(shape.ofm[1]):
            rows = [oy * sh + kh * dh for kh in range(shape.k[0])]
            columns = [ox * sw + kw * dw for kw in range(shape.k[1])]
            patch = frame[np.ix_(rows, columns)]  # (kh, kw, c)
            if shape.depthwise:
                folds = patch.reshape(*shape.k, -1, shape.simd)
                patch = folds.transpose(2, 0, 1, 3)  # (fold, kh, kw, lane)
            out.append(patch.reshape(-1))
    return np.concatenate(out)


# The last window ends with the frame, since a bench starts its next frames when all words are out.
SHAPES = [
    Shape((4, 5), 4, 2),
    Shape((4, 4), 5, 5, bits=8),
    Shape((7, 5), 2, 2, bits=2, stride=(2, 2)),
    Shape((6, 4), 6, 2, k=(2, 2), stride=(2, 2), depthwise=1),
    Shape((7, 5), 4, 2, k=(1, 1), stride=(2, 2)),
    Shape((5, 5), 2, 1, k=(2, 1), stride=(3, 4)),
    Shape((4, 8), 2, 2, k=(1, 3), dilation=(1, 2), depth=5),
    Shape((5, 5), 3, 3, stride=(2, 1), depth=13),
]
MORE_SHAPES = [
    Shape((8, 8), 4, 2),
    Shape((7, 7), 4, 4, bits=3, stride=(2, 2), depthwise=1),
    Shape((4, 5), 3, 3, k=(1, 1)),
    Shape((9, 5), 2, 2, k=(3, 1), dilation=(3, 1)),
    Shape((7, 7), 4, 4, stride=(2, 1), dilation=(2, 2)),
    Shape((1, 1), 1, 1, bits=9, k=(1, 1)),
    Shape((3, 5), 40, 40, k=(3, 3)),
    Shape((4, 4), 8, 1, k=(4, 4)),
    Shape((12, 10), 1, 1, bits=8, k=(5, 3)),
    Shape((7, 8), 2, 1, k=(2, 1), stride=(3, 4)),  # with pixels that no window takes
    Shape((12, 12), 3, 1, bits=8, k=(2, 2), stride=(2, 2)),
]


def random_shape(rng: np.random.Generator) -> Shape:
    k, dilation, stride = (tuple(map(int, rng.integers(1, top, 2))) for top in (5, 3, 5))
    ifm = tuple((a - 1) * d + 1 + int(rng.integers(0, 6)) for a, d in zip(k, dilation, strict=True))
    simd, fold = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    shape = Shape(
        ifm,
        simd * fold,
        simd,
        int(rng.integers(1, 10)),
        k,
        stride,
        dilation,
        int(rng.integers(0, 2)),
    )
    return shape if shape.words[1] <= 300 else random_shape(rng)


def draw(shape: Shape, rng: np.random.Generator, frames: int = 4) -> Data:
    maps = rng.integers(0, 1 << shape.bits, (frames, *shape.ifm, shape.channels))
    out = [w for m in maps for w in pack(windows(m, shape), shape.simd, shape.bits)]
    width = shape.simd * shape.bits
    return Data(
        inputs={"s_axis": Stream(width, pack(maps, shape.simd, shape.bits))},
        outputs={"m_axis": Stream(width, out)},
        frames=frames,
        interval=max(shape.words) if shape.depth == 0 else None,
    )


def run(shapes, simulator, seed, scenarios=ALL_SCENARIOS):
    bench = Bench("window", [shape.parameters() for shape in shapes], simulator)
    rng = np.random.default_rng(seed)
    bench.run([draw(shape, rng) for shape in shapes], seed, scenarios)


@pytest.mark.slow
def test_stalls_and_resets():
    run(SHAPES, "verilator", 1)


def test_icarus():
    run([shape for shape in SHAPES if shape.words[1] <= 100], "icarus", 2)


@pytest.mark.slow
def test_full_rate_of_many_shapes():
    """Values, and exactly max(words in, words out) cycles a frame."""
    rng = np.random.default_rng(2024)
    shapes = MORE_SHAPES + [random_shape(rng) for _ in range(6)]
    assert max(shape.words[1] for shape in shapes) > 900
    run(shapes, "verilator", 3, ("unstalled",))


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"SIMD": 3}, "SIMD = 3 must divide CHANNELS = 4"),
        ({"K_H": 9}, "9 x 3 pixels do not fit into 8 x 8"),
        ({"DILATION_W": 4}, "3 x 9 pixels do not fit into 8 x 8"),
        ({"K_H": 0}, "must be at least 1"),
        ({"DEPTH": 37}, "DEPTH = 37 must be 0 or at least 38"),
    ],
)
def test_bad_parameters_are_refused(bad, message):
    assert message in lint("window", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("window", shape.parameters()) == ""
