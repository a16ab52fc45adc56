"""Where two stages part: the first layer, frame, position and channel with different integers.

>>> import numpy as np
>>> golden = {"act": np.array([[1, 1, -1]]), "scores": np.array([[3, 1]])}
>>> other = {"act": np.array([[1, -1, -1]]), "scores": np.array([[1, 1]])}
>>> print(first_divergence("rtl", golden, other, [7], {"act": "Sign_3"}))
rtl differs from golden first in Sign_3 (tensor act), frame 7, channel 1: 1 expected, -1 found
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .waveform import Waveform


@dataclass(frozen=True)
class Divergence:
    """The first difference between a stage and the golden model.

    layer: the user's node that makes `tensor`. position: (row, column) in a map, () in a vector.
    cycle: for RTL, the clock cycle after reset in which the word was handed on; waveform: the wires
    around it. inside: what the stage made of the layers before was compared. compared: the tensors
    of which that is so, all equal but this one.
    """

    stage: str
    tensor: str
    layer: str | None
    frame: int
    position: tuple[int, ...]
    channel: int
    expected: int
    found: int
    cycle: int | None = None
    waveform: Waveform | None = None
    inside: bool = False
    compared: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.layer} (tensor {self.tensor})" if self.layer else f"tensor {self.tensor}"
        at = f", position {self.position}" if self.position else ""
        cycle = f", cycle {self.cycle:,}" if self.cycle is not None else ""
        return (
            f"{self.stage} differs from golden first in {where}, frame {self.frame}{at}, channel "
            f"{self.channel}{cycle}: {self.expected} expected, {self.found} found"
        )


def first_divergence(
    stage: str,
    expected: Mapping[str, np.ndarray],
    found: Mapping[str, np.ndarray],
    frames: Sequence[int],
    layers: Mapping[str, str],
) -> Divergence | None:
    """The first difference, by layer in the order of `expected`, then frame, then element.

    Args:
        stage: name of the stage that gave `found`.
        expected, found: tensor name -> (N, ...) integers, channel first in maps; tensors that only
            one of them has are passed over.
        frames: the N frames' numbers in the whole run.
        layers: tensor name -> the user's node.
    """
    compared = []
    for tensor, right in expected.items():
        if tensor not in found:
            continue
        compared.append(tensor)
        other = np.asarray(found[tensor]).reshape(right.shape)
        wrong = np.argwhere(right != other)
        if not len(wrong):
            continue
        index = tuple(int(i) for i in wrong[0])
        return Divergence(
            stage=stage,
            tensor=tensor,
            layer=layers.get(tensor),
            frame=int(frames[index[0]]),
            position=index[2:],
            channel=index[1] if len(index) > 1 else 0,
            expected=int(right[index]),
            found=int(other[index]),
            compared=tuple(compared),
        )
    return None
