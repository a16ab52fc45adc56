"""Requantisers whose tables are loaded at run time: every network exact, or refused by name."""

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

import hw_bnn as hb
from hw_bnn.accelerator.config_stream import load_words
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.loadable import Loadable
from hw_bnn.compile.requantising import Requantise
from hw_bnn.errors import BadInput
from hw_bnn.golden import GoldenModel
from hw_bnn.sim.config import Config
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.packing import pack_input, unpack_output
from tests.networks.qonnx_graph import random_integers
from tests.networks.requantised import clip, network, pool, prelu, relu, shifted

NETWORKS = {
    "PReLU of all slopes": lambda seed: network(
        before=[shifted, prelu("some of all"), shifted], seed=seed
    ),
    "int8": lambda seed: network(seed=seed),
    "uint8 behind ReLU": lambda seed: network(8, 0, before=[relu], seed=seed),
    "pooled": lambda seed: network(behind=[pool], seed=seed),
    "clipped": lambda seed: network(before=[clip], seed=seed),
    "padded": lambda seed: network(pads=1, seed=seed),
    "12 bits": lambda seed: network(12, scale=1 / 64, seed=seed),
}


@pytest.mark.parametrize(
    ("name", "contexts"),
    [
        ("PReLU of all slopes", 2),
        ("pooled", 1),
        *(pytest.param(n, c, marks=pytest.mark.full) for n in NETWORKS for c in (1, 3)),
    ],
)
def test_loaded_tables_are_exact_in_every_context(name, contexts, tmp_path):
    files = [tmp_path / f"{seed}.onnx" for seed in range(contexts + 2)]
    for seed, file in enumerate(files):
        onnx.save(NETWORKS[name](seed), file)
    there = tmp_path / "there"
    made = hb.compile(files[0], there, runtime_weights=True, contexts=contexts, fifo_sizing="none")
    (node,) = [n for n in made.description.nodes if n.kernel == "requantise"]
    assert [m.number for m in node.memories] == [5] and node.parameters["HALF_EVEN"] == 1
    assert hb.verify(there, frames=24)["passed"]
    for first in (1, 2):
        others = [files[(first + k) % len(files)] for k in range(1, contexts)]
        hb.weights(files[first], there, tmp_path / f"new{first}", contexts=others)
        summary = hb.verify(there, weights=tmp_path / f"new{first}", frames=24)
        assert summary["passed"] and summary["frames"]["rtl_stalled"] == 24, summary["mismatches"]


def test_a_load_reaches_the_table(tmp_path):
    """Random tables through the port and as files: the same words; loads in mid-stream."""
    for seed in (0, 1):
        onnx.save(NETWORKS["int8"](seed), tmp_path / f"{seed}.onnx")
    there = hb.compile(tmp_path / "0.onnx", tmp_path / "there", runtime_weights=True,
                       fifo_sizing="none", check=False)  # fmt: skip
    hb.weights(tmp_path / "1.onnx", tmp_path / "there", tmp_path / "new")
    accelerator, rng = there.description, np.random.default_rng(0)
    golden = [GoldenModel.from_onnx(tmp_path / f"{seed}.onnx") for seed in (0, 1)]
    x = random_integers(golden[0], 40)
    words = pack_input(accelerator.input, x)
    right = [np.asarray(g.scores(x)).reshape(40, -1) for g in golden]
    loads = [load_words(accelerator, tmp_path / n / "rtl") for n in ("there", "new")]
    (table,) = [n.memory("TABLE_FILE") for n in accelerator.nodes if n.kernel == "requantise"]
    with NativeModel(tmp_path / "there" / "rtl", accelerator) as model:
        end = model.run(words, stall=0.4).cycles
        for turn in range(4):
            load = loads[1 - turn % 2]
            config = Config(load, np.full(len(load), rng.integers(end)), first=False)
            scores, _ = unpack_output(
                accelerator.output, model.run(words, config=config, stall=0.4, seed=turn + 1).words
            )
            old, new = ((scores == right[k]).all(axis=1) for k in (turn % 2, 1 - turn % 2))
            assert (old | new).all() and (np.diff(new.astype(int)) >= 0).all()
        lines = [
            f"{int(rng.bytes(64).hex(), 16) % (1 << table.bits):x}\n" for _ in range(table.words)
        ]
        (tmp_path / "new" / "rtl" / table.file).write_text("".join(lines))
        with NativeModel(tmp_path / "new" / "rtl", accelerator) as other:
            expected = other.run(words).words
        load = load_words(accelerator, tmp_path / "new" / "rtl")
        assert (model.run(words, config=Config(load)).words == expected).all()


def test_few_levels_stay_thresholds_and_a_slope_below_0_does_not_fit_them(tmp_path):
    graph = import_model(network(3), loadable=Loadable()).graph
    assert graph.requantisers == [None] and not [o for o in graph.ops if isinstance(o, Requantise)]
    onnx.save(network(3, before=[prelu("rising")]), tmp_path / "rising.onnx")
    onnx.save(network(3, before=[prelu("falling")]), tmp_path / "falling.onnx")
    hb.compile(tmp_path / "rising.onnx", tmp_path / "there", runtime_weights=True,
               fifo_sizing="none", check=False)  # fmt: skip
    with pytest.raises(BadInput, match="a slope below 0, and the accelerator's quantiser is a tab"):
        hb.weights(tmp_path / "falling.onnx", tmp_path / "there", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_numbers_that_the_accelerator_does_not_hold_are_told(tmp_path):
    onnx.save(network(8, scale=0.25), tmp_path / "net.onnx")
    onnx.save(network(8, scale=2.0**-24), tmp_path / "steep.onnx")
    hb.compile(tmp_path / "net.onnx", tmp_path / "there", runtime_weights=True, fifo_sizing="none",
               check=False)  # fmt: skip
    told = (
        r"its quantiser does not fit the accelerator's, which has values from -128 to 127, a "
        r"shift of \d+, 1 piece, factors of \d+, offsets of \d+ and sums of \d+ bits: it needs "
    )
    with pytest.raises(BadInput, match=told + r"values from -128 to 127, a shift of \d+"):
        hb.weights(tmp_path / "steep.onnx", tmp_path / "there", tmp_path / "new")
