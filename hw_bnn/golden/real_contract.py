"""What a host needs to make the network's integers of real numbers, in comparisons alone.

    document = real_contract(golden.program)

A quantiser on the graph input counts the boundaries that alpha*x + beta reaches, exactly. For a
float32 number that is a comparison with the least float32 number that reaches each: these are
searched for here with the exact predicate, so that a host with nothing but float32 gives the same
integers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .host import count_boundaries
from .program import HostQuantiser, Program

_GREATEST = int(np.array(np.finfo(np.float32).max).view(np.int32))
MOST_THRESHOLDS = 1 << 18
"""Beyond it (each element with steps of its own) nothing is written."""


def real_contract(program: Program) -> dict | None:
    """The conversion as a document.

    Returns:
        For a quantiser on the graph input: {"shape": of a frame of real numbers, "order": place in
        the frame of each integer (None: the same), "rows": of each integer (None: all row 0),
        "thresholds": rows of ascending float32 numbers, "signs": of each row, "first", "stride"}.
        Integer i is first + stride * n, where n of row rows[i]'s thresholds are at most sign *
        frame[order[i]]. For a graph input that holds integers: {"shape", "scale", "offset"}: real =
        scale*x + offset. None where that would be more than MOST_THRESHOLDS numbers.
    """
    host = program.host
    if host is None:
        contract = program.input
        return {
            "shape": list(contract.shape),
            "scale": float(contract.scale),
            "offset": float(contract.offset),
        }
    alpha = np.broadcast_to(host.real.alpha, program.input.shape).reshape(-1)
    beta = np.broadcast_to(host.real.beta, program.input.shape).reshape(-1)
    kinds: dict[tuple, int] = {}
    rows = [kinds.setdefault(pair, len(kinds)) for pair in zip(alpha, beta, strict=True)]
    boundaries = len(host.levels.reshape(-1)[0].boundaries)
    if len(kinds) * boundaries > MOST_THRESHOLDS:
        return None
    signs = [-1 if float(a) < 0 else 1 for a, _ in kinds]
    found = _thresholds(host, kinds, np.array(signs), boundaries)
    order = np.arange(int(np.prod(host.graph_shape))).reshape(1, *host.graph_shape)
    for op in host.real.path:
        order = op.run(order)
    order = order.reshape(-1)
    return {
        "shape": list(host.graph_shape),
        "order": None if (order == np.arange(order.size)).all() else order.tolist(),
        "rows": rows if len(kinds) > 1 else None,
        "thresholds": found,
        "signs": signs,
        "first": int(host.first),
        "stride": int(host.stride),
    }


def _thresholds(
    host: HostQuantiser, kinds: dict[tuple, int], signs: np.ndarray, boundaries: int
) -> list[list[float]]:
    """For each kind of element the float32 numbers at which its count goes up, ascending."""
    pairs = np.empty((2, len(kinds), 1), object)
    for (alpha, beta), row in kinds.items():
        pairs[0, row, 0], pairs[1, row, 0] = alpha, beta
    one = replace(host, real=replace(host.real, alpha=pairs[0], beta=pairs[1], path=()))
    wanted = np.arange(1, boundaries + 1)[None, :]

    def reached(keys: np.ndarray) -> np.ndarray:
        x = _floats(keys) * signs[:, None].astype(np.float32)
        return count_boundaries(one, x[None])[0] >= wanted

    low = np.full((len(kinds), boundaries), -_GREATEST - 1)  # not reached, or below all numbers
    high = np.full((len(kinds), boundaries), _GREATEST + 1)  # reached, or above all numbers
    while (high - low > 1).any():
        middle = (low + high) // 2
        inside = np.clip(middle, -_GREATEST, _GREATEST)
        there = reached(inside)
        open_ = high - low > 1
        high = np.where(open_ & there, middle, high)
        low = np.where(open_ & ~there, middle, low)
    return [
        [float(v) for v in _floats(row[row <= _GREATEST])]  # those beyond are never reached
        for row in high
    ]


def _floats(keys: np.ndarray) -> np.ndarray:
    """float32 numbers by their rank: 0 is 0.0, 1 the least above it, -1 the greatest below."""
    bits = np.abs(keys).astype(np.int32).view(np.float32)
    return np.where(keys < 0, -bits, bits).astype(np.float32)
