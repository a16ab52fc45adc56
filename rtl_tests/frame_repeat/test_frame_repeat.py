"""frame_repeat: each frame once a context, or once; its passes are announced, and end right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint

LOOP = Path(__file__).with_name("repeat_loop.sv")
SHAPES = [
    {"BITS": 8, "WORDS": 1, "TIMES": 2},
    {"BITS": 13, "WORDS": 3, "TIMES": 5},
    {"BITS": 64, "WORDS": 8, "TIMES": 3},
]


def draw(shape, rng, names="pairs", frames=40):
    """Frames that name a context each, or none, or in pairs one of both (the bench wants frames of
    one size); the first for all has a name that there is not."""
    bits, words, times = shape["BITS"], shape["WORDS"], shape["TIMES"]
    sent = rng.integers(0, 1 << min(bits, 62), (frames, words))
    named = np.zeros(frames, int) if names == "all" else rng.integers(1, times + 1, frames)
    if names == "pairs":
        named[2 * np.arange(frames // 2) + rng.integers(0, 2, frames // 2)] = 0
        named[np.argmin(named)] = 255
    given = []
    for frame, name in zip(sent, named, strict=True):
        passes = [name - 1] if 0 < name <= times else range(times)
        for number in passes:
            for i, word in enumerate(frame):
                last = number == passes[-1] and i == words - 1
                given.append(int(word) | int(number) << bits | int(last) << bits + 8)
    inputs = [int(w) | int(n) << bits for f, n in zip(sent, named, strict=True) for w in f]
    interval = {"all": words * times, "one": words}.get(names)
    return Data(
        inputs={"s_axis": Stream(bits + 8, inputs)},
        outputs={"m_axis": Stream(bits + 9, given)},
        frames=frames // 2 if names == "pairs" else frames,
        interval=interval,
        latency=interval and interval - words + 2,  # of two cycles, and the frame's other passes
    )


def test_frame_repeat(simulator):
    bench = Bench("frame_repeat", SHAPES, simulator, {"HW_BNN_CONFIG": 1}, around=LOOP,
                  parts=("frame_last", "context_queue"))  # fmt: skip
    for seed, names in enumerate(("pairs", "all", "one"), start=1):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng, names) for shape in SHAPES], seed)


@pytest.mark.parametrize("bad", [{"TIMES": 1}, {"TIMES": 256}, {"WORDS": 0}, {"BITS": 0}])
def test_bad_parameters_are_refused(bad):
    assert "must be at least 1, TIMES" in lint("frame_repeat", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("frame_repeat", shape) == ""
