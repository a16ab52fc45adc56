"""The cheapest choice for every node of a graph, where neighbours' choices cost together."""

from __future__ import annotations

from functools import reduce
from math import prod

import numpy as np

Factor = tuple[tuple[int, ...], np.ndarray]
"""Nodes, and a cost for each combination of their choices: an axis a node."""


def cheapest(own: list[np.ndarray], joint: dict[tuple[int, int], np.ndarray]) -> list[int]:
    """The choices c that minimise sum_i own[i][c_i] + sum_(i,j) joint[i,j][c_i, c_j].

    Exact, by eliminating one node after the other, those with the fewest combinations first. A
    chain takes the product of two neighbours' choices, a residual block that of three.

    Args:
        own: cost of each choice, by node; inf for one that cannot be.
        joint: cost of each pair of choices, by pair of nodes.

    Returns:
        The index of each node's choice; among equals the lowest.
    """
    factors: list[Factor] = [((i,), costs) for i, costs in enumerate(own)]
    factors += joint.items()
    left, steps = set(range(len(own))), []
    while left:
        _, node = min((prod(len(own[j]) for j in _scope(factors, n)), n) for n in left)
        scope = [node, *sorted(_scope(factors, node) - {node})]
        mine = [f for f in factors if node in f[0]]
        factors = [f for f in factors if node not in f[0]]
        total = reduce(np.add, (_spread(f, scope) for f in mine))
        steps.append((node, scope[1:], total.argmin(axis=0)))
        if len(scope) > 1:
            factors.append((tuple(scope[1:]), total.min(axis=0)))
        left.remove(node)
    chosen: dict[int, int] = {}
    for node, scope, best in reversed(steps):
        chosen[node] = int(best[tuple(chosen[j] for j in scope)])
    return [chosen[i] for i in range(len(own))]


def _scope(factors: list[Factor], node: int) -> set[int]:
    return set().union(*(f[0] for f in factors if node in f[0]))


def _spread(factor: Factor, scope: list[int]) -> np.ndarray:
    """A factor's costs with the axes of `scope`."""
    nodes, costs = factor
    order = [nodes.index(j) for j in scope if j in nodes]
    shape = [costs.shape[nodes.index(j)] if j in nodes else 1 for j in scope]
    return costs.transpose(order).reshape(shape)
