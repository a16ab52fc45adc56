"""add: A_SCALE * a + B_SCALE * b of two streams of different widths, signs and paces."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint, pack


def shape(pe, a, b, out_bits):
    """a, b: (bits, "unsigned" | "signed" | "bipolar", scale)."""
    made = {"PE": pe, "OUT_BITS": out_bits}
    for side, (bits, kind, scale) in zip("AB", (a, b), strict=True):
        made |= {
            f"{side}_BITS": bits,
            f"{side}_SIGNED": int(kind == "signed"),
            f"{side}_BIPOLAR": int(kind == "bipolar"),
            f"{side}_SCALE": scale,
        }
    return made


SHAPES = [
    shape(2, (8, "signed", 1), (8, "signed", 1), 9),
    shape(3, (4, "unsigned", 1), (6, "signed", 1), 7),
    shape(8, (1, "bipolar", 1), (1, "bipolar", 1), 3),
    shape(1, (1, "bipolar", 3), (8, "signed", 1), 9),
    shape(4, (5, "signed", -4), (9, "signed", 1), 10),
    shape(1, (16, "unsigned", 1), (16, "unsigned", -1), 17),
    shape(2, (1, "unsigned", 7), (1, "bipolar", -9), 6),
    shape(5, (2, "unsigned", 2), (12, "signed", 0), 4),
]


def draw_side(shape, side, rng, count):
    """Codes as sent and the values that they stand for; the first words are the extremes."""
    bits, bipolar = shape[f"{side}_BITS"], shape[f"{side}_BIPOLAR"]
    low, high = (-(1 << bits - 1), 1 << bits - 1) if shape[f"{side}_SIGNED"] else (0, 1 << bits)
    sent = rng.integers(low, high, (count, shape["PE"]))
    extremes = [low, high - 1] if side == "A" else [low, low, high - 1, high - 1]
    sent[:4] = np.resize(extremes, 4)[:, None]
    return sent, (2 * sent - 1 if bipolar else sent) * shape[f"{side}_SCALE"]


def draw(shape, rng, frames=16, words=5):
    sides = {side: draw_side(shape, side, rng, frames * words) for side in "AB"}
    out = sides["A"][1] + sides["B"][1]
    pe, bits = shape["PE"], shape["OUT_BITS"]
    inputs = {
        f"s_axis_{side.lower()}": Stream(
            pe * shape[f"{side}_BITS"], pack(sent, pe, shape[f"{side}_BITS"])
        )
        for side, (sent, _) in sides.items()
    }
    return Data(
        inputs=inputs,
        outputs={"m_axis": Stream(pe * bits, pack(out, pe, bits))},
        frames=frames,
        interval=words,
        latency=1,
    )


def test_add(simulator):
    bench = Bench("add", SHAPES, simulator)
    rng = np.random.default_rng(6)
    bench.run([draw(shape, rng) for shape in SHAPES], seed=6)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"OUT_BITS": 8}, "OUT_BITS = 8 cannot hold sums from -256 to 254"),
        ({"A_SCALE": 2}, "OUT_BITS = 9 cannot hold sums from -384 to 381"),
        ({"A_BIPOLAR": 1}, "bipolar elements have 1 bit"),
        ({"PE": 0}, "PE >= 1"),
    ],
)
def test_bad_parameters_are_refused(bad, message):
    assert message in lint("add", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("add", shape) == ""
