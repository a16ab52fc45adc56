"""Several weight sets in an accelerator: each frame runs through all, each exact."""

import shutil
from xml.etree import ElementTree as xml

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

import hw_bnn as hb
from hw_bnn.accelerator.config_stream import load_words
from hw_bnn.accelerator.folder import reseal
from hw_bnn.compile import config_port
from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.sim.config import Config
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.packing import pack_input, unpack_output
from tests.networks.qonnx_graph import random_integers
from tests.networks.random_networks import build, random_spec
from tests.networks.shuffled import shuffled
from tests.networks.small_onnx import perceptron

FRAMES = 40


def random_network(seed):
    """Of random_spec(1), (2), ...: convolutions, exact zero padding, pools, dense layers."""
    return lambda: build({**random_spec(seed), "seed": seed})


def made(folder, first, contexts, **options):
    """there: an accelerator with so many contexts. The files of other networks, twice as many."""
    onnx.save(first, folder / "first.onnx")
    hb.compile(folder / "first.onnx", folder / "there", runtime_weights=True, contexts=contexts,
               check=False, fifo_sizing="none", **options)  # fmt: skip
    files = [folder / f"{i}.onnx" for i in range(2 * contexts)]
    for i, file in enumerate(files):
        onnx.save(shuffled(first, i), file)
    return folder / "there", files


def expected(files, x):
    """(scores (N, K, n), labels (N, K)) of the networks' golden models."""
    golden = [GoldenModel.from_onnx(file) for file in files]
    scores = [np.asarray(g.scores(x)).reshape(len(x), -1) for g in golden]
    labels = [np.asarray(g.labels(s)) for g, s in zip(golden, scores, strict=True)]
    return np.stack(scores, 1), np.stack(labels, 1)


def is_of(found, right):
    """(N,): all of a frame's results are those of these networks."""
    return (found[0] == right[0]).all(axis=(1, 2)) & (found[1] == right[1]).all(axis=1)


@pytest.mark.parametrize(
    ("network", "contexts"),
    [
        (random_network(1), 3),
        (lambda: perceptron((20, 12, 6)), 5),  # powers of two neither in words nor in contexts
        pytest.param(random_network(4), 2, marks=pytest.mark.slow),
        pytest.param(lambda: perceptron((16, 8, 4)), 8, marks=pytest.mark.slow),
        *(pytest.param(random_network(s), 2 + s % 3, marks=pytest.mark.full)
          for s in range(5, 46) if s != 21),  # whose networks give 0 for every frame
    ],
)  # fmt: skip
def test_each_frame_runs_through_all_contexts(network, contexts, tmp_path):
    """Loads at random moments under pauses: all results of a frame are of one load's networks."""
    there, files = made(tmp_path, network(), contexts)
    accelerator = hb.Accelerator(there).description
    x = random_integers(GoldenModel.from_onnx(files[0]), FRAMES)
    words, rng = pack_input(accelerator.input, x), np.random.default_rng(0)
    halves = [files[:contexts], files[contexts:]]
    loads, rights = [], []
    for i, half in enumerate(halves):
        hb.weights(half[0], there, tmp_path / f"new{i}", contexts=half[1:])
        loads.append(load_words(accelerator, tmp_path / f"new{i}" / "rtl"))
        rights.append(expected(half, x))
    assert not is_of(rights[0], rights[1]).any()
    with NativeModel(there / "rtl", accelerator) as model:
        found = unpack_output(accelerator.output, model.run(words).words)
        assert is_of(found, expected([tmp_path / "first.onnx"] * contexts, x)).all()
        found = unpack_output(accelerator.output, model.run(words, config=Config(loads[0])).words)
        assert is_of(found, rights[0]).all()
        for turn in range(6):
            present, coming = rights[turn % 2], rights[1 - turn % 2]
            stall = (0.4, 0.0, (0.0, 0.9))[turn % 3]
            load = loads[1 - turn % 2]
            end = model.run(words, stall=stall).cycles
            config = Config(load, np.full(len(load), rng.integers(end)), first=False)
            run = model.run(words, config=config, stall=stall, seed=turn + 1)
            found = unpack_output(accelerator.output, run.words)
            old, new = is_of(found, present), is_of(found, coming)
            assert (old | new).all() and (np.diff(new.astype(int)) >= 0).all()
            assert run.config_status >> 8 & 255 == 1


