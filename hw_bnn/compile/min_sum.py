"""The cheapest choice for every node of a graph, where neighbours' choices cost together."""

from __future__ import annotations

import numpy as np


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
    factors = [((i,), costs) for i, costs in enumerate(own)]
    factors += [(pair, costs) for pair, costs in joint.items()]
    left, steps = set(range(len(own))), []
    while left:
        sizes = {n: float(np.prod([float(len(own[j])) for j in _scope(factors, n)])) for n in left}
        node = min(left, key=lambda n, sizes=sizes: (sizes[n], n))
        scope = [node, *sorted(_scope(factors, node) - {node})]
        mine = [f for f in factors if node in f[0]]
        factors = [f for f in factors if node not in f[0]]
        total = sum(_spread(f, scope) for f in mine)
        steps.append((node, scope[1:], total.argmin(axis=0)))
        if len(scope) > 1:
            factors.append((tuple(scope[1:]), total.min(axis=0)))
        left.remove(node)
    chosen: dict[int, int] = {}
    for node, scope, best in reversed(steps):
        chosen[node] = int(best[tuple(chosen[j] for j in scope)])
    return [chosen[i] for i in range(len(own))]


def _scope(factors, node: int) -> set[int]:
    return set().union(*(f[0] for f in factors if node in f[0]))


def _spread(factor, scope: list[int]) -> np.ndarray:
    """A factor's costs with the axes of `scope`."""
    nodes, costs = factor
    order = [nodes.index(j) for j in scope if j in nodes]
    shape = [costs.shape[nodes.index(j)] if j in nodes else 1 for j in scope]
    return costs.transpose(order).reshape(shape)
