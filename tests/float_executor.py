"""An executor of QONNX files of its own: onnx's reference evaluator in float64,
with qonnx's operators.

It shares no line with hw_bnn and knows no integers and no thresholds. Parameters are the file's
float32 numbers widened, so that sums of small networks are exact; where a quantiser's input comes
closer to a boundary than float64 can tell (but not onto it), the frame is reported as *near*.

    run = execute(model, frames)           # frames (N, *graph shape) real numbers
    run.tensors["scores"], run.near        # (N, ...) of any tensor; (N,) bool
    compare(model, golden, 16)             # None, or what differs from the golden model, in words
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tests.float_operators import OPERATORS, QONNX, NotExecutable, near_marks

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16)


@dataclass(frozen=True)
class Run:
    """tensors: name -> (N, ...) float64. near: (N,) frames that float64 does not decide."""

    tensors: dict[str, np.ndarray]
    near: np.ndarray
    output: str


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with its real numbers in float64."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    opset = next((o.version for o in wide.opset_import if o.domain in ("", "ai.onnx")), 13)
    for tensor in wide.graph.initializer:
        _widen(tensor)
    custom = {op.__name__ for op in OPERATORS} - {"BatchNormalization", "Conv"}
    for node in wide.graph.node:
        if node.op_type in custom or node.domain == "ai.onnx":
            node.domain = QONNX if node.op_type in custom else ""
        _without_strangers(node, opset)
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                _widen(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in FLOATS:
                attribute.i = TensorProto.DOUBLE
    for value in (*wide.graph.input, *wide.graph.output):
        if value.type.tensor_type.elem_type in FLOATS:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    del wide.graph.value_info[:]
    wide.ir_version = min(wide.ir_version, 10) or 8
    if not any(o.domain == QONNX for o in wide.opset_import):
        wide.opset_import.append(helper.make_opsetid(QONNX, 1))
    return wide


def _without_strangers(node: onnx.NodeProto, opset: int) -> None:
    """Attributes that the operator does not have mean nothing; the evaluator refuses them."""
    if node.domain in ("", "ai.onnx") and onnx.defs.has(node.op_type, opset):
        known = onnx.defs.get_schema(node.op_type, opset).attributes
        kept = [a for a in node.attribute if a.name in known]
        del node.attribute[:]
        node.attribute.extend(kept)


def _widen(tensor: onnx.TensorProto) -> None:
    array = numpy_helper.to_array(tensor)
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float64), tensor.name))


def execute(model: onnx.ModelProto, frames: np.ndarray) -> Run:
    """Every tensor of the file for frames (N, *graph shape), in the file's own batches.

    Raises:
        NotExecutable: the evaluator does not take the file, or not all tensors have a batch axis.
    """
    stored = {t.name for t in model.graph.initializer}
    (source,) = (i for i in model.graph.input if i.name not in stored)
    dims = [d.dim_value for d in source.type.tensor_type.shape.dim]
    batch = dims[0] if dims and dims[0] > 0 else 1
    frames = np.asarray(frames, np.float64)
    declared = source.type.tensor_type.elem_type
    if declared not in TensorProto.DataType.values()[1:]:
        raise NotExecutable(f"its input has the element type {declared}")
    kind = helper.tensor_dtype_to_np_dtype(declared)
    kind = np.float64 if np.dtype(kind).kind not in "iub" else kind
    if kind is not np.float64 and not np.array_equal(frames.astype(kind), frames):
        raise NotExecutable(f"its input is {np.dtype(kind)}, which the frames are not")
    parts, near = [], []
    try:
        evaluator = ReferenceEvaluator(widened(model), new_ops=list(OPERATORS))
        for start in range(0, len(frames), batch):
            part = frames[start : start + batch]
            full = np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
            near_marks.clear()
            with np.errstate(all="ignore"):
                found = evaluator.run(None, {source.name: full.astype(kind)}, intermediate=True)
            marks = [m for m in near_marks if len(m) == batch]
            near.append(np.any(marks, axis=0) if marks else np.zeros(batch, bool))
            parts.append({k: v for k, v in found.items() if np.shape(v)[:1] == (batch,)})
    except Exception as error:  # whatever the evaluator says
        raise NotExecutable(f"{type(error).__name__}: {error}") from error
    names = set.intersection(*(set(p) for p in parts))
    tensors = {n: np.concatenate([p[n] for p in parts])[: len(frames)] for n in names}
    output = model.graph.output[0].name
    if output not in tensors:
        raise NotExecutable("its output has no batch axis")
    return Run(tensors, np.concatenate(near)[: len(frames)], output)


def compare(model: onnx.ModelProto, golden, x: np.ndarray) -> str | None:
    """What of golden's scores and outputs for integers x is not this executor's; None where all is.

    Scores are integers: the executor's real number has to lie within a quarter of
    a step of golden's.

    Args:
        golden: hw_bnn.golden.GoldenModel.
        x: (N, *golden.input.shape) integers.

    Raises:
        NotExecutable: this executor does not take the file.
    """
    run, scores = execute(model, golden.real_input(x)), golden.scores(x)
    decided = ~run.near
    at = golden.program.tensors[golden.output_tensor]
    if golden.output_tensor in run.tensors and not at.clipped:
        affine = (_floats(at.alpha, at.shape), _floats(at.beta, at.shape))
        if wrong := _scores_differ(scores, affine, run.tensors[golden.output_tensor], decided):
            return f"at {golden.output_tensor!r}: {wrong}"
    final = run.tensors[run.output].reshape(len(x), -1)
    tail = _tail(model)
    if tail in ("TopK", "ArgMax"):
        first = run.tensors[_producer(model).output[-1]].reshape(len(x), -1)[:, 0]
        return _labels_differ(golden.labels(scores), first, decided)
    if tail in MONOTONE:
        return _labels_differ(golden.labels(scores), final.argmax(axis=1), decided & _clear(final))
    if final.shape != scores.shape:
        return f"the output has {final.shape[1]} values a frame, golden has {scores.shape[1]}"
    result = golden.program.result
    affine = tuple(np.array([float(v) for v in part]) for part in golden.output_affine())
    if not result.clipped:
        return _scores_differ(scores, affine, final, decided)
    limits = [
        default if part is None else _floats(part, result.shape)
        for part, default in ((result.low, -np.inf), (result.high, np.inf))
    ]
    mine = np.clip(scores * affine[0] + affine[1], *limits)
    wrong = decided & ~np.isclose(mine, final, rtol=1e-9, atol=1e-9 * np.abs(final).max()).all(1)
    return f"clipped outputs differ in {wrong.sum()} of {len(x)} frames" if wrong.any() else None


MONOTONE = ("Softmax", "LogSoftmax", "Sigmoid", "Tanh", "HardSigmoid")
"""Operators behind the scores of which the label alone is compared."""


def _producer(model: onnx.ModelProto) -> onnx.NodeProto:
    return next(n for n in model.graph.node if model.graph.output[0].name in n.output)


def _tail(model: onnx.ModelProto) -> str:
    """The operator that makes the output, nodes that move values alone left out."""
    name = model.graph.output[0].name
    for node in reversed(model.graph.node):
        if name in node.output:
            if node.op_type not in ("Identity", "Reshape", "Flatten", "Cast", "Squeeze", "Dropout"):
                return node.op_type
            name = node.input[0]
    return ""


def _floats(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An exact array that broadcasts to a frame's shape, as float64 (n,)."""
    return np.array([float(v) for v in np.broadcast_to(part, shape).reshape(-1)])


