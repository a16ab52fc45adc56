"""Wave files hold what happened: an independent reader gives what was captured."""

import subprocess
import sys

import numpy as np
import onnx
import pytest

from hw_bnn.compile import compile_model
from hw_bnn.errors import BadInput
from hw_bnn.sim import capture
from hw_bnn.simulation import simulate
from tests.networks.small_onnx import perceptron
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


FULL = """
import resource, sys
from hw_bnn.errors import BadInput
from hw_bnn.simulation import simulate
folder, waves = sys.argv[1:]
simulate(folder, frames=2, waves=waves, trust=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
try:
    simulate(folder, frames=2000, waves=waves, trust=True)
except BadInput as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


@pytest.mark.slow
def test_a_disk_that_takes_no_more_waves_does_not_end_the_process(tmp_path):
    """The writer of waves would: it calls abort."""
    onnx.save(perceptron(), tmp_path / "net.onnx")
    net = compile_model(tmp_path / "net.onnx", tmp_path / "net", check=False, fifo_sizing="none")
    waves = tmp_path / "x.fst"
    done = subprocess.run(
        [sys.executable, "-c", FULL, net, waves], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert f"the waves {waves} cannot be written: is the disk full?; free some" in done.stdout
    assert not list(tmp_path.glob("x.*"))
