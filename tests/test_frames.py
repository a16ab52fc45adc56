"""Frames for simulation and verification: random, from files, from data sets."""

import numpy as np
import pytest
from small_onnx import perceptron

from hw_bnn.errors import BadInput
from hw_bnn.frames import load_frames, random_frames, to_real
from hw_bnn.golden import GoldenModel


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
    pixels = np.array([[0, 51, 255]], np.uint8)
    assert to_real(pixels, "mnist", "auto").tolist() == [[0, np.float32(0.2), 1]]
    assert to_real(pixels, "mnist", "integer").tolist() == [[0, 51, 255]]
    assert to_real(pixels, "mnist", "bipolar")[0, [0, 2]].tolist() == [-1, 1]
    assert to_real(pixels, "digits", "auto").tolist() == [[0, 51, 255]]
    real = np.array([[0.25]], np.float32)
    assert to_real(real, "two_moons", "unit").tolist() == [[0.25]]
    with pytest.raises(BadInput, match="no scale 'half'"):
        to_real(pixels, "mnist", "half")


@pytest.mark.mnist
def test_mnist(data_root):
    golden = GoldenModel.from_onnx(perceptron((784, 8, 10), bits=1))
    frames = load_frames(golden, dataset="mnist", data_root=data_root, limit=50)
    assert frames.x.shape == (50, 784) and frames.labels[:4].tolist() == [7, 2, 1, 0]
