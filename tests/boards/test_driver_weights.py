"""The board's driver with weights at run time: loads, what is there, one context, samples."""

import json
import zipfile

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

import hw_bnn as hb
from hw_bnn.accelerator.config_stream import load_words
from hw_bnn.boards.images import write_image
from hw_bnn.boards.shell import PORTS
from hw_bnn.boards.simboard import SimulatedBoard, driver, io_document
from hw_bnn.errors import BadInput
from hw_bnn.golden import GoldenModel
from tests.networks.qonnx_graph import random_integers
from tests.networks.shuffled import shuffled
from tests.networks.small_onnx import perceptron

FRAMES, CONTEXTS = 50, 3


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """there: with three contexts, one: with one; new: three networks' weights, with images."""
    folder = tmp_path_factory.mktemp("board")
    first = perceptron((20, 12, 6))
    files = [folder / f"{i}.onnx" for i in range(CONTEXTS)]
    for i, file in enumerate(files):
        onnx.save(shuffled(first, i), file)
    for name, contexts in (("there", CONTEXTS), ("one", 1)):
        hb.compile(files[0], folder / name, name="net", runtime_weights=True, contexts=contexts,
                   check=False, fifo_sizing="none")  # fmt: skip
    hb.weights(files[0], folder / "there", folder / "new", contexts=files[1:])
    hb.weights(files[2], folder / "one", folder / "other")
    there = hb.Accelerator(folder / "there").description
    write_image(there, folder / "new", folder / "new.bin")
    write_image(there, folder / "new", folder / "new2.bin", context=2)
    write_image(hb.Accelerator(folder / "one").description, folder / "other", folder / "other.bin")
    return folder


class Opened:
    """A simulated board of an accelerator, and what its networks give."""

    def __init__(self, place, name):
        self.place, self.accelerator = place, hb.Accelerator(place / name).description
        self.golden = [GoldenModel.from_onnx(place / f"{i}.onnx") for i in range(CONTEXTS)]
        self.x = random_integers(self.golden[0], FRAMES)
        self.scores = np.stack([np.asarray(g.scores(self.x)) for g in self.golden], 1)
        self.port = SimulatedBoard.of(place / name, self.accelerator, PORTS["zynq7000"])
        io = io_document(self.accelerator, self.port.shell)
        self.board = driver().Board(io, self.port, timeout_s=2e-2)


@pytest.fixture(scope="module")
def _boards(place):
    made = {name: Opened(place, name) for name in ("there", "one")}
    yield made
    for opened in made.values():
        opened.port.close()


@pytest.fixture
def there(_boards, place):
    opened = _boards["there"]
    opened.port.reset()
    opened.board.load_weights(place / "new.bin")
    return opened


@pytest.fixture
def one(_boards):
    _boards["one"].port.reset()
    return _boards["one"]


def test_an_image_is_loaded_and_told(one, place):
    names = [json.loads((place / "other.json").read_text())["networks"], one.board.loaded()]
    before, _ = one.board.run(one.x)
    assert (before == one.scores[:, 0]).all()
    one.board.load_weights(place / "other.bin")
    assert one.board.loaded() == list(names[0]) != names[1]
    assert (one.board.run(one.x)[0] == one.scores[:, 2]).all()
    found = one.board.predict(one.x, samples=1)
    assert (found.votes.max(1) == 1).all() and (found.mutual_information == 0).all()
    one.board.load_weights(load_words(one.accelerator, place / "one" / "rtl"))
    assert one.board.loaded() == names[1]


def test_all_contexts_one_of_them_and_samples(there):
    board, x = there.board, there.x
    scores, labels = board.run(x)
    assert (scores == there.scores).all() and labels.shape == (FRAMES, CONTEXTS)
    for context in range(CONTEXTS):
        alone, label = board.run(x, context)
        assert (alone == there.scores[:, context]).all() and (label == labels[:, context]).all()
        assert (board.predict(x, context=context) == label).all()
    assert (board.predict(x) == labels).all()
    real = np.stack([g.real_outputs(s) for g, s in zip(there.golden, there.scores.swapaxes(0, 1),
                                                        strict=True)], 1)  # fmt: skip
    for samples in (CONTEXTS, 2, 1):
        found = board.predict(x, samples=samples)
        p = np.exp(real[:, :samples])
        p /= p.sum(2, keepdims=True)
        mean = p.mean(1)
        total, own = -(mean * np.log(mean)).sum(1), -(p * np.log(p)).sum(2).mean(1)
        assert (found.scores == there.scores[:, :samples]).all()
        assert np.allclose(found.probabilities, mean) and (found.labels == mean.argmax(1)).all()
        assert np.allclose(found.entropy, total)
        assert np.allclose(found.mutual_information, total - own, atol=1e-12)
        each = labels[:, :samples, None] == np.arange(6)
        assert (found.votes == each.sum(1)).all()
    for wrong in ({"samples": 4}, {"samples": 0}, {"samples": 1, "context": 0}):
        with pytest.raises(ValueError, match="give 1 to 3, and no context"):
            board.predict(x, **wrong)
    with pytest.raises(ValueError, match="context is 3, the accelerator has 3"):
        board.run(x, 3)


