"""Logic depth of a mapped netlist: the longest path between registers, memories and ports.

A level is a LUT. Carry chains and wide multiplexers are passed at no level, but take time in the
delay estimate:

    delay = sum over cells of (cell delay + net delay)

with the cell delays of a 7-series -1 part (UltraScale+: half) and one net delay for each net that
is no carry link, 0.55 ns: an average of placed designs of moderate size. It ranks paths and chooses
pipeline stages; it is no timing sign-off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NET_NS = 0.55
_LUT_NS, _CARRY_IN_NS, _CARRY_HOP_NS, _MUX_NS = 0.124, 0.40, 0.10, 0.25
_CLOCK_TO_Q_NS, _SETUP_NS = 0.45, 0.10
_SCALE = {"xc7": 1.0, "xcup": 0.5, "ecp5": 1.2}
_CARRY_PORTS = {"CI", "CYINIT", "CIN"}


@dataclass(frozen=True)
class Depth:
    """The longest path: LUT levels of the deepest one, and the slowest by estimate."""

    levels: int
    delay_ns: float
    path: list[str]  # names of the slowest path's cells, start first

    def as_dict(self) -> dict:
        return {
            "lut_levels": self.levels,
            "estimated_ns": round(self.delay_ns, 2),
            "estimated_mhz": round(1000 / self.delay_ns, 1) if self.delay_ns else None,
            "path": self.path,
        }


def _combinational(kind: str) -> bool:
    return (
        bool(re.fullmatch(r"LUT[1-6](_2)?", kind))
        or kind in ("CARRY4", "CARRY8", "CCU2C", "INV", "IBUF", "OBUF", "BUFG")
        or kind.startswith(("MUXF", "PFUMX", "L6MUX21"))
    )


def logic_depth(module: Mapping, family: str) -> Depth:
    """Depth of a flat module of `write_json`.

    Args:
        module: {"ports", "cells"} with port directions on the cells.
        family: xc7, xcup or ecp5.
    """
    cells = module["cells"]
    driver = _drivers(cells)
    # (levels, ns, slowest predecessor); the two maxima may come from different paths
    best: dict[str, tuple[int, float, str | None]] = {}
    for start in driver.values():
        stack = [start]
        while stack:
            name = stack[-1]
            if name in best:
                stack.pop()
                continue
            sources = _sources(cells[name], driver)
            waiting = [s for _, s in sources if s is not None and s not in best]
            if waiting:
                stack.extend(waiting)
                if len(stack) > 4 * len(cells) + 16:
                    raise RecursionError(f"combinational loop through {name}")
            else:
                best[name] = _arrival(cells, name, sources, best)
                stack.pop()
    if not best:
        return Depth(0, 0.0, [])
    slowest = max(best, key=lambda name: best[name][1])
    path: list[str] = []
    at: str | None = slowest
    while at is not None:
        path.append(at)
        at = best[at][2]
    delay = (best[slowest][1] + NET_NS + _SETUP_NS) * _SCALE[family]
    return Depth(max(levels for levels, _, _ in best.values()), delay, path[::-1])


def _drivers(cells: Mapping[str, Mapping]) -> dict[int, str]:
    """Net -> the combinational cell that drives it."""
    found: dict[int, str] = {}
    for name, cell in cells.items():
        if _combinational(cell["type"]):
            for port, bits in cell["connections"].items():
                if cell["port_directions"].get(port) == "output":
                    found.update((bit, name) for bit in bits if isinstance(bit, int))
    return found


def _sources(cell: Mapping, driver: Mapping[int, str]) -> list[tuple[str, str | None]]:
    """(port, combinational cell that drives it, None for a register) of a cell's inputs."""
    return [
        (port, driver.get(bit))
        for port, bits in cell["connections"].items()
        if cell["port_directions"].get(port) != "output"
        for bit in bits
        if isinstance(bit, int)
    ]


def _arrival(
    cells: Mapping[str, Mapping],
    name: str,
    sources: Sequence[tuple[str, str | None]],
    best: Mapping[str, tuple[int, float, str | None]],
) -> tuple[int, float, str | None]:
    """(levels, ns, slowest predecessor) of a cell's output, from those of its sources."""
    kind = cells[name]["type"]
    levels, delay, before = 0, 0.0, None
    for port, source in sources:
        free = kind in ("INV", "IBUF", "OBUF", "BUFG")
        link = free or (
            port in _CARRY_PORTS and source is not None and cells[source]["type"] == kind
        )
        # A LUT and the carry bit it drives share a slice: no net between them.
        local = (
            kind.startswith("CARRY")
            and port in ("S", "DI")
            and source is not None
            and cells[source]["type"].startswith("LUT")
        )
        if kind.startswith("LUT"):
            own = _LUT_NS
        elif link:
            own = 0.0 if free else 4 * _CARRY_HOP_NS
        else:
            own = _CARRY_IN_NS if kind in ("CARRY4", "CARRY8", "CCU2C") else _MUX_NS
        at_levels, at, _ = best[source] if source is not None else (0, _CLOCK_TO_Q_NS, None)
        levels = max(levels, at_levels)
        time = at + own + (0.0 if link or local else NET_NS)
        if time > delay:
            delay, before = time, source
    return levels + kind.startswith("LUT"), delay, before
