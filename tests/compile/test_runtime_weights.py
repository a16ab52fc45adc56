"""Weights loaded at run time: what the port takes, refuses and never mixes."""

import importlib
import shutil

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn.accelerator.config_stream import BEGIN, CONTENTS, END, ending, load_words, packet
from hw_bnn.errors import BadInput, CheckFailed, Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.rtl import kernels, rtl_sources, rtl_texts
from hw_bnn.sim.config import Config
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.packing import pack_input, unpack_output
from tests.networks.qonnx_graph import random_integers
from tests.networks.random_networks import build, random_spec
from tests.networks.small_onnx import perceptron

SPEC = random_spec(1)
"""A convolution of integers, one of bits, one of wider weights, two pools, a label's affine."""
FRAMES = 60


def network(seed):
    return build({**SPEC, "seed": seed})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """first and second: networks of one structure; there: an accelerator of the first, new: the
    second's weights for it."""
    folder = tmp_path_factory.mktemp("loadable")
    for name, seed in (("first", 1), ("second", 1001)):
        onnx.save(network(seed), folder / f"{name}.onnx")
    hb.compile(folder / "first.onnx", folder / "there", runtime_weights=True, fifo_sizing="none",
               check=False)  # fmt: skip
    hb.weights(folder / "second.onnx", folder / "there", folder / "new")
    return folder


class Loaded:
    """The accelerator in simulation, and what both networks give for the same frames."""

    def __init__(self, place):
        self.accelerator = hb.Accelerator(place / "there").description
        golden = [GoldenModel.from_onnx(place / f"{n}.onnx") for n in ("first", "second")]
        x = random_integers(golden[0], FRAMES)
        self.words = pack_input(self.accelerator.input, x)
        self.scores = [np.asarray(g.scores(x)).reshape(FRAMES, -1) for g in golden]
        self.labels = [np.asarray(g.labels(s)) for g, s in zip(golden, self.scores, strict=True)]
        assert (self.scores[0] != self.scores[1]).any(axis=1).all()  # each frame tells which it is
        self.loads = [load_words(self.accelerator, place / n / "rtl") for n in ("there", "new")]
        self.model = NativeModel(place / "there" / "rtl", self.accelerator)

    def run(self, config=None, frames=FRAMES, **options):
        """(network of each frame: 0, 1, or -1 for neither, the port's status)."""
        run = self.model.run(self.words[:frames], config=config, **options)
        scores, labels = unpack_output(self.accelerator.output, run.words)
        right = [
            (scores == s[:frames]).all(axis=1) & (labels == t[:frames])
            for s, t in zip(self.scores, self.labels, strict=True)
        ]
        return np.where(right[0], 0, np.where(right[1], 1, -1)), run.config_status

    def send(self, words):
        """The status after these words, without frames."""
        run = self.model.run(self.words[:0], config=Config(words, first=False))
        return run.config_status


@pytest.fixture
def loaded(place):
    found = Loaded(place)
    with found.model:
        yield found


def test_the_second_network_runs_and_stays_until_the_next_load(loaded):
    assert (loaded.run()[0] == 0).all()
    assert (loaded.run(Config(loaded.loads[1]), stall=0.3)[0] == 1).all()
    assert (loaded.run()[0] == 1).all()  # a reset is in front of each run
    assert (loaded.run(Config(loaded.loads[0]))[0] == 0).all()


def test_no_frame_mixes_two_networks(loaded):
    """Loads at random moments, words late on the port, both ends stalled, the sink for so long that
    frames stand inside while a load wants to begin."""
    rng, present = np.random.default_rng(0), 0
    for seed in range(12):
        stall, frames = [(0.4, FRAMES), ((0.0, 0.998), 8)][seed % 2]
        end = loaded.model.run(loaded.words[:frames], stall=stall).cycles * 3 // 4
        load = loaded.loads[1 - present]
        times = rng.integers(end) + np.cumsum(rng.geometric(0.5, len(load)) * rng.integers(2))
        config = Config(load, times, first=False)
        which, status = loaded.run(config, frames, stall=stall, seed=seed + 1)
        assert status & 0xFF == 1
        assert (which >= 0).all()
        assert (np.diff((which == present).astype(int)) <= 0).all()  # the old ones, then the new
        present = 1 - present


def several(rng, loaded):
    """Loads with one bit turned, of the first packets' words and of any."""
    first, end = len(ending(loaded.accelerator.config.longest)), len(loaded.loads[1])
    for at in [*rng.integers(first, first + 20, 10), *rng.integers(first, end, 15)]:
        words = loaded.loads[1].copy()
        words[at] ^= np.uint32(1) << np.uint32(rng.integers(32))
        yield words


