"""Mutators of a graph's two ends, and of the versions, texts and notes of a file."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from tests.fuzz.hostile_names import NAMES
from tests.fuzz.onnx_structure import a_node, mutator, pick, tensor_names


@mutator
def input_shape(model, rng):
    if not model.graph.input:
        return
    shape = pick(rng, model.graph.input).type.tensor_type.shape
    way = int(rng.integers(7))
    if way == 0:
        del shape.dim[:]
    elif way == 1:
        shape.dim.add().dim_value = 1
    elif way == 2 and shape.dim:
        pick(rng, shape.dim).dim_param = pick(rng, ("N", "batch", "", "unk__1"))
    elif way == 3 and len(shape.dim) > 2:
        dims = [d.dim_value for d in shape.dim]
        for d, v in zip(shape.dim, [dims[0], *dims[:0:-1]], strict=True):
            d.dim_value = v
    elif shape.dim:
        values = (0, 1, -1, 2, 3, 7, 255, 2**31, 2**63 - 1)
        shape.dim[int(rng.integers(len(shape.dim)))].dim_value = pick(rng, values)


@mutator
def value_type(model, rng):
    """Element type of an input or output, or something that is no tensor."""
    ends = [*model.graph.input, *model.graph.output]
    if not ends:
        return
    value = pick(rng, ends)
    if rng.integers(5) == 0:
        value.type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
    elif rng.integers(5) == 0:
        value.ClearField("type")
    else:
        value.type.tensor_type.elem_type = int(pick(rng, [*range(24), 99]))


@mutator
def graph_ends(model, rng):
    """A further input or output, or one less."""
    graph, way = model.graph, int(rng.integers(6))
    name = pick(rng, [*tensor_names(model), "another"])
    value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3])
    if way == 0:
        graph.input.append(value)
    elif way == 1:
        graph.output.append(value)
    elif way == 2:
        del graph.input[:]
    elif way == 3:
        del graph.output[:]
    elif way == 4 and graph.output:
        graph.output[0].name = name
    else:
        for tensor in graph.initializer:
            graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            )


@mutator
def versions(model, rng):
    way = int(rng.integers(6))
    if way == 0:
        del model.opset_import[:]
    elif way == 1:
        model.opset_import.append(helper.make_opsetid("", int(rng.integers(1, 30))))
    elif way == 2:
        model.ir_version = int(pick(rng, (-1, 0, 1, 3, 7, 12, 13, 99, 2**40)))
    elif way == 3 and model.opset_import:
        del model.opset_import[int(rng.integers(len(model.opset_import)))]
    elif model.opset_import:
        versions = (-1, 0, 1, 7, 8, 9, 10, 11, 12, 15, 17, 18, 20, 21, 22, 23, 24, 99, 2**50)
        pick(rng, model.opset_import).version = pick(rng, versions)


@mutator
def functions_and_graphs(model, rng):
    way = int(rng.integers(3))
    if way == 0:
        function = model.functions.add()
        function.name, function.domain = pick(rng, NAMES) or "f", "local"
        function.node.append(helper.make_node("Relu", ["a"], ["b"]))
    elif way == 1:
        body = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "body", [], [])
        a_node(model, rng).attribute.append(helper.make_attribute("body", body))
    else:
        body = onnx.GraphProto()
        body.CopyFrom(model.graph)
        model.graph.node.append(
            helper.make_node(
                "If",
                [pick(rng, tensor_names(model))],
                ["chosen"],
                then_branch=body,
                else_branch=body,
            )
        )


@mutator
def file_texts(model, rng):
    """Metadata, documentation, producer, the graph's name."""
    text = pick(rng, NAMES) * int(pick(rng, (1, 1, 1000)))
    model.graph.name, model.producer_name, model.doc_string = text, text, text
    model.domain, model.graph.doc_string = text, text
    entry = model.metadata_props.add()
    entry.key, entry.value = text, text
    a_node(model, rng).doc_string = text


@mutator
def annotations(model, rng):
    """FINN's datatype annotations, true to nothing."""
    kinds = ("BIPOLAR", "BINARY", "UINT2", "INT4", "UINT8", "INT32", "FLOAT32", "TERNARY",
    "FIXED<8,4>",
             "SCALEDINT<8>", "UINT99", "", "INT0", "int8", "INT-3", "INT4\nx",
             "FLOAT<4,3>")  # fmt: skip
    note = onnx.TensorAnnotation(tensor_name=pick(rng, tensor_names(model)))
    key = pick(rng, ("finn_datatype", "finn_datatype", "tensor_layout", ""))
    note.quant_parameter_tensor_names.append(
        onnx.StringStringEntryProto(key=key, value=pick(rng, kinds))
    )
    model.graph.quantization_annotation.append(note)
    if rng.integers(3) == 0:
        value = helper.make_tensor_value_info(
            pick(rng, tensor_names(model)), 1, [int(rng.integers(-2, 9))]
        )
        model.graph.value_info.append(value)
