"""Wave files hold what happened: an independent reader gives what was captured."""

import numpy as np
import pytest

from hw_bnn.errors import BadInput
from hw_bnn.sim import capture
from hw_bnn.simulation import simulate
from tests.sim.fst_reader import Fst
from tests.sim.toy_accelerator import random_inputs

PERIOD_PS = 10_000


def test_waves_hold_every_transfer(toy, tmp_path):
    x = random_inputs(30)
    result = simulate(toy.folder, x, waves=tmp_path / "all.fst", stall=0.3, seed=4)
    assert (result.scores == toy.expected(x)[0]).all() and result.waves == tmp_path / "all.fst"
    fst = Fst(tmp_path / "all.fst")
    for name, (words, cycles) in capture(toy.folder, x, stall=0.3, seed=4).items():
        scope = f"bnn_bench.dut.{name}"
        seen = []
        for cycle in range(result.cycles):
            time = cycle * PERIOD_PS
            if fst.at(f"{scope}_tvalid", time) and fst.at(f"{scope}_tready", time):
                seen.append((cycle, fst.at(f"{scope}_tdata", time)))
        values = [int.from_bytes(w.tobytes(), "little") for w in words.reshape(-1, words.shape[2])]
        assert seen == list(zip(cycles.ravel().tolist(), values, strict=True)), name


def test_a_window_holds_its_cycles_alone(toy, tmp_path):
    x = random_inputs(200)
    simulate(toy.folder, x, waves=tmp_path / "part.fst", window=(500, 520))
    clock = Fst(tmp_path / "part.fst").changes("bnn_bench.dut.ap_clk")
    times = [time for time, _ in clock]
    assert min(times) == 500 * PERIOD_PS and 519 * PERIOD_PS <= max(times) < 520 * PERIOD_PS
    assert (np.diff(sorted(set(times))) == PERIOD_PS // 2).all()


def test_the_signal_list_names_signals_of_the_file(toy, tmp_path):
    simulate(toy.folder, random_inputs(5), waves=tmp_path / "few.fst")
    known = Fst(tmp_path / "few.fst").signals
    lines = (tmp_path / "few.gtkw").read_text().splitlines()
    listed = [line.split("[")[0] for line in lines if line.startswith("bnn_bench.")]
    assert '[dumpfile] "few.fst"' in lines and len(listed) == 2 + 3 * 5
    assert set(listed) <= set(known)


@pytest.mark.parametrize(
    "name, says", [("x.vcd", "let the name end in .fst"), ("no/x.fst", "cannot")]
)
def test_files_that_cannot_be_written_are_refused(toy, tmp_path, name, says):
    with pytest.raises(BadInput, match=says):
        simulate(toy.folder, random_inputs(2), waves=tmp_path / name)
