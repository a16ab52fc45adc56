"""The host's side of the input: real numbers to the network's integers and back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..arrays import as_array
from ..errors import BadInput
from .exact import Surd, as_floats
from .program import HostQuantiser, Program


def host_quantise(program: Program, x: np.ndarray) -> np.ndarray:
    """Real graph inputs to the network's integers.

    Args:
        x: float (N, *graph input shape). With a raw integer input: real multiples of its scale.

    Returns:
        int64 (N, *input.shape), exactly what the file's first quantiser gives on these real
        numbers: float64 decides, but for numbers within 1e-9 of a boundary, where exact numbers do.

    Raises:
        BadInput: another shape, numbers that are not finite, or (raw input) no integer multiples.
    """
    x = as_array(x, "the input")
    if x.dtype.kind not in "fiub":
        raise BadInput(f"the input is {x.dtype}, no real numbers", remedy="give float32")
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    if not np.isfinite(x).all():
        raise BadInput("the input holds numbers that are not finite", remedy="check the data")
    if program.host is None:
        return _raw_integers(program, x)
    host = program.host
    if x.shape[1:] != host.graph_shape:
        raise BadInput(
            f"the input has the shape {x.shape}, the file takes (N, "
            f"{', '.join(map(str, host.graph_shape))})",
            remedy="reshape it",
        )
    for op in host.real.path:
        x = op.run(x)
    return host.first + host.stride * count_boundaries(host, x)


def count_boundaries(host: HostQuantiser, x: np.ndarray) -> np.ndarray:
    """Boundaries reached by alpha*x + beta."""
    boundaries = host.levels.reshape(-1)[0].boundaries
    at = np.array([float(b.at) for b in boundaries])
    alpha, beta = as_floats(host.real.alpha), as_floats(host.real.beta)
    product = alpha * x.astype(np.float64)
    y = product + beta
    margin = 1e-9 * (np.abs(product) + np.abs(beta) + np.abs(at).max() + 1e-300)
    count = np.searchsorted(at, y, side="right")
    doubtful = np.searchsorted(at, y - margin, side="left") != np.searchsorted(
        at, y + margin, side="right"
    )
    exact_alpha = np.broadcast_to(host.real.alpha, x.shape[1:])
    exact_beta = np.broadcast_to(host.real.beta, x.shape[1:])
    for where in zip(*np.nonzero(doubtful), strict=True):
        value = exact_alpha[where[1:]] * Surd(Fraction(x[where].item())) + exact_beta[where[1:]]
        count[where] = sum(b.reached(value) for b in boundaries)
    return count.astype(np.int64)


def _raw_integers(program: Program, x: np.ndarray) -> np.ndarray:
    contract = program.input
    if x.shape[1:] != contract.shape:
        raise BadInput(
            f"the input has the shape {x.shape}, the file takes (N, "
            f"{', '.join(map(str, contract.shape))})",
            remedy="reshape it",
        )
    scale = float(contract.scale)
    if program.input.offset:
        x = x - float(program.input.offset)
    integers = np.rint(x.astype(np.float64) / scale)
    if (np.abs(integers * scale - x) > 2.0**-22 * np.abs(x)).any():
        raise BadInput(
            f"the input holds numbers that are no multiples of {scale:g}",
            remedy="give integers times the input scale",
        )
    return integers.astype(np.int64)


def real_input(program: Program, x: np.ndarray) -> np.ndarray:
    """float32 graph inputs (N, *graph shape) that quantise to integers x (N, *input.shape).

    Each number is the middle of its integer's interval, so that a stage that computes in float32
    finds the same integer.

    Raises:
        BadInput: float32 cannot tell two neighbouring integers apart.
    """
    if program.host is None:
        return (x * float(program.input.scale)).astype(np.float32)
    host = program.host
    at = [b.at for b in host.levels.reshape(-1)[0].boundaries]
    gaps = [b - a for a, b in zip(at, at[1:], strict=False) if b > a]  # UP gives 0 for 0 alone
    half = min(gaps, default=Fraction(2)) / 2
    middles = [
        at[0] - half,
        *((a + b) / 2 for a, b in zip(at, at[1:], strict=False)),
        at[-1] + half,
    ]
    table = np.array([float(m) for m in middles])
    y = table[(x - host.first) // host.stride]
    alpha = as_floats(host.real.alpha)
    if (alpha == 0).any():
        raise BadInput("the graph input is multiplied by 0", remedy="check the input scaling")
    real = ((y - as_floats(host.real.beta)) / alpha).astype(np.float32)
    for op in host.real.back:
        real = op.run(real)
    if not np.array_equal(host_quantise(program, real), x):
        raise BadInput(
            "float32 cannot represent the input's quantisation steps",
            remedy="use fewer input bits or another input scaling",
        )
    return real
