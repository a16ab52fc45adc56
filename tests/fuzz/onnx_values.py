"""Mutators of what an ONNX file's nodes and parameters hold: attributes and initialisers."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.fuzz.onnx_structure import NAMES, a_node, mutator, pick

NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    5,
    7,
    8,
    16,
    31,
    32,
    33,
    63,
    64,
    100,
    2**31 - 1,
    -(2**31),
    2**62,
    2**63 - 1,
    -(2**63),
)
REALS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e-38, 3e38, 1e-5, 255.0, np.inf, -np.inf, np.nan)
WORDS = ("", "ROUND", "round", "FLOOR", "CEIL", "HALF_UP", "DOWN", "NOTSET", "SAME_UPPER",
"SAME_LOWER", "VALID",
         "reflect", "constant", "NHWC", "NCHW", "UINT4", "BIPOLAR", "INT8", "FLOAT32")  # fmt: skip
USUAL = {
    "strides": [2, 2], "pads": [1, 0, 1, 0], "dilations": [2, 2], "group": 2, "kernel_shape": [2,
    2], "ceil_mode": 1,
    "count_include_pad": 1, "auto_pad": "SAME_UPPER", "transA": 1, "transB": 1, "alpha": 2.0,
    "beta": 0.5, "axis": 0,
    "axes": [0], "perm": [0, 1], "epsilon": 0.0, "training_mode": 1, "signed": 0, "narrow": 1,
    "keepdims": 0,
    "rounding_mode": "FLOOR", "out_scale": 2.0, "out_bias": -1.0, "out_dtype": "INT4",
    "data_layout": "NHWC",
    "to": 7, "mode": "reflect", "value": 1.0, "min": 0.0, "max": 1.0, "momentum": 0.5,
    "allowzero": 1, "largest": 0,
}  # fmt: skip


def with_attributes(model, rng) -> onnx.NodeProto:
    nodes = [n for n in model.graph.node if n.attribute] or list(model.graph.node)
    return pick(rng, nodes)


@mutator
def drop_attribute(model, rng):
    node = with_attributes(model, rng)
    if node.attribute:
        del node.attribute[int(rng.integers(len(node.attribute)))]


@mutator
def double_attribute(model, rng):
    node = with_attributes(model, rng)
    if node.attribute:
        node.attribute.append(node.attribute[int(rng.integers(len(node.attribute)))])


@mutator
def attribute_declared(model, rng):
    """Another type is declared than what is there."""
    node = with_attributes(model, rng)
    if node.attribute:
        pick(rng, node.attribute).type = int(
            pick(rng, list(onnx.AttributeProto.AttributeType.values()))
        )


def any_value(rng):
    """A value of any type an attribute can have."""
    tensor = numpy_helper.from_array(
        rng.normal(size=int(rng.integers(0, 4))).astype(np.float32), "t"
    )
    return pick(rng, (
        lambda: int(pick(rng, NUMBERS)),
        lambda: float(pick(rng, REALS)),
        lambda: pick(rng, WORDS),
        lambda: b"\xff\xfe\x00",
        lambda: [int(n) for n in rng.integers(-2, 5, int(rng.integers(1, 6)))],
        lambda: [int(pick(rng, NUMBERS))] * int(rng.integers(1, 5)),
        lambda: [float(pick(rng, REALS))] * 2,
        lambda: ["a", "b"],
        lambda: [0] * 5000,
        lambda: tensor,
        lambda: [tensor],
        lambda: helper.make_graph([], "g", [], []),
    ))()  # fmt: skip


@mutator
def attribute_value(model, rng):
    node = with_attributes(model, rng)
    if node.attribute:
        attribute = pick(rng, node.attribute)
        attribute.CopyFrom(helper.make_attribute(attribute.name, any_value(rng)))


@mutator
def attribute_number(model, rng):
    """The same type, another number: still a network, perhaps."""
    node = with_attributes(model, rng)
    for attribute in (
        node.attribute
        if rng.integers(4) == 0
        else [pick(rng, node.attribute)]
        if node.attribute
        else []
    ):
        if attribute.type == onnx.AttributeProto.INT:
            attribute.i = int(rng.integers(-1, 4))
        elif attribute.type == onnx.AttributeProto.FLOAT:
            attribute.f = float(pick(rng, REALS))
        elif attribute.type == onnx.AttributeProto.INTS and attribute.ints:
            attribute.ints[int(rng.integers(len(attribute.ints)))] = int(rng.integers(-1, 4))
        elif attribute.type == onnx.AttributeProto.STRING:
            attribute.s = pick(rng, WORDS).encode()


@mutator
def add_attribute(model, rng):
    node, name = a_node(model, rng), pick(rng, list(USUAL))
    value = USUAL[name] if rng.integers(3) else any_value(rng)
    node.attribute.append(helper.make_attribute(name, value))


# -- initialisers --


def parameter(model, rng) -> TensorProto | None:
    return pick(rng, model.graph.initializer) if model.graph.initializer else None


def edit(model, rng, change) -> None:
    """Replace an initialiser's array by change(array)."""
    tensor = parameter(model, rng)
    if tensor is None:
        return
    try:
        array = numpy_helper.to_array(tensor)
    except Exception:  # damaged by a mutator before
        return
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(change(array)), tensor.name))


@mutator
def parameter_value(model, rng):
    """One element or all of them."""
    value = pick(rng, REALS)

    def change(array):
        array = array.astype(np.float32) if array.dtype.kind == "f" else array.copy()
        with np.errstate(all="ignore"):
            if array.ndim and array.size and rng.integers(2):
                array.reshape(-1)[int(rng.integers(array.size))] = (
                    np.float32(value) if array.dtype.kind == "f" else 3
                )
            else:
                array[...] = value if array.dtype.kind == "f" else int(rng.integers(-2, 6))
        return array

    edit(model, rng, change)