def test_a_context_is_loaded_in_the_midst_of_a_run(there, place):
    """Frames of the run name another context: all are right, and the load ends before it."""
    board, count = there.board, 40
    board.load_weights(load_words(there.accelerator, place / "there" / "rtl", only=2))
    held = board.loaded()
    assert held[0] == held[2] != held[1]
    board.choose(1)
    frames = np.tile(there.x, (count, 1))[: board.batch]
    pair = board._pair(0)
    board._place(pair[0], frames)
    board.launch(pair[0].address, pair[1].address, len(frames))
    board.load_weights(place / "new2.bin")
    assert not board.read("CTRL") & 4  # the run goes on
    board.finish(len(frames))
    scores, _ = board._take(pair, len(frames))
    right = np.tile(there.scores[:, 1], (count, 1))[: len(frames)]
    assert (scores == right).all()
    assert (board.run(there.x)[0] == there.scores).all()
    assert len(set(board.loaded())) == CONTEXTS


def test_refused_loads_broken_ones_and_aborts(there, place):
    board, rng = there.board, np.random.default_rng(0)
    words = np.fromfile(place / "new2.bin", "<u4")
    for turn in range(6):
        wrong = words.copy()
        wrong[int(rng.integers(36, len(words)))] ^= 1 << int(rng.integers(24))
        with pytest.raises(driver().LoadRefused, match="the load was refused, by fault"):
            board.load_weights(wrong)
        assert (board.run(there.x, turn % 2)[0] == there.scores[:, turn % 2]).all()
        board.load_weights(place / "new2.bin")
        assert (board.run(there.x)[0] == there.scores).all()
    for word in words[:-6]:  # the host dies in mid-load
        while not board.read("CONFIG"):
            there.port.pause()
        board.write("CONFIG", int(word))
    while board.read("CONFIG") < 64:
        there.port.pause()
    assert board.loaded()[2] == "00000000"
    with pytest.raises(driver().RunTimeout, match="aborted"):
        board.run(there.x, 2)
    assert (board.run(there.x, 0)[0] == there.scores[:, 0]).all()  # behind an abort
    board.load_weights(place / "new2.bin")
    assert (board.run(there.x)[0] == there.scores).all()


def test_the_engine_and_the_stage_have_the_port(place):
    for context in (None, 1):
        found = hb.simulate(place / "there", frames=30, seed=1, engine="shell", context=context,
                            weights=place / "new", stall=0.2)  # fmt: skip
        native = hb.simulate(place / "there", frames=30, seed=1, context=context,
                             weights=place / "new")  # fmt: skip
        assert (found.scores == native.scores).all() and (found.labels == native.labels).all()
    summary = hb.verify(place / "there", weights=place / "new", frames=20, also=["shell"])
    assert summary["passed"] and [c["mismatches"]["shell"] for c in summary["contexts"]] == [0] * 3


def test_what_images_are_for_is_checked(place, tmp_path):
    there = hb.Accelerator(place / "there").description
    with pytest.raises(BadInput, match="is not for this accelerator"):
        write_image(there, place / "other", tmp_path / "x.bin")
    with pytest.raises(BadInput, match="context is 3; the accelerator has 3, from 0"):
        write_image(there, place / "new", tmp_path / "x.bin", context=3)


def test_a_zip_brings_images_and_the_driver_that_loads_them(place, tmp_path):
    """What `deploy` packs is what the simulated board runs: selftest, load, samples."""
    hb.Accelerator(place / "there").deploy("pynq-z2", tmp_path / "net.zip", weights=[place / "new"])
    with zipfile.ZipFile(tmp_path / "net.zip") as archive:
        archive.extractall(tmp_path)
    there = hb.Accelerator(place / "there").description
    x = random_integers(GoldenModel.from_onnx(place / "0.onnx"), 10)
    with SimulatedBoard.of(place / "there", there, PORTS["zynq7000"]) as port:
        board = driver().Board(tmp_path / "net" / "net.json", port)
        assert board.selftest()["frames"] == 64
        assert (board.predict(x, samples=3).mutual_information < 1e-12).all()  # one network
        board.load_weights(tmp_path / "net" / "weights" / "new.bin")
        assert (board.predict(x, samples=3).mutual_information > 1e-9).any()
    with pytest.raises(BadInput, match="two folders are called new"):
        hb.Accelerator(place / "there").deploy(
            "pynq-z2", tmp_path / "x.zip", weights=[place / "new"] * 2
        )
