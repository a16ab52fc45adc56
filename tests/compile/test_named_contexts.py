"""Frames that name the context they run through; contexts are loaded while others compute."""

import numpy as np
import pytest

pytest.importorskip("finn")

import hw_bnn as hb
from hw_bnn.accelerator.config_stream import (
    BEGIN,
    CONTENTS,
    END,
    NEXT,
    context_contents,
    ending,
    load_of,
    load_words,
    name_of,
    packet,
)
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.golden import GoldenModel
from hw_bnn.sim.config import Config
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.packing import pack_input, unpack_output
from tests.compile.test_contexts import expected, made, random_network
from tests.networks.qonnx_graph import random_integers
from tests.networks.small_onnx import perceptron

FRAMES = 60


class Named:
    """An accelerator in simulation, what its contexts hold, and networks that may come."""

    def __init__(self, folder, first, contexts, **options):
        self.there, self.files = made(folder, first, contexts, **options)
        self.accelerator = hb.Accelerator(self.there).description
        self.contexts, self.longest = contexts, self.accelerator.config.longest
        self.x = random_integers(GoldenModel.from_onnx(self.files[0]), FRAMES)
        self.words = pack_input(self.accelerator.input, self.x)
        self.right = expected(self.files, self.x)  # of all networks
        self.contents = []
        for i, file in enumerate(self.files):
            hb.weights(file, self.there, folder / f"weights{i}")
            self.contents += context_contents(self.accelerator, folder / f"weights{i}" / "rtl")[:1]
        self.holds = list(range(contexts))
        self.single = self.accelerator.output.model_copy(update={"results": 1})
        self.model = NativeModel(self.there / "rtl", self.accelerator)
        self.run(config=Config(self.load(dict(enumerate(self.holds)))))

    def load(self, networks):
        """The load of {context: number of a network}."""
        return load_of({c: self.contents[n] for c, n in networks.items()}, self.longest)

    def run(self, names=None, **options):
        names = np.zeros(FRAMES, np.uint8) if names is None else np.asarray(names, np.uint8)
        return self.model.run(self.words[: len(names)], names=names, **options)

    def results(self, run, name):
        """(scores (N, k, n), labels (N, k)) of a run's frames, were they all of this name."""
        count = self.accelerator.output.results if name == 0 else 1
        each = [
            unpack_output(self.single, run.words[:, i : i + self.single.words])
            for i in range(0, count * self.single.words, self.single.words)
        ]
        return np.stack([s for s, _ in each], 1), np.stack([t for _, t in each], 1)

    def is_of(self, run, names, holds):
        """(N,): a frame's results are those of the contexts that it names, holding these."""
        names = np.asarray(names)
        good = np.zeros(len(names), bool)
        for name in np.unique(names):
            scores, labels = self.results(run, name)
            networks = list(holds) if name == 0 else [holds[name - 1]]
            mine = np.flatnonzero(names == name)
            right = [a[: len(names), networks][mine] for a in self.right]
            good[mine] = (scores[mine] == right[0]).all((1, 2)) & (labels[mine] == right[1]).all(1)
        return good

    def is_right(self, names, **options):
        return self.is_of(self.run(names, **options), names, self.holds).all()


NETWORKS = {
    "convolution": (random_network(1), 2),
    "perceptron": (lambda: perceptron((20, 12, 6)), 3),
}


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """builds(name): one of NETWORKS, built once; all contexts hold a network of their own."""
    made_ones = {}

    def get(name):
        if name not in made_ones:
            network, contexts = NETWORKS[name]
            made_ones[name] = Named(tmp_path_factory.mktemp("named"), network(), contexts)
        built = made_ones[name]
        built.holds = list(range(built.contexts))
        built.run(config=Config(built.load(dict(enumerate(built.holds)))))
        return built

    yield get
    for built in made_ones.values():
        built.model.close()


@pytest.fixture(params=NETWORKS)
def named(request, builds):
    return builds(request.param)


@pytest.fixture
def dense(builds):
    return builds("perceptron")


def test_each_frame_runs_through_the_context_that_it_names(named):
    rng = np.random.default_rng(0)
    for stall in (0.0, 0.4, (0.0, 0.95), (0.9, 0.0)):
        for low in (0, 1):
            names = rng.integers(low, named.contexts + 1, FRAMES)
            assert named.is_right(names, stall=stall)
    names = np.arange(FRAMES) % named.contexts + 1
    one, all_of_them = named.run(names), named.run()
    bound = named.accelerator.bound_cycles / named.contexts
    assert one.cycles_per_frame <= bound + 1  # no waiting where contexts take turns
    assert all_of_them.cycles_per_frame <= named.accelerator.bound_cycles + 1
    assert named.is_right(names, preamble=3)  # a reset among frames


