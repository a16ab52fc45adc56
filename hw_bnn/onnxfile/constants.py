"""Constant subgraphs: a node all of whose inputs are constants is computed, whatever its operator.

Exporters write parameters as small programs: 2 ** bits, a weight divided by its norm, a border that
ConstantOfShape and Concat build. What the rules of both walks follow exactly (scales and biases in
rational numbers and roots, quantised weights as integers times a scale) stays theirs: see
:func:`kept`. All the rest is computed here, once and the same for both, by onnx's reference
evaluator (QONNX's operators: by qonnx), in float64 where the file has floats.

An exact number is never rounded on the way: operators that only move numbers (MOVES) carry it
along. Where an operator makes of exact numbers what no walk can hold exactly (the root of a root, a
sum of two roots, an exponential), both walks give up at the same node: its inputs go to the nearest
float64 each, and its float64 result counts as the file's own number in both.

>>> from onnx import helper
>>> node = Node(helper.make_node("Range", ["a", "b", "c"], ["r"]))
>>> fold(node, [np.array(1), np.array(7), np.array(2)], 13)
[array([1, 3, 5])]
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from onnx import TensorProto

from ..errors import BadInput, Unsupported
from .evaluate import EXACT, Budget, check_size, evaluate, floats_as, version_for
from .node import Node
from .support import QUANTISERS, STANDARD_DOMAINS

EXACT_ELEMENTS = 100_000
"""Constants of more elements are computed in float64: exact numbers are Python objects."""
EXACT_DIGITS = 2**24
"""Most binary digits of all different numbers of an exact constant together."""
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
MOVES = {
    "CenterCropPad": (0,), "Compress": (0,), "Concat": None, "DepthToSpace": (0,), "Expand": (0,),
    "Gather": (0,), "GatherElements": (0,), "GatherND": (0,), "Pad": (0, 2),
    "ReverseSequence": (0,), "ScatterElements": (0, 2), "ScatterND": (0, 2), "Slice": (0,),
    "SpaceToDepth": (0,),
    "Split": (0,), "Tile": (0,), "Trilu": (0,), "Where": (1, 2),
}  # fmt: skip
"""Operators that move numbers and make none but 0, with the inputs that they move (None: all)."""
WEIGHT_QUANTISERS = {"BipolarQuant", "DequantizeLinear", "IntQuant", "Quant"}
UNIT = 2.0**-24
"""Unit roundoff of float32."""
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
    if node.op_type not in ARITHMETIC or not values or all(v.integral for v in values):
        return False
    if node.op_type == "Pow" and values[0].integral:  # the result is an integer too
        return False
    shape = np.broadcast_shapes(*(v.shape for v in values))
    if node.op_type == "Pow" and shape != values[0].shape:
        return False
    weights = values[:1] if node.op_type == "Div" else values
    if node.op_type in ("Div", "Mul", "Neg") and any(
        v.quantised and v.shape == shape for v in weights
    ):
        return True  # integers stay, whatever their number
    return prod(shape) <= EXACT_ELEMENTS


def fold(
    node: Node,
    arrays: Sequence[np.ndarray | None],
    opset: int,
    kind: type = np.float64,
    budget: Budget | None = None,
) -> list[np.ndarray]:
    """The outputs of a node of constants.

    Args:
        arrays: its inputs by position, None where one is left out; integers, bool, floats, or exact
            numbers (objects that float() takes).
        opset: version of the default operator set.
        kind: float type to compute in.
        budget: of the walk; a node that stands alone has one of its own.

    Returns:
        An array an output, finite; floats as float64, exact numbers where they were moved only.

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
    opset, budget = version_for(node, opset), budget or Budget()
    if any(a is not None and a.dtype == object for a in _moved(node, arrays)):
        numbers = _joined(_moved(node, arrays))
        return [_plain(numbers[place]) for place in _places(node, arrays, opset, budget)]
    return _computed(node, arrays, opset, kind, budget)


