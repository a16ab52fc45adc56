"""QONNX's Trunc: integers shifted to fewer bits, as behind an average pool.

    y = (round(clip(n(x/scale + zero) / 2^t)) - zero/2^t) * out_scale,   2^t = out_scale/scale,

n to the nearest integer, halves to even; round by the node's mode. That is a quantiser: level k is
reached where n(...) >= T, its first integer, which is x/scale + zero >= T - 1/2 (> for odd T).
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, log2

from ..errors import Unsupported
from .registry import rule
from .rules_quantisers import _activation, _one, emit_quantiser
from .thresholds import Quantiser, level, quant_integers

SLACK = 2.0**-16
"""Of a ratio of scales that are a power of two apart, in terms of it."""


@rule("Trunc")
def trunc(state, node):
    """Precondition: scales, zero point and bit widths are constants, one a tensor."""
    name = node.name
    if len(node.inputs) != 6:
        raise Unsupported(
            f"Trunc of {len(node.inputs)} inputs, QONNX's first version",
            node=name,
            remedy="export it as version 2, with an output scale (Brevitas 0.12 or newer)",
        )
    value = _activation(state, node, state.value(node, 0))
    what = ("scale", "zero point", "bit width", "output scale", "output bit width")
    scale, zero, _, out_scale, bits = (
        _one(state.constant(node, i + 1), text, name) for i, text in enumerate(what)
    )
    if scale <= 0 or out_scale <= 0 or bits.denominator != 1 or not 1 <= bits <= 16:
        raise Unsupported(
            f"scales {float(scale):g} and {float(out_scale):g} or a width of {float(bits):g} bits",
            node=name,
            remedy="use scales above 0 and 1 to 16 bits",
        )
    shift = round(log2(out_scale / scale))
    factor = Fraction(2) ** shift
    if abs(out_scale / (scale * factor) - 1) > SLACK:
        raise Unsupported(
            f"an output scale that is {float(out_scale / scale):g} of the scale",
            node=name,
            remedy="use a power of two times the scale",
        )
    rounding = node.text("rounding_mode", "FLOOR")
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 0))
    integers = quant_integers(int(bits), signed=signed, narrow=narrow, rounding=rounding)
    if integers.bipolar:
        raise Unsupported("Trunc to one signed bit", node=name, remedy="use 2 bits or more")
    bounds, strict = [], []
    for k in range(integers.low + 1, integers.high + 1):
        bound, above = level(k, rounding)
        first = floor(bound * factor) + 1 if above else ceil(bound * factor)
        half, odd = level(first, "ROUND")
        bounds.append(half - zero + zero / factor)
        strict.append(odd)
    quantiser = Quantiser(
        tuple(bounds), tuple(strict), (scale,), (out_scale,), zero / factor,
        integers.low, 1, integers.datatype,
    )  # fmt: skip
    emit_quantiser(state, node, value, [quantiser])
