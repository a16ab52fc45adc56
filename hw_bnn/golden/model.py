"""The golden model: a QONNX file executed exactly, on integers.

    golden = GoldenModel.from_onnx("model.onnx")
    x = golden.host_quantise(images)            # real inputs -> the network's integers
    scores = golden.scores(x)                   # of the last integer layer, int64 (N, n)
    labels = golden.labels(scores)              # exact argmax of the real outputs

The reference is the real-number value of the file's float32 parameters. Every tensor is integers
under an exact affine; every quantiser, whatever scales and BatchNormalizations stand before it,
compares integers with integer thresholds that bisection with an exact predicate has found
(levels.py). Two executions are there: the plain one (ops.py) is the specification, the packed one
is fast, and tests hold them equal.
"""

from __future__ import annotations

import os
from fractions import Fraction
from math import prod

import numpy as np
import onnx

from ..arrays import as_array
from ..errors import BadInput, Unsupported
from ..onnxfile import check_model, load_onnx, naming
from . import ties
from .engine import Engine, PlainEngine
from .exact import Surd, as_floats
from .host import host_quantise, real_input
from .importer import Importer
from .levels import Thresholds
from .program import InputContract, Program
from .values import Integers


class GoldenModel:
    """A network as a program of integer operations, made by :meth:`from_onnx`."""

    def __init__(self, program: Program, packed: bool = True):
        self.program = program
        self.packed = packed
        self._engines: dict[bool, Engine] = {}

    @classmethod
    def from_onnx(
        cls,
        model: str | os.PathLike | onnx.ModelProto,
        input_datatype: str | None = None,
        input_scale: Fraction | float | str | None = None,
        packed: bool = True,
    ) -> GoldenModel:
        """Read a model.

        Args:
            model: path of a QONNX file, or the model.
            input_datatype: by default the network takes the integers behind its first quantiser,
                and what stands before that stays on the host. With a QONNX datatype here (UINT8,
                ...) it takes raw integers u of that type at the graph input; the real input is u *
                input_scale, and the first quantiser becomes a threshold of the network.
            input_scale: see there; default 1. Fraction("1/255") is exact, a float means its exact
            value.
            packed: execute with the fast form by default.

        Raises:
            BadInput: the file cannot be used. Unsupported: a node that cannot be followed exactly.
        """
        if isinstance(model, onnx.ModelProto):
            check_model(model)
        else:
            model = load_onnx(model)
        try:
            scale = None if input_scale is None else Fraction(input_scale)
        except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
            raise BadInput(
                f"input_scale= is {input_scale!r:.60}",
                remedy='give a positive number or a fraction ("1/255")',
            ) from error
        with naming(None):
            return cls(Importer(model, input_datatype, scale).run(), packed)

    # -- what it is --

    @property
    def input(self) -> InputContract:
        """The integers that the network takes."""
        return self.program.input

    @property
    def output_tensor(self) -> str:
        """Name in the file of the last integer layer's output: its integers are the scores."""
        return self.program.result.name

    @property
    def output_size(self) -> int:
        """Number of raw scores of a frame."""
        return prod(self.program.result.shape)

    def thresholds(self) -> dict[str, Thresholds]:
        """The integer thresholds of the network's quantisers that have some, by output tensor."""
        found = {name: q.thresholds for name, q in self.program.quantisers.items()}
        return {name: thresholds for name, thresholds in found.items() if thresholds is not None}

    def output_affine(self) -> tuple[list[Surd], list[Surd]]:
        """(alpha, beta), one a score: the real output of score c is alpha[c] * score + beta[c]."""
        result = self.program.result
        alpha, beta = (
            list(np.broadcast_to(part, result.shape).reshape(-1))
            for part in (result.alpha, result.beta)
        )
        return alpha, beta

    # -- running it --

    def scores(self, x: np.ndarray, packed: bool | None = None) -> np.ndarray:
        """Raw scores: the integer accumulators of the last integer layer, before any last affine.

        Args:
            x: integers (N, *input.shape), of any integer dtype, or bool where the input is BINARY.
            packed: the fast or the plain form; by default what the model was made with.

        Returns:
            int64 (N, output_size).

        Raises:
            BadInput: x has another shape or leaves the input's range.
        """
        name = self.output_tensor
        out = self._execute(x, (name,), packed)[name]
        return out.reshape(len(out), self.output_size)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Labels, int64 (N,), of frames: integers of the input contract, or real numbers.

        Real numbers (N, *graph shape), of a floating-point dtype, go through the model's own input
        quantiser first, as the float32 numbers that the file takes.
        """
        x = as_array(x, "the input")
        if x.dtype.kind == "f":
            with np.errstate(over="ignore"):  # what is beyond float32 is infinite, and refused
                x = x.astype(np.float32)
            x = self.host_quantise(x)
        return self.labels(self.scores(x))

    def trace(self, x: np.ndarray, packed: bool | None = None) -> dict[str, np.ndarray]:
        """Integers, int64 (N, *shape), at each quantiser's output and the last integer layer."""
        return self._execute(x, (*self.program.quantisers, self.output_tensor), packed)

    def tensors(self, x: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Integers of any tensors of the program (accumulators too), by the plain form."""
        return self._execute(x, names, False)

    def _execute(self, x, names, packed: bool | None) -> dict[str, np.ndarray]:
        packed = self.packed if packed is None else packed
        if packed not in self._engines:
            from .packed import PackedEngine

            self._engines[packed] = (PackedEngine if packed else PlainEngine)(self.program)
        return self._engines[packed].run(self._checked(x), tuple(dict.fromkeys(names)))

    def _checked(self, x: np.ndarray) -> np.ndarray:
        x, contract = as_array(x, "the input"), self.input
        if x.shape[1:] != tuple(contract.shape) or x.ndim != len(contract.shape) + 1:
            raise BadInput(
                f"the input has the shape {x.shape}, the network takes (N, "
                f"{', '.join(map(str, contract.shape))})",
                remedy="reshape it",
            )
        if x.dtype.kind == "b":
            x = x.astype(np.int8)
        if x.dtype.kind not in "iu":
            if x.dtype.kind != "f" or not np.array_equal(np.rint(x), x):
                raise BadInput(
                    f"the input is {x.dtype}, the network takes integers",
                    remedy="quantise it with host_quantise",
                )
            x = x.astype(np.int64)
        if not x.size or (
            contract.datatype == "BIPOLAR"
            and x.size == np.count_nonzero(x == 1) + np.count_nonzero(x == -1)
        ):
            return x
        if x.min() < contract.minimum or x.max() > contract.maximum:
            raise BadInput(
                f"the input reaches from {x.min()} to {x.max()}, {contract.datatype} allows "
                f"{contract.minimum} to {contract.maximum}",
                remedy="quantise it",
            )
        if contract.datatype == "BIPOLAR":
            raise BadInput("the input holds 0, BIPOLAR allows -1 and +1", remedy="map 0 to -1")
        return x

    # -- both ends --

    def labels(self, scores: np.ndarray) -> np.ndarray:
        """Exact argmax of the real outputs, int64 (N,); ties go to the lowest index.

        Args:
            scores: int64 (N, output_size), as :meth:`scores` gives them.
        """
        result = self.program.result
        if max(result.shape, default=1) != self.output_size:
            raise Unsupported(
                f"the output has the shape {result.shape}, which is no list of scores",
                remedy="take the scores",
            )
        return exact_argmax(result, np.asarray(scores))

    def real_outputs(self, scores: np.ndarray) -> np.ndarray:
        """float64 (N, output_size): the real outputs of these scores, to a few units in 2^-52."""
        alpha, beta = (as_floats(np.array(part, dtype=object)) for part in self.output_affine())
        return np.asarray(scores) * alpha + beta

    def host_quantise(self, x: np.ndarray) -> np.ndarray:
        """Real graph inputs (N, *graph shape) -> exact integers, int64 (N, *input.shape)."""
        return host_quantise(self.program, x)

    def real_input(self, x: np.ndarray) -> np.ndarray:
        """A float32 graph input (N, *graph shape) that is quantised to exactly these integers."""
        return real_input(self.program, self._checked(x))

    # -- against float stages --

    def to_integers(self, tensor: str, values: np.ndarray) -> np.ndarray:
        """What a float stage's values of a tensor stand for: round((v - beta) / alpha)."""
        return ties.to_integers(self.program.tensors[tensor], values)

    def explain_float_difference(
        self,
        x: np.ndarray,
        floats: dict[str, np.ndarray],
    ) -> ties.FloatDifference:
        """Which frames of a float stage differ by a proven rounding tie, and which are wrong."""
        return ties.explain(self, x, floats)


def exact_argmax(result: Integers, scores: np.ndarray) -> np.ndarray:
    """argmax over c of clip(alpha[c]*scores[:, c] + beta[c]), exact, ties to the lowest index.

    float64 decides where its error, below 2^-49 of the terms, cannot matter; else exact numbers do.
    """
    parts = [np.broadcast_to(p, result.shape).reshape(-1) for p in (result.alpha, result.beta)]
    alpha, beta = parts
    if (
        not result.clipped
        and all(b == beta[0] for b in beta)
        and all(a == alpha[0] for a in alpha)
        and alpha[0].sign() > 0
    ):
        return np.argmax(scores, axis=1).astype(np.int64)
    limits = [
        None if part is None else np.broadcast_to(part, result.shape).reshape(-1)
        for part in (result.low, result.high)
    ]
    a, b = as_floats(alpha), as_floats(beta)
    values = scores * a + b
    margin = 1e-12 * (np.abs(scores * a) + np.abs(b)).max(axis=1, initial=0.0)
    for limit, clip in zip(limits, (np.maximum, np.minimum), strict=True):
        if limit is not None:
            values = clip(values, as_floats(limit))
            margin = margin + 1e-12 * np.abs(as_floats(limit)).max()
    near = values >= (values.max(axis=1) - margin)[:, None]
    labels = np.argmax(near, axis=1).astype(np.int64)
    for row in np.flatnonzero(near.sum(axis=1) > 1):
        best = None
        for c in np.flatnonzero(near[row]):
            value = _clipped(
                alpha[c] * Surd(int(scores[row, c])) + beta[c],
                *(None if limit is None else limit[c] for limit in limits),
            )
            if best is None or value.sign_of_difference(best) > 0:
                best, labels[row] = value, c
    return labels


def _clipped(value: Surd, low: Surd | None, high: Surd | None) -> Surd:
    if low is not None and value.sign_of_difference(low) < 0:
        value = low
    if high is not None and value.sign_of_difference(high) > 0:
        value = high
    return value
