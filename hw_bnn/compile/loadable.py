"""Layers whose weights are loaded at run time: types and ranges that hold whatever is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadInput
from .head import FixedAffine
from .integer_graph import Linear, Op
from .requant import Shape

MARGIN = 6
"""Bits that the label's affine has more than the first network needs."""
MOST_BITS = 9
"""Of a layer's weights: a file's 8 (rules_layers.py), and what their negation needs."""


@dataclass(frozen=True)
class Loadable:
    """What every network of an accelerator has to fit.

    Attributes:
        types: of each layer's weights, in the order of the model file; none where this network
            makes the accelerator: its own decide.
        requantisers: of each quantiser, in the order of the model file, the shape of its
            requantiser, or None of thresholds; None as for `types`.
        affine: bits of the label's A and B, 0 where it needs none; None as for `types`.
    """

    types: tuple[str, ...] = ()
    requantisers: tuple[Shape | None, ...] | None = None
    affine: tuple[int, int] | None = None


def widened(affine: FixedAffine, loadable: Loadable, layer: str) -> FixedAffine:
    """The label's affine in the bits that the accelerator has for it.

    Raises:
        BadInput: it needs more.
    """
    if loadable.affine is None:
        if not affine.a_bits:
            return affine
        return replace(affine, a_bits=affine.a_bits + MARGIN, b_bits=affine.b_bits + MARGIN)
    a_bits, b_bits = loadable.affine
    if affine.a_bits > a_bits or affine.b_bits > b_bits:
        raise BadInput(
            f"its label needs factors of {affine.a_bits} and offsets of {affine.b_bits} bits, the "
            f"accelerator has {a_bits} and {b_bits}",
            node=layer,
            remedy="compile this model as an accelerator of its own",
        )
    return replace(affine, a_bits=a_bits, b_bits=b_bits)


def declare(op: Linear, before: Sequence[Op], loadable: Loadable) -> int:
    """Fix the type of a layer's weights; returns the largest of their absolute values.

    A type of n bits goes from -(2^(n-1) - 1) to 2^(n-1) - 1, so that a channel may be negated.

    Args:
        op: gets the type: the accelerator's; where this network makes it, what the file declares
            (`declared` of the op), or where it declares nothing, the least that holds the weights.
        before: the ops before it.

    Raises:
        BadInput: the weights are not of the accelerator's type.
    """
    types = loadable.types
    index = sum(isinstance(other, Linear) for other in before)
    if index < len(types):
        op.declared = types[index]
    elif op.declared is None and op.weight_type == "BIPOLAR":
        op.declared = "BIPOLAR"
    elif op.declared is None:
        op.declared = type_of(int(op.weights.min()), int(op.weights.max()))
    if op.declared == "BIPOLAR":
        fits, largest = bool((np.abs(op.weights) == 1).all()), 1
    else:
        largest = (1 << int(op.declared.removeprefix("INT")) - 1) - 1
        fits = int(np.abs(op.weights).max()) <= largest
    if not fits:
        allowed = "-1 and 1" if largest == 1 else f"{-largest} to {largest}"
        raise BadInput(
            f"its weights go from {op.weights.min()} to {op.weights.max()}, the accelerator takes "
            f"{allowed}",
            node=op.layer,
            remedy="compile this model as an accelerator of its own",
        )
    return largest


def type_of(least: int, greatest: int) -> str:
    """The signed type that holds plus and minus these integers; at most MOST_BITS of them.

    >>> type_of(-1, 1), type_of(-2, 1), type_of(0, 3), type_of(-(1 << 15), 0)
    ('INT2', 'INT3', 'INT3', 'INT9')
    """
    return f"INT{min(max(-least, greatest).bit_length() + 1, MOST_BITS)}"


def annotated(datatype: str | None, integers: np.ndarray) -> str | None:
    """What a file's annotation declares of weights that are integers already.

    None where it is no type of integers, or does not hold them.
    """
    from qonnx.core.datatype import DataType

    try:
        found = DataType[datatype or "FLOAT32"]
    except KeyError:
        return None
    if not found.is_integer() or not np.vectorize(found.allowed)(np.unique(integers)).all():
        return None
    if datatype == "BIPOLAR":
        return "BIPOLAR"
    return type_of(int(found.min()), int(found.max()))


def declared(ops: Sequence[Op]) -> list[str]:
    """The types of all layers, as `declare` fixed them."""
    return [str(op.declared) for op in ops if isinstance(op, Linear)]
