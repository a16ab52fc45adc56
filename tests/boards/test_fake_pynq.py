"""`Board.load` and its pynq port, with a stand-in for the package pynq in front of the
simulated board.

The stand-in takes what pynq's documentation says that its calls take, and refuses the rest; pynq
itself is not run.
"""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from hw_bnn.accelerator import Description
from hw_bnn.boards.shell import PORTS
from hw_bnn.boards.simboard import SimulatedBoard, driver, io_document
from hw_bnn.golden import GoldenModel

pytestmark = pytest.mark.slow
BASE = 0xA000_0000


def fake_pynq(board, kind):
    """A module with what the driver uses of pynq; `kind` is the overlay's type of IP."""
    pynq = ModuleType("pynq")

    class MMIO:
        def __init__(self, base_addr, length=4):
            assert base_addr == BASE and length == 4096

        def read(self, offset):
            value = board.read32(offset)
            return value - (value >> 31 << 32)  # as PYNQ.remote 3.1 gives it

        def write(self, offset, value):
            assert type(value) is int  # as pynq: a numpy integer is refused
            board.write32(offset, value)

    def allocate(shape, dtype):
        assert dtype is np.uint8
        made = board.buffer(shape[0])
        array = made.array.view(Contiguous)
        array.device_address = made.address
        array.flush = lambda: board.flush(made)
        array.invalidate = lambda: board.invalidate(made)
        array.freebuffer = lambda: board.free(made)
        return array

    class Overlay:
        def __init__(self, bitfile, download=True):
            assert download is False and bitfile.endswith(".bit")
            self.clock_dict = {
                "FCLK0": {"enable": 1, "frequency": None},
                "FCLK1": {"enable": 0, "frequency": None},
            }
            self.ip_dict = {
                "bnn": {"type": f"hw_bnn:user:{kind}:1.0", "phys_addr": BASE},
                "ps": {"type": "xilinx.com:ip:zynq_ultra_ps_e:3.5"},
            }

        def download(self):
            assert self.clock_dict["FCLK0"]["frequency"] == 100.0  # pynq 4.0.0 divides by it
            board.reset()

    pynq.MMIO, pynq.allocate, pynq.Overlay = MMIO, allocate, Overlay
    pynq.Clocks = SimpleNamespace(fclk0_mhz=0.0)
    return pynq


class Contiguous(np.ndarray):
    """An array that takes attributes, as pynq's buffers are."""


@pytest.fixture
def bit(folder, tmp_path):
    accelerator = Description.load(folder)
    with SimulatedBoard.of(folder, accelerator, PORTS["zynqmp"]) as board:
        golden = GoldenModel.from_onnx(folder / "model.onnx")
        x = np.random.default_rng(3).choice([-1, 1], (70, 24))
        scores = golden.scores(x)
        np.savez(tmp_path / "golden.npz", x=x, scores=scores)
        io = {**io_document(accelerator, board.shell), "golden": "golden.npz"}
        (tmp_path / "mlp.json").write_text(json.dumps(io))
        yield SimpleNamespace(path=str(tmp_path / "mlp.bit"), board=board, x=x, scores=scores)


def test_load_selftest_and_run(bit, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynq", fake_pynq(bit.board, "bnn_overlay"))
    port = driver().PynqPort
    monkeypatch.setattr(port, "now", lambda self: bit.board.now())
    monkeypatch.setattr(port, "pause", lambda self: bit.board.pause())
    monkeypatch.setattr(port, "window_s", 1e-4)
    board = driver().Board.load(bit.path, batch=16)
    board.write("SRC_LO", 0x8000_0001)
    assert board.read("SRC_LO") == 0x8000_0001
    assert board.clock_mhz == 100.0 and board.timeout_s == 10.0
    slow = driver().Board.load(
        bit.path, frequency_mhz=1e-6
    )  # the patience is by the clock that is set
    assert slow.timeout_s == 4 * 1024 * board.io["bound_cycles"]
    told = board.selftest()
    assert told["frames"] == 70 and abs(told["clock_mhz"] - 100) < 0.1
    np.testing.assert_array_equal(board.run(bit.x)[0], bit.scores)
    board.close()


def test_an_overlay_of_something_else(bit, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynq", fake_pynq(bit.board, "axi_dma"))
    with pytest.raises(driver().WrongBitstream, match="holds 0 IPs of type bnn_overlay"):
        driver().Board.load(bit.path)
