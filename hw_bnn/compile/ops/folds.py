"""Numbers of lanes that divide a layer."""

from __future__ import annotations


def divisors(n: int) -> list[int]:
    """All divisors of n in ascending order."""
    return [d for d in range(1, n + 1) if n % d == 0]