@mutator
def parameter_scaled(model, rng):
    """Negative, large or small multiples, or other numbers: a network of the same form."""
    way = int(rng.integers(5))
    edit(model, rng, lambda a: (
        (-a, a * 1e6, a * 1e-6, a + 1,
        rng.permutation(a.reshape(-1)).reshape(a.shape))[way].astype(a.dtype)
        if a.dtype.kind in "fi" else a
    ))  # fmt: skip


@mutator
def parameter_shape(model, rng):
    ways = (
        lambda a: a.T, lambda a: a.reshape(-1), lambda a: a.reshape(1, *a.shape), lambda a: a[...,
        None],
        lambda a: a[:0], lambda a: a[:1], lambda a: np.concatenate([a, a]),
        lambda a: np.broadcast_to(a, (2, *a.shape)),
        lambda a: a.reshape((1,) * 9 + a.shape), lambda a: a.reshape(-1)[:1],
        lambda a: a.reshape(-1)[:1].reshape(()),
    )  # fmt: skip
    way = pick(rng, ways)
    edit(model, rng, lambda a: way(a) if a.ndim and a.size else a.reshape(1, 1, *a.shape))


@mutator
def parameter_type(model, rng):
    kinds = ("float16", "float64", "int8", "uint8", "int32", "int64", "uint64", "bool", "complex64")
    kind = pick(rng, kinds)
    with np.errstate(all="ignore"):
        edit(model, rng, lambda a: a.astype(kind))


@mutator
def parameter_odd_type(model, rng):
    """Texts, brain floats, four bits, or a declared type that the data does not have."""
    tensor = parameter(model, rng)
    if tensor is None:
        return
    way, name, count = int(rng.integers(4)), tensor.name, max(1, min(64, int(np.prod(tensor.dims))))
    if way == 0:
        tensor.CopyFrom(
            helper.make_tensor(name, TensorProto.STRING, [count], [b"\xff one"] * count)
        )
    elif way == 1:
        tensor.CopyFrom(helper.make_tensor(name, TensorProto.BFLOAT16, [count], [1.0] * count))
    elif way == 2:
        tensor.CopyFrom(helper.make_tensor(name, TensorProto.INT4, [count], [1] * count))
    else:
        tensor.data_type = int(pick(rng, [*range(26), 99]))


@mutator
def parameter_dims(model, rng):
    """Dimensions that the data does not have."""
    tensor = parameter(model, rng)
    if tensor is None:
        return
    if tensor.dims and rng.integers(2):
        tensor.dims[int(rng.integers(len(tensor.dims)))] = int(
            pick(rng, (0, -1, 1, 3, 2**31, 2**62))
        )
    elif rng.integers(2):
        tensor.dims.append(int(pick(rng, (0, 1, 2, 2**40))))
    else:
        del tensor.dims[:]


@mutator
def parameter_storage(model, rng):
    """Typed fields, both, neither, sparse, in another file, as graph input, as a Constant node."""
    tensor = parameter(model, rng)
    if tensor is None:
        return
    graph, way = model.graph, int(rng.integers(8))
    try:
        array = numpy_helper.to_array(tensor)
    except Exception:  # damaged by a mutator before
        return
    if way == 0 and array.dtype == np.float32:
        tensor.CopyFrom(helper.make_tensor(tensor.name, 1, array.shape, array.reshape(-1).tolist()))
    elif way == 1:
        tensor.float_data.extend([1.0] * int(rng.integers(1, 40)))
    elif way == 2:
        tensor.ClearField("raw_data")
    elif way == 3:
        sparse = graph.sparse_initializer.add()
        sparse.values.CopyFrom(numpy_helper.from_array(array.reshape(-1)[:2], tensor.name))
        sparse.indices.CopyFrom(numpy_helper.from_array(np.arange(min(2, array.size)), ""))
        sparse.dims.extend(array.shape)
        graph.initializer.remove(tensor)
    elif way == 4:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        location = pick(
            rng,
            (
                "../../etc/passwd",
                "/etc/passwd",
                "missing.bin",
                "",
                "model.onnx",
                ".",
                "a\x00b",
                *NAMES,
            ),
        )
        for key, value in (("location", location), ("offset", pick(rng, ("0", "-1", "9" * 5000,
        "x"))),
                           ("length", str(array.nbytes))):  # fmt: skip
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    elif way == 5:
        graph.initializer.append(tensor)
    elif way == 6:
        other = numpy_helper.from_array(-array if array.dtype.kind in "fi" else array, tensor.name)
        graph.initializer.append(other)
    else:
        graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))
        graph.initializer.remove(tensor)


@mutator
def drop_parameter(model, rng):
    if model.graph.initializer:
        del model.graph.initializer[int(rng.integers(len(model.graph.initializer)))]


@mutator
def quantiser_bits(model, rng):
    """Another number of bits, zero point or scale of one quantiser."""
    nodes = [n for n in model.graph.node if n.op_type in ("Quant", "IntQuant", "BipolarQuant")]
    if not nodes:
        return
    node = pick(rng, nodes)
    at = int(rng.integers(1, len(node.input))) if len(node.input) > 1 else 0
    values = {1: (0.5, 0.1, 2.0, -1.0, 0.0, 1e-30), 2: (0.0, 1.0, -3.0, 0.5, 8.0), 3: (1, 2, 3, 5,
    6, 7, 8, 9, 16, 24, 32, 64, 0, -1, 2.5, 1e9)}  # fmt: skip
    name = f"quantiser_{len(model.graph.initializer)}"
    value = np.float32(pick(rng, values.get(at, (1.0,))))
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    if at:
        node.input[at] = name