def _scores_differ(scores, affine, real: np.ndarray, decided: np.ndarray) -> str | None:
    """Whether real numbers are these integers under (alpha, beta), to a quarter of a step."""
    real, (alpha, beta) = real.reshape(len(scores), -1), affine
    mine = scores * alpha + beta
    if real.shape != mine.shape:
        return f"it has {real.shape[1]} values a frame, golden has {mine.shape[1]}"
    rounding = 1e-11 * (np.abs(scores * alpha) + np.abs(beta) + 1e-300)
    allowed = np.where(alpha == 0, rounding, np.maximum(np.abs(alpha) / 4, rounding))
    wrong = ~(np.abs(mine - real) <= allowed) & decided[:, None]
    if not wrong.any():
        return None
    frame, score = np.argwhere(wrong)[0]
    return (
        f"{wrong.any(axis=1).sum()} of {len(scores)} frames differ, first frame {frame}, score "
        f"{score}: {real[frame, score]!r} where golden has {mine[frame, score]!r} "
        f"({scores[frame, score]})"
    )


def _clear(final: np.ndarray) -> np.ndarray:
    """Frames whose greatest value is clearly greater than the next."""
    if final.shape[1] < 2:
        return np.ones(len(final), bool)
    ranked = np.sort(final, axis=1)
    return ranked[:, -1] - ranked[:, -2] > 1e-9 * np.abs(final).max(axis=1)


def _labels_differ(mine: np.ndarray, found: np.ndarray, decided: np.ndarray) -> str | None:
    wrong = decided & (mine != found)
    return f"labels differ in {wrong.sum()} of {len(mine)} frames" if wrong.any() else None
