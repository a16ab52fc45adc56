"""Continual learning on a running accelerator: the network after each task is loaded into it, and
all tasks are evaluated by the RTL. With the posterior as prior of the next task, and without.

    for form in prior no_prior; do
        hw-bnn train training/recipes/hardware/permuted_mnist_hardware_$form.yaml --out $form
    done
    python benchmarks/continual.py prior no_prior [--images 10000] [--data-root DIR]

One accelerator in simulation, compiled of the first run's first network, takes all by its config
port, one after the other, without a build in between. Every score and label is compared with
the golden model's. Writes results/continual.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import hw_bnn as hb
from hw_bnn import console
from hw_bnn.accelerator import Description
from hw_bnn.accelerator.config_stream import load_words
from hw_bnn.data.pixels import Pixels
from hw_bnn.errors import CheckFailed
from hw_bnn.frames import Frames, load_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.options import FrameOptions
from hw_bnn.sim.native import Config, NativeModel
from hw_bnn.sim.packing import pack_input, unpack_output
from hw_bnn.train.trained import pixels_of_run

RESULTS = Path(__file__).resolve().parent / "results" / "continual.json"


def stages(run: Path) -> list[Path]:
    """The networks after each task."""
    return sorted(run.glob("stage[0-9].pt"))


def frames_of(
    golden: GoldenModel, pixels: Pixels, chosen: FrameOptions, tasks: int
) -> list[Frames]:
    """Test images and labels as each task has them."""
    return [load_frames(golden, chosen=chosen, trained=replace(pixels, task=task))
            for task in range(tasks)]  # fmt: skip


def evaluate(
    model: NativeModel, there: Description, golden: GoldenModel, tasks: list[Frames]
) -> list[float]:
    """The share of right labels of each task, by the RTL."""
    found = []
    for frames in tasks:
        scores, labels = unpack_output(
            there.output, model.run(pack_input(there.input, frames.x)).words
        )
        expected = np.asarray(golden.scores(frames.x)).reshape(len(frames.x), -1)
        if (scores != expected).any() or (labels != golden.labels(expected)).any():
            raise CheckFailed("scores or labels of the RTL are not those of the golden model")
        found.append(float((labels == frames.labels).mean()))
    return found


def measure(given: argparse.Namespace, folder: Path) -> dict:
    """{run: for each task, after which a network was loaded, the accuracy of all tasks}."""
    first = hb.export(stages(given.runs[0])[0], folder / "first.onnx")
    made = hb.compile(first, folder / "there", runtime_weights=True, check=False,
                      target_cycles=given.target_cycles)  # fmt: skip
    there, pixels = made.description, pixels_of_run(given.runs[0])
    chosen = FrameOptions(dataset="mnist", limit=given.images, data_root=given.data_root)
    most = max(len(stages(run)) for run in given.runs)
    tasks = frames_of(GoldenModel.from_onnx(first), pixels, chosen, most)
    empty = pack_input(there.input, tasks[0].x[:0])
    accuracy: dict[str, list[list[float]]] = {run.name: [] for run in given.runs}
    with NativeModel(folder / "there" / "rtl", there) as model:
        for run in given.runs:
            for number, stage in enumerate(stages(run)):
                file = hb.export(stage, folder / f"{run.name}{number}.onnx")
                made.weights(file, folder / "new", force=True)
                words = load_words(there, folder / "new" / "rtl")
                model.run(empty, config=Config(words))
                golden = GoldenModel.from_onnx(file)
                accuracy[run.name].append(evaluate(model, there, golden, tasks))
    results = {run.name: json.loads((run / "result.json").read_text()) for run in given.runs}
    return {
        "images": given.images, "accuracy": accuracy, "words_of_a_load": len(words),
        "recipes": {name: result["recipe"] for name, result in results.items()},
        "training_seconds": {name: result["seconds"] for name, result in results.items()},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--target-cycles", type=int, default=128)
    parser.add_argument("--data-root", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        document = measure(given, Path(place))
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    rows = [[name, f"after task {after + 1}", *(f"{100 * share:.2f} %" for share in shares)]
            for name, each in document["accuracy"].items()
            for after, shares in enumerate(each)]  # fmt: skip
    tasks = [f"task {task + 1}" for task in range(len(rows[0]) - 2)]
    console.table("by the RTL", ["run", "loaded", *tasks], rows)


if __name__ == "__main__":
    main()
