"""ensemble: sums and votes of a frame's results, a class a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint

LOOP = Path(__file__).with_name("ensemble_loop.sv")
SHAPES = [
    {"N": 10, "PE": 1, "SCORE_BITS": 8, "SCORE_SIGNED": 1, "LABEL_BITS": 4, "TIMES": 3},
    {"N": 6, "PE": 3, "SCORE_BITS": 5, "SCORE_SIGNED": 1, "LABEL_BITS": 3, "TIMES": 2},
    {"N": 4, "PE": 4, "SCORE_BITS": 7, "SCORE_SIGNED": 0, "LABEL_BITS": 2, "TIMES": 8},
    {"N": 1, "PE": 1, "SCORE_BITS": 3, "SCORE_SIGNED": 1, "LABEL_BITS": 1, "TIMES": 5},
]


def packed(values, bits):
    """Integers, the first in the low bits."""
    return sum((int(v) & (1 << bits) - 1) << bits * i for i, v in enumerate(values))


def draw(shape, rng, frames=12, *, pairs=False):
    """pairs: of two frames one has a single pass (the bench wants frames of one size)."""
    n, pe, bits, times = (shape[k] for k in ("N", "PE", "SCORE_BITS", "TIMES"))
    low = -(1 << bits - 1) if shape["SCORE_SIGNED"] else 0
    scores = rng.integers(low, low + (1 << bits), (frames, times, n))
    scores[0], scores[1] = low, low + (1 << bits) - 1  # no sum overflows
    labels = rng.integers(0, n, (frames, times))
    labels[0] = n - 1
    counts = np.full(frames, times)
    if pairs:
        counts[2 * np.arange(frames // 2) + rng.integers(0, 2, frames // 2)] = 1
    top = pe * bits + shape["LABEL_BITS"]
    words = [
        packed(row[at : at + pe], bits)
        | (int(label) << pe * bits if at + pe == n else 0)
        | int(k == count - 1) << top
        for frame, chosen, count in zip(scores, labels, counts, strict=True)
        for k, (row, label) in enumerate(zip(frame[:count], chosen, strict=False))
        for at in range(0, n, pe)
    ]
    there = np.arange(times) < counts[:, None]
    votes = ((labels[:, :, None] == np.arange(n)) & there[:, :, None]).sum(axis=1)
    scores = np.where(there[:, :, None], scores, 0)
    wide = bits + int(times - 1).bit_length()
    given = [
        packed([total], wide) | int(count) << wide
        for total, count in zip(scores.sum(axis=1).reshape(-1), votes.reshape(-1), strict=True)
    ]
    return Data(
        inputs={"s_axis": Stream(top + 1, words)},
        outputs={"m_axis": Stream(wide + int(times).bit_length(), given)},
        frames=frames // 2 if pairs else frames,
        interval=None if pairs else times * n // pe + n,
        latency=None if pairs else n + 1 + 2,  # and the loop's
    )


def test_ensemble(simulator):
    bench = Bench("ensemble", SHAPES, simulator, around=LOOP)
    for seed, pairs in ((1, False), (2, True)):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng, pairs=pairs) for shape in SHAPES], seed)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"PE": 3}, "PE = 3 does not divide N = 10"),
        ({"TIMES": 1}, "TIMES = 1 must be at least 2"),
        ({"LABEL_BITS": 3}, "3 label bits do not hold 10 labels"),
    ],
)
def test_bad_parameters_are_refused(bad, told):
    assert told in lint("ensemble", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("ensemble", shape) == ""
