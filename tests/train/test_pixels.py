"""Stored pixels mean one thing: to training, to verification of the exported file and its run."""

import json

import numpy as np
import pytest
import torch

from hw_bnn.data.pixels import SCALES, Pixels
from hw_bnn.errors import BadInput
from hw_bnn.export import export
from hw_bnn.frames import load_frames, trained_pixels
from hw_bnn.golden import GoldenModel
from hw_bnn.train import train
from hw_bnn.train.data.source import make_source
from hw_bnn.train.recipe import Data
from hw_bnn.train.trained import pixels_of_run
from tests.train.small_runs import PICTURES, ants_and_bees

INPUTS = {  # data.scale -> inputs that suit it
    "bipolar-1": ({"scale": "bipolar"}, {"bits": 1}),
    "unit-1": ({"scale": "unit"}, {"bits": 1}),
    "unit-4": ({"scale": "unit"}, {"bits": 4, "scale": 0.0625}),
    "bipolar-4": ({"scale": "bipolar"}, {"bits": 4, "signed": True, "scale": 0.125}),
    "integer-5": ({"scale": "integer"}, {"bits": 5}),
    "standardise-3": ({"scale": "standardise"}, {"bits": 3, "signed": True, "scale": 0.5}),
    "permuted": ({"scale": "unit", "permutation_seed": 3}, {"bits": 4, "scale": 0.0625}),
}


def recipe(data, model_input, **training):
    return {
        "name": "pixels",
        "data": {"name": "digits", "batch": 64, **data},
        "model": {"name": "mlp", "hidden": [32], "input": model_input},
        "training": {
            "epochs": 3, "loss": "squared_hinge", "method": {"name": "ste", "lr": 0.01}, **training,
        },
        "threads": 1,
    }  # fmt: skip


def accuracy(golden, frames) -> float:
    return float((np.asarray(golden.labels(golden.scores(frames.x))) == frames.labels).mean())


@pytest.mark.parametrize("name", INPUTS)
def test_verification_sees_the_accuracy_of_training(name, tmp_path):
    run = train(recipe(*INPUTS[name]), out=tmp_path / "run", quiet=True, tensorboard=False)
    result = json.loads((run / "result.json").read_text())
    assert result["test_accuracy"] > 0.3  # far from the 0.1 that a wrong scale gives
    path = export(run, tmp_path / "model.onnx")
    golden = GoldenModel.from_onnx(path)
    assert trained_pixels(path, None) == pixels_of_run(run) == trained_pixels(path, run / "last.pt")
    for pixels in (trained_pixels(path, None), trained_pixels(path, run)):
        frames = load_frames(golden, dataset="digits", trained=pixels)
        assert accuracy(golden, frames) == result["test_accuracy"]
        assert frames.pixels == result["pixels"] and not frames.warnings


def test_the_last_task_s_permutation_is_the_file_s(tmp_path):
    document = recipe({"scale": "integer", "permutation_seed": 5}, {"bits": 5}, select="last")
    document["stages"] = [{"task": 0}, {"task": 1, "start": "last"}]
    document["data"]["validation"] = 0
    run = train(document, out=tmp_path / "run", quiet=True, tensorboard=False)
    path = export(run, tmp_path / "model.onnx")
    pixels = trained_pixels(path, None)
    assert pixels.task == 1
    golden = GoldenModel.from_onnx(path)
    result = json.loads((run / "result.json").read_text())
    frames = load_frames(golden, dataset="digits", trained=pixels)
    assert accuracy(golden, frames) == result["test_accuracy"] > 0.3
    last = export(run / "stage1.pt", tmp_path / "last.onnx")
    assert last.read_bytes() == path.read_bytes()
    first = export(run / "stage0.pt", tmp_path / "first.onnx")  # the network of the task before
    pixels = trained_pixels(first, None)
    assert pixels.task == 0
    frames = load_frames(GoldenModel.from_onnx(first), dataset="digits", trained=pixels)
    record = json.loads(
        (run / "metrics.jsonl").read_text().splitlines()[document["training"]["epochs"] - 1]
    )
    assert accuracy(GoldenModel.from_onnx(first), frames) == record["task0_accuracy"]


