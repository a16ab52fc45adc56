"""Layers whose weights are loaded at run time: types and ranges that hold whatever is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadInput
from .head import FixedAffine
from .integer_graph import Linear, Op

MARGIN = 6
"""Bits that the label's affine has more than the first network needs."""


@dataclass(frozen=True)
class Loadable:
    """What every network of an accelerator has to fit.

    Attributes:
        types: of each layer's weights, in the order of the model file; none where this network
            makes the accelerator: its own decide.
        affine: bits of the label's A and B, 0 where it needs none; None as for `types`.
    """

    types: tuple[str, ...] = ()
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
        op: gets the type. before: the ops before it.

    Raises:
        BadInput: the weights are not of the accelerator's type.
    """
    types = loadable.types
    index = sum(isinstance(other, Linear) for other in before)
    if index < len(types):
        op.declared = types[index]
    elif op.weight_type != "BIPOLAR":
        op.declared = f"INT{int(np.abs(op.weights).max()).bit_length() + 1}"
    else:
        op.declared = "BIPOLAR"
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


def declared(ops: Sequence[Op]) -> list[str]:
    """The types of all layers, as `declare` fixed them."""
    return [str(op.declared) for op in ops if isinstance(op, Linear)]
