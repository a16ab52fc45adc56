"""requantise against the definition: floor or half-even of a quotient of Python's integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hw_bnn.kernels import KERNELS
from rtl_tests.bench import Bench, Data, Memory, Stream
from rtl_tests.packing import pack_words


def shape(channels, pe, bits, signed, clip, shift, pieces=1, half_even=0, gain=9, offset=16):
    """OUT_BITS and SUM_BITS follow: they hold the clip, and any sum."""
    low, high = clip
    out = max((-low - 1).bit_length() if low < 0 else 0, high.bit_length()) + (low < 0)
    return {
        "CHANNELS": channels, "PE": pe, "IN_BITS": bits, "IN_SIGNED": signed, "OUT_BITS": out,
        "LOW": low, "HIGH": high, "SHIFT": shift, "HALF_EVEN": half_even, "PIECES": pieces,
        "GAIN_BITS": gain, "OFFSET_BITS": offset,
        "SUM_BITS": max(gain + bits + 1, offset, shift + 1) + 1,
    }  # fmt: skip


SHAPES = [
    shape(1, 1, 8, 0, (0, 255), 0),
    shape(6, 2, 13, 1, (-128, 127), 8),
    shape(6, 3, 13, 1, (-128, 127), 8, pieces=2),
    shape(4, 1, 9, 1, (-7, 5), 3, pieces=2, half_even=1),
    shape(5, 5, 6, 0, (0, 31), 2, half_even=1, gain=3, offset=5),
    shape(4, 4, 16, 1, (-32768, 32767), 17, pieces=2, gain=25, offset=40),
    shape(2, 1, 21, 1, (-1, 63), 24, gain=18, offset=30),
    shape(3, 1, 1, 0, (-2, 1), 1, half_even=1, gain=3, offset=4),
]


def draw_shape(rng):
    pe, bits = int(rng.integers(1, 4)), int(rng.integers(1, 20))
    low = -int(rng.integers(0, 200))
    clip = (low, low + int(rng.integers(1, 300)))
    gain = int(rng.integers(2, 20))
    return shape(
        pe * int(rng.integers(1, 5)), pe, bits, int(rng.integers(0, 2)),
        (low, max(clip[1], 1)), int(rng.integers(1, gain + bits)), int(rng.integers(1, 3)),
        int(rng.integers(0, 2)), gain, int(rng.integers(2, gain + bits + 2)),
    )  # fmt: skip


def result(shape, x: int, gain: int, offset: int) -> int:
    quotient = Fraction(gain * x + offset, 2 ** shape["SHIFT"])
    if shape["HALF_EVEN"] and shape["SHIFT"]:  # the half is in the offset
        whole = round(quotient - Fraction(1, 2))
    else:
        whole = quotient.numerator // quotient.denominator
    return min(max(whole, shape["LOW"]), shape["HIGH"])


def integers(rng, bits: int, size, signed=1) -> np.ndarray:
    """Random numbers of so many bits, the extremes among them."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    drawn = rng.integers(low, high + 1, size)
    ends = rng.integers(0, 6, size)
    return np.where(ends == 0, low, np.where(ends == 1, high, drawn))


def draw(shape, rng, frames=24):
    channels, pe, bits = shape["CHANNELS"], shape["PE"], shape["IN_BITS"]
    pieces, signed = shape["PIECES"], shape["IN_SIGNED"]
    x = integers(rng, bits, (frames, channels), signed)
    gain = integers(rng, shape["GAIN_BITS"], (channels, pieces))
    offset = integers(rng, shape["OFFSET_BITS"], (channels, pieces))
    if shape["HALF_EVEN"]:  # ties: as many numbers of no fraction as fit
        step = 1 << min(shape["SHIFT"], shape["OFFSET_BITS"] - 1)
        offset = np.where(rng.integers(0, 2, offset.shape), offset // step * step, offset)
    at = integers(rng, bits + 1, channels)
    at = np.where(rng.integers(0, 3, channels) > 0, x[0], at)
    y = [
        [
            result(shape, int(v), *(int(t[c, int(pieces == 2 and v >= at[c])])
                                    for t in (gain, offset)))
            for c, v in enumerate(row)
        ]
        for row in x
    ]  # fmt: skip
    fields = np.stack([gain, offset], axis=2).reshape(channels, -1)
    if pieces == 2:
        fields = np.concatenate([fields, at[:, None]], axis=1)
    layout = KERNELS["requantise"].memory("TABLE_FILE", shape)
    words = [int(word, 16) for word in layout.words(fields.reshape(channels // pe, -1))]
    out = shape["OUT_BITS"]
    return Data(
        inputs={"s_axis": Stream(pe * bits, pack_words(x, bits, pe))},
        outputs={"m_axis": Stream(pe * out, pack_words(np.array(y), out, pe))},
        frames=frames,
        files={"TABLE_FILE": Memory(layout.word_bits, words)},
        interval=channels // pe,
        latency=5,
    )


def run(shapes, simulator, seeds):
    bench = Bench("requantise", shapes, simulator)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in shapes], seed)


def test_requantise(shape_seed):
    rng = np.random.default_rng(shape_seed)
    run(SHAPES + [draw_shape(rng) for _ in range(2)], "verilator", (1, 2))


def test_in_icarus():
    run(SHAPES, "icarus", (3,))
