"""Negative log-likelihood and expected calibration error."""

import json

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.calibration import calibration_curve

from hw_bnn.train.calibration import BINS, best_temperature, calibration
from tests.train.small_runs import recipe, run


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("sharpness", [0.1, 1.0, 8.0])
def test_against_scikit_learn(classes, sharpness):
    generator = torch.Generator().manual_seed(classes)
    outputs = sharpness * torch.randn(4_000, classes, generator=generator)
    labels = torch.randint(0, classes, (4_000,), generator=generator)
    found = calibration(outputs, labels)
    log_p = log_softmax(outputs.double().numpy(), axis=1)
    of_labels = log_p[np.arange(len(labels)), labels.numpy()]
    assert found["nll"] == pytest.approx(-of_labels.mean(), rel=1e-9)
    p = np.exp(log_p)
    confidence, right = p.max(1), p.argmax(1) == labels.numpy()
    shares, means = calibration_curve(right, confidence, n_bins=BINS)
    counts, _ = np.histogram(confidence, bins=BINS, range=(0, 1))
    expected = (np.abs(shares - means) * counts[counts > 0]).sum() / len(labels)
    assert found["ece"] == pytest.approx(expected, rel=1e-9)


def test_labels_drawn_by_the_probabilities_are_calibrated():
    generator = torch.Generator().manual_seed(0)
    outputs = 2 * torch.randn(100_000, 5, generator=generator)
    labels = torch.multinomial(outputs.softmax(1), 1, generator=generator)[:, 0]
    assert calibration(outputs, labels)["ece"] < 0.01
    assert calibration(outputs, (labels + 1) % 5)["ece"] > 0.3


@pytest.mark.parametrize("sharpness", [0.05, 0.7, 1.0, 30.0])
def test_the_temperature_is_that_by_which_labels_were_drawn(sharpness):
    generator = torch.Generator().manual_seed(0)
    outputs = 2 * torch.randn(50_000, 5, generator=generator)
    labels = torch.multinomial(outputs.softmax(1), 1, generator=generator)[:, 0]
    found = best_temperature(sharpness * outputs, labels)
    assert found == pytest.approx(sharpness, rel=0.02)
    scaled = calibration(sharpness * outputs / found, labels)
    assert scaled["ece"] < 0.01 and scaled["nll"] <= calibration(outputs, labels)["nll"]


def test_a_run_tells_it_of_its_network_and_of_the_mean(tmp_path):
    document = recipe("bayesbinn", epochs=1)
    document["training"]["loss"] = "cross_entropy"
    result = json.loads((run(document, tmp_path / "run") / "result.json").read_text())
    for suffix in ("", "_mean"):
        assert 0 < result[f"test_ece{suffix}"] < 1 and result[f"test_nll{suffix}"] > 0
        assert result[f"test_temperature{suffix}"] > 0
        assert result[f"test_nll_scaled{suffix}"] != result[f"test_nll{suffix}"]
    # The network of the mode is one of those that the mean is of, not the mean itself.
    assert result["test_nll"] != result["test_nll_mean"]