def test_a_turned_bit_is_told_and_no_frame_sees_half_a_load(loaded):
    rng = np.random.default_rng(1)
    waited = 0
    for words in several(rng, loaded):
        status = loaded.send(words)
        assert status & 0xF0 or not status >> 8 & 0xFF, hex(status)
        if status & 4:
            waited += 1
            assert not status & 1
            with pytest.raises(CheckFailed, match="frames wait for a load"):
                loaded.run(hang_cycles=300)
        else:
            assert (loaded.run()[0] == 0).all()
        assert (loaded.run(Config(loaded.loads[0]))[0] == 0).all()
    assert 0 < waited < 25


def test_a_load_broken_off_is_made_good_by_the_next(loaded):
    rng = np.random.default_rng(2)
    for turn in range(12):
        broken, whole = loaded.loads[turn % 2], loaded.loads[1 - turn % 2]
        words = np.concatenate([broken[: rng.integers(1, len(broken))], whole])
        assert (loaded.run(Config(words))[0] == 1 - turn % 2).all()


def one_packet(loaded, words):
    """A load of one packet that is wrong, the others as they are."""
    skip = len(ending(loaded.accelerator.config.longest))
    begin = list(loaded.loads[1][: skip + 3])
    return np.array([*begin, *words], np.uint32)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (packet(CONTENTS, 1, [1]), 2),  # out of turn
        (packet(CONTENTS, 1 << 31, [1]), 2),
        (packet(CONTENTS, 0), 2),  # none
        (packet(BEGIN, 1), 2),
        (packet(CONTENTS, 0, [0] * 40), 3),  # longer than a packet may be
        (packet(3, 0), 6),  # no such order
        (packet(255, 0, [1]), 6),
        (packet(BEGIN, 0, [1]), 6),
        (packet(END, 0, [7]), 5),  # an end before all is there
        (packet(END, 1, [7]), 2),
        (packet(END, 0), 6),  # without a name
        (packet(END, 0, [7, 7]), 6),
        ([*packet(CONTENTS, 0, [1])[:3], 0], 1),
        ([*packet(CONTENTS, 0, [1])[:3], packet(CONTENTS, 0, [1])[3] ^ 1 << 31], 1),
    ],
)
def test_what_is_wrong_changes_nothing_and_is_told(loaded, wrong, code):
    status = loaded.send(one_packet(loaded, wrong))
    assert (status >> 4 & 15, status & 5) == (code, 1), hex(status)
    assert (loaded.run()[0] == 0).all()


def test_contents_twice_left_out_or_too_many_are_told(loaded):
    """Every packet has its turn; a load that is short, or goes on, never counts as one."""
    words, longest = [int(w) for w in loaded.loads[1]], loaded.accelerator.config.longest
    total, first = loaded.accelerator.config.total, len(ending(longest)) + 3
    begin, size = words[:first], longest + 3
    whole = [words[at : at + size] for at in range(first, len(words) - 4, size)]
    whole[-1] = whole[-1][: (whole[-1][0] & 0xFFFF) + 3]
    rng, end = np.random.default_rng(4), packet(END, total, [9])
    picked = [int(i) for i in rng.integers(1, len(whole) - 1, 4)]
    wrong = [(whole[:i] + whole[i + 1 :], 2) for i in picked]
    wrong += [(whole[:i] + whole[i - 1 :], 2) for i in picked]
    wrong += [([*whole, packet(CONTENTS, total, [5])], 2), ([*whole[:-1], packet(END, 0, [9])], 2)]
    wrong += [([*whole[:-1], packet(END, longest * (len(whole) - 1), [9])], 5)]
    long = packet(CONTENTS, longest * (len(whole) - 1), [7] * longest)  # beyond the load's end
    wrong += [([*whole[:-1], long], 2)] if total % longest else []
    for made, code in wrong:
        status = loaded.send(np.array([*begin, *sum(made, []), *end], np.uint32))
        assert status >> 4 & 15 == code and not status >> 8 & 0xFF, hex(status)
        assert (loaded.run(Config(loaded.loads[0]))[0] == 0).all()


def test_contents_outside_a_load_change_nothing(loaded):
    skip = len(ending(loaded.accelerator.config.longest))
    status = loaded.send(loaded.loads[1][skip + 3 :])
    assert status >> 4 & 15 == 4
    assert (loaded.run()[0] == 0).all()


