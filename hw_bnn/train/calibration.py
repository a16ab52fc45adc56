"""How far a classifier's probabilities can be believed.

>>> sure = torch.tensor([[4.0, 0.0], [4.0, 0.0]])
>>> {k: round(v, 4) for k, v in calibration(sure, torch.tensor([0, 1])).items()}
{'nll': 2.0181, 'ece': 0.482}
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

BINS = 15  # Guo et al.'s number


def calibration(outputs: Tensor, labels: Tensor) -> dict[str, float]:
    """Negative log-likelihood and expected calibration error of a part of the data.

    Args:
        outputs: (N, C) logits, or logarithms of probabilities.
        labels: (N,) int64, of 0 to C - 1.

    Returns:
        "nll": mean of -ln p(label), nats; "ece": in 0 to 1, the mean over the images of
        |accuracy - confidence| of their bin, in 15 equal bins of the largest probability (Guo et
        al., On Calibration of Modern Neural Networks, ICML 2017, equation 3).
    """
    outputs = outputs.double()
    confidence, answers = outputs.softmax(1).max(1)
    right = (answers == labels).double()
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1
    gaps = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, right - confidence)
    return {
        "nll": functional.cross_entropy(outputs, labels).item(),
        "ece": (gaps.abs().sum() / len(labels)).item(),
    }


def best_temperature(outputs: Tensor, labels: Tensor) -> float:
    """T, from 0.001 to 1,000, by which softmax(outputs / T) is the likeliest: Guo et al.'s
    temperature scaling, section 4.2, which changes no answer.

    It takes away what the outputs' scale alone does to a calibration. A last BatchNorm without
    gain gives outputs of variance 1, and such a network is never sure.

    Args:
        outputs, labels: as of :func:`calibration`, of data that the test does not have.
    """
    from scipy.optimize import minimize_scalar

    outputs = outputs.double()
    most = math.log(1e3)
    # The likelihood has one maximum along 1/T, and so along ln T.
    found = minimize_scalar(
        lambda log: functional.cross_entropy(outputs / math.exp(log), labels).item(),
        bounds=(-most, most), method="bounded",
    )  # fmt: skip
    return math.exp(found.x)
