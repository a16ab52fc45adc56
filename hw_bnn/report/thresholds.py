"""The thresholds of every layer: where they lie, and which neurons never change."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..accelerator import Description, Node
from ..accelerator.folder import DATAFLOW
from ..onnxfile import load_onnx
from .charts import bars
from .markup import Markup, code, paragraph, section, table

BINS = 24


def thresholds_section(folder: Path, accelerator: Description) -> Markup:
    """The section; nothing where no layer has thresholds, or there is no dataflow graph."""
    rows = []
    nodes = {node.name: node for node in accelerator.nodes}
    for name, matrix in read_thresholds(folder).items():
        if (node := nodes.get(name)) is None or not matrix.size:
            continue
        low, high, steady = int(matrix.min()), int(matrix.max()), None
        if node.mw and _of_signs(node):
            steady = int(((matrix <= -node.mw) | (matrix > node.mw)).all(1).sum())
        counts, _ = np.histogram(matrix, BINS, (low, max(high, low + 1)))
        drawn = bars(f"thresholds of {name} from {low:,} to {high:,}", counts.tolist())
        rows.append([code(name), node.layer, matrix.size, low, high, drawn, steady])
    if not rows:
        return Markup("")
    columns = [
        "node", "model's layer", "thresholds", "lowest", "highest", "how many, from low to high",
        "neurons that never change",
    ]  # fmt: skip
    told = (
        "A sum that reaches a threshold gives the next level. Sums of a layer of signs lie between "
        "minus and plus its number of inputs: a neuron whose threshold lies outside says the same "
        "of every frame."
    )
    return section("Thresholds", paragraph(told), table("thresholds of the layers", columns, rows))


def _of_signs(node: Node) -> bool:
    """Whether a layer has weights and inputs of +1 and -1."""
    p = node.parameters
    grouped = node.op == "BnnVVAU_rtl" and p["IN_BIPOLAR"] == 1 and p["WEIGHT_BITS"] == 1
    return node.op == "XnorMVAU_rtl" or grouped


THRESHOLDS = {
    "XnorMVAU_rtl": 2, "IntMVAU_rtl": 2, "WideMVAU_rtl": 2, "BnnVVAU_rtl": 2,
    "BnnThresholding_rtl": 1,
}  # fmt: skip
"""Op of the dataflow graph -> which of its inputs are thresholds, where it has so many."""


def read_thresholds(folder: Path) -> dict[str, np.ndarray]:
    """Node -> (neurons or channels, thresholds each) integers of its layer.

    Raises:
        BadInput: dataflow.onnx is damaged.
    """
    from onnx import numpy_helper

    if not (folder / DATAFLOW).is_file():
        return {}
    graph = load_onnx(folder / DATAFLOW).graph
    constants, found = {tensor.name: tensor for tensor in graph.initializer}, {}
    for node in graph.node:
        at = THRESHOLDS.get(node.op_type, len(node.input))
        if at < len(node.input) and node.input[at] in constants:
            matrix = numpy_helper.to_array(constants[node.input[at]])
            found[node.name] = matrix.reshape(len(matrix), -1).astype(np.int64)
    return found
