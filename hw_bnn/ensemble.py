"""What the networks in an accelerator's contexts say together: BayesBiNN's mean prediction.

    accelerator = hb.Accelerator("there")                   # compiled with contexts=8
    found = accelerator.ensemble(images, weights="samples")
    found.labels, found.entropy                             # what, and how sure

    tally = accelerator.tally(images, weights="samples")    # compiled with ensemble=True
    tally.labels, tally.votes                               # what the most networks say

Votes and sums of scores are integers and exact, on the host and on the chip. Probabilities are a
function of the K score vectors that is not linear: p = 1/K sum_k softmax(f_k(x)) (Meng, Bachmann
and Khan, ICML 2020, equation 20), computed in float64 on the host from the accelerator's exact
scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tally:
    """N frames through K networks with n classes, summed up on chip.

    Attributes:
        votes: (N, n) int64, how many networks' labels each class is.
        score_sums: (N, n) int64, over the networks.
        labels: (N,) int64, the class with the most votes, the lowest of equals.
        entropy: (N,) float64, of the votes' shares, in nats: how much the networks differ.
    """

    votes: NDArray[np.int64]
    score_sums: NDArray[np.int64]

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.votes.argmax(axis=1)

    @property
    def entropy(self) -> NDArray[np.float64]:
        return _entropy(self.votes / self.votes.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Ensemble:
    """N frames through K networks with n classes.

    Attributes:
        scores: (N, K, n) int64, as the accelerator gives them.
        votes: (N, n) int64, how many networks' labels each class is.
        score_sums: (N, n) int64, over the networks.
        probabilities: (N, n) float64, the mean of the networks' softmax.
        labels: (N,) int64, the likeliest class, the lowest of equals.
        entropy: (N,) float64, of `probabilities`, in nats: all uncertainty.
        mutual_information: (N,) float64, in nats: of it what the networks disagree on, the entropy
            less the mean of their own entropies.
    """

    scores: NDArray[np.int64]
    votes: NDArray[np.int64]
    score_sums: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    entropy: NDArray[np.float64]
    mutual_information: NDArray[np.float64]


def combine(
    scores: NDArray[np.int64], labels: NDArray[np.int64], outputs: Sequence[NDArray[np.float64]]
) -> Ensemble:
    """The ensemble of what K networks give.

    Args:
        scores: (N, K, n). labels: (N, K), each network's own. outputs: K arrays (N, n), the real
            numbers that the scores stand for, before the softmax.

    >>> alike = combine(np.array([[[3, 1], [3, 1]]]), np.array([[0, 0]]), [np.eye(2)[:1]] * 2)
    >>> alike.votes.tolist(), alike.score_sums.tolist(), float(alike.mutual_information[0])
    ([[2, 0]], [[6, 2]], 0.0)
    """
    each = np.stack([_softmax(real) for real in outputs], axis=1)
    mean = each.mean(axis=1)
    entropy = _entropy(mean)
    classes = np.arange(scores.shape[2])
    return Ensemble(
        scores, (labels[:, :, None] == classes).sum(axis=1), scores.sum(axis=1), mean,
        mean.argmax(axis=1), entropy, np.maximum(entropy - _entropy(each).mean(axis=1), 0),
    )  # fmt: skip


def _softmax(real: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(real - real.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)
