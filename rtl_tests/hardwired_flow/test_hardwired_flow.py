"""hardwired_flow: every vector once and in order, a result a cycle, after exactly LATENCY cycles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hw_bnn.rtl import rtl_sources
from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint

SHAPES = [{"BITS": 8, "LATENCY": 1}, {"BITS": 13, "LATENCY": 2}, {"BITS": 1, "LATENCY": 3},
          {"BITS": 40, "LATENCY": 7}]  # fmt: skip


def draw(shape, rng, frames=60):
    bits = shape["BITS"]
    sent = [int(rng.integers(0, 1 << bits)) for _ in range(frames)]
    inverted = [word ^ (1 << bits) - 1 for word in sent]
    return Data(inputs={"s_axis": Stream(bits, sent)}, outputs={"m_axis": Stream(bits, inverted)},
                frames=frames, interval=1, latency=shape["LATENCY"])


def test_hardwired_flow(simulator, monkeypatch):
    wrapper = Path(__file__).with_name("flow_core.sv")
    files = [*rtl_sources("hardwired_flow", checks=True), wrapper]
    monkeypatch.setattr("rtl_tests.bench.rtl_sources", lambda *_, **__: files)
    bench = Bench("flow_core", SHAPES, simulator)
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in SHAPES], seed)


def test_bad_parameters_are_refused():
    assert "LATENCY = 0 must be at least 1" in lint("hardwired_flow", {"LATENCY": 0})


@pytest.mark.parametrize("latency", [1, 4])
def test_lint_is_clean(latency):
    assert lint("hardwired_flow", {"IN_BITS": 9, "OUT_BITS": 5, "LATENCY": latency}) == ""
