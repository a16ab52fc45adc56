"""Operators of :mod:`float_executor`, in the forms of the ONNX and QONNX
specifications, in float64."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from onnx.reference.op_run import OpRun

QONNX = "qonnx.custom_op.general"
NEAR = 1e-10
"""Relative distance to a boundary below which float64 does not decide."""

near_marks: list[np.ndarray] = []
"""By quantiser: (N,) bool, of the run that is going on."""


class NotExecutable(Exception):
    """The file is no ONNX that the reference evaluator takes."""


def _note(distance: np.ndarray, size: np.ndarray) -> None:
    """Remember the frames of which a value is closer to a boundary than NEAR, and not on it."""
    distance = np.abs(distance)
    close = (distance > 0) & (distance < NEAR * np.maximum(size, 1e-300))
    near_marks.append(
        close.reshape(len(close), -1).any(axis=1) if close.ndim else np.array([False])
    )


class BipolarQuant(OpRun):
    op_domain = QONNX

    def _run(self, x, scale):
        _note(x, np.abs(x).max(initial=0))
        return (np.where(x >= 0, 1.0, -1.0) * scale,)


ROUNDINGS = {
    "ROUND": np.round,
    "HALF_EVEN": np.round,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda v: np.sign(v) * np.ceil(np.abs(v)),
    "DOWN": np.fix,
    "HALF_UP": lambda v: np.sign(v) * np.floor(np.abs(v) + 0.5),
    "HALF_DOWN": lambda v: np.sign(v) * np.ceil(np.abs(v) - 0.5),
}


class Quant(OpRun):
    op_domain = QONNX

    def _run(self, x, scale, zero, bits, signed=None, narrow=None, rounding_mode=None):
        signed = 1 if signed is None else signed
        bits = float(np.asarray(bits).reshape(-1)[0])
        v = x / scale + zero
        size = np.abs(v).max(initial=1.0)
        if bits == 1 and signed:
            _note(v, size)
            return ((np.where(v >= 0, 1.0, -1.0) - zero) * scale,)
        mode = (rounding_mode or "ROUND").upper()
        low = -(2.0 ** (bits - 1)) + (1 if narrow else 0) if signed else 0.0
        high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - (1 if narrow else 0)
        whole = mode in ("CEIL", "FLOOR", "UP", "DOWN")
        boundary = np.round(v) if whole else np.floor(v) + 0.5
        _note(np.where((v > low - 1) & (v < high + 1), v - boundary, np.inf), size)
        return ((np.clip(ROUNDINGS[mode](v), low, high) - zero) * scale,)


class IntQuant(Quant):
    op_domain = QONNX


class MultiThreshold(OpRun):
    op_domain = QONNX

    def _run(self, x, table, out_dtype=None, out_scale=None, out_bias=None, data_layout=None):
        if data_layout in ("NHWC", "NWC"):
            x = np.moveaxis(x, -1, 1)
        table = table.reshape(table.shape[0], *([1] * (x.ndim - 2)), table.shape[1])
        gaps = np.expand_dims(x, -1) - np.expand_dims(table, 0)
        _note(gaps, np.abs(x).max(initial=0))
        scale, bias = float(1.0 if out_scale is None else out_scale), float(out_bias or 0.0)
        for count in range(table.shape[-1] + 1):
            if Fraction(scale) * count + Fraction(bias) != Fraction(scale * count + bias):
                raise NotExecutable("MultiThreshold with levels that float64 does not hold")
        out = scale * (gaps >= 0).sum(-1) + bias
        return (np.moveaxis(out, 1, -1) if data_layout in ("NHWC", "NWC") else out,)


class XnorPopcountMatMul(OpRun):
    op_domain = QONNX

    def _run(self, a, b):
        """Bits 0 and 1: the number of equal ones."""
        return ((a @ b) + ((1 - a) @ (1 - b)),)


class BatchNormalization(OpRun):
    """Inference; onnx's own evaluator mixes in the statistics of the batch before opset 14."""

    op_domain = ""

    def _run(self, x, gamma, beta, mean, variance, epsilon=None, training_mode=None, **_rest):
        if training_mode:
            raise NotExecutable("BatchNormalization in training mode")
        column = (-1,) + (1,) * (x.ndim - 2)
        root = np.sqrt(variance + np.float64(np.float32(1e-5 if epsilon is None else epsilon)))
        gamma, beta, mean, root = (p.reshape(column) for p in (gamma, beta, mean, root))
        return ((x - mean) * gamma / root + beta,)


class Conv(OpRun):
    """Written out; onnx's own evaluator cuts maps wrongly under auto_pad = VALID."""

    op_domain = ""

    def _run(self, x, w, bias=None, auto_pad=None, dilations=None, group=None, kernel_shape=None,
             pads=None, strides=None):  # fmt: skip
        rank, group, auto = w.ndim - 2, group or 1, auto_pad or "NOTSET"
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        if kernel_shape is not None and list(kernel_shape) != list(w.shape[2:]):
            raise NotExecutable("Conv with another kernel_shape than its weights")
        reach = [d * (k - 1) + 1 for d, k in zip(dilations, w.shape[2:], strict=True)]
        pads = list(pads or [0] * 2 * rank) if auto == "NOTSET" else [0] * 2 * rank
        if auto.startswith("SAME"):
            for i, (size, stride, r) in enumerate(zip(x.shape[2:], strides, reach, strict=True)):
                extra = max((-(-size // stride) - 1) * stride + r - size, 0)
                before = extra // 2 if auto == "SAME_UPPER" else extra - extra // 2
                pads[i], pads[i + rank] = before, extra - before
        x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)])
        sizes = [(n - r) // s + 1 for n, r, s in zip(x.shape[2:], reach, strides, strict=True)]
        per, out = w.shape[0] // group, 0.0
        if x.shape[1] != w.shape[1] * group or w.shape[0] % group:
            raise NotExecutable("Conv whose channels do not fit its weights")
        parts = x.reshape(len(x), group, w.shape[1], *x.shape[2:])
        for at in np.ndindex(*w.shape[2:]):
            window = tuple(
                slice(k * d, k * d + (n - 1) * s + 1, s)
                for k, d, n, s in zip(at, dilations, sizes, strides, strict=True)
            )
            kernel = w[(slice(None), slice(None), *at)].reshape(group, per, -1)
            out = out + np.einsum("bgc...,gmc->bgm...", parts[(..., *window)], kernel)
        out = out.reshape(len(x), -1, *sizes)
        return (out if bias is None else out + bias.reshape(-1, *[1] * rank),)


OPERATORS = (
    BipolarQuant, Quant, IntQuant, MultiThreshold, XnorPopcountMatMul, BatchNormalization, Conv
)  # fmt: skip
