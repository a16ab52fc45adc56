"""Running a program of integer operations, a bounded number of frames at a time."""

from __future__ import annotations

from math import prod
from typing import Protocol

import numpy as np

from .ops import Op
from .program import Program

PLAIN_ELEMENTS = 4_000_000
"""Elements of the largest tensor (windows counted) that the plain form works on at once."""


class Engine(Protocol):
    """An execution of a program."""

    def run(self, x: np.ndarray, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Execute frames x (N, *shape); the tensors of these names, int64 (N, *their shape)."""


class PlainEngine:
    """The specification: each operation in its plain form, on int64."""

    def __init__(self, program: Program):
        self.program = program
        largest = max((prod(value.shape) for value in program.tensors.values()), default=1)
        self.frames = max(1, min(1024, PLAIN_ELEMENTS // (9 * largest)))

    def run(self, x: np.ndarray, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
        ops = needed(self.program, wanted)
        out = {
            name: np.empty((len(x), *self.program.tensors[name].shape), np.int64) for name in wanted
        }
        for start in range(0, len(x), self.frames):
            part = self._part(x[start : start + self.frames].astype(np.int64), ops, wanted)
            for name in wanted:
                out[name][start : start + self.frames] = part[name]
        return out

    def _part(self, x: np.ndarray, ops: list[Op], wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
        tensors = {self.program.input.tensor: x}
        last_use = {name: i for i, op in enumerate(ops) for name in op.inputs}
        for i, op in enumerate(ops):
            tensors[op.output] = op.run(*(tensors[name] for name in op.inputs))
            for name in set(op.inputs):
                if last_use[name] == i and name not in wanted:
                    del tensors[name]
        return tensors


def needed(program: Program, wanted: tuple[str, ...]) -> list[Op]:
    """The operations that these tensors depend on, in order."""
    names = set(wanted)
    ops: list[Op] = []
    for op in reversed(program.ops):
        if op.output in names:
            ops.append(op)
            names.update(op.inputs)
    return ops[::-1]
