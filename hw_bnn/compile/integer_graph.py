"""The integer network: what is left of a QONNX file once scales, BatchNorms and quantisers
are thresholds.

A list of operations on integer tensors in topological order. A tensor holds one frame, channel
fastest: (H, W, C) for maps, (K,) for vectors. Every operation remembers the node of the user's file
that it came from (`layer`), every tensor the user's tensor that it stands for (`origin`), so that a
difference found anywhere later can be named in the user's terms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .exact import Surd

if TYPE_CHECKING:
    from .emit import Emitter
    from .requant import Shape


@dataclass
class Tensor:
    """An integer tensor of one frame; every value v satisfies minimum <= v <= maximum."""

    name: str
    shape: tuple[int, ...]
    datatype: str  # QONNX name
    minimum: int
    maximum: int
    origin: str  # tensor name in the user's file

    @property
    def channels(self) -> int:
        return self.shape[-1]

    @property
    def pixels(self) -> int:
        return int(np.prod(self.shape[:-1], dtype=np.int64))


@dataclass
class Op:
    """Base of the operations: reads `inputs`, writes `output` (names of tensors)."""

    layer: str
    inputs: list[str]
    output: str

    def emit(self, emitter: Emitter) -> None:
        """Write the op's nodes; the emitter knows those of this file itself (emit.py)."""
        # Not abstract: the ops of this file have none, by design, and rule files bring their own.
        raise NotImplementedError(type(self).__name__)


@dataclass
class Linear(Op):
    """out[m] = sum_k weights[m, k] * in[k], or a convolution with weights (M, kh, kw, C / groups):
    each of `groups` equal runs of output channels reads its own run of the input's.

    pad_value: the integer that stands outside a map. 0 is exact zero padding, which no
    bipolar value has.
    """

    weights: np.ndarray = field(repr=False)  # int16
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    dilation: tuple[int, int] = (1, 1)
    pad_value: int = 0
    declared: str | None = None  # type of weights that may be loaded, which holds these
    groups: int = 1

    @property
    def weight_type(self) -> str:
        """BIPOLAR for +1 and -1, else the smallest signed type of two bits or more."""
        if self.declared is not None:
            return self.declared
        if np.array_equal(np.abs(self.weights), np.ones_like(self.weights)):
            return "BIPOLAR"
        least, greatest = int(self.weights.min()), int(self.weights.max())
        bits = max((-least - 1).bit_length() if least < 0 else 0, max(greatest, 0).bit_length()) + 1
        return f"INT{max(bits, 2)}"

    @property
    def is_conv(self) -> bool:
        return self.weights.ndim == 4


@dataclass
class Threshold(Op):
    """out = bias + step * #{l : s*in >= thresholds[c, l]}, with s = -1 where negate[c], else +1.

    thresholds ascend along l and lie in [minimum, maximum + 1] of s*in: the outer values
    mean always, never. Where they vary by position, c counts the elements of the frame
    instead of the channels.
    """

    thresholds: np.ndarray  # int64 (C or 1 or elements, levels)
    negate: np.ndarray  # bool (C or elements,)
    bias: int
    step: int  # 2 for bipolar outputs, else 1


@dataclass
class MaxPool(Op):
    """A channel's maximum, or where minimum[c] minimum, over a window; padding never wins."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    minimum: np.ndarray  # bool (C,)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right


@dataclass
class SumPool(Op):
    """Per channel the sum over a window."""

    kernel: tuple[int, int]
    stride: tuple[int, int]


@dataclass
class Add(Op):
    """factors[0]*a + factors[1]*b, element by element, for two integer tensors of one shape."""

    factors: tuple[int, int] = (1, 1)


@dataclass
class Head:
    """What follows the last integer layer: class c's real score is alpha[c]*score + beta[c]."""

    alpha: list[Surd]
    beta: list[Surd]


@dataclass
class IntegerGraph:
    """The whole network. `input` and `output` are tensor names; output holds the raw scores."""

    tensors: dict[str, Tensor]
    ops: list[Op]
    input: str
    output: str
    head: Head
    model_shape: tuple[int, ...]  # of the input tensor in the user's file, without batch
    transpose: tuple[int, ...] | None  # model_shape -> stream_shape
    # of the file's quantisers on the chip, in its order, the shape of a requantiser
    requantisers: list[Shape | None] = field(default_factory=list)

    @property
    def stream_shape(self) -> tuple[int, ...]:
        """Of the input, channel fastest; without the height of 1 that maps of one axis get."""
        axes = self.transpose or range(len(self.model_shape))
        return tuple(self.model_shape[axis] for axis in axes)

    def consumers(self, tensor: str) -> list[Op]:
        return [op for op in self.ops if tensor in op.inputs]

    def producer(self, tensor: str) -> Op | None:
        return next((op for op in self.ops if op.output == tensor), None)


def datatype_for(minimum: int, maximum: int) -> str:
    """Smallest QONNX integer type holding minimum..maximum.

    >>> datatype_for(-144, 144), datatype_for(0, 255), datatype_for(0, 256)
    ('INT9', 'UINT8', 'UINT9')
    """
    if minimum >= 0:
        return f"UINT{max(1, int(maximum).bit_length())}"
    return f"INT{max(int(-minimum - 1).bit_length(), int(maximum).bit_length()) + 1}"
