"""Float stages (torch, QONNX execution) against the exact reference: proven ties, or mistakes.

A stage that computes in float32 may put a quantiser's input on the other side of a boundary than
the real number lies, where that number is close enough. "Close enough" is a proven bound E on
|float32 - exact| at each quantiser, carried along with the exact affines (`error` in values.py) by
these rules, u = 2^-24:

- Correct rounding: one operation's result is off by at most u times its magnitude; magnitudes are
  the largest over all reachable integers, so that a bound holds for every frame.
- A quantiser that chose the same level gives scale * integer: without error where that number has
  at most 24 significant bits, else two roundings.
- A sum of K products in any order, with or without fused multiply-add: (K+2) u sum |x||w| bounds
  K u / (1 - K u) sum |x||w| and the rounding of stored weights. It is 0 where all products are
  multiples of one power of two and their sum stays below 2^24 of it (+-1 maps: always).
- BatchNormalization in its usual forms, (x - m) / sqrt(v + e) * g + b and x * s + (b - m * s) with
  s = g / sqrt(v + e) or g * (1 / sqrt(v + e)): s takes at most 4 roundings (sum, root, reciprocal,
  product), m * s and x * s one more each, the two sums one each on at most |s|(|x| + |m|) + |b|. No
  term passes more than 8; 10 u (|s|(|x| + |m|) + |b|) covers them and all products of errors.
- max, min, ReLU and Clip do not enlarge an error; a mean of k numbers is a sum of k and one
  rounding more.
- A parameter that the file computes (a scale, a gain, a limit) comes with the error of that.

It assumes IEEE float32 without underflow, and sums formed as sums (no Winograd or
Fourier convolution).

What makes a frame a *tie*: in the first tensor, in the order of the network, where stage and
reference differ, each differing element's exact value lies within E of every boundary between the
two levels. All before that tensor being equal, the stage had the same integers to start from. A
difference behind a tie follows from it and is not looked at. Every other difference is a mismatch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadInput
from .exact import as_floats
from .program import Quantiser
from .values import Integers

if TYPE_CHECKING:
    from .model import GoldenModel


@dataclass(frozen=True)
class Divergence:
    """The first difference of one frame.

    index: element of the tensor (the worst of those that differ). golden, stage: the two integers.
    exact, boundary, bound: the exact value before the quantiser, the boundary between the levels
    that lies farthest from it, and the proven bound on float32's error there, in the same units (at
    the last layer: the exact value, the stage's, and the bound). tie: explained by rounding.
    """

    frame: int
    tensor: str
    node: str
    index: tuple[int, ...]
    golden: int
    stage: int
    exact: float
    boundary: float
    bound: float
    tie: bool

    def __str__(self) -> str:
        kind = "rounding tie" if self.tie else "mismatch"
        return (
            f"frame {self.frame}, {self.node}, tensor {self.tensor} at {list(self.index)}: golden "
            f"{self.golden}, stage {self.stage}; exact value {self.exact:.9g}, boundary "
            f"{self.boundary:.9g}, float32's error at most {self.bound:.3g}: {kind}"
        )


@dataclass
class FloatDifference:
    """All frames of a float stage that differ from the reference, one divergence each."""

    divergences: list[Divergence] = field(default_factory=list)

    @property
    def ties(self) -> list[Divergence]:
        return [d for d in self.divergences if d.tie]

    @property
    def mismatches(self) -> list[Divergence]:
        return [d for d in self.divergences if not d.tie]


def to_integers(value: Integers, values: np.ndarray) -> np.ndarray:
    """Nearest integers to (values - beta) / alpha, int64; 0 where alpha is 0.

    Args:
        value: the tensor. values: float (N, *shape), or with the shape's elements in one axis.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size != len(values) * int(np.prod(value.shape)):
        raise BadInput(
            f"{value.name} has frames of shape {value.shape}, the stage gave {values.shape[1:]}",
            remedy="give the tensor as the file defines it",
        )
    values = values.reshape(len(values), *value.shape)
    alpha, beta = as_floats(value.alpha), as_floats(value.beta)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.where(alpha == 0, 0.0, (values - beta) / alpha)
    return np.rint(np.nan_to_num(out, nan=2.0**60, posinf=2.0**60, neginf=-(2.0**60))).astype(
        np.int64
    )


