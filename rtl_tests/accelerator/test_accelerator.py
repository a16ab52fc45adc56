"""Protocol tests of a whole accelerator: pauses on both sides, reset in mid-frame, back to back.

A small binary MLP is compiled once; the native engine takes the cross product of pauses, cocotb
with a checker at every stream a smaller one. Expected scores are the golden model's.
"""

import numpy as np
import pytest

from benchmarks.networks import binary_mlp
from hw_bnn.accelerator import Description
from hw_bnn.accelerator.folder import reseal
from hw_bnn.errors import CheckFailed
from hw_bnn.sim import NativeModel, capture, pack_input, unpack_output
from hw_bnn.simulation import simulate

pytestmark = pytest.mark.slow
PAUSES = [0.0, 0.1, 0.5, 0.9]
COCOTB_PAUSES = [0.0, 0.6]


class TB:
    """An accelerator folder, inputs and what must come out."""

    def __init__(self, folder):
        from hw_bnn.compile.build import compile_model
        from hw_bnn.golden import GoldenModel

        model = binary_mlp(folder / "mlp.onnx", [48, 24, 16, 10])
        self.folder = compile_model(model, folder / "mlp", target_cycles=24)
        self.accelerator = Description.load(self.folder)
        golden = GoldenModel.from_onnx(model)
        self.x = np.random.default_rng(1).choice([-1, 1], size=(120, 48))
        self.scores = golden.scores(self.x)
        self.labels = golden.labels(self.scores)

    def check(self, result):
        n = result.frames
        assert (result.scores == self.scores[:n]).all()
        assert (result.labels == self.labels[:n]).all()


@pytest.fixture(scope="module")
def tb(tmp_path_factory):
    return TB(tmp_path_factory.mktemp("accelerator"))


@pytest.mark.parametrize("source", PAUSES)
@pytest.mark.parametrize("sink", PAUSES)
def test_idle_times_back_pressure(tb, source, sink):
    result = simulate(tb.folder, tb.x, stall=(source, sink), seed=7, statistics=True)
    tb.check(result)
    for name, stream in result.streams.items():
        words = next(s.words for s in tb.accelerator.streams if s.name == name)
        assert stream.moved == words * len(tb.x), name


def test_back_to_back_frames_leave_at_the_folding_bound(tb):
    result = simulate(tb.folder, tb.x)
    tb.check(result)
    assert result.cycles_per_frame == tb.accelerator.bound_cycles


def test_one_frame_at_a_time(tb):
    with NativeModel(tb.folder / "rtl", tb.accelerator) as model:
        for i in range(12):
            run = model.run(pack_input(tb.accelerator.input, tb.x[i : i + 1]))
            scores, labels = unpack_output(tb.accelerator.output, run.words)
            assert (scores[0] == tb.scores[i]).all() and labels[0] == tb.labels[i]


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_reset_in_the_middle_of_any_frame(tb, stall):
    """Wherever the reset hits, the first frame after it is right and so are all others."""
    words = tb.accelerator.input.words
    for preamble in {1, 2, words - 1, words, words + 1, 3 * words + words // 2, 10 * words + 1} - {
        0
    }:
        tb.check(simulate(tb.folder, tb.x, limit=20, preamble=preamble, stall=stall))


def test_power_up_bits_do_not_matter(tb):
    for seed in range(5):
        tb.check(simulate(tb.folder, tb.x, limit=20, seed=seed))


def test_pauses_change_no_word_of_any_stream(tb):
    calm, stalled = capture(tb.folder, tb.x[:20]), capture(tb.folder, tb.x[:20], stall=0.5)
    for name in calm:
        assert (calm[name][0] == stalled[name][0]).all(), name
    assert (calm["m_axis"][1] != stalled["m_axis"][1]).any()


@pytest.mark.parametrize("source", COCOTB_PAUSES)
@pytest.mark.parametrize("sink", COCOTB_PAUSES)
def test_with_cocotb_and_a_checker_at_every_stream(tb, source, sink):
    result = simulate(tb.folder, tb.x, engine="cocotb", limit=12, stall=(source, sink), seed=3)
    tb.check(result)
    if not source and not sink:
        assert result.cycles_per_frame == tb.accelerator.bound_cycles
        assert result.latency_cycles == simulate(tb.folder, tb.x, limit=12).latency_cycles


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_a_reset_in_mid_frame_with_cocotb(tb, stall):
    words = tb.accelerator.input.words
    preamble = 2 * words + words // 2 + 1
    tb.check(simulate(tb.folder, tb.x, engine="cocotb", limit=12, stall=stall, preamble=preamble))


def test_a_dropped_handshake_is_caught(tb, tmp_path):
    """A FIFO that sometimes loses a word it takes: the run stops, no score is silently wrong."""
    import shutil

    folder = tmp_path / "mutant"
    shutil.copytree(tb.folder, folder)
    fifo = folder / "rtl" / "bnn_fifo.sv"
    text = fifo.read_text()
    assert text.count("assign push = s_axis_tvalid && s_axis_tready;") == 1
    fifo.write_text(text.replace(
        "assign push = s_axis_tvalid && s_axis_tready;",
        "logic [7:0] n = 0; "
        "always_ff @(posedge ap_clk) n <= n + 8'(s_axis_tvalid && s_axis_tready);"
        "assign push = s_axis_tvalid && s_axis_tready && n != 8'hff;"))  # fmt: skip
    reseal(folder)
    with pytest.raises(CheckFailed, match="hangs|tlast"):
        simulate(folder, tb.x)
