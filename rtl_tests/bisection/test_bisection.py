"""benchmarks/bisection.sv, whose cost stands beside the kernels': it does what a quantiser does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtl_tests.bench import Bench, Data, Memory, Stream
from rtl_tests.mvau import levels
from rtl_tests.packing import pack_words

MODULE = Path(__file__).resolve().parents[2] / "benchmarks" / "bisection.sv"
SHAPES = [
    {"CHANNELS": 4, "IN_BITS": 9, "OUT_BITS": 4},
    {"CHANNELS": 2, "IN_BITS": 12, "OUT_BITS": 8},
]


def draw(shape, rng, frames=40):
    channels, bits, outputs = (shape[name] for name in ("CHANNELS", "IN_BITS", "OUT_BITS"))
    end, count = 1 << bits - 1, (1 << outputs) - 1
    x = rng.integers(-end, end, (frames, 1, channels))
    thresholds = np.sort(rng.integers(-end, end + 2, (1, channels, count)), axis=-1)
    x[::2] = rng.choice(thresholds.reshape(-1), x[::2].shape).clip(-end, end - 1)
    y = levels(x, thresholds, np.zeros(1, int), outputs, -(1 << outputs - 1))
    files = {}
    for step in range(outputs):
        half = 1 << outputs - 1 - step
        words = thresholds[0, :, half - 1 :: 2 * half].reshape(-1) % (1 << bits + 1)
        files[f"STEP_{step}_FILE"] = Memory(bits + 1, words.tolist())
    return Data(
        inputs={"s_axis": Stream(bits, pack_words(x, bits, 1))},
        outputs={"m_axis": Stream(outputs, pack_words(y, outputs, 1))},
        frames=frames, files=files, interval=channels, latency=outputs + 1,
    )  # fmt: skip


@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_bisection(simulator):
    bench = Bench("mvau_rom", SHAPES, simulator, around=MODULE, parts=("skid",))
    rng = np.random.default_rng(1)
    bench.run([draw(shape, rng) for shape in SHAPES])
