"""channels: neighbouring channels of every pixel."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.packing import random_bits
from rtl_tests.pixels import lint


def shape(bits, words, first, taken):
    return {"BITS": bits, "WORDS": words, "FIRST": first, "TAKEN": taken}


SHAPES = [
    shape(8, 2, 0, 1),
    shape(3, 2, 1, 1),
    shape(16, 4, 0, 3),
    shape(1, 5, 2, 2),
    shape(9, 8, 7, 1),
    shape(24, 3, 0, 3),
    shape(5, 4, 1, 3),
]


def draw_shape(rng):
    words = int(rng.integers(2, 10))
    first = int(rng.integers(0, words))
    taken = int(rng.integers(1, words - first + 1))
    return shape(int(rng.integers(1, 60)), words, first, taken)


def draw(shape, rng, frames=8, pixels=3):
    words, first, taken = (shape[name] for name in ("WORDS", "FIRST", "TAKEN"))
    sent = [random_bits(rng, shape["BITS"]) for _ in range(frames * pixels * words)]
    kept = [word for i, word in enumerate(sent) if first <= i % words < first + taken]
    return Data(
        inputs={"s_axis": Stream(shape["BITS"], sent)},
        outputs={"m_axis": Stream(shape["BITS"], kept)},
        frames=frames,
        interval=pixels * words,
    )


def test_channels(simulator, shape_seed):
    shape_rng = np.random.default_rng(shape_seed)
    shapes = SHAPES + [draw_shape(shape_rng) for _ in range(5)]
    bench = Bench("channels", shapes, simulator)
    rng = np.random.default_rng(17)
    bench.run([draw(shape, rng) for shape in shapes], seed=17)


@pytest.mark.parametrize("bad", [{"TAKEN": 3}, {"FIRST": 2}, {"WORDS": 1}, {"BITS": 0}])
def test_bad_parameters_are_refused(bad):
    assert "FIRST to FIRST + TAKEN - 1" in lint("channels", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("channels", shape) == ""
