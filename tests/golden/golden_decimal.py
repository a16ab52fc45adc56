"""An independent reference: an ONNX file executed in decimals of 60 digits, node by node,
value by value.

It knows no integers, no affines and no thresholds. Where a quantiser's input comes within
1e-40 of a boundary it is taken to lie on it: 60 digits can come that close by chance only
once in 10^20 values.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, getcontext

import numpy as np
import onnx
from onnx import helper, numpy_helper

getcontext().prec = 60
SNAP = Decimal(10) ** -40


def _decimal(array) -> np.ndarray:
    return np.asarray(np.frompyfunc(lambda v: Decimal(float(v)), 1, 1)(array), dtype=object)


def _round(value: Decimal) -> Decimal:
    snapped = value.quantize(SNAP)
    return snapped.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)


def _quant(v, scale, zero, bits, signed, narrow):
    def one(value, s):
        y = value / s + zero
        if bits == 1 and signed:
            return s * (1 if y.quantize(SNAP) >= 0 else -1)
        low = -(2 ** (bits - 1)) + narrow if signed else 0
        high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
        return (min(max(_round(y), Decimal(low)), Decimal(high)) - zero) * s

    return np.frompyfunc(one, 2, 1)(v, scale)


def _conv(x, w, bias, attributes):
    strides, dilations = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    group = attributes.get("group", 1)
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=Decimal(0))
    outputs, per_group, kh, kw = w.shape
    oh = (x.shape[2] - dilations[0] * (kh - 1) - 1) // strides[0] + 1
    ow = (x.shape[3] - dilations[1] * (kw - 1) - 1) // strides[1] + 1
    out = np.empty((len(x), outputs, oh, ow), dtype=object)
    for m in range(outputs):
        g = m // (outputs // group)
        part = x[:, g * per_group : (g + 1) * per_group]
        for i in range(oh):
            for j in range(ow):
                window = part[
                    :,
                    :,
                    i * strides[0] : i * strides[0] + dilations[0] * (kh - 1) + 1 : dilations[0],
                    j * strides[1] : j * strides[1] + dilations[1] * (kw - 1) + 1 : dilations[1],
                ]
                out[:, m, i, j] = (window * w[m]).reshape(len(x), -1).sum(axis=1)
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)


def _pool(x, attributes, reduce):
    kh, kw = attributes["kernel_shape"]
    sh, sw = attributes.get("strides", [1, 1])
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    h, w = x.shape[2:]
    oh, ow = (h + top + bottom - kh) // sh + 1, (w + left + right - kw) // sw + 1
    out = np.empty((*x.shape[:2], oh, ow), dtype=object)
    for i in range(oh):
        for j in range(ow):
            rows = range(max(i * sh - top, 0), min(i * sh - top + kh, h))
            columns = range(max(j * sw - left, 0), min(j * sw - left + kw, w))
            window = x[:, :, rows.start : rows.stop, columns.start : columns.stop]
            out[:, :, i, j] = reduce(window.reshape(*x.shape[:2], -1), kh * kw)
    return out


def execute(model: onnx.ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
    """All tensors of the file as object arrays of Decimal."""
    tensors = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    tensors = {name: _decimal(a) if a.dtype.kind == "f" else a for name, a in tensors.items()}
    tensors["x"] = _decimal(x)
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        tensors[node.output[0]] = _node(node.op_type, [tensors[n] for n in node.input], attributes)
    return tensors


def _node(op, v, a):
    simple = {
        "Add": lambda: v[0] + v[1],
        "Sub": lambda: v[0] - v[1],
        "Mul": lambda: v[0] * v[1],
        "Div": lambda: v[0] / v[1],
        "MatMul": lambda: v[0].dot(v[1]),
        "Relu": lambda: np.maximum(v[0], Decimal(0)),
        "Transpose": lambda: v[0].transpose(a["perm"]),
        "Flatten": lambda: v[0].reshape(len(v[0]), -1),
        "Reshape": lambda: v[0].reshape(v[1].tolist()),
        "GlobalAveragePool": lambda: v[0].sum(axis=(2, 3), keepdims=True) / v[0][0, 0].size,
    }
    if op in simple:
        return simple[op]()
    if op == "BipolarQuant":
        return _quant(v[0], v[1] + 0 * v[0], Decimal(0), 1, 1, 0)
    if op in ("Quant", "IntQuant"):
        return _quant(
            v[0], v[1] + 0 * v[0], v[2].item(), int(v[3].item()), a["signed"], a["narrow"]
        )
    if op == "Gemm":
        out = v[0].dot(v[1].T if a.get("transB") else v[1])
        return out if len(v) < 3 else out + v[2]
    if op == "Conv":
        return _conv(v[0], v[1], v[2] if len(v) > 2 else None, a)
    if op == "MaxPool":
        return _pool(v[0], a, lambda window, size: window.max(axis=-1))
    if op == "AveragePool":
        return _pool(
            v[0],
            a,
            lambda window, size: (
                window.sum(axis=-1) / (size if a.get("count_include_pad") else window.shape[-1])
            ),
        )
    if op == "Pad":
        rank = v[0].ndim
        return np.pad(
            v[0], list(zip(v[1][:rank], v[1][rank:], strict=True)), constant_values=v[2].item()
        )
    column = (1, -1) + (1,) * (v[0].ndim - 2)
    if op == "BatchNormalization":
        gamma, bias, mean, variance = (p.reshape(column) for p in v[1:])
        root = np.frompyfunc(lambda u: (u + Decimal(a["epsilon"])).sqrt(), 1, 1)(variance)
        return (v[0] - mean) * gamma / root + bias
    if op == "MultiThreshold":
        table = v[1].reshape(*column, v[1].shape[-1])
        snapped = np.frompyfunc(lambda u: u.quantize(SNAP), 1, 1)
        count = (snapped(v[0])[..., None] >= snapped(table)).sum(axis=-1)
        return _decimal(count * a.get("out_scale", 1.0) + a.get("out_bias", 0.0))
    raise ValueError(f"{op} has no decimal form; write it here where a test needs it")
