"""From the user's file to FINN's dialect, with what lets later stages speak in the user's terms."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import onnx

from ..onnxfile import naming
from .head import FixedAffine, fixed_affine
from .integer_graph import IntegerGraph
from .lowering import lower
from .passes import prepare


@dataclass
class ImportedModel:
    """The integer graph of a file."""

    graph: IntegerGraph
    input_datatype: str | None = None
    input_scale: Fraction | None = None

    def affine(self) -> FixedAffine:
        """Fixed-point head of the label; refuses by name where none is exact."""
        graph = self.graph
        scores = graph.tensors[graph.output]
        layer = graph.producer(graph.output)
        return fixed_affine(
            graph.head, reachable_scores(graph), layer.layer if layer else scores.origin
        )

    def finn_model(self, mode: str):
        """FINN-ONNX model with the output mode "scores", "label" or "both"."""
        from .emit import emit

        return emit(self.graph, None if mode == "scores" else self.affine(), mode)


def reachable_scores(graph: IntegerGraph) -> list[range]:
    """The integers that each class's score can take: sums of n odd numbers have the parity of n."""
    from .integer_graph import Linear

    tensor, layer = graph.tensors[graph.output], graph.producer(graph.output)
    step = 2 if tensor.datatype == "BIPOLAR" else 1
    low, high = tensor.minimum, tensor.maximum
    if (
        isinstance(layer, Linear)
        and graph.tensors[layer.inputs[0]].datatype == "BIPOLAR"
        and not (any(layer.pads) and layer.pad_value == 0)
    ):
        step = 2
    return [range(low, high + 1, step)] * tensor.channels


def import_model(
    model: onnx.ModelProto, input_datatype: str | None = None, input_scale: Fraction | None = None
) -> ImportedModel:
    """Integer graph of a QONNX file, ready for FINN.

    Raises:
        Unsupported: names the node, why, and what works instead.
    """
    with naming(None):
        graph = prepare(lower(model, input_datatype, input_scale))
    return ImportedModel(graph, input_datatype, input_scale)
