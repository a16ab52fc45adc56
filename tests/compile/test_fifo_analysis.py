"""The schedule of an accelerator: each word of each stream moves in RTL in the cycle that it says;
FIFO depths from it keep the full rate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model, fifo_analysis, fifo_sizing
from hw_bnn.compile.fifo_analysis import depths
from hw_bnn.compile.fifo_sizing import largest
from hw_bnn.compile.timetable import movements, schedules_of
from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.kernels import KERNELS
from hw_bnn.sim import NativeModel, pack_input
from tests.compile.test_depthwise import mobile
from tests.compile.test_several_pixels import FOLDING, two_convolutions
from tests.networks import requantised
from tests.networks.qonnx_networks import random_resnet
from tests.networks.random_networks import build
from tests.networks.support_case import end, net
from tests.networks.user_networks import user_spec


def lagging(*hidden: int) -> onnx.ModelProto:
    """A shortcut beside three convolutions on 2 x 2 pixels, each of which lags by a frame, and
    dense layers of so many neurons."""
    made = net((2, 2, 2))
    shortcut = made.quant(2.0, 1.0)
    for _ in range(3):
        made.bipolar()
        made.conv(2, 2, 3, 1, (1, 1, 1, 1))
    made.add("Add", shortcut, source=made.quant(2.0, 4.0))
    made.bipolar()
    made.add("Flatten", axis=1)
    for inputs, outputs in zip((8, *hidden), hidden, strict=False):
        made.linear(inputs, outputs)
        made.bipolar()
    made.linear((8, *hidden)[-1], 4)
    return made.model()


def halves() -> onnx.ModelProto:
    """Two convolutions' channels side by side, some of them taken out again."""
    made = net((3, 5, 5))
    source = made.at
    made.conv(3, 4, 3)
    first = made.quant(4.0, 0.25)
    made.at = source
    made.conv(3, 6, 3)
    made.add("Concat", made.quant(4.0, 0.25), source=first, axis=1)
    made.add("Slice", *(made.constant([n], np.int64) for n in (2, 8, 1)))
    made.bipolar()
    return end(made)


@dataclass(frozen=True)
class Case:
    """A network, and how it is compiled."""

    network: Callable[[], onnx.ModelProto]
    options: dict = field(default_factory=dict)


CASES = {
    "lagging": Case(lagging, {"target_cycles": 144}),
    "halves": Case(halves),
    "several pixels": Case(two_convolutions, {"folding": FOLDING}),
    "constants": Case(two_convolutions, {"hardwired": "all"}),
    "requantised": Case(lambda: requantised.network(before=(requantised.pool,))),
    "depthwise": Case(lambda: mobile("int4"), {"target_cycles": 300}),
    "depthwise, slow": Case(lambda: mobile("bipolar"), {"target_cycles": 5000}),
    "sums": Case(lambda: random_resnet(3, batch=1), {"target_cycles": 300}),
}


