"""`simulate` from files: what is stored and told of a simulation that is not run here."""

import numpy as np
import onnx
import pytest

from hw_bnn import sim, simulation
from hw_bnn.accelerator.folder import reseal
from hw_bnn.sim.results import SimulationResult
from tests.networks.small_onnx import perceptron
from tests.small_accelerator import make_folder


@pytest.mark.parametrize(("given", "saved"), [
    ("scores", {"scores"}), ("labels", {"labels"}), ("both", {"scores", "labels"}),
])  # fmt: skip
def test_what_is_saved_is_what_the_accelerator_gave(given, saved, tmp_path, monkeypatch):
    def simulated(folder, x, asked, **options):
        scores = np.arange(3 * len(x)).reshape(-1, 3) if given != "labels" else None
        labels = np.full(len(x), 2) if given != "scores" else None
        return SimulationResult(
            engine=asked.engine, frames=len(x), scores=scores, labels=labels, cycles_per_frame=1.0,
            latency_cycles=1, cycles=3, build_seconds=0.0, seconds=1.0, seed=0,
        )  # fmt: skip

    folder = make_folder(tmp_path / "net")
    onnx.save(perceptron(), folder / "model.onnx")
    reseal(folder)
    monkeypatch.setattr(sim, "stream_frames", simulated)
    simulation.simulate(folder, frames=3, save=tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as arrays:
        assert set(arrays) == saved
