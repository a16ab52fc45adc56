"""The graph of a file: one input of fixed shape, one output, the nodes that it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import onnx
from onnx import TensorProto

from ..errors import BadInput, Unsupported
from .node import Node
from .support import QUANTISERS
from .tensor import AGAIN, numbers

LARGEST_FRAME = 2**28
"""Elements of one frame of the input, at most."""


_SCALE = (
    "train the network again; Brevitas gives such a scale for a bit_width of 1 that is not of "
    "quant_type BINARY (use hw_bnn.nn, or weight_quant_type=QuantType.BINARY)"
)


@dataclass(frozen=True)
class Graph:
    """What a file says, made by :meth:`of`.

    Attributes:
        nodes: in topological order, those alone on which the output depends.
        constants: name -> array of the file, of those alone that these nodes read.
        input: name of the graph's input.
        batch: its first dimension; 1 where the file leaves it open.
        shape: its other dimensions.
        output: name of the graph's output.
        annotations: tensor -> QONNX datatype (FINN's annotations).
        opset: version of the default operator set.
    """

    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray]
    input: str
    batch: int
    shape: tuple[int, ...]
    output: str
    annotations: dict[str, str]
    opset: int

    @classmethod
    def of(cls, model: onnx.ModelProto) -> Graph:
        """Read the graph of a model that read.check_model has passed.

        Raises:
            Unsupported: not one input and one output. BadInput: the input has no fixed shape; a
            tensor that is needed holds text, NaN or infinity, or is sparse.
        """
        graph = model.graph
        nodes = [Node(proto) for proto in graph.node]
        output = _output(graph, nodes)
        nodes = _live(nodes, output)
        name, dims = _input(graph)
        return cls(
            tuple(nodes),
            _constants(graph, nodes, output),
            name,
            max(dims[0], 1),
            tuple(dims[1:]),
            output,
            {
                item.tensor_name: entry.value
                for item in graph.quantization_annotation
                for entry in item.quant_parameter_tensor_names
                if entry.key == "finn_datatype"
            },
            next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
        )

    @property
    def readers(self) -> dict[str, int]:
        """Tensor -> how many inputs of nodes, and outputs of the graph, it is."""
        count = {self.output: 1}
        for node in self.nodes:
            for name in node.inputs:
                count[name] = count.get(name, 0) + 1
        return count


def _output(graph: onnx.GraphProto, nodes: list[Node]) -> str:
    names = list(dict.fromkeys(o.name for o in graph.output))
    last = next((n for n in nodes if names and names[0] in n.outputs), None)
    if len(names) > 1 and last and last.op_type == "TopK" and set(names) <= set(last.outputs):
        names = names[:1]  # both say the same of the scores
    if len(names) != 1:
        raise Unsupported(f"the graph has {len(names)} outputs", remedy="give it exactly one")
    return names[0]


def _live(nodes: list[Node], output: str) -> list[Node]:
    """The nodes that `output` depends on, in their order."""
    needed, live = {output}, []
    for node in reversed(nodes):
        if needed & set(node.outputs):
            needed.update(node.inputs)
            live.append(node)
    return live[::-1]


def _input(graph: onnx.GraphProto) -> tuple[str, list[int]]:
    stored = {i.name for i in graph.initializer}
    stored |= {s.values.name for s in graph.sparse_initializer}
    free = [i for i in graph.input if i.name not in stored]
    if len(free) != 1:
        names = ", ".join(i.name for i in free) or "none"
        raise Unsupported(
            f"the graph has {len(free)} inputs ({names})", remedy="give it exactly one"
        )
    name, tensor_type = free[0].name, free[0].type.tensor_type
    if not tensor_type.HasField("shape") or not tensor_type.shape.dim:
        raise BadInput(
            f"the graph input {name!r} has no shape in the file",
            remedy="export it with its shape, or run qonnx-cleanup on it",
        )
    if tensor_type.elem_type in (TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.COMPLEX128):
        kind = TensorProto.DataType.Name(tensor_type.elem_type)
        raise BadInput(f"the graph input {name!r} is {kind}", remedy="export it as numbers")
    dims = [d.dim_value for d in tensor_type.shape.dim]
    if any(d <= 0 for d in dims[1:]) or len(dims) < 2 or dims[0] < 0:
        raise BadInput(
            f"the graph input {name!r} has the shape {dims} (0: not fixed)",
            remedy="export it as (batch, features) or (batch, channels, height, width), "
            "all but the batch fixed",
        )
    if prod(dims[1:]) > LARGEST_FRAME:
        raise BadInput(
            f"the graph input {name!r} has the shape {dims}, over {LARGEST_FRAME} numbers a frame",
            remedy="check its shape",
        )
    return name, dims


def _constants(graph: onnx.GraphProto, nodes: list[Node], output: str) -> dict[str, np.ndarray]:
    """The initializers that nodes read, checked where the first node reads them."""
    stored: dict[str, TensorProto] = {}
    for tensor in graph.initializer:
        if stored.setdefault(tensor.name, tensor) != tensor:
            raise BadInput(
                f"two tensors of the file are called {tensor.name!r} and differ", remedy=AGAIN
            )
    sparse = {s.values.name for s in graph.sparse_initializer}
    found: dict[str, np.ndarray] = {}
    for node in nodes:
        for name in node.inputs:
            if name in sparse:
                raise Unsupported(
                    f"its input {name!r} is a sparse tensor",
                    node=node.name,
                    remedy="store it as an ordinary tensor",
                )
            if name in stored and name not in found:
                remedy = _SCALE if node.op_type in QUANTISERS and name in node.inputs[1:2] else None
                found[name] = numbers(stored[name], node.name, *filter(None, [remedy]))
    return found
