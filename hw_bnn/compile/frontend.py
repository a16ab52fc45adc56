"""From the user's file to FINN's dialect, with what lets later stages speak in the user's terms."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import onnx

from ..onnxfile import naming
from .head import FixedAffine, fixed_affine
from .integer_graph import IntegerGraph, Linear
from .loadable import Loadable, widened
from .lowering import lower
from .passes import prepare


@dataclass
class ImportedModel:
    """The integer graph of a file."""

    graph: IntegerGraph
    input_datatype: str | None = None
    input_scale: Fraction | None = None
    loadable: Loadable | None = None

    def affine(self) -> FixedAffine:
        """Fixed-point head of the label; refuses by name where none is exact."""
        graph = self.graph
        scores = graph.tensors[graph.output]
        layer = graph.producer(graph.output)
        name = layer.layer if layer else scores.origin
        exact = fixed_affine(graph.head, reachable_scores(graph), name)
        return exact if self.loadable is None else widened(exact, self.loadable, name)

    def finn_model(self, mode: str):
        """FINN-ONNX model with the output mode "scores", "label" or "both"."""
        from .emit import emit

        return emit(self.graph, None if mode == "scores" else self.affine(), mode)


def reachable_scores(graph: IntegerGraph) -> list[range]:
    """A range for each class that holds all integers its score can take.

    Sums of odd numbers and weights go in steps of 2: a class's have the parity of its own largest.
    """
    tensor, layer = graph.tensors[graph.output], graph.producer(graph.output)
    if not isinstance(layer, Linear):
        step = 2 if tensor.datatype == "BIPOLAR" else 1
        return [range(tensor.minimum, tensor.maximum + 1, step)] * tensor.channels
    source = graph.tensors[layer.inputs[0]]
    low, high, step = source.minimum, source.maximum, 2 if source.datatype == "BIPOLAR" else 1
    if any(layer.pads):
        low, high = min(low, layer.pad_value), max(high, layer.pad_value)
        step = 1 if layer.pad_value == 0 else step
    flat = layer.weights.reshape(len(layer.weights), -1).astype(np.int64)
    plus, minus = np.maximum(flat, 0).sum(1), np.minimum(flat, 0).sum(1)
    least, greatest = plus * low + minus * high, plus * high + minus * low
    return [range(a, b + 1, step) for a, b in zip(least.tolist(), greatest.tolist(), strict=True)]


def import_model(
    model: onnx.ModelProto,
    input_datatype: str | None = None,
    input_scale: Fraction | None = None,
    loadable: Loadable | None = None,
) -> ImportedModel:
    """Integer graph of a QONNX file, ready for FINN.

    Args:
        loadable: see :class:`hw_bnn.compile.lowering.Lowering`.

    Raises:
        Unsupported: names the node, why, and what works instead.
    """
    with naming(None):
        graph = prepare(lower(model, input_datatype, input_scale, loadable))
    return ImportedModel(graph, input_datatype, input_scale, loadable)
