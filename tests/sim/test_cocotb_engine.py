"""The cocotb engine: the same scores and cycles as the native one, and checkers that fire."""

import numpy as np
import pytest

from hw_bnn.accelerator.folder import reseal
from hw_bnn.errors import BadInput, CheckFailed, MissingTool
from hw_bnn.sim import cocotb_engine
from hw_bnn.simulation import simulate
from tests.sim.toy_accelerator import WORDS, describe, make_toy, random_inputs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return make_toy(tmp_path_factory.mktemp("cocotb") / "toy"), random_inputs(40)


def test_unstalled_cycles_equal_the_native_engine(shared):
    toy, x = shared
    native, cocotb = simulate(toy.folder, x), simulate(toy.folder, x, engine="cocotb")
    assert (cocotb.scores == toy.expected(x)[0]).all()
    assert (cocotb.labels == toy.expected(x)[1]).all()
    assert cocotb.cycles_per_frame == native.cycles_per_frame
    assert cocotb.latency_cycles == native.latency_cycles
    assert cocotb.cycles == native.cycles


def test_pauses_on_both_sides_and_a_reset_in_mid_frame(shared):
    toy, x = shared
    result = simulate(toy.folder, x, engine="cocotb", stall=(0.5, 0.4), preamble=WORDS + 1, seed=3)
    assert (result.scores == toy.expected(x)[0]).all()
    assert result.cycles_per_frame > 5


def change(toy, file, old, new):
    path = toy.folder / "rtl" / file
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    reseal(toy.folder)


def test_the_bound_checker_names_the_stream(toy):
    """A word taken back between two inner nodes, which no port of the top shows."""
    change(toy, "toy_layer.v", "assign m_axis_tvalid = left != 0;",
           "reg hide = 0; always @(posedge ap_clk) hide <= m_axis_tvalid & !m_axis_tready;"
           "assign m_axis_tvalid = left != 0 && !hide;")  # fmt: skip
    with pytest.raises(CheckFailed, match="check_dots.*tvalid was taken back"):
        simulate(toy.folder, random_inputs(30), engine="cocotb", stall=(0.0, 0.6))


def test_hangs_and_wrong_tlast_are_reported(toy):
    change(toy, "toy_argmax.v", "assign s_axis_tready = m_axis_tready;",
           "reg [7:0] n = 0; always @(posedge ap_clk) if (!ap_rst_n) n <= 0; else "
           "if (s_axis_tvalid && s_axis_tready) n <= n + 1;"
           "assign s_axis_tready = m_axis_tready && n != 7;")  # fmt: skip
    change(toy, "toy_argmax.v", "assign m_axis_tvalid = s_axis_tvalid;",
           "assign m_axis_tvalid = s_axis_tvalid && n != 7;")  # fmt: skip
    with pytest.raises(CheckFailed, match="hangs.*out: frame 1.*blocked: .*scores") as caught:
        simulate(toy.folder, random_inputs(30), engine="cocotb")
    assert "scores: fifo_1 -> argmax_0: BLOCKED" in str(caught.value)
    change(toy, "toy_argmax.v", "m_axis_tlast  = index == N - 1", "m_axis_tlast  = index == N - 2")
    with pytest.raises(CheckFailed, match="frame 0 has 8 bytes up to tlast, expected 10"):
        simulate(toy.folder, random_inputs(3), engine="cocotb")


def test_a_checker_is_bound_to_every_stream():
    text = cocotb_engine.bind_checkers(describe())
    assert text.count("bind bnn_accelerator bnn_stream_checker") == len(describe().streams)
    assert "check_result" in text and ".tdata(result_tdata)" in text


@pytest.mark.parametrize("options, says", [
    (dict(throttle=2), "does not offer a throttle; use the engine native"),
    (dict(waves="x.fst"), "does not offer waves; use the engine native or netlist"),
    (dict(preamble=10**6), "preamble"), (dict(jobs=2), "several jobs"),
])  # fmt: skip
def test_options_it_does_not_have_are_refused(shared, options, says):
    toy, x = shared
    with pytest.raises(BadInput, match=says):
        simulate(toy.folder, x[:2], engine="cocotb", **options)


def test_absent_cocotb_says_how_to_get_it(shared, monkeypatch):
    toy, x = shared
    monkeypatch.setattr(cocotb_engine, "_missing", lambda name: name == "cocotbext.axi")
    with pytest.raises(MissingTool, match="cocotbext-axi is not installed.*pip install"):
        simulate(toy.folder, x[:1], engine="cocotb")


def test_inputs_are_those_of_the_contract(shared):
    with pytest.raises(BadInput, match="shape"):
        simulate(shared[0].folder, np.ones((2, 3), int), engine="cocotb")
