"""Passes over the integer graph, before it becomes FINN's.

A pass is `run(graph) -> graph`; the raw scores are the same integers before and after it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .integer_graph import IntegerGraph, Linear, Threshold, datatype_for


class NegateWeights:
    """A channel whose threshold falls (negative BatchNorm gain) gets its weights negated instead.

    -dot >= t is (-w).x >= t, so the comparison rises again: it then costs nothing and
    FINN merges it.

    The least weight of n bits needs n + 1 then (-128 becomes 128).

    Postcondition: no threshold that alone reads a layer negates its input. Others (of sums,
    averages, of accumulators that something else reads, too) do so in the threshold kernel.
    """

    def run(self, graph: IntegerGraph) -> IntegerGraph:
        for op in graph.ops:
            if not isinstance(op, Threshold) or not op.negate.any():
                continue
            (source,) = op.inputs
            layer = graph.producer(source)
            if (
                not isinstance(layer, Linear)
                or len(graph.consumers(source)) != 1
                or source == graph.output
                or len(op.negate) != graph.tensors[source].channels
            ):
                continue
            sign = np.where(op.negate, -1, 1).astype(np.int16)
            layer.weights = layer.weights * sign.reshape(-1, *[1] * (layer.weights.ndim - 1))
            op.negate = np.zeros_like(op.negate)
            tensor = graph.tensors[source]
            low, high = min(tensor.minimum, -tensor.maximum), max(tensor.maximum, -tensor.minimum)
            graph.tensors[source] = replace(
                tensor, minimum=low, maximum=high, datatype=datatype_for(low, high)
            )
        return graph


class WidenZeroPadded:
    """A 1-bit map that is padded with exact zeros, where no threshold of its own makes up for them.

    The XNOR layer stands for zeros by thresholds that vary with the position (ops/mvau.py). A layer
    whose accumulators themselves are wanted (a last layer, a sum, an average) has no thresholds:
    its input becomes INT2, which has a zero.

    Postcondition: a layer that pads a bipolar map with 0 feeds one threshold and nothing else.
    """

    def run(self, graph: IntegerGraph) -> IntegerGraph:
        for op in list(graph.ops):
            if not (isinstance(op, Linear) and any(op.pads) and op.pad_value == 0):
                continue
            source = graph.tensors[op.inputs[0]]
            readers = graph.consumers(op.output)
            alone = (
                len(readers) == 1
                and isinstance(readers[0], Threshold)
                and len(readers[0].negate) == graph.tensors[op.output].channels
                and op.output != graph.output
            )
            if source.datatype != "BIPOLAR" or alone:
                continue
            name = f"{source.name}_int2_for_{op.output}"
            graph.tensors[name] = replace(source, name=name, datatype="INT2")
            both = np.ones((1, 2), dtype=np.int64)  # -1 + 2*(x >= 1) as a count of two thresholds
            graph.ops.insert(
                graph.ops.index(op),
                Threshold(
                    op.layer,
                    [source.name],
                    name,
                    both,
                    np.zeros(source.channels, dtype=bool),
                    -1,
                    1,
                ),
            )
            op.inputs = [name]
        return graph


PASSES = (NegateWeights, WidenZeroPadded)


def prepare(graph: IntegerGraph) -> IntegerGraph:
    """All passes in order."""
    for make in PASSES:
        graph = make().run(graph)
    return graph
