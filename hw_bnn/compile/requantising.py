"""Which hardware a quantiser becomes: a table of thresholds, or a requantiser.

A table costs a comparison a level, a requantiser a multiplication whatever the levels
(benchmarks/quantisers.py). A function that turns (a PReLU with a slope below 0) has no
thresholds at all; real ties that no rounding mode meets (a mean of 36 numbers) have no requantiser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput, Unsupported
from .integer_graph import Op
from .loadable import Loadable
from .requant import Requantiser, Shape, fitted, requantiser, with_room
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
    """out = clip((gain*in + offset) >> shift) by a channel's numbers, or by one row for all, in
    hardware of that shape."""

    table: Requantiser
    shape: Shape

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
            gainBits=self.shape.gain_bits,
            offsetBits=self.shape.offset_bits,
            sumBits=self.shape.sum_bits,
        )


@dataclass(frozen=True)
class Form:
    """A requantiser and, a channel, whether its function falls; `turns`: some do both."""

    table: Requantiser
    shape: Shape
    falls: np.ndarray
    turns: bool


def form(
    columns: list[Column], datatype: str, channels: int, bounds: tuple, *,
    loadable: Loadable | None = None, index: int = 0,
) -> Form | None:  # fmt: skip
    """The requantiser of a quantiser, where it is cheaper than thresholds or they cannot do it.

    Args:
        columns: one a channel, one for all, or one an element.
        datatype: of the integers that are quantised.
        bounds: the least and the greatest of them, int or a list with one a channel.
        loadable: what every network has to fit whose weights are loaded at run time.
        index: how many quantisers there are before it.

    Raises:
        Unsupported: neither has the function, or it has too many levels for a table.
        BadInput: it does not fit the accelerator's own requantiser, or thresholds.
    """
    if loadable is not None and loadable.requantisers is not None:
        there = loadable.requantisers
        return _as_there(columns, channels, bounds, there[index] if index < len(there) else None)
    quantiser = columns[0].quantiser
    levels = len(quantiser.bounds)
    bits = max(abs(int(np.min(bounds[0]))), abs(int(np.max(bounds[1])))).bit_length() + 1
    turning = any(column.turning for column in columns)
    fits = len(columns) <= channels and datatype != "BIPOLAR" and quantiser.step == 1
    found = None
    if fits and (turning or levels > MAX_LEVELS or levels * bits > LANE):
        found = _search(columns, channels, bounds, loadable is not None)
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


def _search(columns: list[Column], channels: int, bounds: tuple, loadable: bool) -> Form | None:
    """Of least bits; where others' numbers are loaded into it, with room for them."""
    steps = _staircases(columns, bounds)
    if steps is None:
        return None
    if not loadable:
        table = requantiser(steps)
        return None if table is None else _form(table, Shape.of(table), steps, channels)
    quantiser = columns[0].quantiser
    pieces = 2 if any(column.bends for column in columns) else 1
    # A Clip in front may keep the values within fewer than the quantiser's.
    for clip in ((quantiser.minimum, quantiser.maximum), None):
        table = requantiser(steps, clip)
        found = None if table is None else with_room(table, steps, pieces)
        if found is not None:
            return _form(*found, steps, channels)
    return None


def _as_there(
    columns: list[Column], channels: int, bounds: tuple, shape: Shape | None
) -> Form | None:
    """The network's numbers for the requantiser that is there, or None where thresholds are."""
    if shape is None:
        if any(column.turning for column in columns):
            raise BadInput(
                "a slope below 0, and the accelerator's quantiser is a table of thresholds",
                remedy="compile this model as an accelerator of its own",
            )
        return None
    steps = _staircases(columns, bounds)
    table = None if steps is None else fitted(steps, shape)
    if steps is None or table is None:
        least = None if steps is None else requantiser(steps)
        needs = "no requantiser meets it exactly" if least is None else (
            f"it needs {_told(Shape.of(least))}")  # fmt: skip
        raise BadInput(
            f"its quantiser does not fit the accelerator's, which has {_told(shape)}: {needs}",
            remedy="compile this model as an accelerator of its own",
        )
    return _form(table, shape, steps, channels)


def _told(shape: Shape) -> str:
    return (
        f"values from {shape.low} to {shape.high}, a shift of {shape.shift}, {shape.pieces} "
        f"piece{'s' * (shape.pieces > 1)}, factors of {shape.gain_bits}, offsets of "
        f"{shape.offset_bits} and sums of {shape.sum_bits} bits"
    )


def _form(table: Requantiser, shape: Shape, steps: list[Staircase], channels: int) -> Form:
    signs = [{int(s) for s in np.sign(np.diff(s.values))} for s in steps]
    falls = np.broadcast_to(np.array([-1 in s for s in signs]), channels).copy()
    return Form(table, shape, falls, any(len(s) > 1 for s in signs))


def _staircases(columns: list[Column], bounds: tuple) -> list[Staircase] | None:
    """What each channel computes over its reachable integers; None where one is too long."""
    minimum, maximum = bounds
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
    return steps
