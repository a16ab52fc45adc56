"""Constant subgraphs: a node all of whose inputs are constants is computed, whatever its operator.

Exporters write parameters as small programs: 2 ** bits, a weight divided by its norm, a border that
ConstantOfShape and Concat build. What the rules of both walks follow exactly (scales and biases in
rational numbers and roots, quantised weights as integers times a scale) stays theirs: see
:func:`kept`. All the rest is computed here, once and the same for both, by onnx's reference
evaluator (QONNX's operators: by qonnx), in float64 where the file has floats.

>>> from onnx import helper
>>> node = Node(helper.make_node("Range", ["a", "b", "c"], ["r"]))
>>> fold(node, [np.array(1), np.array(7), np.array(2)], 13)
[array([1, 3, 5])]
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from onnx import TensorProto

from ..errors import BadInput, Unsupported
from .evaluate import check_size, evaluate, floats_as, version_for
from .node import Node
from .support import QUANTISERS, STANDARD_DOMAINS

EXACT_ELEMENTS = 100_000
"""Constants of more elements are computed in float64: exact numbers are Python objects."""
EXACT_BITS = 2**14
"""Most binary digits of an exact number; a file that squares a number 60 times would need 2^60."""
RANDOM = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}
ARITHMETIC = {"Abs", "Add", "Div", "Mul", "Neg", "Pow", "Reciprocal", "Sqrt", "Sub"}
"""Exact in both walks, on constants that are no integers of the file (those are shapes)."""
STRUCTURE = {
    "Constant", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
"""Moves numbers about: the walks keep integers, scales and roots as they are."""
WEIGHT_QUANTISERS = {"BipolarQuant", "IntQuant", "Quant"}
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)


def kept(node: Node, values: Sequence[Any]) -> bool:
    """Whether a node of constants has exact rules in both walks.

    Args:
        values: what a walk knows of the inputs that are there; each has `shape`, `integral`
            (integers of the file) and `quantised` (integers times a scale).
    """
    if node.domain not in STANDARD_DOMAINS and node.op_type not in QUANTISERS:
        return False
    if node.op_type in STRUCTURE or node.op_type in WEIGHT_QUANTISERS:
        return True
    if node.op_type == "Sign":
        return not any(v.quantised for v in values)
    if node.op_type == "Cast":
        return node.integer("to") in _FLOATS and not any(v.integral for v in values)
    return (
        node.op_type in ARITHMETIC
        and not all(v.integral for v in values)
        and prod(np.broadcast_shapes(*(v.shape for v in values))) <= EXACT_ELEMENTS
        and (node.op_type in ("Add", "Neg", "Sub") or not any(v.quantised for v in values))
    )


def fold(
    node: Node, arrays: Sequence[np.ndarray | None], opset: int, kind: type = np.float64
) -> list[np.ndarray]:
    """The outputs of a node of constants.

    Args:
        arrays: its inputs by position, None where one is left out; integers, bool, floats, or exact
            numbers (objects that float() takes).
        opset: version of the default operator set.
        kind: float type to compute in.

    Returns:
        An array an output, finite; floats as float64.

    Raises:
        Unsupported: the operator is not deterministic, or nobody knows it; the result would be
        larger than LARGEST. BadInput: its inputs do not fit it, or the result is not finite.
    """
    if node.op_type in RANDOM:
        raise Unsupported(
            f"{node.op_type} gives other numbers in every run",
            node=node.name,
            remedy="store the numbers in the file",
        )
    opset = version_for(node, opset)
    inputs = [None if a is None else floats_as(kind, a) for a in arrays]
    try:
        check_size(node, inputs, opset)
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("ignore")
            results = evaluate(node, inputs, opset, kind)
    except (BadInput, ModuleNotFoundError):
        raise
    except NotImplementedError as error:
        raise Unsupported(
            f"the operator {node.op_type} is not known",
            node=node.name,
            remedy="fold constants before export",
        ) from error
    except Exception as error:  # the evaluator raises all kinds
        raise BadInput(
            f"it cannot be computed from its constants ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]})",
            node=node.name,
            remedy="check them in the file",
        ) from error
    return [_result(node, value) for value in results]


def float32_error(
    node: Node,
    arrays: Sequence[np.ndarray | None],
    errors: Sequence[np.ndarray | float],
    results: Sequence[np.ndarray],
    opset: int,
) -> list[np.ndarray | float]:
    """How far float32 arithmetic may be from the results of :func:`fold`, an array an output.

    No bound that holds for every operator is known, but the numbers are: the node is computed in
    float32 too, and at inputs that are moved by their own errors. Twice those differences, and four
    units of the results, are allowed.
    """
    if all(r.dtype.kind != "f" for r in results):
        return [0.0] * len(results)
    exact = [None if a is None else floats_as(np.float64, a) for a in arrays]
    moved = [
        a if a is None or a.dtype.kind != "f" else a + np.broadcast_to(e, a.shape)
        for a, e in zip(exact, errors, strict=True)
    ]
    try:
        rounded = fold(node, exact, opset, np.float32)
        shifted = fold(node, moved, opset) if np.any([np.any(e) for e in errors]) else results
    except BadInput:  # float32 overflows
        return [np.abs(np.asarray(r, np.float64)) for r in results]
    out: list[np.ndarray | float] = []
    for result, low, other in zip(results, rounded, shifted, strict=True):
        if result.dtype.kind != "f" or not low.shape == other.shape == result.shape:
            out.append(0.0 if result.dtype.kind != "f" else np.abs(result))
            continue
        difference = np.abs(low - result) + np.abs(other - result)
        out.append(2 * difference + 4 * 2.0**-24 * np.abs(result))
    return out


def check_digits(numbers: np.ndarray) -> None:
    """Refuse exact numbers (Surd: x + y*sqrt(d)) that have grown out of hand.

    Raises:
        BadInput: one has more than EXACT_BITS digits.
    """
    if numbers.dtype != object:
        return
    for number in {id(v): v for v in numbers.reshape(-1)}.values():
        for part in (number.x, number.y, number.d):
            if max(part.numerator.bit_length(), part.denominator.bit_length()) > EXACT_BITS:
                raise BadInput(
                    f"its exact numbers have more than {EXACT_BITS} binary digits",
                    remedy="fold constants before export",
                )


def _result(node: Node, value: Any) -> np.ndarray:
    array = np.asarray(value) if isinstance(value, np.ndarray | np.generic) else None
    if array is None or array.dtype.kind not in "biuf":
        raise Unsupported(
            f"{node.op_type} gives no numbers", node=node.name, remedy="fold it before export"
        )
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            raise BadInput(
                f"its result {node.output!r} holds NaN or infinity",
                node=node.name,
                remedy="check its constants",
            )
    return array
