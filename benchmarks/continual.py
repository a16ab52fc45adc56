"""Continual learning on a running accelerator: after each task the networks of its posterior are
loaded, and all tasks are evaluated. With the posterior as prior of the next task, and without.

    for form in prior no_prior; do
        hw-bnn train training/recipes/hardware/permuted_mnist_hardware_$form.yaml --out $form
    done
    python benchmarks/continual.py prior no_prior [--networks 8] [--rtl-images 10000]

Networks drawn from the posterior predict by their mean (Meng, Bachmann and Khan, ICML 2020,
equation 20), which is how the paper evaluates; the likeliest network stands beside it. One
accelerator in simulation, compiled of the first run's first networks, takes all by its config
port, one load after the other, without a build in between. The first --rtl-images of each task go
through it, and every score and label is compared with the golden models', which see all images.
Writes results/continual.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from ensemble import by_golden

import hw_bnn as hb
from hw_bnn import console
from hw_bnn.accelerator import Description
from hw_bnn.accelerator.config_stream import load_words
from hw_bnn.data.pixels import Pixels
from hw_bnn.ensemble import Ensemble
from hw_bnn.errors import CheckFailed
from hw_bnn.frames import Frames, load_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.options import FrameOptions
from hw_bnn.sim.config import Config
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.packing import pack_input, unpack_output
from hw_bnn.train.trained import pixels_of_run

RESULTS = Path(__file__).resolve().parent / "results" / "continual.json"


def stages(run: Path) -> list[Path]:
    """The posteriors after each task."""
    return sorted(run.glob("stage[0-9].pt"))


def drawn(stage: Path, networks: int, folder: Path) -> list[Path]:
    """Files of networks drawn from a posterior."""
    folder.mkdir()
    return [hb.export(stage, folder / f"{k}.onnx", sample=k) for k in range(networks)]


def frames_of(
    golden: GoldenModel, pixels: Pixels, chosen: FrameOptions, tasks: int
) -> list[Frames]:
    """Test images and labels as each task has them."""
    return [load_frames(golden, chosen=chosen, trained=replace(pixels, task=task))
            for task in range(tasks)]  # fmt: skip


def check(model: NativeModel, there: Description, frames: Frames, found: Ensemble, images: int):
    """Compare the RTL's scores and labels of the first images with what the golden models found.

    Raises:
        CheckFailed: one differs.
    """
    expected = found.scores[:images]
    words = model.run(pack_input(there.input, frames.x[:images])).words
    scores, labels = unpack_output(there.output, words)
    assert scores is not None and labels is not None
    votes = np.stack([(labels.reshape(len(labels), -1) == c).sum(1)
                      for c in range(expected.shape[2])], axis=1)  # fmt: skip
    if (scores.reshape(expected.shape) != expected).any() or (votes != found.votes[:images]).any():
        raise CheckFailed("scores or labels of the RTL are not those of the golden models")


def measure(given: argparse.Namespace, folder: Path) -> dict:
    """The document: {run: for each task after which networks were loaded, the share of right labels
    of all tasks}, of the mean prediction, and of the likeliest network.
    """
    results = {run.name: json.loads((run / "result.json").read_text()) for run in given.runs}
    first = drawn(stages(given.runs[0])[0], given.networks, folder / "first")
    made = hb.compile(first[0], folder / "there", runtime_weights=True, contexts=given.networks,
                      check=False, fifo_sizing="none",
                      target_cycles=given.target_cycles)  # fmt: skip
    there, pixels = made.description, pixels_of_run(given.runs[0])
    chosen = FrameOptions(dataset="mnist", data_root=given.data_root)
    most = max(len(stages(run)) for run in given.runs)
    tasks = frames_of(GoldenModel.from_onnx(first[0]), pixels, chosen, most)
    mean: dict[str, list[list[float]]] = {run.name: [] for run in given.runs}
    likeliest: dict[str, list[list[float]]] = {run.name: [] for run in given.runs}
    with NativeModel(folder / "there" / "rtl", there) as model:
        for run in given.runs:
            for number, stage in enumerate(stages(run)):
                files = drawn(stage, given.networks, folder / f"{run.name}{number}")
                made.weights(files[0], folder / "new", contexts=files[1:], force=True)
                words = load_words(there, folder / "new" / "rtl")
                model.run(pack_input(there.input, tasks[0].x[:0]), config=Config(words))
                golden = [GoldenModel.from_onnx(file) for file in files]
                of_tasks = [by_golden(golden, frames.x) for frames in tasks]
                for frames, found in zip(tasks, of_tasks, strict=True):
                    check(model, there, frames, found, given.rtl_images)
                mode = GoldenModel.from_onnx(hb.export(stage, folder / f"{run.name}{number}.onnx"))
                pairs = [*zip(tasks, of_tasks, strict=True)]
                mean[run.name].append([_right(f, found.labels) for f, found in pairs])
                likeliest[run.name].append([_right(f, mode.predict(f.x)) for f in tasks])
    return {
        "networks": given.networks, "images": len(tasks[0].x), "rtl_images": given.rtl_images,
        "mean": mean, "likeliest": likeliest, "words_of_a_load": len(words),
        "recipes": {name: result["recipe"] for name, result in results.items()},
        "training_seconds": {name: result["seconds"] for name, result in results.items()},
    }  # fmt: skip


def _right(frames: Frames, labels: np.ndarray) -> float:
    """The share of right labels."""
    return float((np.asarray(labels) == frames.labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--networks", type=int, default=8, help="drawn after each task")
    parser.add_argument("--rtl-images", type=int, default=10_000, help="of each task")
    parser.add_argument("--target-cycles", type=int, default=128)
    parser.add_argument("--data-root", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        document = measure(given, Path(place))
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    for kind in ("mean", "likeliest"):
        rows = [[name, f"after task {after + 1}", *(f"{100 * share:.2f} %" for share in shares)]
                for name, each in document[kind].items()
                for after, shares in enumerate(each)]  # fmt: skip
        tasks = [f"task {task + 1}" for task in range(len(rows[0]) - 2)]
        console.table(f"{kind}, {document['networks']} networks", ["run", "loaded", *tasks], rows)


if __name__ == "__main__":
    main()
