"""concat: channels of two streams side by side, of different widths, signs and paces."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint, pack


def shape(pe, a, b, out_bits):
    """a, b: (words a pixel, bits, "unsigned" | "signed" | "bipolar")."""
    made = {"PE": pe, "OUT_BITS": out_bits}
    for side, (words, bits, kind) in zip("AB", (a, b), strict=True):
        made |= {
            f"{side}_WORDS": words,
            f"{side}_BITS": bits,
            f"{side}_SIGNED": int(kind == "signed"),
            f"{side}_BIPOLAR": int(kind == "bipolar"),
        }
    return made


SHAPES = [
    shape(2, (1, 8, "signed"), (1, 8, "signed"), 8),
    shape(3, (2, 4, "unsigned"), (1, 6, "signed"), 6),
    shape(8, (1, 1, "unsigned"), (3, 1, "unsigned"), 1),
    shape(1, (5, 1, "bipolar"), (2, 4, "unsigned"), 5),
    shape(4, (3, 5, "signed"), (4, 1, "bipolar"), 5),
    shape(1, (1, 1, "bipolar"), (7, 1, "bipolar"), 2),
    shape(5, (2, 12, "unsigned"), (2, 3, "unsigned"), 12),
]


def draw_shape(rng):
    kinds = [str(rng.choice(["signed", "unsigned", "bipolar"])) for _ in range(2)]
    bits = [1 if kind == "bipolar" else int(rng.integers(1, 14)) for kind in kinds]
    turned = {"signed", "bipolar"} & {*kinds}
    needs = [
        2 if kind == "bipolar" else b + int(bool(turned) and kind == "unsigned")
        for kind, b in zip(kinds, bits, strict=True)
    ]
    sides = [(int(rng.integers(1, 6)), b, k) for b, k in zip(bits, kinds, strict=True)]
    return shape(int(rng.integers(1, 6)), *sides, max(needs) + int(rng.integers(0, 3)))


def draw_side(shape, side, rng, pixels):
    """Codes as sent and the values that they stand for, (pixels, channels)."""
    bits, bipolar = shape[f"{side}_BITS"], shape[f"{side}_BIPOLAR"]
    low, high = (-(1 << bits - 1), 1 << bits - 1) if shape[f"{side}_SIGNED"] else (0, 1 << bits)
    sent = rng.integers(low, high, (pixels, shape["PE"] * shape[f"{side}_WORDS"]))
    sent[0], sent[1] = low, high - 1
    return sent, 2 * sent - 1 if bipolar else sent


def draw(shape, rng, frames=12, pixels=3):
    sides = {side: draw_side(shape, side, rng, frames * pixels) for side in "AB"}
    out = np.concatenate([sides["A"][1], sides["B"][1]], axis=1)
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
        interval=pixels * (shape["A_WORDS"] + shape["B_WORDS"]),
    )


def test_concat(simulator, shape_seed):
    shape_rng = np.random.default_rng(shape_seed)
    shapes = SHAPES + [draw_shape(shape_rng) for _ in range(5)]
    bench = Bench("concat", shapes, simulator)
    rng = np.random.default_rng(16)
    bench.run([draw(shape, rng) for shape in shapes], seed=16)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"OUT_BITS": 7}, "OUT_BITS = 7 cannot hold elements of 8 and 8 bits"),
        ({"A_SIGNED": 0}, "OUT_BITS = 8 cannot hold elements of 9 and 8 bits"),
        ({"B_BIPOLAR": 1}, "bipolar elements have 1 bit"),
        ({"B_WORDS": 0}, "sizes must be at least 1"),
    ],
)
def test_bad_parameters_are_refused(bad, message):
    assert message in lint("concat", bad)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_is_clean(shape):
    assert lint("concat", shape) == ""
