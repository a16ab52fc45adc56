"""The compiler's integer graph executed by plain numpy: what it means, without FINN's minutes."""

from __future__ import annotations

import numpy as np

from hw_bnn.compile.integer_graph import Add, IntegerGraph, Linear, MaxPool, SumPool, Threshold
from hw_bnn.compile.requantising import Requantise


def integer_scores(graph: IntegerGraph, x: np.ndarray) -> np.ndarray:
    """Raw scores, int64 (N, n), of integers x (N, *model_shape)."""
    x = np.asarray(x, dtype=np.int64)
    if graph.transpose is not None:
        x = x.transpose(0, *(a + 1 for a in graph.transpose))
    tensors = {graph.input: x.reshape(len(x), *graph.tensors[graph.input].shape)}
    for op in graph.ops:
        inputs = [tensors[name] for name in op.inputs]
        out, tensor = _run(op, *inputs), graph.tensors[op.output]
        assert out.shape[1:] == tensor.shape, (op.layer, out.shape, tensor.shape)
        assert tensor.minimum <= out.min() and out.max() <= tensor.maximum, op.layer
        tensors[op.output] = out
    scores = tensors[graph.output]
    return scores.reshape(len(scores), -1)


def _run(op, *inputs: np.ndarray) -> np.ndarray:
    if isinstance(op, Add):
        return sum(factor * value for factor, value in zip(op.factors, inputs, strict=True))
    (x,) = inputs
    if isinstance(op, Threshold):
        rows = x.reshape(-1, len(op.negate))  # channels, or whole frames
        signed = np.where(op.negate, -rows, rows)
        reached = (signed[..., None] >= op.thresholds).sum(axis=-1)
        return op.bias + op.step * reached.reshape(x.shape)
    if isinstance(op, Requantise):
        table = op.table
        upper = (x >= table.at).astype(np.int64) * (table.pieces - 1)
        channel = np.arange(len(table.at))
        numerator = table.gain[channel, upper] * x + table.offset[channel, upper]
        quotient, rest = np.divmod(numerator, 2**table.shift)
        if table.half_even:
            quotient -= (rest == 0) & (quotient % 2 == 1)
        return quotient.clip(table.low, table.high)
    if isinstance(op, Linear) and not op.is_conv:
        return x.reshape(len(x), -1) @ op.weights.astype(np.int64).T
    if isinstance(op, Linear):
        windows = _windows(x, op.weights.shape[1:3], op.stride, op.dilation, op.pads, op.pad_value)
        windows = windows.reshape(*windows.shape[:3], op.groups, -1, *windows.shape[4:])
        weights = op.weights.astype(np.int64).reshape(op.groups, -1, *op.weights.shape[1:])
        out = np.einsum("nijgcuv,gmuvc->nijgm", windows, weights, optimize=True)
        return out.reshape(*out.shape[:3], -1)
    if isinstance(op, SumPool):
        return _windows(x, op.kernel, op.stride).sum(axis=(-2, -1))
    assert isinstance(op, MaxPool)
    sign = np.where(op.minimum, -1, 1)
    lowest = np.iinfo(np.int64).min // 2
    return sign * _windows(sign * x, op.kernel, op.stride, (1, 1), op.pads, lowest).max((-2, -1))


def _windows(x, kernel, stride, dilation=(1, 1), pads=(0, 0, 0, 0), value=0) -> np.ndarray:
    """(N, H, W, C) -> (N, OH, OW, C, kh, kw)."""
    border = ((0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0))
    x = np.pad(x, border, constant_values=value)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(1, 2))
    return view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
