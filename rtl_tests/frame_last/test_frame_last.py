"""frame_last: the stream unchanged, tlast with each frame's last word."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Bench, Data, Stream

SHAPES = [
    {"BITS": 8, "WORDS": 1},
    {"BITS": 13, "WORDS": 3},
    {"BITS": 64, "WORDS": 8},
]


def draw(shape, rng, frames=12):
    bits, words = shape["BITS"], shape["WORDS"]
    sent = [int(rng.integers(0, 1 << min(bits, 62))) for _ in range(frames * words)]
    return Data(
        inputs={"s_axis": Stream(bits, sent)},
        outputs={"m_axis": Stream(bits, sent, last=words)},
        frames=frames,
        interval=words,
        latency=0,
    )


def test_frame_last(simulator):
    bench = Bench("frame_last", SHAPES, simulator)
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in SHAPES], seed)
