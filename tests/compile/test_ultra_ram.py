"""Weights in UltraRAM: empty at the start, filled through the port before the first frame."""

import json
import zipfile

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

import hw_bnn as hb
from hw_bnn.accelerator.config_stream import load_words
from hw_bnn.boards.shell import PORTS
from hw_bnn.boards.simboard import SimulatedBoard, driver
from hw_bnn.errors import BadInput, CheckFailed, Unsupported
from hw_bnn.sim.config import Config
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.packing import pack_input
from tests.networks.small_onnx import perceptron

SIZES = (512, 512, 10)  # 2 lanes of 32 weights in 4,096 cycles: a block


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ultra")
    for seed in range(3):
        onnx.save(perceptron(SIZES, seed=seed), folder / f"{seed}.onnx")
    hb.compile(folder / "0.onnx", folder / "there", runtime_weights=True, contexts=2,
               memory="ultra", board="zcu104", target_cycles=4096)  # fmt: skip
    return folder


def frames(description, count):
    contract = description.input
    rng = np.random.default_rng(0)
    return rng.integers(contract.minimum, contract.maximum, (count, *contract.shape), endpoint=True)


def test_no_frame_enters_before_the_first_load(place):
    """Not after a reset, nor after a load of one of two contexts."""
    there = hb.Accelerator(place / "there").description
    words, rtl = pack_input(there.input, frames(there, 2)), place / "there" / "rtl"
    with NativeModel(rtl, there, filled=False) as model:
        for only in (None, 0):
            if only is not None:
                model.run(words[:0], config=Config(load_words(there, rtl, only=only)))
            assert not model.config_status & 1
            with pytest.raises(CheckFailed, match="frames wait for a load .* or none are there"):
                model.run(words, hang_cycles=300)
        assert [model.loaded(1), model.loaded(0) != 0] == [0, True]
        with NativeModel(rtl, there) as filled:
            found = model.run(words, config=Config(load_words(there, rtl, only=1)))
            assert (found.words == filled.run(words).words).all()


def test_every_stage_and_engine_agrees(place):
    there = place / "there"
    description = hb.Accelerator(there).description
    first, *others = [n for n in description.nodes if n.kernel.endswith("mvau")]
    assert first.parameters["WEIGHTS_STYLE"] == "ultra" and first.resources.uram == 2
    assert not any(n.parameters.get("WEIGHTS_STYLE") == "ultra" for n in others)
    assert description.resources.uram == 2 and description.config.empty
    assert hb.verify(there, frames=12)["passed"]
    hb.weights(place / "1.onnx", there, place / "new", contexts=[place / "2.onnx"])
    assert hb.verify(there, weights=place / "new", frames=12)["passed"]
    x = frames(description, 6)
    native = hb.simulate(there, x)
    for options in ({"engine": "cocotb"}, {"engine": "shell"}, {"jobs": 2}, {"preamble": 5}):
        assert (hb.simulate(there, x, **options).scores == native.scores).all(), options


def test_synthesis_takes_what_the_estimate_says(place):
    there = hb.Accelerator(place / "there")
    total = hb.synth(there.folder, family="xcup")["total"]
    told = there.description.resources
    assert (total["uram"], total["bram"]) == (told.uram, told.bram)
    assert abs(told.lut / total["lut"] - 1) < 0.15
    with pytest.raises(BadInput, match="UltraRAM, which Xilinx 7-series .* has not; use family="):
        hb.synth(there.folder)
    with pytest.raises(Unsupported, match="cells without a model: .*URAM288"):
        hb.simulate(there.folder, frames(there.description, 1), engine="netlist", family="xcup")


def test_a_part_alone_has_the_prices_of_a_board_with_ultraram(place, tmp_path):
    made = hb.compile(place / "0.onnx", tmp_path / "part", runtime_weights=True, memory="ultra",
                      part="xczu7ev-ffvc1156-2-e", target_cycles=4096,
                      fifo_sizing="none")  # fmt: skip
    assert made.description.resources.uram == 1


def test_the_driver_fills_the_board_of_a_zip(place, tmp_path):
    """What a user has: the files of the zip; without its load a run ends with the reason."""
    there = hb.Accelerator(place / "there").description
    hb.deploy(place / "there", "zcu104", tmp_path / "there.zip")
    with zipfile.ZipFile(tmp_path / "there.zip") as archive:
        archive.extractall(tmp_path)
    (document,) = tmp_path.glob("*/0.json")
    x = frames(there, 5)
    with SimulatedBoard.of(place / "there", there, PORTS["zynqmp"]) as port:
        io = json.loads(document.read_text())
        io.pop("fill")
        empty = driver().Board(io, port, timeout_s=2e-4)
        assert empty.loaded() == ["00000000"] * 2
        with pytest.raises(driver().RunTimeout, match="frames wait for weights: load_weights"):
            empty.run(x)
        board = driver().Board(document, port, timeout_s=5e-2)
        scores, labels = board.run(x)
        assert set(board.loaded()) <= set(board.io["networks"])
    simulated = hb.simulate(place / "there", x)
    assert (scores == simulated.scores).all() and (labels == simulated.labels).all()


@pytest.mark.parametrize("options, says", [
    (dict(memory="ultra"), "without runtime_weights=.*give runtime_weights=True"),
    (dict(memory="ultra", runtime_weights=True, board="pynq-z1"), "pynq-z1 has no UltraRAM; use "
     "one of .*zcu104"),
    (dict(memory="ultra", runtime_weights=True, board="ultra96-v2"), "ultra96-v2 has no UltraRAM"),
    (dict(memory="ultra", runtime_weights=True, part="xc7z020clg400-1"), "xc7z020.* no UltraRAM"),
    (dict(memory="huge"), "there is no memory 'huge'; use one of auto, lut, block, ultra"),
])  # fmt: skip
def test_where_it_cannot_be_is_told(place, options, says):
    with pytest.raises(BadInput, match=says):
        hb.compile(place / "0.onnx", place / "no", **options)
    assert not (place / "no").exists()
