"""The rule of QONNX's Trunc: a quantiser whose input has been rounded to integers before."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, log2
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput, Unsupported
from ..onnxfile import Node
from .exact import Surd
from .levels import Boundary, Levels, quant_levels
from .registry import rule
from .rules_quantisers import _quantise
from .values import UNIT, Constant, Integers

if TYPE_CHECKING:
    from .importer import Importer


@rule("Trunc")
def _trunc(walk: Importer, node: Node) -> Integers:
    """out_scale * (round(clip(m / 2^t)) - zero / 2^t), m the integer nearest to v/scale + zero."""
    value = walk.value(node)
    if not isinstance(value, Integers):
        raise Unsupported(
            "it acts on no quantised activation", node=node.name, remedy="quantise before it"
        )
    if len(node.inputs) != 6:
        raise Unsupported(
            f"it has {len(node.inputs)} inputs, those of its first version",
            node=node.name,
            remedy="export it as version 2 of QONNX, with an output scale",
        )
    walk.not_final(node, value)
    scale, zero, _, out_scale, bits = (_number(walk, node, i) for i in range(1, 6))
    if bits.denominator != 1 or scale <= 0 or out_scale <= 0:
        raise BadInput(
            "its scales or its bit width are no positive numbers",
            node=node.name,
            remedy="export the model again",
        )
    step = Fraction(2) ** round(log2(out_scale / scale))
    if abs(float(out_scale / scale / step) - 1) > 2.0**-16:
        raise Unsupported(
            "its scales are no power of two apart",
            node=node.name,
            remedy="use a power of two times the scale",
        )
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 0))
    if bits == 1 and signed:
        raise Unsupported("it gives one signed bit", node=node.name, remedy="use 2 bits or more")
    plain = quant_levels(int(bits), signed, narrow, node.text("rounding_mode", "FLOOR"))
    levels = Levels(plain.first, 1, tuple(_before(b, step) for b in plain.boundaries))
    value = value.transform(_exactly(1 / scale), _exactly(zero) if zero else None)
    value = _divided(value)
    offset = Surd(zero / step)
    return _quantise(walk, node, value, levels, _exactly(out_scale), offset)


def _before(boundary: Boundary, step: Fraction) -> Boundary:
    """A boundary of m / step, as one of the number that is rounded to m."""
    reach = boundary.at * step
    least = floor(reach) + 1 if boundary.strict else ceil(reach)  # the first m
    return Boundary(least - Fraction(1, 2), strict=least % 2 == 1)


def _divided(value: Integers) -> Integers:
    """With the rounding of one more operation: a stage divides, then adds."""
    return replace(value, error=value.error + UNIT * value.magnitude())


def _exactly(number: Fraction) -> Constant:
    array = np.empty((), dtype=object)
    array[()] = Surd(number)
    return Constant(array)


def _number(walk: Importer, node: Node, position: int) -> Fraction:
    numbers = set(walk.constant(node, position).exact().reshape(-1))
    if len(numbers) != 1 or not next(iter(numbers)).is_rational():
        raise Unsupported(
            f"its input {node.inputs[position]!r} is not one number for the tensor",
            node=node.name,
            remedy="use one scale and one bit width",
        )
    return numbers.pop().x
