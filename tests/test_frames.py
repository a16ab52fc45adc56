"""Frames for simulation and verification: random, from files, from data sets."""

import json

import numpy as np
import onnx
import pytest

from hw_bnn.data.pixels import Pixels
from hw_bnn.errors import BadInput
from hw_bnn.frames import choose_pixels, load_frames, random_frames, trained_pixels
from hw_bnn.golden import GoldenModel
from tests.networks.small_onnx import perceptron


@pytest.fixture(scope="module")
def golden():
    return GoldenModel.from_onnx(perceptron())


@pytest.fixture(scope="module")
def digits_golden():
    return GoldenModel.from_onnx(perceptron((64, 8, 10), bits=5))


def test_random_frames_hold_the_extremes(golden):
    x = random_frames(golden, 400, seed=3)
    assert x.shape == (400, 16)
    assert (x[0] == 0).all() and (x[1] == 15).all()
    assert x[2].tolist() == [0, 15] * 8
    assert x.min() == 0 and x.max() == 15
    assert set(np.unique(x[7])) <= {0, 15}
    assert len(np.unique(x[3])) > 3
    assert (x == random_frames(golden, 400, seed=3)).all()
    assert (x != random_frames(golden, 400, seed=4)).any()
    assert random_frames(golden, 1).shape == (1, 16)


def test_random_frames_default_and_limit(golden):
    assert len(load_frames(golden)) == 1000
    assert len(load_frames(golden, frames=5)) == 5
    assert len(load_frames(golden, limit=7)) == 7
    assert load_frames(golden).labels is None


