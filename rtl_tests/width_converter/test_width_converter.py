"""width_converter against the definition: the frame's bit string, cut anew, padded with zeros."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.packing import random_bits

# in, out, frame: equal, down, up and neither; frames that fill the words and that do not.
SIZES = [
    (8, 8, 24),
    (8, 8, 19),
    (12, 3, 36),
    (12, 3, 31),
    (3, 12, 36),
    (3, 12, 40),
    (1, 8, 13),
    (8, 1, 13),
    (8, 12, 48),
    (12, 8, 44),
    (10, 4, 34),
    (7, 5, 61),
    (5, 7, 61),
    (8, 64, 72),
    (64, 8, 72),
    (8, 16, 8),
    (16, 8, 8),
    (9, 6, 10),
    (6, 9, 5),
    (24, 15, 90),
    (8, 12, 16),
    (5, 7, 15),
    (7, 5, 8),
    (6, 4, 6),
]


def shape_of(in_bits, out_bits, frame_bits):
    return {"IN_BITS": in_bits, "OUT_BITS": out_bits, "FRAME_BITS": frame_bits}


def draw_shape(rng):
    in_bits, out_bits = int(rng.integers(1, 25)), int(rng.integers(1, 25))
    return shape_of(in_bits, out_bits, int(rng.integers(1, 5 * max(in_bits, out_bits))))


def cut(frame, bits, frame_bits):
    words = -(-frame_bits // bits)
    return [(frame >> (i * bits)) & ((1 << bits) - 1) for i in range(words)]


def draw(shape, rng, frames=24):
    in_bits, out_bits, frame_bits = shape["IN_BITS"], shape["OUT_BITS"], shape["FRAME_BITS"]
    strings = [random_bits(rng, frame_bits) for _ in range(frames)]
    sent, expected = [], []
    for frame in strings:
        words = cut(frame, in_bits, frame_bits)
        useful = frame_bits - (len(words) - 1) * in_bits
        words[-1] |= random_bits(rng, in_bits) >> useful << useful  # to be ignored
        sent += words
        expected += cut(frame, out_bits, frame_bits)
    ratio = max(in_bits, out_bits) % min(in_bits, out_bits)
    frame_words = max(len(sent), len(expected)) // frames
    # With the last word in, one output word comes a cycle later; how many are left depends.
    latency = {True: 0, False: None}[in_bits == out_bits]
    if in_bits < out_bits and ratio == 0:
        latency = 1
    return Data(
        inputs={"s_axis": Stream(in_bits, sent)},
        outputs={"m_axis": Stream(out_bits, expected)},
        frames=frames,
        interval=frame_words,
        latency=latency,
        settle=3,
    )


def run(shapes, simulator, seeds):
    bench = Bench("width_converter", shapes, simulator)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in shapes], seed)


def test_width_converter(shape_seed):
    rng = np.random.default_rng(shape_seed)
    run(
        [shape_of(*size) for size in SIZES] + [draw_shape(rng) for _ in range(8)],
        "verilator",
        (1, 2),
    )


def test_in_icarus():
    run([shape_of(*size) for size in SIZES], "icarus", (3,))
