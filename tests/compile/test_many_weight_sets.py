"""Many weight sets through the config port of one accelerator, at random moments (on demand).

HW_BNN_MODELS names a folder of published networks; its TFC runs too, where it is there.
"""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn.accelerator.config_stream import CONTENTS, check_status, ending, load_words, packet
from hw_bnn.golden import GoldenModel
from hw_bnn.sim.config import Config
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.packing import pack_input, unpack_output
from tests.networks.qonnx_graph import random_integers
from tests.networks.random_networks import build, random_spec
from tests.networks.shuffled import shuffled
from tests.networks.small_onnx import perceptron

SETS, FRAMES = 100, 100


def demo(folder):
    run = hb.train("digits_mlp", set=["training.epochs=1", "threads=1"], out=folder / "run",
                   tensorboard=False)  # fmt: skip
    return onnx.load(hb.export(run, folder / "demo.onnx"))


def published(_folder):
    path = Path(os.environ.get("HW_BNN_MODELS", "")) / "zoo_TFC_1W1A.onnx"
    if not path.is_file():
        pytest.skip("needs published networks in the folder named by HW_BNN_MODELS")
    return onnx.load(path)


NETWORKS = {
    "demo": (demo, 128),
    "sfc": (lambda _: perceptron((784, 256, 256, 256, 10), bits=1), 1024),
    "published": (published, 64),
    "convolution": (lambda _: build({**random_spec(1), "seed": 1}), None),
}


class Sets:
    """One accelerator in simulation, and the weight sets that go into it, each with its scores."""

    def __init__(self, name, folder):
        make, target = NETWORKS[name]
        self.folder, self.first = folder, make(folder)
        onnx.save(self.first, folder / "first.onnx")
        hb.compile(folder / "first.onnx", folder / "there", runtime_weights=True,
                   target_cycles=target)  # fmt: skip
        self.accelerator = hb.Accelerator(folder / "there").description
        golden = GoldenModel.from_onnx(self.first)
        self.x = random_integers(golden, FRAMES)
        self.words = pack_input(self.accelerator.input, self.x)
        self.present = self.expected(self.first)
        self.model = NativeModel(folder / "there" / "rtl", self.accelerator)

    def expected(self, network):
        golden = GoldenModel.from_onnx(network)
        scores = np.asarray(golden.scores(self.x)).reshape(FRAMES, -1)
        return scores, np.asarray(golden.labels(scores))

    def load(self, seed):
        """The words of a random weight set, and what its network gives."""
        network = shuffled(self.first, seed)
        onnx.save(network, self.folder / "next.onnx")
        hb.weights(self.folder / "next.onnx", self.folder / "there", self.folder / "new",
                   force=True)  # fmt: skip
        return load_words(self.accelerator, self.folder / "new" / "rtl"), self.expected(network)

    def run(self, config, **options):
        """(scores, labels, the port's status) of all frames."""
        run = self.model.run(self.words, config=config, **options)
        return *unpack_output(self.accelerator.output, run.words), run.config_status

    def is_of(self, found, expected):
        """Frame by frame, whether score and label are the network's."""
        return (found[0] == expected[0]).all(axis=1) & (found[1] == expected[1])


def broken(rng, words, skip):
    """Loads that go wrong before their first contents: a turned bit, no such address. An end comes,
    for a packet that nobody takes for one leaves the load open."""
    begin, at = list(words[: skip + 3]), skip + 3
    contents = words[at : at + (int(words[at]) & 0xFFFF) + 3].copy()  # the first packet
    contents[rng.integers(len(contents))] ^= np.uint32(1) << np.uint32(rng.integers(32))
    address = int(rng.integers(1, 1 << 32))
    return [
        np.array([*begin, *contents, *words[:skip], *words[-3:]], np.uint32),
        np.array([*begin, *packet(CONTENTS, address, [1])], np.uint32),
    ]


@pytest.mark.full
@pytest.mark.parametrize("name", NETWORKS)
def test_a_hundred_sets_one_after_the_other(name, tmp_path):
    """Frames of the old set, then of the new, none of both; wrong loads change nothing; every fifth
    load is cut anywhere by the next. Prints what was seen."""
    sets, rng = Sets(name, tmp_path), np.random.default_rng(0)
    seen = {"sets": 0, "frames": 0, "old": 0, "refused": 0, "cut": 0, "differing": 0}
    skip = len(ending(sets.accelerator.config.longest))
    with sets.model:
        for seed in range(1, SETS + 1):
            words, expected = sets.load(seed)
            stall = (float(rng.choice([0, 0.3, 0.9])), float(rng.choice([0, 0.3, 0.9])))
            for wrong in broken(rng, words, skip):
                found = sets.run(Config(wrong, first=False), stall=stall, seed=seed)
                assert found[2] & 5 == 1 and found[2] >> 4 & 15, hex(found[2])
                seen["refused"] += 1
                seen["differing"] += int((~sets.is_of(found, sets.present)).sum())
            if seed % 5 == 0:
                cut = int(rng.integers(skip + 6, len(words)))
                words = np.concatenate([words[:cut], words])
                seen["cut"] += 1
            start = sets.model.run(sets.words, stall=stall, seed=seed).cycles
            gaps = rng.geometric(0.5, len(words)) * rng.integers(2)
            times = rng.integers(start) + np.cumsum(gaps)
            config = Config(words, times, first=False)
            found = sets.run(config, stall=stall, seed=seed)
            check_status(found[2])
            old, new = (sets.is_of(found, s) for s in (sets.present, expected))
            switch = int(np.argmin(old)) if not old.all() else FRAMES
            seen["differing"] += int((~old[:switch]).sum() + (~new[switch:]).sum())
            sets.present = expected
            found = sets.run(None)
            seen["differing"] += int((~sets.is_of(found, expected)).sum())
            seen["sets"] += 1
            seen["old"] += switch
            seen["frames"] += FRAMES
    print(name, seen)
    assert seen["differing"] == 0 and 0 < seen["old"] < seen["frames"]
