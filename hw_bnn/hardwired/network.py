"""What is hard-wired: layers of 1-bit weights over unsigned numbers, and what they compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import BadInput


@dataclass(frozen=True)
class Layer:
    """Fully connected: `weights` (MH, MW) of -1 and +1; `thresholds` (MH,) integers, or None.

    With thresholds the outputs are bits, sum_i w_i u_i >= threshold; without, they are the numbers
    2^shift * sum_i w_i u_i + offset, `offsets` (MH,) integers (None: 0).
    The sums are of the unsigned inputs u: a popcount P (inputs and weights that agree) is the sum
    plus the number of -1 weights (:func:`from_popcount`).
    """

    weights: np.ndarray
    thresholds: np.ndarray | None
    offsets: np.ndarray | None = None
    shift: int = 0

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or not np.isin(self.weights, (-1, 1)).all():
            raise BadInput("weights of a hard-wired layer must be a matrix of -1 and +1")
        for name, values in (("thresholds", self.thresholds), ("offsets", self.offsets)):
            if values is not None and values.shape != self.weights.shape[:1]:
                raise BadInput(
                    f"{self.weights.shape[0]} neurons have {name} of shape {values.shape}"
                )
        if self.thresholds is not None and (self.offsets is not None or self.shift):
            raise BadInput("a hard-wired layer has thresholds, or offsets and a shift, not both")

    def offset(self, neuron: int) -> int:
        return 0 if self.offsets is None else int(self.offsets[neuron])

    def span(self, largest: int) -> tuple[int, int]:
        """Smallest and largest output for inputs in [0, largest]; (0, 1) with thresholds."""
        if self.thresholds is not None:
            return 0, 1
        rows = [
            (int((row < 0).sum()), int((row > 0).sum()), self.offset(m))
            for m, row in enumerate(self.weights)
        ]
        low = min(-(minus * largest << self.shift) + offset for minus, _, offset in rows)
        return low, max((plus * largest << self.shift) + offset for _, plus, offset in rows)


def from_popcount(weights: np.ndarray, thresholds: np.ndarray | None) -> Layer:
    """A layer whose thresholds are in the popcount domain: bit = (P >= threshold)."""
    if thresholds is None:
        return Layer(weights, None)
    return Layer(weights, thresholds - (weights < 0).sum(axis=1))


@dataclass(frozen=True)
class Network:
    """Layers in order; the input is `input_bits` bits a feature (element 0 lowest).

    All layers but the last have thresholds. With `input_signed` the highest bit of each feature is
    inverted on its way into the first layer: a two's complement x counts as u = x + 2^(bits - 1).
    """

    layers: Sequence[Layer]
    input_bits: int = 1
    input_signed: bool = False

    def __post_init__(self) -> None:
        for before, after in pairwise(self.layers):
            if before.thresholds is None:
                raise BadInput("only the last hard-wired layer may put out sums")
            if before.weights.shape[0] != after.weights.shape[1]:
                raise BadInput(
                    f"{before.weights.shape[0]} outputs meet {after.weights.shape[1]} inputs"
                )

    def evaluate(self, u: np.ndarray) -> np.ndarray:
        """Outputs (N, MH) of inputs (N, MW), integers in [0, 2^input_bits): the specification."""
        for layer in self.layers:
            u = u.astype(np.int64) @ layer.weights.astype(np.int64).T
            if layer.thresholds is not None:
                u = (u >= layer.thresholds).astype(np.int64)
            else:
                u = (u << layer.shift) + (0 if layer.offsets is None else layer.offsets)
        return u

    def score_bits(self) -> int:
        """Bits of an output: 1, or those of the numbers in two's complement."""
        last = self.layers[-1]
        if last.thresholds is not None:
            return 1
        low, high = last.span(2**self.input_bits - 1 if len(self.layers) == 1 else 1)
        return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length()) + 1
