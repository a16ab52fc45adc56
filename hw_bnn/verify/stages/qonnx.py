"""The model file executed in floating point by the package qonnx, many frames at once.

qonnx runs a graph node by node and starts an inference session for each, so one frame takes tens of
milliseconds. The graph is therefore rebuilt for a batch; where it cannot be (a Reshape that fixes
the batch, say) frames go one by one. The first frame is executed both ways and has to agree.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadInput, Unsupported
from ...onnxfile import load_onnx
from ..compare import float_run
from ..stage import Advance, Case, Stage, StageRun, at_once, register, trace_tensors

_QONNX_DOMAIN = "qonnx.custom_op.general"
_QUANTISERS = ("Quant", "Trunc", "BipolarQuant", "IntQuant")


@register
class Qonnx(Stage):
    """The file as its own package reads it, compared at every quantiser."""

    name, order, floats = "qonnx", 20, True

    def frames(self, case: Case) -> int:
        return case.slow()

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        golden = case.golden
        execution = QonnxExecution(case.model, trace_tensors(golden))

        def execute(real: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
            values = execution.run(real)
            final = values[execution.output].reshape(len(real), -1)
            fits = final.shape[1] == golden.output_size
            return values, final.argmax(axis=1) if fits else None

        return float_run(case, x, execute, advance)


class QonnxExecution:
    """Executes MODEL with qonnx.

    Args:
        model: the file.
        tensors: names of the tensors to return, besides the graph output.

    Raises:
        Unsupported: qonnx cannot infer the shapes of the graph.
    """

    def __init__(self, model: str | Path, tensors: Sequence[str]):
        self._single = _prepared(model, 1)
        self.output = self._single.graph.output[0].name
        self.tensors = tuple(dict.fromkeys((*tensors, self.output)))
        self.input = self._single.graph.input[0].name
        missing = [t for t in self.tensors if self._single.get_tensor_shape(t) is None]
        if missing:
            raise BadInput(f"the model has no tensor {missing[0]}")
        self._model = model
        self._graph: tuple[int, Any] | None = None

    def run(self, real: np.ndarray) -> dict[str, np.ndarray]:
        """Execute frames.

        Args:
            real: (N, *shape) float32 values of the graph input.

        Returns:
            Tensor name -> (N, ...) values as the file's graph has them.
        """
        parts: list[dict[str, np.ndarray]] = []
        size, graph = (1, self._single) if len(real) == 1 else self.many(real)
        for start in range(0, len(real), size):
            chunk = real[start : start + size]
            filled = np.concatenate([chunk, np.repeat(chunk[-1:], size - len(chunk), axis=0)])
            result = self._execute(graph, filled)
            parts.append({name: value[: len(chunk)] for name, value in result.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in self.tensors}

    def many(self, real: np.ndarray) -> tuple[int, Any]:
        """How many frames are executed at once, and the graph for them: made once, for the first
        frames that come."""
        if self._graph is None:
            names = self._single.get_all_tensor_names()
            shapes = [self._single.get_tensor_shape(name) for name in names]
            size = min(len(real), at_once(sum(int(np.prod(shape)) for shape in shapes if shape)))
            graph = self._batched(size, real[:1]) if size > 1 else None
            self._graph = (1, self._single) if graph is None else (size, graph)
        return self._graph

    def _batched(self, size: int, first: np.ndarray):
        """The graph for batches of `size`, or None where it gives something else for `first`."""
        try:
            batched = _prepared(self._model, size)
            result = self._execute(batched, np.repeat(first, size, axis=0))
        except Exception:  # qonnx and onnxruntime raise all kinds; one by one is the safe way
            return None
        alone = self._execute(self._single, first)
        for name in self.tensors:
            one, many = alone[name], result[name]
            if many.shape != (size, *one.shape[1:]) or not np.allclose(
                many, np.repeat(one, size, axis=0), rtol=1e-4, atol=1e-4
            ):
                return None
        return batched

    def _execute(self, model, real: np.ndarray) -> dict[str, np.ndarray]:
        from qonnx.core.onnx_exec import execute_onnx

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context = execute_onnx(
                model, {self.input: real.astype(np.float32)}, return_full_exec_context=True
            )
        return {name: _framed(np.array(context[name]), len(real)) for name in self.tensors}


def _framed(values: np.ndarray, frames: int) -> np.ndarray:
    """Values with their batch as the first axis: a Squeeze that names no axes takes that of a
    single frame too.
    """
    return values[None] if frames == 1 and values.shape[:1] != (1,) else values


def _prepared(model: str | Path, batch: int):
    """The model as qonnx executes it, for `batch` frames; tensors keep their names."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.general import RemoveStaticGraphInputs
    from qonnx.transformation.infer_shapes import InferShapes

    wrapper = ModelWrapper(load_onnx(model))
    for node in wrapper.graph.node:  # other exporters use domains of their own
        if node.op_type in _QUANTISERS:
            node.domain = _QONNX_DOMAIN
    wrapper = wrapper.transform(RemoveStaticGraphInputs())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _set_batch(wrapper, batch)
        wrapper = wrapper.transform(InferShapes())
    if not wrapper.check_all_tensor_shapes_specified():
        raise Unsupported(
            "qonnx cannot infer the shapes of all tensors", remedy="export it with fixed shapes"
        )
    return wrapper


def _set_batch(wrapper, batch: int) -> None:
    """Frames at once: in the graph's input, and in Reshapes that name the file's own number."""
    graph = wrapper.graph
    dims = graph.input[0].type.tensor_type.shape.dim
    old = dims[0].dim_value
    dims[0].ClearField("dim_param")
    dims[0].dim_value = batch
    graph.output[0].type.tensor_type.ClearField("shape")  # inferred anew, as all shapes inside
    del graph.value_info[:]
    for node in wrapper.get_nodes_by_op_type("Reshape"):
        shape = wrapper.get_initializer(node.input[1])
        if shape is not None and len(shape) and shape[0] == max(old, 1):
            name = f"{node.output[0]}_shape"  # of its own: two Reshapes may share one
            wrapper.set_initializer(name, np.array([batch, *shape[1:]], np.int64))
            node.input[1] = name