def test_a_context_is_loaded_while_others_compute(named):
    """Its frames meet the old network or the new one, the others are not even late."""
    rng = np.random.default_rng(1)
    for turn in range(8):
        context = int(rng.integers(named.contexts))
        coming = named.contexts + int(rng.integers(named.contexts))
        after = [coming if c == context else n for c, n in enumerate(named.holds)]
        load, stall = named.load({context: coming}), [0.0, 0.4, (0.0, 0.9)][turn % 3]
        names = rng.integers(turn % 2, named.contexts + 1, FRAMES)
        if turn == 0:  # nobody names it: as if there were no load
            names = np.where(names == context + 1, (context + 1) % named.contexts + 1, names)
            names[names == 0] = (context + 1) % named.contexts + 1
        plain = named.run(names, stall=stall, seed=turn + 1)
        start = int(rng.integers(plain.cycles))
        times = start + np.cumsum(rng.geometric(0.5, len(load)) * rng.integers(2))
        run = named.run(names, config=Config(load, times, first=False), stall=stall, seed=turn + 1)
        assert run.config_status >> 8 & 255 == 1 and run.config_status >> 24 == context
        old, new = named.is_of(run, names, named.holds), named.is_of(run, names, after)
        assert (old | new).all()
        mine = (names == 0) | (names == context + 1)
        assert (old & new)[~mine].all()
        assert (np.diff(new[mine].astype(int)) >= 0).all()
        if turn == 0:
            assert not mine.any() and (run.frame_done == plain.frame_done).all()
        named.holds = after
        assert named.is_right(names) and named.model.loaded(context) == name_of(
            named.contents[coming]
        )


def test_what_contexts_hold_can_be_asked(dense):
    found = [dense.model.loaded(c) for c in range(dense.contexts)]
    assert found == [name_of(c) for c in dense.contents[: dense.contexts]]
    assert dense.model.loaded(dense.contexts) == dense.model.loaded(255) == 0
    with NativeModel(dense.there / "rtl", dense.accelerator) as fresh:
        at_start = name_of(context_contents(dense.accelerator, dense.there / "rtl")[0])
        fresh.run(dense.words[:1])
        assert fresh.loaded(0) == fresh.loaded(dense.contexts - 1) == at_start


def test_wrong_loads_of_a_context_change_nothing_and_leave_the_others_at_work(dense):
    """One turned bit anywhere, loads that break off: the context keeps its network or waits."""
    rng, waited = np.random.default_rng(2), 0
    first = len(ending(dense.longest))
    for turn in range(24):
        context = int(rng.integers(dense.contexts))
        load = dense.load({context: dense.contexts + turn % dense.contexts})
        at = int(rng.integers(first, first + 20 if turn % 3 == 0 else len(load)))
        if turn % 2:
            load = load[: at + 1]
        else:
            load = load.copy()
            load[at] ^= np.uint32(1) << np.uint32(rng.integers(32))
        load = np.append(load, ending(dense.longest)).astype(np.uint32)  # ends an open packet
        others = (context + rng.integers(1, dense.contexts, FRAMES)) % dense.contexts + 1
        run = dense.run(others, config=Config(load, first=False), stall=0.3, seed=turn + 1)
        assert dense.is_of(run, others, dense.holds).all()
        status = run.config_status
        told, names = dense.model.loaded(context), [context + 1] * 2
        if status & 4:
            waited += 1
            assert told == 0 and not status & 1
            with pytest.raises(CheckFailed):
                dense.run(names, hang_cycles=300)
            with pytest.raises(CheckFailed):
                dense.run([0], hang_cycles=300)
            assert dense.is_right(others)
        elif not status >> 8 & 255:  # a bit of the number may have named another context
            assert told == name_of(dense.contents[dense.holds[context]])
            assert dense.is_right(names)
        again = dense.load({context: dense.holds[context]})
        run = dense.run(config=Config(again))
        assert dense.is_of(run, [0] * FRAMES, dense.holds).all()
        assert dense.model.loaded(context) == name_of(dense.contents[dense.holds[context]])
    assert 0 < waited < 24


def test_several_contexts_change_together(dense):
    """A frame for all contexts has results of one load, whatever comes in between."""
    rng = np.random.default_rng(3)
    for turn in range(4):
        chosen = rng.permutation(dense.contexts)[: 2 + turn % 2]
        after = list(dense.holds)
        for c in chosen:
            after[c] = (after[c] + dense.contexts) % (2 * dense.contexts)
        load = dense.load({int(c): after[c] for c in chosen})
        end = dense.run().cycles
        config = Config(load, np.full(len(load), rng.integers(end)), first=False)
        run = dense.run(config=config, stall=0.3 * (turn % 2), seed=turn + 1)
        zeros = [0] * FRAMES
        old, new = dense.is_of(run, zeros, dense.holds), dense.is_of(run, zeros, after)
        assert (old ^ new).all() and (np.diff(new.astype(int)) >= 0).all()
        dense.holds = after


