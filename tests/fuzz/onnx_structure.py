"""Mutators of an ONNX graph's structure: nodes, tensors' names, inputs and outputs,
the file's own fields.

A mutator changes a ModelProto in place by a generator of its own seed; `MUTATORS` names them all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.fuzz.hostile_names import NAMES

QONNX = "qonnx.custom_op.general"
Mutator = Callable[[onnx.ModelProto, np.random.Generator], None]
MUTATORS: dict[str, Mutator] = {}


def mutator(function: Mutator) -> Mutator:
    MUTATORS[function.__name__] = function
    return function


def pick(rng: np.random.Generator, items):
    """One of a sequence (of any kind of items)."""
    return items[int(rng.integers(len(items)))]


def a_node(model, rng) -> onnx.NodeProto:
    return pick(rng, model.graph.node)


def tensor_names(model) -> list[str]:
    graph = model.graph
    names = [i.name for i in graph.input] + [t.name for t in graph.initializer]
    return names + [o for n in graph.node for o in n.output]


def replace_name(model, old: str, new: str) -> None:
    """Rename a tensor everywhere."""
    for node in model.graph.node:
        node.input[:] = [new if n == old else n for n in node.input]
        node.output[:] = [new if n == old else n for n in node.output]
    for part in (
        model.graph.initializer,
        model.graph.input,
        model.graph.output,
        model.graph.value_info,
    ):
        for item in part:
            if item.name == old:
                item.name = new
    for note in model.graph.quantization_annotation:
        if note.tensor_name == old:
            note.tensor_name = new


# -- nodes --


@mutator
def drop_node(model, rng):
    """Its readers read its first input."""
    at = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[at]
    source, outputs = (node.input[0] if node.input else ""), list(node.output)
    del model.graph.node[at]
    for other in model.graph.node:
        other.input[:] = [source if n in outputs else n for n in other.input]
    for out in model.graph.output:
        if out.name in outputs:
            out.name = source


@mutator
def cut_node(model, rng):
    del model.graph.node[int(rng.integers(len(model.graph.node)))]


@mutator
def double_node(model, rng):
    node = onnx.NodeProto()
    node.CopyFrom(a_node(model, rng))
    model.graph.node.append(node)


@mutator
def repeat_node(model, rng):
    """The same operator again behind itself, with the same parameters."""
    at = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[at]
    again = onnx.NodeProto()
    again.CopyFrom(node)
    again.name += "_again"
    inner = node.output[0] + "_inner"
    again.input[0:1] = [inner]
    node.output[0] = inner
    model.graph.node.insert(at + 1, again)


@mutator
def swap_nodes(model, rng):
    i, j = (int(k) for k in rng.integers(len(model.graph.node), size=2))
    first, second = onnx.NodeProto(), onnx.NodeProto()
    first.CopyFrom(model.graph.node[i])
    second.CopyFrom(model.graph.node[j])
    model.graph.node[i].CopyFrom(second)
    model.graph.node[j].CopyFrom(first)


@mutator
def reorder_nodes(model, rng):
    nodes = list(model.graph.node)
    order = rng.permutation(len(nodes)) if rng.integers(2) else range(len(nodes) - 1, -1, -1)
    del model.graph.node[:]
    model.graph.node.extend(nodes[i] for i in order)


@mutator
def other_operator(model, rng):
    kinds = [n.op_type for n in model.graph.node] + [
        "Sin", "Relu", "Sign", "Abs", "Neg", "Identity", "Sigmoid", "Clip", "Loop", "If", "Trunc",
        "Quant",
        "BipolarQuant", "IntQuant", "MultiThreshold", "MaxPool", "GlobalAveragePool", "Conv",
        "Gemm", "Shape",
        "XnorPopcountMatMul", "Concat", "ConstantOfShape", "Resize", "Einsum", "", "relu",
        "Thresholding_rtl",
    ]  # fmt: skip
    node = a_node(model, rng)
    node.op_type = pick(rng, kinds)
    custom = ("Quant", "BipolarQuant", "IntQuant", "MultiThreshold", "XnorPopcountMatMul")
    node.domain = QONNX if node.op_type in custom else ""


@mutator
def other_domain(model, rng):
    a_node(model, rng).domain = pick(
        rng,
        ("", "ai.onnx", "onnx.brevitas", "finn.custom_op.general", "com.microsoft", QONNX, "a\nb"),
    )


INSERTED = {
    "Relu": (), "Neg": (), "Abs": (), "Identity": (), "Sin": (), "Sign": (), "Sqrt": (), "Exp": (),
    "Round": (),
    "Reciprocal": (), "Sigmoid": (), "Tanh": (), "Softmax": (), "HardSigmoid": (), "Dropout": (),
    "Flatten": (),
    "Add": (0.5,), "Sub": (1.0,), "Mul": (-2.0,), "Div": (3.0,), "Pow": (2.0,), "Max": (0.0,),
    "Min": (1.0,),
    "PRelu": (0.25,), "LeakyRelu": (), "Clip": (-1.0, 1.0), "Not": (), "GlobalAveragePool": (),
    "BipolarQuant": (1.0,), "Quant": (0.5, 0.0, 3.0), "IntQuant": (1.0, 1.0, 4.0), "Shape": (),
    "Transpose": (),
}  # fmt: skip


@mutator
def insert_node(model, rng):
    """An operator on one of the tensors, read by all its readers or by one."""
    kind = pick(rng, list(INSERTED))
    source = pick(rng, tensor_names(model))
    inputs = [source]
    for value in INSERTED[kind]:
        inputs.append(f"inserted_{len(model.graph.initializer)}")
        model.graph.initializer.append(
            numpy_helper.from_array(np.asarray(value, np.float32), inputs[-1])
        )
    if kind in ("Add", "Sub", "Mul") and rng.integers(3) == 0:
        inputs = [source, source]
    made = f"{source}_{kind}_{len(model.graph.node)}"
    readers = [n for n in model.graph.node if source in n.input]
    if readers and rng.integers(2):
        readers = [pick(rng, readers)]
    for node in readers:
        node.input[:] = [made if n == source else n for n in node.input]
    if not readers and model.graph.output and model.graph.output[0].name == source:
        model.graph.output[0].name = made
    domain = QONNX if kind.endswith("Quant") else ""
    node = helper.make_node(kind, inputs, [made], f"inserted_{kind}", domain=domain)
    at = next((i + 1 for i, n in enumerate(model.graph.node) if source in n.output), 0)
    model.graph.node.insert(at, node)


@mutator
def node_inputs(model, rng):
    """One input less, more, doubled, exchanged, or read from elsewhere."""
    node, way = a_node(model, rng), int(rng.integers(6))
    names = list(node.input)
    if way == 0 and names:
        del names[int(rng.integers(len(names)))]
    elif way == 1:
        names.append(pick(rng, ["", "nothing", *tensor_names(model)]))
    elif way == 2 and len(names) > 1:
        names[1] = names[0]
    elif way == 3:
        names = names[::-1]
    elif way == 4 and names:
        names[int(rng.integers(len(names)))] = pick(rng, tensor_names(model))
    elif names:
        names[int(rng.integers(len(names)))] = ""
    node.input[:] = names


@mutator
def node_outputs(model, rng):
    node, way = a_node(model, rng), int(rng.integers(4))
    if way == 0:
        del node.output[:]
    elif way == 1:
        node.output.append(f"{node.name}_second")
    elif way == 2:
        node.output[:] = [pick(rng, tensor_names(model))]
    else:
        node.output[:] = ["", *node.output]


# -- names --


@mutator
def rename_tensor(model, rng):
    replace_name(model, pick(rng, tensor_names(model)), pick(rng, NAMES))


@mutator
def rename_tensors(model, rng):
    """All of them by one habit; some collide."""
    way = int(rng.integers(4))
    extra = pick(rng, NAMES)
    for i, name in enumerate(tensor_names(model)):
        new = (f"{extra}{i}", f"{name}{extra}", f"a{'._/-: '[i % 6]}b{i // 6}", str(i))[way]
        replace_name(model, name, new)


@mutator
def rename_end(model, rng):
    """The graph's input or output."""
    ends = [*model.graph.input, *model.graph.output]
    if ends:
        replace_name(model, pick(rng, ends).name, pick(rng, NAMES))


@mutator
def rename_node(model, rng):
    nodes = [a_node(model, rng)] if rng.integers(2) else model.graph.node
    name = pick(rng, NAMES)
    for node in nodes:
        node.name = name


@mutator
def rename_read(model, rng):
    """At one reader only: nothing makes that tensor."""
    node = a_node(model, rng)
    if node.input:
        node.input[int(rng.integers(len(node.input)))] = pick(rng, NAMES)
