"""A quantiser as its definition: each integer's real value is computed and rounded.

For what has no thresholds, or too many to find one by one: a value that turns (PReLU with a slope
below 0), 16-bit quantisers, wide layers of 8 bits. float64 decides where its error cannot matter,
exact numbers elsewhere, once for each integer of each channel (or wherever the parameters vary).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import Unsupported
from .curves import enclosed
from .levels import Levels, parameters
from .ops import Op
from .values import Integers

MARGIN = 1e-11
"""Relative distance from a boundary within which float64 does not decide."""


@dataclass(frozen=True)
class Evaluated(Op):
    """q = first + stride * (number of boundaries that value(x) reaches).

    value: the quantiser's input, in the units of the boundaries. levels: object array of Levels,
    broadcasting against the frame.
    """

    value: Integers
    levels: np.ndarray
    known: dict[tuple[int, int], int] = field(default_factory=dict, compare=False, repr=False)
    """(element of the parameters, integer) -> boundaries reached, where exact numbers decided."""

    def run(self, *arrays):
        (x,) = arrays
        approximate = np.broadcast_to(self.value.floats(x), x.shape)
        margin = np.broadcast_to(MARGIN * (self.value.magnitude() + 1), x.shape[1:])
        elements = self._elements(x.shape[1:])
        kinds = {id(kind): kind for kind in self.levels.reshape(-1)}
        count = np.empty(x.shape, dtype=np.int64)
        for one in kinds.values():
            where: tuple = (...,)
            if len(kinds) > 1:
                same = np.array([kind is one for kind in self.levels.reshape(-1)])
                where = (np.broadcast_to(same.reshape(self.levels.shape), x.shape[1:]),)
            part = (slice(None), *where)
            count[part] = self._counted(
                one, x[part], approximate[part], margin[where], elements[where]
            )
        return one.first + one.stride * count

    def _counted(self, levels: Levels, x, approximate, margin, elements) -> np.ndarray:
        """Boundaries reached by integers x (N, ...), of about these values."""
        at = np.array([float(b.at) for b in levels.boundaries])
        below = np.searchsorted(at, approximate - margin, side="left")
        doubtful = below != np.searchsorted(at, approximate + margin, side="right")
        if doubtful.any():
            elements = np.broadcast_to(elements, x.shape)
            below[doubtful] = self._exact(levels, elements[doubtful], x[doubtful])
        return below

    def _shape(self) -> tuple[int, ...]:
        parts = [*parameters(self.value), self.levels]
        return np.broadcast_shapes(*(part.shape for part in parts))

    def _elements(self, frame: tuple[int, ...]) -> np.ndarray:
        """Of each element of the frame, which element of the parameters it has."""
        shape = self._shape()
        return np.broadcast_to(np.arange(np.prod(shape, dtype=int)).reshape(shape), frame)

    def _exact(self, levels: Levels, elements: np.ndarray, integers: np.ndarray) -> np.ndarray:
        pairs, back = np.unique(np.stack([elements, integers]), axis=1, return_inverse=True)
        shape = self._shape()
        counts = []
        for element, integer in pairs.T.tolist():
            if (element, integer) not in self.known:
                index = tuple(int(i) for i in np.unravel_index(element, shape))
                self.known[element, integer] = _reached(
                    levels, enclosed(self.value, integer, (index, shape))
                )
            counts.append(self.known[element, integer])
        return np.array(counts, dtype=np.int64)[back.reshape(-1)]


def _reached(levels: Levels, ends) -> int:
    """The boundaries that a number reaches, given two that enclose it, by bisection.

    Raises:
        Unsupported: a boundary lies between the two.
    """
    found = set()
    for end in ends:
        low, high = 0, len(levels.boundaries)
        while low < high:
            middle = (low + high) // 2
            if levels.boundaries[middle].reached(end):
                low = middle + 1
            else:
                high = middle
        found.add(low)
    if len(found) > 1:
        raise Unsupported(
            "a level too near to the value of a Tanh or Sigmoid",
            remedy="quantise with another scale",
        )
    return found.pop()