def compiled(case: Case, folder: Path) -> Path:
    onnx.save(case.network(), folder / "network.onnx")
    return compile_model(
        folder / "network.onnx", folder / "accelerator", fifo_sizing="none", check=False,
        **case.options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def accelerators(tmp_path_factory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = compiled(CASES[name], tmp_path_factory.mktemp("schedule"))
        return made[name]

    return of


def frames_of(accelerator: Description, number: int) -> np.ndarray:
    contract = accelerator.input
    ends = (contract.minimum, contract.maximum)
    shape = (number, *contract.shape)
    x = np.random.default_rng(0).integers(*ends, shape, endpoint=True)
    return pack_input(contract, np.where(x > 0, 1, -1) if contract.datatype == "BIPOLAR" else x)


def unlimited(accelerator: Description) -> dict[str, int]:
    """FIFOs that are never full."""
    words = {s.name: s.words for s in accelerator.streams}
    return {n.name: largest(words[n.outputs[0]]) for n in accelerator.nodes if n.depth}


def check_movements(folder: Path, frames: int = 5) -> None:
    """The schedule is the RTL's, cycle by cycle, with a source that never pauses and one that does:
    its words are there when they are taken, but in front of a border, which lets them wait."""
    accelerator = Description.load(folder)
    schedules = schedules_of(accelerator)
    names = [s.name for s in accelerator.streams]
    pauses = [0.0] if accelerator.nodes[0].kernel == "pad" else [0.0, 0.5]
    with NativeModel(folder / "rtl", accelerator) as model:
        model.set_fifo_caps(unlimited(accelerator))
        for pause in pauses:
            run = model.run(frames_of(accelerator, frames), stall=(pause, 0.0), capture=names)
            moved = {name: cycles.astype(np.int64) for name, (_, cycles) in run.capture.items()}
            source = moved["s_axis"]
            if not pause:  # the next word is there when one has been taken, the first in cycle 1
                source = np.append([1], source.reshape(-1)[:-1] + 1).reshape(source.shape)
            said = dict(movements(accelerator, schedules, source))
            assert said.keys() == moved.keys()
            wrong = [name for name in names if not np.array_equal(said[name], moved[name])]
            assert not wrong


def check_depths(folder: Path) -> None:
    """No FIFO of a depth by analysis costs a cycle, from the middle of a run on."""
    accelerator = Description.load(folder)
    with NativeModel(folder / "rtl", accelerator) as model:
        model.set_fifo_caps({n: depth for n, (depth, _) in depths(accelerator).items()})
        done = model.run(frames_of(accelerator, 61)).frame_done.astype(np.int64)
    assert done[60] - done[30] == 30 * accelerator.bound_cycles


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_word_moves_when_the_schedule_says(name, accelerators):
    check_movements(accelerators(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_depths_keep_the_full_rate(name, accelerators):
    check_depths(accelerators(name))


@pytest.mark.slow
def test_all_kernels_are_among_them(accelerators):
    """But those of several contexts, whose frames are not alike."""
    seen = {n.kernel for name in CASES for n in Description.load(accelerators(name)).nodes}
    assert seen == KERNELS.keys() - {"frame_repeat", "ensemble"}
    assert all(KERNELS[k].schedule({}, (4,)) is None for k in ("frame_repeat", "ensemble"))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(60))
def test_networks_of_users(seed, tmp_path):
    """Where the options ask for a rate or constants that cannot be: without them."""
    spec = user_spec(seed)
    of_input = {k: v for k, v in spec["options"].items() if k.startswith("input_")}
    try:
        folder = compiled(Case(lambda: build(spec), spec["options"]), tmp_path)
    except BadInput:
        folder = compiled(Case(lambda: build(spec), of_input), tmp_path)
    check_movements(folder)
    check_depths(folder)


@pytest.mark.slow
@pytest.mark.parametrize("sizing, budget", [("auto", 1000), ("analysis", fifo_sizing.BUDGET)])
def test_compile_analyses(sizing, budget, tmp_path, monkeypatch):
    """Where a simulation would take long, or where it is asked to; nothing is simulated."""
    onnx.save(lagging(), tmp_path / "network.onnx")
    monkeypatch.setattr(fifo_sizing, "NativeModel", None)
    monkeypatch.setattr(fifo_sizing, "BUDGET", budget)
    steps: list[str] = []
    folder = compile_model(
        tmp_path / "network.onnx", tmp_path / "out", target_cycles=144, check=False,
        fifo_sizing=sizing, progress=steps.append,
    )  # fmt: skip
    accelerator = Description.load(folder)
    assert "FIFO depths: 8 frames" in steps
    expected = {name: depth for name, (depth, _) in depths(accelerator).items()}
    assert {n.name: n.depth for n in accelerator.nodes if n.depth} == expected
    report = json.loads((folder / "reports" / "fifo_depths.json").read_text())
    assert report["by"] == "analysis"
    assert report["cycles_per_frame"] == report["bound_cycles"] == accelerator.bound_cycles
    assert all(f["depth"] >= f["occupancy"] >= 1 for f in report["fifos"].values())
    assert any("by analysis" in f["reason"] for f in report["fifos"].values())


def test_frames_of_several_contexts_are_not_analysed(tmp_path, monkeypatch):
    """They have no schedule: they are simulated, or the analysis that was asked for is refused."""
    onnx.save(two_convolutions(), tmp_path / "network.onnx")
    compiled = partial(
        compile_model, tmp_path / "network.onnx", tmp_path / "out", check=False,
        runtime_weights=True, contexts=2,
    )  # fmt: skip
    with pytest.raises(Unsupported, match='not alike.* let simulation .*fifo_sizing="simulation"'):
        compiled(fifo_sizing="analysis")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(fifo_sizing, "BUDGET", 1000)
    report = json.loads((compiled() / "reports" / "fifo_depths.json").read_text())
    assert report["by"] == "simulation"


def test_more_frames_than_memory_holds(accelerators, monkeypatch):
    """Refused by name, rather than depths of frames that have not settled."""
    monkeypatch.setattr(fifo_analysis, "MOST_WORDS", 100)
    with pytest.raises(Unsupported, match="repeat each other in a number that memory holds"):
        depths(Description.load(accelerators("lagging")))
