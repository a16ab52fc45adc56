"""Frames in any form that people have them in: as integers, or one sentence."""

import numpy as np
import pytest

from hw_bnn.arrays import as_array
from hw_bnn.errors import BadInput
from hw_bnn.frames import load_frames
from hw_bnn.golden import GoldenModel
from tests.networks.small_onnx import perceptron

X = np.arange(48).reshape(3, 16) % 16


@pytest.fixture(scope="module")
def golden():
    return GoldenModel.from_onnx(perceptron())


def test_tensors_of_torch_are_arrays_of_their_values():
    torch = pytest.importorskip("torch")
    for tensor in (torch.tensor(X), torch.tensor(X).bfloat16(),
                   torch.tensor(X).double().requires_grad_()):  # fmt: skip
        assert np.array_equal(as_array(tensor, "x"), X)
    with pytest.raises(BadInput, match=r"x is a Tensor that makes no array; give an array"):
        as_array(torch.eye(3).to_sparse(), "x")


@pytest.mark.parametrize("given, says", [
    ([[1, 2], [3]], "is a list that makes no array"),
    (np.ma.masked_array(X, X > 3), "is a MaskedArray that has masked values"),
    (np.array([["a"] * 16]), "<U1"), (X.astype(complex), "complex"), ({}, "shape|object"),
])  # fmt: skip
def test_what_is_no_array_of_numbers_is_refused_everywhere(golden, given, says):
    for take in (golden.scores, golden.predict, golden.host_quantise,
                 lambda x: load_frames(golden, inputs=x)):  # fmt: skip
        with pytest.raises(BadInput, match=says):
            take(given)


def test_labels_of_float64_are_those_of_the_files_float32(golden):
    """A boundary of the input's quantiser lies between the two."""
    near = X + 0.5 + 1e-9 * np.where(X % 2, -1.0, 1.0)
    frames = load_frames(golden, inputs=near).x
    assert not np.array_equal(golden.host_quantise(near), frames)
    assert np.array_equal(golden.host_quantise(near.astype(np.float32)), frames)
    assert np.array_equal(golden.predict(near), golden.labels(golden.scores(frames)))
    rounds = np.random.default_rng(0).integers(0, 16, (200, 16)) + 0.5
    rounds += 1e-9 * np.sign(np.random.default_rng(1).normal(size=rounds.shape))
    frames = load_frames(golden, inputs=rounds).x
    assert np.array_equal(golden.predict(rounds), golden.labels(golden.scores(frames)))


@pytest.mark.parametrize("scale", ["x", "1/0", float("nan"), float("inf"), [1]])
def test_an_input_scale_that_is_no_number(scale):
    with pytest.raises(BadInput, match="input_scale= is"):
        GoldenModel.from_onnx(perceptron(), input_datatype="UINT8", input_scale=scale)
