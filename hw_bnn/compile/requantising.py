"""Which hardware a quantiser becomes: a table of thresholds, or a requantiser.

A table costs a comparison a level, a requantiser a multiplication whatever the levels
(benchmarks/quantisers.py). A function that turns (a PReLU with a slope below 0) has no
thresholds at all; real ties that no rounding mode meets (a mean of 36 numbers) have no requantiser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import Unsupported
from .integer_graph import Op
from .requant import Requantiser, requantiser
from .staircase import Staircase, staircase
from .thresholds import Column

if TYPE_CHECKING:
    from .emit import Emitter

MAX_LEVELS = 255
"""Of a table of thresholds."""

LANE = 150
"""What a requantiser's lane is worth in LUTs, its DSP block among them; a comparator takes one a
bit."""


@dataclass
class Requantise(Op):
    """out = clip((gain*in + offset) >> shift) by a channel's numbers, or by one row for all."""

    table: Requantiser

    def emit(self, emitter: Emitter) -> None:
        source = emitter.graph.tensors[self.inputs[0]]
        target = emitter.graph.tensors[self.output]
        table = self.table
        pieces = np.stack([table.gain, table.offset], axis=2).reshape(len(table.at), -1)
        rows = np.concatenate([table.at[:, None], pieces], axis=1)
        name = emitter.numbers(f"{self.output}_requantiser", rows)
        emitter.map(
            "Requantise_rtl",
            [source.name, name],
            emitter.out(target),
            source,
            source.shape if len(source.shape) == 3 else (1, 1, source.channels),
            **emitter.whose(self),
            outputDataType=target.datatype,
            clip=[table.low, table.high],
            shift=table.shift,
            halfEven=int(table.half_even),
            sumBits=table.sum_bits,
        )


@dataclass(frozen=True)
class Form:
    """A requantiser and, a channel, whether its function falls; `turns`: some do both."""

    table: Requantiser
    falls: np.ndarray
    turns: bool


def form(
    columns: list[Column], datatype: str, channels: int, bounds: tuple, *, loadable: bool
) -> Form | None:
    """The requantiser of a quantiser, where it is cheaper than thresholds or they cannot do it.

    Args:
        columns: one a channel, one for all, or one an element.
        datatype: of the integers that are quantised.
        bounds: the least and the greatest of them, int or a list with one a channel.
        loadable: weights are loaded at run time; then a table, which can be written, is preferred.

    Raises:
        Unsupported: neither has the function, or it has too many levels for a table.
    """
    minimum, maximum = bounds
    quantiser = columns[0].quantiser
    levels = len(quantiser.bounds)
    bits = max(abs(int(np.min(minimum))), abs(int(np.max(maximum)))).bit_length() + 1
    turning = any(column.turning for column in columns)
    fits = len(columns) <= channels and datatype != "BIPOLAR" and quantiser.step == 1
    found = None
    dearer = levels > MAX_LEVELS or (levels * bits > LANE and not loadable)
    if fits and (turning or dearer):
        found = _search(columns, channels, minimum, maximum)
    if found is None and turning:
        raise Unsupported(
            "a quantiser behind a slope below 0 that no requantiser meets exactly",
            remedy="quantise to 2 bits or more, by a scale without exact halves, or use slopes of "
            "0 and more",
        )
    if found is None and levels > MAX_LEVELS:
        raise Unsupported(
            f"{levels + 1} levels that no requantiser meets exactly",
            remedy=f"use at most {MAX_LEVELS + 1} (8 bits), or a scale without exact halves",
        )
    return found


def _search(columns: list[Column], channels: int, minimum, maximum) -> Form | None:
    count = max(len(columns), np.size(minimum))
    ends = [np.broadcast_to(np.asarray(b, dtype=object), count) for b in (minimum, maximum)]
    known: dict[tuple, Staircase | None] = {}
    steps = []
    for c in range(count):
        column = columns[c if len(columns) > 1 else 0]
        key = (column.key, ends[0][c], ends[1][c])
        if key not in known:
            known[key] = staircase(column, int(ends[0][c]), int(ends[1][c]))
        found = known[key]
        if found is None:
            return None
        steps.append(found)
    table = requantiser(steps)
    if table is None:
        return None
    signs = [{int(s) for s in np.sign(np.diff(s.values))} for s in steps]
    falls = np.broadcast_to(np.array([-1 in s for s in signs]), channels).copy()
    return Form(table, falls, any(len(s) > 1 for s in signs))