def test_integers_from_a_file(golden, tmp_path):
    x = np.random.default_rng(0).integers(0, 16, (5, 16)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    frames = load_frames(golden, inputs=tmp_path / "x.npy", limit=4)
    assert frames.x.dtype == np.int64 and (frames.x == x[:4]).all()


def test_real_numbers_from_a_file_go_through_the_models_quantiser(golden, tmp_path):
    np.save(tmp_path / "x.npy", np.array([[-3.0, 0.5, 1.5, 2.4, 99.0] + [0.0] * 11]))
    frames = load_frames(golden, inputs=tmp_path / "x.npy")
    assert frames.x[0, :5].tolist() == [0, 0, 2, 2, 15]  # half to even, clipped


def test_digits(digits_golden):
    test = load_frames(digits_golden, dataset="digits")
    assert test.x.shape == (360, 64) and test.training == 0
    both = load_frames(digits_golden, dataset="digits", split="all")
    assert len(both) == 1797 and both.training == 1437
    assert (both.x[both.held_out] == test.x).all()
    assert (both.labels[both.held_out] == test.labels).all()
    cut = load_frames(digits_golden, dataset="digits", split="all", limit=100)
    assert len(cut) == 100 and len(cut.x[cut.held_out]) == 0


def test_scales_of_pixels():
    def scaled(dataset, scale, trained=None):
        stored = np.array([[0, 8, 16]], np.uint8)
        return choose_pixels(dataset, scale, trained).real(stored).tolist()

    # What nothing is said about: digits as the integers that they are, images as p/255.
    assert scaled("digits", "auto") == [[0, 8, 16]]
    assert scaled("mnist", "auto") == [[0, np.float32(8) / np.float32(255), np.float32(16) / 255]]
    assert scaled("digits", "unit") == [[0, 0.5, 1]]  # of 16, as in training
    assert scaled("digits", "bipolar") == [[-1, 0, 1]]
    assert scaled("mnist", "integer") == [[0, 8, 16]]
    assert Pixels.default("two_moons").real(np.array([[0.25]], np.float32)).tolist() == [[0.25]]
    with pytest.raises(BadInput, match="no scale 'half'"):
        scaled("mnist", "half")
    bipolar = Pixels("digits", "bipolar")
    for scale in ("auto", "bipolar"):
        assert scaled("digits", scale, bipolar) == [[-1, 0, 1]]
    with pytest.raises(BadInput, match=r"trained on p/8 - 1 \(scale bipolar\).* says unit; leave"):
        scaled("digits", "unit", bipolar)
    with pytest.raises(BadInput, match="stored otherwise than two_moons"):
        scaled("two_moons", "auto", bipolar)


def test_a_files_own_scale_is_read_and_a_damaged_entry_refused(tmp_path):
    pixels = Pixels("cifar10", "normalise", (0.1, 0.2, 0.3), (0.5, 0.25, 0.7), classes=("a", "b"))
    assert Pixels.from_json(pixels.to_json()) == pixels
    permuted = Pixels("mnist", "unit", permutation_seed=0, task=2)
    assert Pixels.from_json(permuted.to_json()) == permuted
    model, path = perceptron(), tmp_path / "x.onnx"
    onnx.save(model, path)
    assert trained_pixels(path, None) is None
    model.metadata_props.add(key="hw_bnn.data", value=pixels.to_json())
    onnx.save(model, path)
    assert trained_pixels(path, None) == pixels
    for text in (
        "", "{", "[]", "{}", '{"scale": 3}', '{"dataset": "mnist", "scale": "half"}',
        '{"dataset": "mnist", "scale": "unit", "x": 1}',
        '{"dataset": "mnist", "scale": "normalise"}',
        '{"dataset": "mnist", "scale": "unit", "task": "1"}', "[" * 100_000,
        '{"dataset": "mnist", "scale": "unit", "task": -1, "permutation_seed": 1}',
        '{"dataset": "mnist", "scale": "normalise", "mean": [0], "std": [0]}', "NaN",
        *(f'{{"dataset": "cifar10", "scale": "normalise", "mean": {mean}, "std": {std}}}'
          for mean, std in (
            ("[]", "[]"), ("[0]", "[NaN]"), ("[NaN]", "[1]"), ("[1e999]", "[1]"), ("[0]", "[-1]"),
            ("[0]", "[1e-60]"), ("[1e60]", "[1]"), ("[0, 0]", "[1]"), ('"0"', '"1"'),
            ("[true]", "[1]"), ("[1%s]" % ("0" * 390), "[1]"),
        )),
        '{"dataset": "mnist", "scale": "unit", "scale": "bipolar"}',
        '{"dataset": "mnist", "scale": "unit", "mean": [0], "std": [1]}',
        '{"dataset": "mnist", "scale": "unit", "classes": "ab"}',
        '{"dataset": "mnist", "scale": "unit", "image_size": 0}',
    ):  # fmt: skip
        model.metadata_props[0].value = text
        onnx.save(model, path)
        with pytest.raises(BadInput, match="metadata hw_bnn.data cannot be read"):
            trained_pixels(path, None)


def test_whitened_pixels_without_their_transform_are_refused():
    with pytest.raises(BadInput, match="cifar10 is whitened by its training images"):
        Pixels("cifar10", "gcn_zca").real(np.zeros((2, 3, 32, 32), np.uint8))


@pytest.mark.parametrize(("channels", "shape"), [(2, (1, 28, 28)), (1, (3, 32, 32)), (1, (64,))])
def test_means_of_another_number_of_channels_are_refused(channels, shape):
    text = json.dumps({"dataset": "mnist", "scale": "normalise", "mean": [0.5] * channels,
                       "std": [1] * channels})  # fmt: skip
    with pytest.raises(BadInput, match=f"normalised by {channels} means and deviations; give one"):
        Pixels.from_json(text).real(np.zeros((2, *shape), np.uint8))


@pytest.mark.parametrize(
    ("bits", "scale", "wrong"),
    [
        (5, "integer", False), (5, "unit", True), (5, "bipolar", True), (2, "unit", False),
        (8, "integer", False), (8, "unit", True), (4, "integer", False), (4, "unit", True),
        (1, "unit", False), (1, "bipolar", False), (1, "standardise", False),
    ],
)  # fmt: skip
def test_a_scale_that_is_not_the_models_is_warned_of(bits, scale, wrong):
    golden = GoldenModel.from_onnx(perceptron((64, 8, 10), bits=bits))
    frames = load_frames(golden, dataset="digits", scale=scale)
    assert bool(frames.warnings) is wrong, frames.warnings
    if wrong:
        assert "another scale" in frames.warnings[0] and "digits as" in frames.warnings[0]
    assert frames.pixels == choose_pixels("digits", scale, None).text


def test_a_file_of_another_scale_is_warned_of(golden, tmp_path):
    real = np.random.default_rng(0).random((50, 16))
    np.save(tmp_path / "right.npy", 15 * real)
    np.save(tmp_path / "wrong.npy", real / 4)
    np.save(tmp_path / "constant.npy", np.zeros((2, 16)))
    assert not load_frames(golden, inputs=tmp_path / "right.npy").warnings
    assert load_frames(golden, inputs=tmp_path / "wrong.npy").warnings
    assert not load_frames(golden, inputs=tmp_path / "constant.npy").warnings


@pytest.mark.mnist
def test_mnist(data_root):
    golden = GoldenModel.from_onnx(perceptron((784, 8, 10), bits=1))
    frames = load_frames(golden, dataset="mnist", data_root=data_root, limit=50)
    assert frames.x.shape == (50, 784) and frames.labels[:4].tolist() == [7, 2, 1, 0]
