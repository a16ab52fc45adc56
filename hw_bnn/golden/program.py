"""What the import of a file leaves: integer operations, and the meaning of their two ends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import Unsupported
from .levels import Thresholds, quant_range
from .ops import Op
from .values import Integers, Real


@dataclass
class InputContract:
    """The integers that the network takes; integer x stands for the real value scale*x + offset.

    datatype: QONNX name (BIPOLAR, BINARY, UINT8, INT8, ...). shape: of a frame. tensor: name
    in the file of the tensor that they represent, the output of the first quantiser or the
    graph input itself.
    """

    datatype: str
    minimum: int
    maximum: int
    shape: tuple[int, ...]
    tensor: str
    scale: Fraction
    offset: Fraction


@dataclass(frozen=True)
class Quantiser:
    """A quantiser inside the network: what it quantises, in boundary units, and what it gives."""

    node: str
    value: Integers
    levels: np.ndarray  # object array of Levels
    thresholds: Thresholds | None  # none where it is evaluated (evaluated.py)


@dataclass(frozen=True)
class HostQuantiser:
    """The quantiser on the graph input: it runs on the host."""

    real: Real  # in boundary units
    levels: np.ndarray
    first: int
    stride: int
    graph_shape: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """What the import leaves: operations, and how to read their result."""

    ops: list[Op]
    quantisers: dict[str, Quantiser]  # by output tensor
    tensors: dict[str, Integers]
    input: InputContract
    host: HostQuantiser | None  # None where the graph input holds integers already
    result: Integers


def datatype_range(name: str) -> tuple[int, int]:
    """(minimum, maximum) of a QONNX integer datatype of up to 16 bits.

    Raises:
        Unsupported: another type.
    """
    fixed = {"BIPOLAR": (-1, 1), "BINARY": (0, 1), "TERNARY": (-1, 1)}
    if name in fixed:
        return fixed[name]
    head, bits = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
    if head not in ("INT", "UINT") or not bits or not 1 <= int(bits) <= 16:
        raise Unsupported(
            f"the input datatype {name} is not supported",
            remedy="use BIPOLAR, BINARY, or INT or UINT of up to 16 bits",
        )
    return quant_range(int(bits), head == "INT", False)


def datatype_name(minimum: int, maximum: int, stride: int = 1) -> str:
    """The narrowest QONNX datatype that holds minimum..maximum."""
    if (minimum, maximum, stride) == (-1, 1, 2):
        return "BIPOLAR"
    if minimum >= 0:
        bits = max(maximum.bit_length(), 1)
        return "BINARY" if bits == 1 else f"UINT{bits}"
    return f"INT{max((-minimum - 1).bit_length(), maximum.bit_length()) + 1}"