def test_orders_out_of_place_are_told(dense):
    total, idle = dense.accelerator.config.total, ending(dense.longest)
    whole = [int(w) for w in dense.load({1: dense.contexts})][:-4]  # all but its end
    rest = [*whole[len(idle) + 3 :]]
    for words, code in (
        ([*idle, *packet(BEGIN, dense.contexts)], 2),  # no such context
        ([*idle, *packet(BEGIN, 1 << 31)], 2),
        ([*idle, *packet(NEXT, 1, [5])], 4),  # outside a load
        ([*idle, *packet(BEGIN, 1), *packet(NEXT, 0, [5])], 5),  # before all contents
        ([*whole, *packet(NEXT, dense.contexts, [5])], 2),
        ([*whole, *packet(NEXT, 0)], 6),  # without a name
        ([*whole, *packet(NEXT, 0, [5]), *packet(END, total, [5])], 2),
        ([*whole, *packet(NEXT, 0, [5]), *packet(END, 0, [5])], 5),
        ([*idle, *packet(4, 0, [5])], 6),
        ([*idle, *packet(BEGIN, 0), *rest, *packet(CONTENTS, total, [5])], 2),  # more than it has
    ):
        run = dense.run([], config=Config(np.array(words, np.uint32), first=False))
        assert run.config_status >> 4 & 15 == code and not run.config_status >> 8 & 255, code
        run = dense.run(config=Config(dense.load(dict(enumerate(dense.holds)))))
        assert dense.is_of(run, [0] * FRAMES, dense.holds).all()


def test_a_name_that_there_is_not_is_told_and_means_all(dense):
    run = dense.run([0, 0])
    assert run.config_status >> 4 & 15 == 0
    with pytest.raises(CheckFailed, match="tlast"):  # of one result, where there are all
        dense.run([dense.contexts + 1])


def run_engines(dense, engines):
    """Each engine runs frames through the first context and the last, each with its network."""
    folder, files = dense.there.parent, dense.files
    hb.weights(
        files[0], dense.there, folder / "all", contexts=files[1 : dense.contexts], force=True
    )
    for context in (0, dense.contexts - 1):
        for options in engines:
            found = hb.simulate(dense.there, dense.x[:24], weights=folder / "all", context=context,
                                **options)  # fmt: skip
            assert (found.scores == dense.right[0][:24, context]).all(), options
            assert (found.labels == dense.right[1][:24, context]).all()


def test_engines_run_frames_through_one_context(dense):
    run_engines(dense, [{"jobs": 2}, {"engine": "cocotb"}])
    for context in (-1, dense.contexts):
        with pytest.raises(BadInput, match=f"context is {context}; the accelerator has"):
            hb.Accelerator(dense.there).predict(dense.x, context=context)
    with pytest.raises(BadInput, match="engine hls does not offer one context"):
        hb.simulate(dense.there, dense.x, engine="hls", context=0)
    labels = hb.Accelerator(dense.there).predict(dense.x, context=1)
    first = expected([dense.there.parent / "first.onnx"], dense.x)
    assert (labels == first[1][:, 0]).all()


@pytest.mark.full
def test_gates_run_frames_through_one_context(dense):
    hb.synth(dense.there)
    run_engines(dense, [{"engine": "netlist", "stall": 0.3}])


def test_an_ensemble_on_chip_gives_one_network_too(tmp_path):
    there, files = made(tmp_path, perceptron((20, 12, 6)), 3, ensemble=True)
    hb.weights(files[0], there, tmp_path / "new", contexts=files[1:3])
    x = random_integers(GoldenModel.from_onnx(files[0]), FRAMES)
    scores, labels = expected(files[:3], x)
    accelerator = hb.Accelerator(there).description
    names = np.random.default_rng(0).integers(0, 4, FRAMES).astype(np.uint8)
    load = Config(load_words(accelerator, tmp_path / "new" / "rtl"))
    with NativeModel(there / "rtl", accelerator) as model:
        run = model.run(pack_input(accelerator.input, x), names=names, config=load, stall=0.4)
    sums, votes = unpack_output(accelerator.output, run.words)
    each = labels[:, :, None] == np.arange(6)
    for i, name in enumerate(names):
        chosen = slice(0, 3) if name == 0 else slice(name - 1, name)
        assert (sums[i] == scores[i, chosen].sum(0)).all()
        assert (votes[i] == each[i, chosen].sum(0)).all()
    assert (hb.Accelerator(there).predict(x, context=2) == hb.Accelerator(there).predict(x)).all()
