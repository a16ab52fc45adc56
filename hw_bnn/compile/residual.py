"""Sums and differences of two activations on a shared scale."""

from __future__ import annotations

from dataclasses import replace

from ..errors import Unsupported
from .exact import Surd
from .integer_graph import Add
from .values import Activation
from .windows import settled

MAX_RATIO = 64
"""Largest whole factor between the scales of the two branches of a residual addition."""


def residual(state, node, left: Activation, right: Activation, subtract: bool) -> None:
    """Sum or difference of two integer tensors: alpha*(m*x + n*y) with whole factors m and n.

    Precondition: one shape; the ratio of the scales is rational, the same in every
    channel, and small.
    """
    name = node.name
    left, right = settled(left, node), settled(right, node)
    if _one_tensor(left, right):
        state.values[node.output] = left.plus(right, -1 if subtract else 1)
        return
    if left.shape != right.shape or left.labels != right.labels:
        raise Unsupported(
            f"an addition of activations of shapes {left.shape} and {right.shape}",
            node=name,
            remedy="give both branches one shape",
        )
    if left.pools or right.pools or left.bends or right.bends:
        raise Unsupported(
            "a residual addition right behind a pool or ReLU",
            node=name,
            remedy="quantise both branches before adding",
        )
    if not _one_order(left, right):
        raise Unsupported(
            "a residual addition of vectors of which one is a map that was flattened in another "
            "order than the other",
            node=name,
            remedy="add maps before flattening them, or flatten channels last (Transpose 0, 2, 3, "
            "1 before it)",
        )
    m, n = _ratio(left, right, name)
    n = -n if subtract else n
    ends = [
        sorted(f * v for v in (state.tensors[b.tensor].minimum, state.tensors[b.tensor].maximum))
        for f, b in ((m, left), (n, right))
    ]
    output = state.fresh()
    state.add_tensor(
        output,
        state.tensors[left.tensor].shape,
        ends[0][0] + ends[1][0],
        ends[0][1] + ends[1][1],
        node.output,
    )
    state.ops.append(Add(name, [left.tensor, right.tensor], output, (m, n)))
    result = replace(left, tensor=output, alpha=[a / Surd(m) for a in left.alpha])
    beta = [-b for b in right.beta] if subtract else right.beta
    state.values[node.output] = result.affine(None, beta, name)


def _one_tensor(left: Activation, right: Activation) -> bool:
    """Whether both are affines of one integer tensor, element by element: their sum is one, too."""
    same = ("tensor", "labels", "shape", "pools")
    return (
        all(getattr(left, name) == getattr(right, name) for name in same)
        and _one_order(left, right)
        and not (left.bends or right.bends)
    )


def _one_order(left: Activation, right: Activation) -> bool:
    """Whether the streams of two vectors have their elements in one order."""
    flats = [None if value.flat is None else value.flat.tolist() for value in (left, right)]
    return flats[0] == flats[1]


def _ratio(left: Activation, right: Activation, name: str) -> tuple[int, int]:
    """(m, n) without common factor: left.alpha / m = right.alpha / n in every channel."""
    remedy = "quantise both branches to one shared scale before adding"
    length = max(len(left.alpha), len(right.alpha))
    pairs = {(left.at(c)[0], right.at(c)[0]) for c in range(length)}
    if any(not a.sign() or not b.sign() for a, b in pairs):
        raise Unsupported(
            "a residual addition of a branch that a gain of 0 has made constant",
            node=name,
            remedy=remedy,
        )
    ratios = {a / b for a, b in pairs if not a.d or not b.d or a.d == b.d}
    if len(ratios) != 1 or any(a.d and b.d and a.d != b.d for a, b in pairs):
        raise Unsupported(
            "a residual addition of branches whose scales differ by channel",
            node=name,
            remedy=remedy,
        )
    (ratio,) = ratios
    m, n = ratio.x.numerator, ratio.x.denominator
    if ratio.d or max(abs(m), n) > MAX_RATIO:
        raise Unsupported(
            f"a residual addition of branches on different scales (ratio {float(ratio):g}, not "
            f"that of whole numbers up to {MAX_RATIO})",
            node=name,
            remedy=remedy,
        )
    return m, n
