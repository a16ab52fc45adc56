"""fifo: order, capacity and latency; the form with capacities set at run time is the same,
cycle by cycle."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import ALL_SCENARIOS, Bench, Data, Stream
from rtl_tests.packing import random_bits

SHAPES = [
    {"BITS": bits, "DEPTH": depth}
    for bits, depth in [
        (1, 1),
        (8, 1),
        (13, 2),
        (8, 3),
        (32, 4),
        (9, 17),
        (8, 64),
        (5, 65),
        (16, 100),
        (8, 128),
    ]
]
SCENARIOS = (*ALL_SCENARIOS, "capacity", "trace")


def draw(shape, rng, frames=300):
    stream = Stream(shape["BITS"], [random_bits(rng, shape["BITS"]) for _ in range(frames)])
    return Data(
        inputs={"s_axis": stream},
        outputs={"m_axis": stream},
        frames=frames,
        interval=1,
        latency=1,
        capacity=shape["DEPTH"],
    )


def run(shapes, simulator, seed, defines=None):
    rng = np.random.default_rng(seed)
    bench = Bench("fifo", shapes, simulator, defines)
    return bench.run([draw(shape, rng) for shape in shapes], seed, SCENARIOS)


def test_fifo(simulator):
    """Both forms: all scenarios, and the same handshakes in every cycle of a stalled run."""
    hardware = run(SHAPES, simulator, 1)
    simulation = run(SHAPES, simulator, 1, {"HW_BNN_SIM": 1})
    assert hardware.count("\n") == 1200
    assert simulation == hardware
