"""hardwired_flow: every vector once, in order, a result a cycle, after exactly LATENCY cycles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hw_bnn.rtl import rtl_sources
from rtl_tests.bench import Bench, Data, Stream
from rtl_tests.pixels import lint

CORE = Path(__file__).with_name("flow_core.sv")
SHAPES = [{"BITS": 8, "LATENCY": 1}, {"BITS": 13, "LATENCY": 2}, {"BITS": 1, "LATENCY": 3},
          {"BITS": 40, "LATENCY": 7}]  # fmt: skip


def draw(shape, rng, frames=60):
    bits = shape["BITS"]
    sent = [int(rng.integers(0, 1 << bits)) for _ in range(frames)]
    inverted = [word ^ (1 << bits) - 1 for word in sent]
    return Data(
        inputs={"s_axis": Stream(bits, sent)},
        outputs={"m_axis": Stream(bits, inverted)},
        frames=frames,
        interval=1,
        latency=shape["LATENCY"],
    )


@pytest.fixture
def sources(monkeypatch):
    """The kernel's files, which may be changed before a bench is built of them."""
    files = rtl_sources("hardwired_flow", checks=True)
    monkeypatch.setattr("rtl_tests.bench.rtl_sources", lambda *_, **__: files)
    return files


def test_hardwired_flow(simulator, sources):
    bench = Bench("hardwired_flow", SHAPES, simulator, around=CORE)
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in SHAPES], seed)


def test_a_register_without_its_reset_is_caught_as_x(sources, tmp_path):
    """What the benches in Icarus are for: registers start as X there, and none may be seen."""
    (flow,) = (path for path in sources if path.stem == "bnn_hardwired_flow")
    text, reset = flow.read_text(), "if (!ap_rst_n) valid <= '0;\n    else if"
    assert text.count(reset) == 1
    mutant = tmp_path / flow.name
    mutant.write_text(text.replace(reset, "if"))
    sources[sources.index(flow)] = mutant
    bench = Bench("hardwired_flow", SHAPES[:2], "icarus", around=CORE)
    rng = np.random.default_rng(3)
    with pytest.raises(AssertionError, match="tvalid is unknown"):
        bench.run([draw(shape, rng) for shape in SHAPES[:2]], 3)


def test_bad_parameters_are_refused():
    assert "LATENCY = 0 must be at least 1" in lint("hardwired_flow", {"LATENCY": 0})


@pytest.mark.parametrize("latency", [1, 4])
def test_lint_is_clean(latency):
    assert lint("hardwired_flow", {"IN_BITS": 9, "OUT_BITS": 5, "LATENCY": latency}) == ""
