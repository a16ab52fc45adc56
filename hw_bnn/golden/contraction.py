"""Sums of products on integers: the scales of inputs and weights become one scale per output.

    sum_k (s_mk * w_mk) * (alpha_k * q_k + beta_k) = alpha_m * sum_k f_mk * q_k + beta_m

with integers f: where the scales differ between inputs, their ratios are folded into f.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, lcm

import numpy as np

from ..errors import Unsupported
from .exact import ZERO, Surd, as_floats, distinct, exact_array, exact_in_float32
from .values import UNIT


@dataclass(frozen=True)
class Contraction:
    """sum_k w[m,k] * x[k] on integers: alpha[m] * sum_k integers[m,k] * q[k] + beta[m]."""

    integers: np.ndarray  # int64 (M, K)
    alpha: np.ndarray  # (M,)
    beta: np.ndarray  # (M,)
    minimum: np.ndarray  # int64 (M,)
    maximum: np.ndarray
    error: np.ndarray  # float64 (M,)


def contract(
    per_input: dict[str, np.ndarray],
    weights: np.ndarray,
    scale: np.ndarray,
    relative_error: float,
    node: str,
) -> Contraction:
    """Fold the scales of inputs and weights into one scale per output.

    Args:
        per_input: alpha, beta (object (K,)), minimum, maximum (int64 (K,)), error (float64 (K,)).
        weights: int64 (M, K). scale: object, (M or 1, K or 1).
    """
    alpha, beta = per_input["alpha"], per_input["beta"]
    outputs, inputs = weights.shape
    integers = weights
    if scale.shape[1] == 1 and all(a == alpha[0] for a in distinct(alpha)):
        out_alpha = np.broadcast_to(scale[:, 0] * alpha[0], outputs)
    else:
        integers, out_alpha = _fold_scales(weights, scale, alpha, node)
    if all(b.sign() == 0 for b in distinct(beta)):
        out_beta = np.broadcast_to(exact_array(np.zeros(1)), outputs)
    else:
        out_beta = _offsets(weights, scale, beta)
    low, high = per_input["minimum"], per_input["maximum"]
    positive, negative = np.maximum(integers, 0), np.minimum(integers, 0)
    minimum, maximum = positive @ low + negative @ high, positive @ high + negative @ low
    size = np.abs(as_floats(scale)) * np.abs(weights)  # (M, K)
    values = np.maximum(
        np.abs(as_floats(alpha) * low + as_floats(beta)),
        np.abs(as_floats(alpha) * high + as_floats(beta)),
    )
    error = size @ per_input["error"] * (1 + relative_error) + relative_error * (size @ values)
    if np.any(error) or not _exact_sum(integers, low, high, out_alpha, beta):
        total = size @ (values + per_input["error"]) * (1 + relative_error)
        error = error + 1.01 * (inputs + 2) * UNIT * total
    return Contraction(np.ascontiguousarray(integers), out_alpha, out_beta, minimum, maximum, error)


def _exact_sum(integers, low, high, out_alpha, beta) -> bool:
    """Whether float32 sums these products exactly: multiples of 2^e, below 2^24 of it in all."""
    if any(b.sign() for b in distinct(beta)):
        return False
    largest = np.abs(integers) @ np.maximum(np.abs(low), np.abs(high))
    return all(exact_in_float32(a, int(largest.max())) for a in distinct(out_alpha)) or all(
        exact_in_float32(a, n) for a, n in zip(out_alpha, largest.tolist(), strict=True)
    )


def _fold_scales(weights, scale, alpha, node: str):
    """Scales that differ between inputs: alpha_k * scale_mk = g_m * f_mk with integers f."""
    outputs, inputs = weights.shape
    integers, out = np.empty_like(weights), np.empty(outputs, dtype=object)
    for m in range(outputs):
        row = scale[m % scale.shape[0]] * alpha
        row = np.broadcast_to(row, inputs)
        base = next((v for v in row if v.sign()), ZERO)
        if base.sign() == 0:
            integers[m], out[m] = 0, ZERO
            continue
        ratios = [v / base for v in row]
        if not all(r.is_rational() for r in ratios):
            raise Unsupported(
                "its inputs have scales of irrational ratio",
                node=node,
                remedy="quantise its input with one scale",
            )
        denominator = lcm(*(r.x.denominator for r in ratios))
        factors = [int(r.x * denominator) for r in ratios]
        common = gcd(*factors)
        factors = [f // common for f in factors]
        if max(map(abs, factors)) >= 2**31:
            raise Unsupported(
                "the scales of its input channels have no useful common measure",
                node=node,
                remedy="quantise its input with one scale",
            )
        integers[m] = weights[m] * np.array(factors, dtype=np.int64)
        out[m] = base * Surd(common) / Surd(denominator)
    return integers, out


def _offsets(weights, scale, beta):
    """sum_k weights[m,k] * scale[m,k] * beta[k], exact."""
    out = np.empty(len(weights), dtype=object)
    same = scale.shape[1] == 1 and all(b == beta[0] for b in distinct(beta))
    for m in range(len(weights)):
        s = scale[m % scale.shape[0]]
        if same:
            out[m] = s[0] * beta[0] * Surd(int(weights[m].sum()))
        else:
            terms = np.broadcast_to(s, len(beta)) * beta
            out[m] = sum((Surd(int(w)) * t for w, t in zip(weights[m], terms, strict=True)), ZERO)
    return out