def explain(golden: GoldenModel, x: np.ndarray, floats: dict[str, np.ndarray]) -> FloatDifference:
    """Compare a float stage with the reference, frame by frame.

    Args:
        golden: the reference.
        x: integers (N, *input.shape) that the stage was given (as golden.real_input(x)).
        floats: the stage's real values, tensor -> float array (N, *shape), at every quantiser's
            output in the network and at golden.output_tensor.

    Returns:
        The differing frames, each with its first divergence.

    Raises:
        BadInput: a tensor is missing in `floats`.
    """
    program = golden.program
    names = (*program.quantisers, golden.output_tensor)
    missing = [name for name in names if name not in floats]
    if missing:
        raise BadInput(
            f"the float trace lacks the tensors {', '.join(missing)}",
            remedy="trace every quantiser's output and the last layer",
        )
    trace = golden.trace(x)
    report, done = FloatDifference(), np.zeros(len(x), dtype=bool)
    for name in dict.fromkeys(names):
        value = program.tensors[name]
        stage = to_integers(value, floats[name])
        off_level = (
            _off_level(value, stage, floats[name])
            if name in program.quantisers
            else np.zeros(stage.shape, dtype=bool)
        )
        different = (stage != trace[name]) | off_level
        frames = np.flatnonzero(different.reshape(len(x), -1).any(axis=1) & ~done)
        for frame in frames:
            divergence = _judge(
                golden,
                x[frame : frame + 1],
                int(frame),
                name,
                different[frame],
                trace[name][frame],
                stage[frame],
                off_level[frame],
                np.asarray(floats[name])[frame].reshape(value.shape),
            )
            report.divergences.append(divergence)
        done[frames] = True
    report.divergences.sort(key=lambda d: d.frame)
    return report


def _off_level(value: Integers, stage: np.ndarray, floats: np.ndarray) -> np.ndarray:
    """Where a stage's number is no number of this tensor at all, rounding allowed for."""
    floats = np.asarray(floats, dtype=np.float64).reshape(stage.shape)
    alpha, beta = as_floats(value.alpha), as_floats(value.beta)
    exact = alpha * stage + beta
    allowed = value.error + 1e-6 * np.abs(alpha) + 2.0**-22 * (np.abs(alpha * stage) + np.abs(beta))
    return ~(np.abs(floats - exact) <= allowed)


def _judge(
    golden: GoldenModel,
    x: np.ndarray,
    frame: int,
    name: str,
    different: np.ndarray,
    reference: np.ndarray,
    stage: np.ndarray,
    off_level: np.ndarray,
    floats: np.ndarray,
) -> Divergence:
    """The worst differing element of one frame in one tensor."""
    quantiser = golden.program.quantisers.get(name)
    where = np.nonzero(different)
    if quantiser is None:
        value = golden.program.tensors[name]
        exact = value.floats(reference)[where]
        target, bound = floats.astype(np.float64)[where], _spread(value.error, value.shape)[where]
        node = next(op.node for op in golden.program.ops if op.output == name)
    else:
        value, node = quantiser.value, quantiser.node
        accumulators = golden.tensors(x, (value.name,))[value.name][0]
        exact = value.floats(accumulators)[where]
        target = _far_boundary(quantiser, where, reference[where], stage[where])
        bound = _spread(value.error, value.shape)[where]
    slack = 2.0**-45 * _spread(value.magnitude(), value.shape)[where]  # of float64 below
    distance = np.abs(exact - target)
    excess = np.where(off_level[where], np.inf, distance - (bound + slack))
    worst = int(np.argmax(np.nan_to_num(excess, nan=np.inf)))
    index = tuple(int(axis[worst]) for axis in where)
    return Divergence(
        frame,
        name,
        node,
        index,
        int(reference[index]),
        int(stage[index]),
        float(exact[worst]),
        float(target[worst]),
        float(bound[worst] + slack[worst]),
        bool(excess[worst] <= 0),
    )


def _spread(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(array, shape)


def _far_boundary(
    quantiser: Quantiser, where, reference: np.ndarray, stage: np.ndarray
) -> np.ndarray:
    """Of the boundaries between two levels the one farthest from the exact value."""
    shape = quantiser.value.shape
    levels = np.broadcast_to(quantiser.levels, shape)[where]
    out = np.empty(len(reference))
    for i, (own, golden, other) in enumerate(zip(levels, reference, stage, strict=True)):
        if not own.first <= other <= own.last or (other - own.first) % own.stride:
            out[i] = np.inf  # no level of the quantiser
            continue
        count = (other - own.first) // own.stride
        out[i] = (
            float(own.boundaries[count - 1 if other > golden else count].at)
            if (other != golden)
            else np.inf
        )
    return out
