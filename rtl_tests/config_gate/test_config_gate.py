"""config_gate: frames pass as they are, and none of them meets two loads; right loads, packets that
are refused and loads that are broken off come in between.

What each wrong packet is told as, and that it changes nothing, is tested on whole accelerators
(tests/compile/test_runtime_weights.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hw_bnn.accelerator.config_stream import BEGIN, CONTENTS, END, ending, packet
from rtl_tests.bench import Bench, Data, Stream

LOOP = Path(__file__).with_name("config_loop.sv")
SHAPES = [
    {"IN_WORDS": 3, "ROW_BITS": 3, "LONGEST": 4},
    {"IN_WORDS": 1, "ROW_BITS": 2, "LONGEST": 8},
    {"IN_WORDS": 7, "ROW_BITS": 3, "LONGEST": 8},
]


def load(shape, value):
    rows, longest = 1 << shape["ROW_BITS"], shape["LONGEST"]
    words = packet(BEGIN, 0)
    for row in range(0, rows, longest):
        words += packet(CONTENTS, row, [value] * min(longest, rows - row))
    return words + packet(END, rows)


def draw(shape, rng, frames=300):
    idle = ending(shape["LONGEST"])
    turned = load(shape, 3)
    turned[5] ^= 1 << int(rng.integers(32))
    words = [*idle, *load(shape, 1)]  # what frames wait for where a reset broke a load off
    per_frame = -(-len(words) // 2)  # after a reset two frames are sent, and have to have it
    for wrong in (turned, packet(CONTENTS, 0, [9]), load(shape, 5)[: int(rng.integers(3, 9))]):
        words += [0] * int(rng.integers(100))  # some time in between
        words += [*idle, *wrong, *idle, *load(shape, int(rng.integers(1 << 16)))]
    words += [0] * (per_frame * frames - len(words))
    sent = [int(a) for a in rng.integers(0, 1 << shape["ROW_BITS"], frames * shape["IN_WORDS"])]
    return Data(
        inputs={
            "s_axis": Stream(shape["ROW_BITS"], sent),
            "s_axis_cfg": Stream(32, words, pace=32),
        },
        outputs={"m_axis": Stream(shape["ROW_BITS"] + 1, sent)},
        frames=frames,
    )


def test_config_gate(simulator):
    bench = Bench("config_gate", SHAPES, simulator, around=LOOP, parts=("config_node", "fifo"))
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in SHAPES], seed)
