"""QONNX files in float64 by onnx's reference evaluator: knows nothing of hw_bnn, nor of qonnx.

The custom operators stand here as QONNX's documentation defines them.
"""

from __future__ import annotations

import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")

ROUND = {
    "ROUND": np.round,
    "HALF_EVEN": np.round,
    "HALF_UP": lambda y: np.sign(y) * np.floor(np.abs(y) + 0.5),
    "HALF_DOWN": lambda y: np.sign(y) * np.ceil(np.abs(y) - 0.5),
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "UP": lambda y: np.sign(y) * np.ceil(np.abs(y)),
    "DOWN": np.fix,
}


class BipolarQuant(OpRun):
    def _run(self, x, scale):
        return (np.where(x >= 0, 1.0, -1.0) * scale,)


class Quant(OpRun):
    def _run(self, x, scale, zero, bits, signed=None, narrow=None, rounding_mode=None):
        bits, y = int(np.asarray(bits).reshape(-1)[0]), x / scale + zero
        if bits == 1 and signed:
            return ((np.where(y >= 0, 1.0, -1.0) - zero) * scale,)
        low = -(2 ** (bits - 1)) + narrow if signed else 0
        high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
        y = np.clip(ROUND[(rounding_mode or "ROUND").upper()](y), low, high)
        return ((y - zero) * scale,)


class IntQuant(Quant):
    pass


class Trunc(OpRun):
    """Of version 2."""

    def _run(
        self, x, scale, zero, _, out_scale, bits, signed=None, narrow=None, rounding_mode=None
    ):
        bits, signed = int(np.asarray(bits).reshape(-1)[0]), 1 if signed is None else signed
        step = 2.0 ** np.round(np.log2(out_scale / scale))
        y = np.round(x / scale + zero) / step
        low = -(2 ** (bits - 1)) + (narrow or 0) if signed else 0
        high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - (narrow or 0)
        y = ROUND[(rounding_mode or "FLOOR").upper()](np.clip(y, low, high))
        return ((y - zero / step) * out_scale,)


class MultiThreshold(OpRun):
    def _run(self, x, table, out_dtype=None, out_scale=None, out_bias=None, data_layout=None):
        layout = data_layout or {2: "NC", 3: "NWC", 4: "NCHW"}[x.ndim]
        last = np.moveaxis(x, layout.index("C"), -1)
        count = (last[..., None] >= table).sum(-1).astype(np.float64)
        count = np.moveaxis(count, -1, layout.index("C"))
        return ((1.0 if out_scale is None else out_scale) * count + (out_bias or 0.0),)


class XnorPopcountMatMul(OpRun):
    def _run(self, x, weights):
        agree = x[:, :, None] == weights[None]
        return (agree.sum(axis=1).astype(np.float64),)


class BatchNormalization(OpRun):
    """Inference; onnx's own evaluator mixes in the batch's statistics before opset 14."""

    op_domain = ""

    def _run(self, x, gain, bias, mean, variance, epsilon=None, **_):
        column = (-1,) + (1,) * (x.ndim - 2)
        gain, bias, mean, variance = (p.reshape(column) for p in (gain, bias, mean, variance))
        epsilon = np.float64(np.float32(1e-5 if epsilon is None else epsilon))
        return ((x - mean) * gain / np.sqrt(variance + epsilon) + bias,)


def _operators() -> list[type[OpRun]]:
    custom = (BipolarQuant, Quant, IntQuant, MultiThreshold, Trunc, XnorPopcountMatMul)
    made = [type(c.__name__, (c,), {"op_domain": d}) for c in custom for d in DOMAINS]
    return [*made, BatchNormalization]


def _in_float64(model: onnx.ModelProto) -> onnx.ModelProto:
    double = onnx.ModelProto()
    double.CopyFrom(model)
    for tensor in double.graph.initializer:
        _widen(tensor)
    for node in double.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _widen(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == 1:
                attribute.i = TensorProto.DOUBLE
    for value in (*double.graph.input, *double.graph.output):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    del double.graph.value_info[:]
    known = {opset.domain for opset in double.opset_import}  # FINN's files do not name them
    double.opset_import.extend(onnx.helper.make_opsetid(d, 1) for d in DOMAINS if d not in known)
    for opset in double.opset_import:
        opset.version = 1 if opset.domain in DOMAINS else opset.version
    return double


def _widen(tensor: TensorProto) -> None:
    array = numpy_helper.to_array(tensor)
    if array.dtype.kind == "f":
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float64), tensor.name))


def float64_outputs(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The file's first output, (N, n), of real inputs x (N, ...), in the file's batches."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = ReferenceEvaluator(_in_float64(model), new_ops=_operators())
        parameters = {tensor.name for tensor in model.graph.initializer}
        (source,) = (i for i in model.graph.input if i.name not in parameters)
        batch = source.type.tensor_type.shape.dim[0].dim_value or 1
        parts = []
        for start in range(0, len(x), batch):
            part = x[start : start + batch].astype(np.float64)
            full = np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
            out = np.asarray(evaluator.run(None, {source.name: full})[0], dtype=np.float64)
            parts.append(out.reshape(batch, -1)[: len(part)])
    return np.concatenate(parts)