def test_verify_compares_every_context(tmp_path):
    there, files = made(tmp_path, perceptron((12, 8, 4)), 2)
    hb.weights(files[0], there, tmp_path / "new", contexts=files[1:2])
    summary = hb.verify(there, weights=tmp_path / "new", frames=20, junit=tmp_path / "junit.xml")
    assert summary["passed"] and len(summary["contexts"]) == 2
    cases = xml.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    names = [case.get("name") for case in cases]
    assert len(set(names)) == len(names) and "rtl == golden in context 1" in names
    result = hb.simulate(there, weights=tmp_path / "new", frames=20, engine="cocotb")
    native = hb.simulate(there, weights=tmp_path / "new", frames=20, jobs=2)
    assert result.scores.shape == (20, 2, 4) and (result.scores == native.scores).all()
    inner = tmp_path / "new" / "contexts" / "1"  # another network than the memories hold
    shutil.rmtree(inner)
    hb.weights(files[2], there, tmp_path / "third")
    shutil.copytree(tmp_path / "third", inner)
    with pytest.raises(BadInput, match=r"contexts/1/accelerator.json is not the file"):
        hb.verify(there, weights=tmp_path / "new", frames=20)
    reseal(tmp_path / "new")
    summary = hb.verify(there, weights=tmp_path / "new", frames=20, trust=True)
    assert [c["passed"] for c in summary["contexts"]] == [True, False]
    assert summary["mismatches"]["rtl"] and not summary["passed"]


@pytest.mark.parametrize(
    ("network", "contexts"),
    [
        (lambda: perceptron((20, 12, 6)), 3),
        *(pytest.param(random_network(s), 2 + s % 4, marks=pytest.mark.full)
          for s in range(45, 60)),
    ],
)  # fmt: skip
def test_an_ensemble_on_chip_gives_sums_and_votes(network, contexts, tmp_path):
    there, files = made(tmp_path, network(), contexts, ensemble=True)
    accelerator = hb.Accelerator(there)
    hb.weights(files[0], there, tmp_path / "new", contexts=files[1:contexts])
    x = random_integers(GoldenModel.from_onnx(files[0]), FRAMES)
    scores, labels = expected(files[:contexts], x)
    votes = (labels[:, :, None] == np.arange(scores.shape[2])).sum(axis=1)
    for stall in (0.0, 0.4):
        found = hb.simulate(there, x, weights=tmp_path / "new", stall=stall)
        assert (found.scores == scores.sum(axis=1)).all() and (found.labels == votes).all()
    tally = accelerator.tally(x, weights=tmp_path / "new")
    assert (tally.votes == votes).all() and (tally.labels == votes.argmax(axis=1)).all()
    assert (tally.entropy[votes.max(axis=1) == contexts] == 0).all()
    with pytest.raises(BadInput, match=r"needs every score; use tally\(\)"):
        accelerator.ensemble(x)
    assert (accelerator.predict(x) == expected([tmp_path / "first.onnx"], x)[1][:, 0]).all()
    assert hb.verify(there, weights=tmp_path / "new", frames=20)["passed"]
    hb.weights(files[-1], there, tmp_path / "other")  # another network than the memories hold
    shutil.rmtree(tmp_path / "new" / "contexts" / "1")
    shutil.copytree(tmp_path / "other", tmp_path / "new" / "contexts" / "1")
    reseal(tmp_path / "new")
    summary = hb.verify(there, weights=tmp_path / "new", frames=20, trust=True)
    assert not any(c["passed"] for c in summary["contexts"]) and summary["mismatches"]["rtl"]


def test_what_an_ensemble_cannot_sum_is_named(tmp_path):
    there, files = made(tmp_path, perceptron((12, 8, 4)), 2)
    with pytest.raises(BadInput, match=r"compile it with contexts= and ensemble=True"):
        hb.Accelerator(there).tally(np.ones((1, 12), int))
    for options in ({}, {"contexts": 2, "output_mode": "scores"}):
        with pytest.raises(BadInput, match="ensemble= with contexts=.*give contexts= of 2 or more"):
            hb.compile(files[0], tmp_path / "x", runtime_weights=True, ensemble=True, **options)
    output = hb.Accelerator(there).description.output
    bits = output.model_copy(update={"datatype": "BIPOLAR"})
    with pytest.raises(Unsupported, match="an ensemble of scores of one bit"):
        bits.summed(2, 8)


def test_numbers_that_do_not_fit_are_named(tmp_path, monkeypatch):
    there, files = made(tmp_path, perceptron((12, 8, 4)), 3)
    with pytest.raises(BadInput, match="2 models for 3 contexts"):
        hb.weights(files[0], there, tmp_path / "w", contexts=files[1:2])
    with pytest.raises(BadInput, match="contexts= is 2 without runtime_weights="):
        hb.compile(files[0], tmp_path / "x", contexts=2)
    with pytest.raises(BadInput, match="contexts= is 256; a frame can name one of 255"):
        hb.compile(files[0], tmp_path / "x", contexts=256, runtime_weights=True)
    monkeypatch.setattr(config_port, "MOST_ROWS", 8)
    with pytest.raises(Unsupported, match="words of .* are too large .*with fewer contexts"):
        hb.compile(files[0], tmp_path / "x", contexts=16, runtime_weights=True)
    with pytest.raises(BadInput, match="contexts= is 0"):
        hb.compile(files[0], tmp_path / "x", contexts=0, runtime_weights=True)
