"""stream_fork: every word at every output once, each output at its own pace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint

LANES = Path(__file__).with_name("fork_lanes.sv")
SHAPES = [{"BITS": 8, "N": 2}, {"BITS": 13, "N": 3}, {"BITS": 1, "N": 1}, {"BITS": 40, "N": 4}]


def draw(shape, rng, frames=12, words=6):
    bits = shape["BITS"]
    sent = [int(rng.integers(0, 1 << bits)) for _ in range(frames * words)]
    lanes = {f"m_axis_{lane}": Stream(bits, sent) for lane in range(shape["N"])}
    return Data(
        inputs={"s_axis": Stream(bits, sent)},
        outputs=lanes,
        frames=frames,
        interval=words,
        latency=1,
    )


def test_stream_fork(simulator):
    bench = Bench("stream_fork", SHAPES, simulator, around=LANES)
    rng = np.random.default_rng(8)
    bench.run([draw(shape, rng) for shape in SHAPES], seed=8)


def test_bad_parameters_are_refused():
    assert "at least 1" in lint("stream_fork", {"BITS": 0})


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("stream_fork", shape) == ""
