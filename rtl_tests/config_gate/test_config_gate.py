"""config_gate: frames pass as they are, and none of them meets two loads; right loads, packets that
are refused and loads that are broken off come in between.

What each wrong packet is told as, and that it changes nothing, is tested on whole accelerators
(tests/compile/test_runtime_weights.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hw_bnn.accelerator.config_stream import CONTENTS, ending, load_of, packet
from rtl_tests.bench import Bench, Data, Memory, Stream

LOOP = Path(__file__).with_name("config_loop.sv")
SHAPES = [
    {"IN_WORDS": 3, "ROW_BITS": 3, "LONGEST": 4},
    {"IN_WORDS": 1, "ROW_BITS": 2, "LONGEST": 8},
    {"IN_WORDS": 7, "ROW_BITS": 3, "LONGEST": 8},
    {"IN_WORDS": 3, "ROW_BITS": 2, "LONGEST": 4, "CONTEXTS": 3},
    {"IN_WORDS": 1, "ROW_BITS": 2, "LONGEST": 8, "CONTEXTS": 2},
]


def load(shape, values):
    """Of contexts, each with its value in all rows."""
    rows = 1 << shape["ROW_BITS"]
    contents = {c: np.full(rows, value, "<u4") for c, value in values.items()}
    return [int(word) for word in load_of(contents, shape["LONGEST"])]


def draw(shape, rng, frames=300):
    idle = ending(shape["LONGEST"])
    contexts = shape.get("CONTEXTS", 1)

    def some(value):
        chosen = rng.permutation(contexts)[: int(rng.integers(1, contexts + 1))]
        return load(shape, {int(c): value + int(c) for c in chosen})

    turned = some(3)
    turned[len(idle) + 5] ^= 1 << int(rng.integers(32))
    words = load(
        shape, dict.fromkeys(range(contexts), 1)
    )  # what frames wait for where a reset broke a load off
    per_frame = -(-len(words) // 2)  # after a reset two frames are sent, and have to have it
    for wrong in (
        turned,
        packet(CONTENTS, 0, [9]),
        some(5)[len(idle) :][: int(rng.integers(3, 9))],
    ):
        words += [0] * int(rng.integers(100))  # some time in between
        words += [*idle, *wrong]
        whole = load(shape, dict.fromkeys(range(contexts), 9))  # where a context waits for one
        words += [*whole, *some(int(rng.integers(1 << 15)))]
    words += [0] * (per_frame * frames - len(words))
    size = shape["IN_WORDS"]
    sent = [int(a) for a in rng.integers(0, 1 << shape["ROW_BITS"], frames * size)]
    names = np.repeat(rng.integers(0, contexts + 1 if contexts > 1 else 1, frames), size)
    given = [a | int(n) << shape["ROW_BITS"] for a, n in zip(sent, names, strict=True)]
    return Data(
        inputs={
            "s_axis": Stream(shape["ROW_BITS"] + 8, given),
            "s_axis_cfg": Stream(32, words, pace=32),
        },
        outputs={"m_axis": Stream(shape["ROW_BITS"] + 1, sent)},
        files={"LOADED_FILE": Memory(32, [0] * contexts)},
        frames=frames,
    )


def test_config_gate(simulator):
    bench = Bench("config_gate", SHAPES, simulator, around=LOOP, parts=("config_node", "fifo"))
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in SHAPES], seed)