def test_classes_of_an_image_folder_are_those_of_the_run(tmp_path, monkeypatch):
    root = ants_and_bees(tmp_path / "images")
    document = {
        **recipe({}, {}),
        "data": {
            **PICTURES,
            "scale": "normalise", "mean": [0.4, 0.5, 0.6], "std": [0.25, 0.5, 0.25],
        },
        "model": {
            "name": "mlp", "hidden": [16], "input": {"bits": 4, "signed": True, "scale": 0.25},
        },
    }  # fmt: skip
    run = train(document, data_root=root, out=tmp_path / "run", quiet=True, tensorboard=False)
    result = json.loads((run / "result.json").read_text())
    assert result["test_accuracy"] > 0.7
    path = export(run, tmp_path / "model.onnx")
    golden, trained = GoldenModel.from_onnx(path), trained_pixels(path, None)
    assert trained.classes == ("ants", "bees") and trained.image_size == 8
    frames = load_frames(golden, dataset="image_folder", data_root=root, trained=trained)
    assert accuracy(golden, frames) == result["test_accuracy"]
    both = load_frames(golden, dataset="image_folder", split="all", data_root=root, trained=trained)
    assert len(both) == 80 and both.training == 60
    few = load_frames(golden, dataset="image_folder", data_root=root, trained=trained, limit=4)
    assert few.labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(BadInput, match="names its classes"):
        load_frames(golden, dataset="digits", trained=trained)
    for split in ("train", "val"):
        (root / split / "ants").rename(root / split / "wasps")
    with pytest.raises(BadInput, match="other classes than the model's run: only 'wasps'"):
        load_frames(golden, dataset="image_folder", data_root=root, trained=trained)
    with pytest.raises(BadInput, match="other classes"):
        train(document, data_root=root, out=tmp_path / "run", quiet=True, resume=True)


@pytest.mark.parametrize("scale", [s for s in SCALES if s not in ("gcn_zca", "raw")])
def test_training_prepares_by_the_one_definition(scale, monkeypatch):
    extra = {"mean": [0.5] * 64, "std": [0.25] * 64} if scale == "normalise" else {}
    spec = Data(name="digits", scale=scale, batch=64, **extra)
    data = make_source(spec, 0, None, torch.device("cpu"))
    stored = data.train.x[:50]
    expected = data.pixels.real(stored.numpy())
    assert expected.dtype == np.float32
    assert np.array_equal(data.prepare(stored).numpy(), expected)
    if data._table is not None:  # as a GPU does it
        assert np.array_equal(data._look_up(data._table, stored).numpy(), expected)


def test_lookup_by_channel_is_the_definition():
    pixels = Pixels("cifar10", "normalise", (0.49, 0.48, 0.44), (0.2, 0.19, 0.21))
    stored = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4), dtype=np.uint8)
    table = pixels.table()
    channel = np.arange(3)[None, :, None, None]
    assert np.array_equal(table[channel, stored], pixels.real(stored))


def test_standardised_images_have_mean_0_and_deviation_1():
    stored = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)
    x = Pixels("mnist", "standardise").real(stored).reshape(5, -1).astype(np.float64)
    assert np.abs(x.mean(1)).max() < 1e-6 and np.abs(x.std(1) - 1).max() < 1e-6
    flat = Pixels("mnist", "standardise").real(np.full((1, 4), 200, np.uint8))
    assert not flat.any()


@pytest.mark.cifar10
def test_whitened_frames_are_those_of_training(data_root, tmp_path, monkeypatch):
    from hw_bnn.data.sets import load_arrays
    from hw_bnn.frames import real_inputs
    from hw_bnn.train.data.whitening import Whitening

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    few = load_arrays("cifar10", "train", data_root)[0][:200, :, :6, :6]
    monkeypatch.setattr("hw_bnn.data.sets.load_arrays", lambda *_: (few, None))
    found = real_inputs(Pixels("cifar10", "gcn_zca"), few[:20], data_root)
    fit = Whitening.fitted(few)
    assert np.array_equal(found, fit(torch.from_numpy(few[:20]).float()).numpy())
