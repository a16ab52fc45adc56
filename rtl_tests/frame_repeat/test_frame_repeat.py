"""frame_repeat: each frame TIMES times, a word a cycle."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint

SHAPES = [
    {"BITS": 8, "WORDS": 1, "TIMES": 2},
    {"BITS": 13, "WORDS": 3, "TIMES": 5},
    {"BITS": 64, "WORDS": 8, "TIMES": 3},
]


def draw(shape, rng, frames=12):
    bits, words, times = shape["BITS"], shape["WORDS"], shape["TIMES"]
    sent = rng.integers(0, 1 << min(bits, 62), (frames, words))
    given = np.repeat(sent[:, None], times, axis=1)
    return Data(
        inputs={"s_axis": Stream(bits, [int(v) for v in sent.reshape(-1)])},
        outputs={"m_axis": Stream(bits, [int(v) for v in given.reshape(-1)])},
        frames=frames,
        interval=words * times,
        latency=words * (times - 1) + 1,  # of a cycle, and the frame's other times
    )


def test_frame_repeat(simulator):
    bench = Bench("frame_repeat", SHAPES, simulator)
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in SHAPES], seed)


@pytest.mark.parametrize("bad", [{"TIMES": 1}, {"WORDS": 0}, {"BITS": 0}])
def test_bad_parameters_are_refused(bad):
    assert "must be at least 1, TIMES" in lint("frame_repeat", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("frame_repeat", shape) == ""
