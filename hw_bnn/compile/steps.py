"""FINN builder steps: FINN's own, and ours between them.

Ours take (ModelWrapper, DataflowBuildConfig) and return a ModelWrapper like FINN's, so that a `finn
build` configuration can name them: its `steps` are those of BUILD, in that order. FINN's
ConvertBipolarMatMulToXnorPopcount is left out: it relabels bipolar tensors as {0, 1}, where zero
padding silently becomes -1; the XNOR form is made inside the kernel instead (ops/mvau.py).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.general import (
    GiveReadableTensorNames,
    GiveUniqueNodeNames,
    RemoveUnusedTensors,
)
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from . import finn_ops  # noqa: F401  registers our custom ops
from .ops.kernel import DOMAIN
from .provenance import name_nodes
from .stream_cost import input_word_bits
from .units import layer_op, make_up_for_zeros, set_bit_widths, share_windows, sort_nodes

FINN_DOMAIN = "finn.custom_op.fpgadataflow"

BEFORE_FOLDING = (
    "step_qonnx_to_finn",
    "step_tidy_up",
    "step_bnn_annotate",
    "step_convert_to_hw",
    "step_bnn_drop_reshapes",
    "step_create_dataflow_partition",
    "step_specialize_layers",
)
"""FINN's steps and ours, up to where folding is chosen."""

BUILD = tuple(
    f"{__name__}.{step}" if step.startswith("step_bnn") else step
    for step in (
        "step_bnn_import",
        *BEFORE_FOLDING,
        "step_target_fps_parallelization",
        "step_bnn_rtl_ops",
        "step_bnn_bit_widths",
        "step_bnn_streams",
    )
)
"""The steps of a `finn build` configuration, from a QONNX file to a graph of RTL ops."""


def step_bnn_import(model: ModelWrapper, cfg) -> ModelWrapper:
    """QONNX -> integer graph in FINN's dialect, with exact thresholds (lowering.py)."""
    from .frontend import import_model

    return import_model(model.model).finn_model("scores")


def step_bnn_annotate(model: ModelWrapper, cfg) -> ModelWrapper:
    """Names, datatypes and layouts of all tensors.

    They are all that FINN's Streamline would leave behind: it moves scales, biases, BatchNorms and
    signs, of which emit writes none.
    """
    for transformation in (
        GiveUniqueNodeNames(), GiveReadableTensorNames(), InferDataTypes(), InferDataLayouts(),
        RemoveUnusedTensors(),
    ):  # fmt: skip
        model = model.transform(transformation)
    return model


def step_bnn_drop_reshapes(model: ModelWrapper, cfg) -> ModelWrapper:
    """Remove reshapes between layers: a stream has no shape.

    Postcondition: the consumer reads the map itself; its op reshapes on execution.
    """
    for node in [n for n in model.graph.node if n.op_type == "Reshape"]:
        consumer = model.find_consumer(node.output[0])
        consumer.input[list(consumer.input).index(node.output[0])] = node.input[0]
        model.graph.node.remove(node)
    return model.transform(RemoveUnusedTensors())


def step_bnn_rtl_ops(model: ModelWrapper, cfg) -> ModelWrapper:
    """Put our RTL ops in the place of FINN's HLS ones. Run after folding, before bit widths.

    Postcondition: every node is an RTL op of ours, knows the user's layer, and makes up for exact
    zero padding in front of it.

    Raises:
        Unsupported: a 1-bit layer behind exact zero padding has no thresholds of its own.
    """
    retype_layers(model)
    name_nodes(model)
    sort_nodes(model, getCustomOp)
    for node in model.graph.node:
        make_up_for_zeros(model, node, getCustomOp)
        share_windows(model, node, getCustomOp)
    return model.transform(GiveUniqueNodeNames())


def make_loadable(model: ModelWrapper, contexts: int) -> None:
    """Have every op make room for whatever weights are loaded at run time.

    Args:
        contexts: sets of them that are there at once.
    """
    for node in model.graph.node:
        getCustomOp(node).set_nodeattr("loadable", 1)
        getCustomOp(node).set_nodeattr("contexts", contexts)


def retype_layers(model: ModelWrapper) -> None:
    """Make every FINN layer, specialised or not, an instance of our op for it; folding stays."""
    for node in model.graph.node:
        if node.op_type.startswith("MVAU"):
            _retype(node, _layer_op(node))
        elif node.op_type in REPLACEMENTS:
            _retype(node, REPLACEMENTS[node.op_type])