def _moved(node: Node, arrays: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
    """The inputs whose numbers the operator moves; none where it does more than that."""
    if node.op_type not in MOVES or node.domain not in STANDARD_DOMAINS:
        return []
    if any(item.name in ("reduction", "value") for item in node.proto.attribute):
        return []
    positions = MOVES[node.op_type]
    return [a for i, a in enumerate(arrays) if positions is None or i in positions]


def _places(
    node: Node, arrays: Sequence[np.ndarray | None], opset: int, budget: Budget
) -> list[np.ndarray]:
    """Where in :func:`_joined` each number of the outputs is: the node run on positions."""
    positions, start, inputs = MOVES[node.op_type], 1, list(arrays)
    for i, array in enumerate(arrays):
        if array is not None and (positions is None or i in positions):
            inputs[i] = np.arange(start, start + array.size).reshape(array.shape)
            start += array.size
    return _computed(node, inputs, opset, np.float64, budget)


def _joined(arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    """0 and then the numbers of all arrays, exact (objects of the class that they have already)."""
    flat = [v for a in arrays if a is not None for v in a.reshape(-1)]
    exact = next(type(v) for a in arrays if a is not None and a.dtype == object for v in a.flat)
    out = np.empty(1 + len(flat), dtype=object)
    out[0] = exact(0)
    out[1:] = [v if isinstance(v, exact) else exact(Fraction(v.item())) for v in flat]
    return out


def _plain(numbers: np.ndarray) -> np.ndarray:
    """Exact numbers as float64 where those hold every one of them."""
    for v in {id(v): v for v in numbers.flat}.values():
        bits = v.x.numerator.bit_length()
        if v.d or v.x.denominator & (v.x.denominator - 1) or bits > 53 or v.x.denominator >> 900:
            return numbers
    return floats_as(np.float64, numbers)


def _computed(
    node: Node, arrays: Sequence[np.ndarray | None], opset: int, kind: type, budget: Budget
) -> list[np.ndarray]:
    try:
        with np.errstate(over="raise"):
            inputs = [None if a is None else floats_as(kind, a) for a in arrays]
        check_size(node, inputs, opset, budget)
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
    budget: Budget | None = None,
) -> list[np.ndarray | float]:
    """How far float32 arithmetic may be from the results of :func:`fold`, an array an output.

    No bound that holds for every operator is known, but the numbers are: the node is computed in
    float32 too, and at inputs that are moved up and down by their own errors. Twice those
    differences, and four units of the results, are allowed.

    Raises:
        BadInput: float32 overflows, or gives another integer, truth value or shape (a comparison or
            a rounding that float64 and float32 decide differently).
    """
    if all(a is None or a.dtype.kind in "biu" for a in arrays):
        return [0.0 if r.dtype.kind != "f" else 4 * UNIT * np.abs(r) for r in results]
    budget = budget or Budget()
    if _moved(node, arrays):
        kept_errors = _moved(
            node,
            [
                None if a is None else np.broadcast_to(e, a.shape)
                for a, e in zip(arrays, errors, strict=True)
            ],
        )
        flat = np.concatenate([[0.0], *(e.reshape(-1) for e in kept_errors if e is not None)])
        return [flat[place] for place in _places(node, arrays, version_for(node, opset), budget)]
    exact = [None if a is None else floats_as(np.float64, a) for a in arrays]
    runs: list[tuple[list[np.ndarray | None], type]] = [(exact, np.float32)]
    if np.any([np.any(e) for e in errors]):
        for sign in (1, -1):
            moved = [
                a if a is None or a.dtype.kind != "f" else a + sign * np.broadcast_to(e, a.shape)
                for a, e in zip(exact, errors, strict=True)
            ]
            runs.append((moved, np.float64))
    try:
        others = [fold(node, arrays, opset, kind, budget) for arrays, kind in runs]
    except BadInput as error:
        raise BadInput(
            f"its constants are beyond float32 ({error.reason})",
            node=node.name,
            remedy="scale them, or fold them before export",
        ) from error
    return [_distance(node, result, seen) for result, *seen in zip(results, *others, strict=True)]


def _distance(node: Node, result: np.ndarray, seen: list[np.ndarray]) -> np.ndarray | float:
    """Bound of one output's error, from what other runs gave."""
    whole = result.dtype.kind != "f"
    if any(s.shape != result.shape or (whole and not np.array_equal(s, result)) for s in seen):
        raise BadInput(
            "float32 and float64 decide differently on its constants",
            node=node.name,
            remedy="fold them before export",
        )
    if whole:
        return 0.0
    return 2 * sum(np.abs(s - result) for s in seen) + 4 * UNIT * np.abs(result)


def check_digits(numbers: np.ndarray) -> None:
    """Refuse exact numbers (Surd: x + y*sqrt(d)) that have grown out of hand.

    Raises:
        BadInput: one has more than EXACT_BITS digits, or all together more than EXACT_DIGITS.
    """
    if numbers.dtype != object:
        return
    total = 0
    for number in {id(v): v for v in numbers.reshape(-1)}.values():
        for part in (number.x, number.y * number.y * number.d):
            if max(part.numerator.bit_length(), part.denominator.bit_length()) > EXACT_BITS:
                raise BadInput(
                    f"its exact numbers have more than {EXACT_BITS} binary digits",
                    remedy="fold constants before export",
                )
            total += part.numerator.bit_length() + part.denominator.bit_length()
    if total > EXACT_DIGITS:
        raise BadInput(
            f"its exact numbers have more than {EXACT_DIGITS} binary digits together",
            remedy="fold constants before export",
        )


def exact_work(values: Sequence[Any]) -> int:
    """What exact arithmetic of these constants costs, in multiplications (see evaluate.Budget)."""
    sizes = [v.shape for v in values if not v.quantised]
    return EXACT * prod(np.broadcast_shapes(*sizes))


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