def test_every_memory_is_in_the_load(place, loaded):
    """Random contents, through the port and as files: the same words come out."""
    folder, rng = place / "random", np.random.default_rng(3)
    shutil.copytree(place / "there" / "rtl", folder)
    memories = [m for n in loaded.accelerator.nodes for m in n.memories if m.number is not None]
    assert {m.number for m in memories} >= {0, 1, 3, 4}
    loads = [loaded.loads[0]]
    for memory in memories:  # one after the other, so that each is seen to matter by itself
        lines = [f"{rng.bytes(64).hex()[: -(-memory.bits // 4)]}" for _ in range(memory.words)]
        cut = (1 << memory.bits) - 1
        text = "\n".join(f"{int(line, 16) & cut:x}" for line in lines)
        (folder / memory.file).write_text(text + "\n")
        loads.append(load_words(loaded.accelerator, folder))
        with NativeModel(folder, loaded.accelerator) as other:
            expected = other.run(loaded.words).words
        found = loaded.model.run(loaded.words, config=Config(loads[-1])).words
        assert (found == expected).all(), memory.file


def test_verify_runs_all_stages_with_the_new_weights(place):
    summary = hb.verify(place / "there", weights=place / "new", frames=40)
    assert summary["passed"], summary["mismatches"]
    assert summary["frames"]["rtl"] == 40
    shards = hb.simulate(place / "there", weights=place / "new", frames=40, jobs=2)
    whole = hb.simulate(place / "there", weights=place / "new", frames=40)
    assert (shards.scores == whole.scores).all()


@pytest.mark.parametrize("stage", ["hls", "lanes"])
def test_verify_refuses_stages_without_the_port_before_any_work(place, monkeypatch, stage):
    for work in ("golden_model", "load_frames", "_golden", "_compile"):
        module = importlib.import_module(
            "hw_bnn.verify.verify"
        )  # the package has a function of that name
        monkeypatch.setattr(module, work, lambda *a, **k: pytest.fail("work"))
    with pytest.raises(Unsupported, match="weights"):
        hb.verify(place / "there", weights=place / "new", also=[stage])
    with pytest.raises(Unsupported, match="weights"):
        hb.verify(place / "first.onnx", runtime_weights=True, also=[stage])


def test_what_does_not_fit_is_named(place, tmp_path):
    for sizes, told in (
        ((16, 8, 8, 4), "layer1: it has weights of"),
        ((16, 12, 4), "layer0: it has weights of"),
    ):
        onnx.save(perceptron((16, 8, 4)), tmp_path / "one.onnx")
        onnx.save(perceptron(sizes), tmp_path / "other.onnx")
        if not (tmp_path / "a").exists():
            hb.compile(tmp_path / "one.onnx", tmp_path / "a", runtime_weights=True, check=False,
                       fifo_sizing="none")  # fmt: skip
        with pytest.raises(BadInput, match=told):
            hb.weights(tmp_path / "other.onnx", tmp_path / "a", tmp_path / "w")
    with pytest.raises(BadInput, match="is not for this accelerator"):
        hb.simulate(tmp_path / "a", weights=place / "new", frames=2)
    with pytest.raises(Unsupported, match="HLS code does not serve the port"):
        hb.hls(tmp_path / "a")
    with pytest.raises(Unsupported, match="a packaged IP does not serve the port"):
        hb.package(tmp_path / "a", tmp_path / "ip")
    with pytest.raises(BadInput, match="hardwired= and runtime_weights="):
        hb.compile(tmp_path / "one.onnx", tmp_path / "b", runtime_weights=True, hardwired="all")


def test_a_board_is_filled_by_the_folding_that_is_built(tmp_path):
    """Not by the registers that the port would take unfolded, 100,352 in the first layer."""
    onnx.save(perceptron((784, 128, 10), bits=1), tmp_path / "wide.onnx")
    made = hb.compile(tmp_path / "wide.onnx", tmp_path / "wide", runtime_weights=True, check=False,
                      fifo_sizing="none", board="pynq-z2", target_cycles=784)  # fmt: skip
    assert made.estimate["ff"] < 3000


def test_what_is_loaded_at_the_start_is_a_file_of_the_accelerator(place, tmp_path):
    """Whoever takes the sources takes it, and misses it."""
    there = hb.Accelerator(shutil.copytree(place / "there", tmp_path / "there"), trust=True)
    (told,) = {name for name in there.description.rtl_files if name.endswith("_loaded.hex")}
    (there.folder / told).unlink()
    with pytest.raises(BadInput, match=there.description.config.loaded):
        hb.simulate(there.folder, frames=1, trust=True)


def test_modules_without_the_option_know_nothing_of_it():
    own = {"config_gate", "config_node"}
    parts = sorted(kernels() - own)
    plain, writable = rtl_texts(*parts), rtl_texts(*parts, writable=True)
    assert not any("cfg" in text or "CONFIG" in text for text in plain.values())
    shared = plain.keys() & writable.keys()
    assert all(plain[name] == writable[name] for name in shared)
    assert sum(name.startswith("bnn_writable_") for name in writable) >= 9
    assert set(plain) == {path.name for path in rtl_sources(*parts)}