def _layer_op(node) -> str:
    op = getCustomOp(node)
    return layer_op(op.get_nodeattr("weightDataType"), op.get_nodeattr("inputDataType"))


REPLACEMENTS = {
    "Thresholding": "BnnThresholding_rtl",
    "Thresholding_rtl": "BnnThresholding_rtl",
    "Thresholding_hls": "BnnThresholding_rtl",
    "DuplicateStreams": "Fork_rtl",
    "DuplicateStreams_hls": "Fork_rtl",
}


def step_bnn_bit_widths(model: ModelWrapper, cfg) -> ModelWrapper:
    """Accumulators as narrow as every reachable value and threshold allows."""
    set_bit_widths(model, getCustomOp)
    return model


def step_bnn_streams(model: ModelWrapper, cfg) -> ModelWrapper:
    """FINN's InsertDWC and InsertFIFO, then our RTL for what they insert.

    The input gets a width converter where its first layer's words are no whole bytes, so that a
    frame is a dense byte string (accelerator.py, "Input"). Each FIFO can hold a frame, until its
    depth is found (fifo_sizing.py).
    """
    model = model.transform(InsertDWC())
    model = _input_converter(model)
    model = model.transform(InsertFIFO(create_shallow_fifos=True))
    _drop_outer_fifos(model)
    counts: Counter[str] = Counter()
    for node in model.graph.node:
        if node.op_type.startswith("StreamingDataWidthConverter"):
            _retype(node, "WidthConverter_rtl")
        elif node.op_type.startswith("StreamingFIFO"):
            fifo = _retype(node, "Fifo_rtl")
            fifo.set_nodeattr("depth", max(2, fifo.get_exp_cycles()))
        else:
            continue  # the folding knows it by its name, wherever a converter has put it
        node.name = f"{node.op_type}_{counts[node.op_type]}"
        counts[node.op_type] += 1
    _name_streams(model)
    model = model.transform(InferShapes())
    return model.transform(InferDataTypes())


def _name_streams(model: ModelWrapper) -> None:
    """Names after their nodes for the tensors that FINN names at random: same input, same bytes."""
    last = model.graph.output[0].name
    names = {
        name: f"{node.name}_out{index}"
        for node in model.graph.node
        if node.op_type in ("WidthConverter_rtl", "Fifo_rtl", "Fork_rtl")
        for index, name in enumerate(node.output)
        if name != last
    }
    for old, new in names.items():  # a node may have been given another's name before
        model.rename_tensor(old, f"renamed {new}")
    for new in names.values():
        model.rename_tensor(f"renamed {new}", new)


def _drop_outer_fifos(model: ModelWrapper) -> None:
    """Remove the FIFOs at the ends: what drives and reads the accelerator has its own."""
    for node in [n for n in model.graph.node if n.op_type.startswith("StreamingFIFO")]:
        producer, consumer = model.find_producer(node.input[0]), model.find_consumer(node.output[0])
        if producer is None:
            consumer.input[list(consumer.input).index(node.output[0])] = node.input[0]
        elif consumer is None:
            producer.output[list(producer.output).index(node.input[0])] = node.output[0]
        else:
            continue
        model.graph.node.remove(node)


def _input_converter(model: ModelWrapper) -> ModelWrapper:
    name = model.graph.input[0].name
    consumer = model.find_consumer(name)
    op = getCustomOp(consumer)
    shape, dtype = [int(s) for s in op.get_normal_input_shape(0)], model.get_tensor_datatype(name)
    layer_bits = int(op.get_instream_width(0))
    word = input_word_bits(int(np.prod(shape)) * dtype.bitwidth(), layer_bits, dtype.bitwidth())
    if word == layer_bits:
        return model
    inner = helper.make_tensor_value_info("input_words", 1, shape)
    model.graph.value_info.append(inner)
    node = helper.make_node(
        "StreamingDataWidthConverter",
        [name],
        ["input_words"],
        domain=FINN_DOMAIN,
        backend="fpgadataflow",
        inShape=shape,
        outShape=shape,
        inWidth=word,
        outWidth=layer_bits,
        dataType=dtype.name,
    )
    consumer.input[list(consumer.input).index(name)] = "input_words"
    model.graph.node.insert(0, node)
    model.set_tensor_datatype("input_words", dtype)
    return model


def _retype(node, op_type: str) -> HWCustomOp:
    node.op_type, node.domain = op_type, DOMAIN
    return getCustomOp(node)
