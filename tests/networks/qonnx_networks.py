"""A small ONNX builder and a seeded generator of networks in the habits of several exporters.

>>> network = random_network(0)
>>> network.graph.node[0].op_type in {"Mul", "Sub", "BipolarQuant", "Quant", "Reshape", "Transpose"}
True
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"
CUSTOM = {"BipolarQuant", "Quant", "IntQuant", "MultiThreshold", "Trunc"}


class Builder:
    """Appends nodes one behind the other; `at` is the tensor that the next node reads."""

    def __init__(self, shape, seed: int = 0, batch: int = 4, opset: int = 13):
        self.rng = np.random.default_rng(seed)
        self.shape, self.batch, self.opset = tuple(shape), batch, opset
        self.nodes, self.initializers, self.annotations = [], [], []
        self.at, self.counter = "x", 0

    def constant(self, array, dtype=np.float32, node: bool = False) -> str:
        """A parameter: an initializer, or a Constant node."""
        self.counter += 1
        name = f"p{self.counter}"
        tensor = numpy_helper.from_array(np.asarray(array, dtype=dtype), name)
        if node:
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.initializers.append(tensor)
        return name

    def add(
        self,
        op_type: str,
        *inputs: str,
        source: str | None = None,
        first: bool = True,
        outputs: int = 1,
        **attributes,
    ) -> str:
        """Append a node that reads `source` (default: the last output) and then `inputs`."""
        self.counter += 1
        source = self.at if source is None else source
        names = [f"t{self.counter}" + "_" * i for i in range(outputs)]
        reads = [source, *inputs] if first else [*inputs, source]
        if op_type in CUSTOM:
            attributes["domain"] = QONNX
        self.nodes.append(
            helper.make_node(op_type, reads, names, name=f"{op_type}_{self.counter}", **attributes)
        )
        self.at = names[0]
        return self.at

    # -- layers --

    def bipolar(self, scale=1.0) -> str:
        return self.add("BipolarQuant", self.constant(scale))

    def quant(self, bits, scale=1.0, zero=0.0, signed=1, narrow=0, mode="ROUND", op="Quant") -> str:
        return self.add(
            op,
            self.constant(scale),
            self.constant(zero),
            self.constant(bits),
            signed=signed,
            narrow=narrow,
            rounding_mode=mode,
        )

    def weights(self, shape, habit: str = "bipolar", scale=1.0) -> str:
        """Quantised weights of a shape (outputs first) in one of several habits."""
        at = self.at
        array = self.rng.uniform(-1, 1, shape)
        channel = (shape[0],) + (1,) * (len(shape) - 1)
        if habit == "bipolar":
            self.at = self.constant(array)
            out = self.bipolar(scale)
        elif habit == "one-bit quant":
            self.at = self.constant(array)
            out = self.quant(1.0, scale)
        elif habit == "per channel":
            self.at = self.constant(array)
            out = self.bipolar(self.rng.uniform(0.05, 0.9, channel).astype(np.float32))
        elif habit == "two-bit":
            self.at = self.constant(array * 1.6)
            out = self.quant(2.0, scale, narrow=1)
        elif habit.startswith("int"):  # int2 to int8
            bits = int(habit[3:])
            self.at = self.constant(array * 1.2)
            out = self.quant(float(bits), (np.float32(scale) / (1 << bits - 1)).astype(np.float32))
        elif habit == "stored":
            out = self.constant(np.where(array < 0, -1, 1) * scale)
        else:
            raise ValueError(habit)
        self.at = at
        return out

    def linear(
        self, inputs: int, outputs: int, habit="bipolar", form="gemm", bias=False, scale=1.0
    ) -> str:
        if form == "matmul":  # (K, M) directly, the scale per column
            at = self.at
            weights = self.weights((outputs, inputs), habit, scale)
            self.at = weights
            weights = self.add("Transpose", perm=[1, 0])
            self.at = at
            out = self.add("MatMul", weights)
            if bias:
                out = self.add("Add", self.constant(self.rng.normal(0, 3, outputs)))
            return out
        weights = self.weights((outputs, inputs), habit, scale)
        extra = [self.constant(self.rng.normal(0, 3, outputs))] if bias else []
        return self.add("Gemm", weights, *extra, transB=1)

    def conv(
        self,
        inputs,
        outputs,
        kernel=3,
        stride=1,
        pads=(0, 0, 0, 0),
        dilation=1,
        habit="bipolar",
        bias=False,
        group=1,
        scale=1.0,
    ) -> str:
        weights = self.weights((outputs, inputs // group, kernel, kernel), habit, scale)
        extra = [self.constant(self.rng.normal(0, 3, outputs))] if bias else []
        return self.add(
            "Conv",
            weights,
            *extra,
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=list(pads),
            dilations=[dilation] * 2,
            group=group,
        )

    def batch_norm(self, channels: int, spread: float = 3.0) -> str:
        """Random statistics; gammas of both signs, some zero."""
        gamma = self.rng.normal(0, 1, channels)
        gamma[self.rng.random(channels) < 0.15] = 0
        return self.add(
            "BatchNormalization",
            self.constant(gamma),
            self.constant(self.rng.normal(0, 1, channels)),
            self.constant(self.rng.normal(0, spread, channels)),
            self.constant(self.rng.uniform(0.2, 4 * spread, channels)),
            epsilon=float(self.rng.choice([1e-5, 1e-3, 1.5])),
        )

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [self.batch, *self.shape])],
            [helper.make_tensor_value_info(self.at, TensorProto.FLOAT, None)],
            self.initializers,
        )
        truncates = any(node.op_type == "Trunc" for node in self.nodes)
        model = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", self.opset),
                helper.make_opsetid(QONNX, 2 if truncates else 1),
            ],
            ir_version=8,
        )
        for tensor, datatype in self.annotations:
            note = onnx.TensorAnnotation(tensor_name=tensor)
            note.quant_parameter_tensor_names.append(
                onnx.StringStringEntryProto(key="finn_datatype", value=datatype)
            )
            model.graph.quantization_annotation.append(note)
        return model


HABITS = ("bipolar", "one-bit quant", "per channel", "two-bit", "stored")


def _input(net: Builder) -> None:
    """One of several ways to quantise the input."""
    way = net.rng.integers(4)
    if way == 0:
        net.add("Mul", net.constant(2.0))
        net.add("Sub", net.constant(1.0))
        net.bipolar()
    elif way == 1:
        net.quant(8.0, 1 / 128)
    elif way == 2:
        net.quant(4.0, float(np.float32(0.1)), signed=0, op="IntQuant")
    else:
        net.add("Sub", net.constant(0.5))
        net.bipolar(float(np.float32(0.3)))


def _activation(net: Builder, channels: int, rank: int) -> None:
    """BatchNormalization or an affine, perhaps a ReLU, and a quantiser."""
    column = (channels,) + (1,) * (rank - 1)
    way = net.rng.integers(8)
    if way < 4:
        net.batch_norm(channels)
    elif way == 4:
        net.add("Mul", net.constant(net.rng.normal(0, 1, column)))
        net.add("Add", net.constant(net.rng.normal(0, 2, column)))
    elif way == 5:
        net.add("Sub", net.constant(net.rng.normal(0, 2, column)), first=bool(net.rng.integers(2)))
        net.add("Div", net.constant(net.rng.uniform(0.3, 2, column)))
    way = net.rng.integers(6)
    if way < 2:
        net.bipolar(float(np.float32(net.rng.choice([1.0, 0.1, 0.5]))))
    elif way == 2:
        net.quant(1.0, float(net.rng.choice([1.0, 0.25])))
    elif way == 3:
        net.quant(
            float(net.rng.integers(2, 5)),
            float(np.float32(net.rng.choice([1.0, 0.7, 0.5]))),
            narrow=int(net.rng.integers(2)),
        )
    elif way == 4:
        net.add("Relu")
        net.quant(
            float(net.rng.integers(2, 5)), float(np.float32(net.rng.choice([1.0, 0.3]))), signed=0
        )
    else:
        levels = int(net.rng.choice([1, 3, 7]))
        table = np.sort(net.rng.normal(0, 4, (channels, levels)), axis=1)
        scale, bias = (2.0, -1.0) if levels == 1 else (1.0, float(-(levels + 1) // 2))
        net.add(
            "MultiThreshold",
            net.constant(table),
            out_dtype="BIPOLAR" if levels == 1 else "INT4",
            out_scale=scale,
            out_bias=bias,
            data_layout="NC" if rank == 1 else "NCHW",
        )


def _head(net: Builder, classes: int) -> None:
    way = net.rng.integers(4)
    if way == 0:
        net.batch_norm(classes)
    elif way == 1:
        net.add("Div", net.constant(1.00005))
        net.add("Add", net.constant([0.25]))


def random_mlp(seed: int, batch: int = 4) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    widths = [int(w) for w in rng.integers(3, 90, rng.integers(2, 5))]
    shaped = rng.integers(2)
    net = Builder((1, widths[0], 1) if shaped else (widths[0],), seed + 1, batch)
    if shaped:
        net.add("Flatten", axis=1)
    _input(net)
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        net.linear(
            inputs,
            outputs,
            str(rng.choice(HABITS)),
            str(rng.choice(["gemm", "matmul"])),
            bool(rng.integers(2)),
            float(np.float32(rng.choice([1.0, 0.1]))),
        )
        _activation(net, outputs, 1)
    net.linear(widths[-1], 10, str(rng.choice(HABITS[:2])), "gemm", bool(rng.integers(2)))
    _head(net, 10)
    return net.model()


def random_cnn(seed: int, batch: int = 4) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    channels, size = int(rng.integers(1, 4)), int(rng.integers(8, 13))
    net = Builder((channels, size, size), seed + 1, batch)
    _input(net)
    for layer in range(int(rng.integers(1, 4))):
        outputs = int(rng.integers(2, 9)) * (2 if layer else 1)
        kernel = int(rng.choice([1, 2, 3]))
        padding = [int(p) for p in rng.integers(0, kernel, 4)] if rng.integers(2) else [0] * 4
        way = rng.integers(4)
        if way == 0 and kernel > 1:  # padding of its own, with -1, +1 or 0
            value = float(rng.choice([-1.0, 1.0, 0.0]))
            net.add(
                "Pad",
                net.constant([0, 0, *padding[:2], 0, 0, *padding[2:]], np.int64),
                net.constant(value),
            )
            net.conv(
                channels, outputs, kernel, habit=str(rng.choice(HABITS)), bias=bool(rng.integers(2))
            )
        else:
            group = channels if way == 1 and outputs % channels == 0 else 1
            net.conv(
                channels,
                outputs,
                kernel,
                int(rng.integers(1, 3)),
                padding,
                int(rng.integers(1, 3)) if size > 5 else 1,
                str(rng.choice(HABITS)),
                bool(rng.integers(2)),
                group,
            )
        channels = outputs
        size = _size(net)
        place = rng.integers(4) if size >= 2 else 3
        pool = {"kernel_shape": [2, 2], "strides": [int(rng.integers(1, 3))] * 2}
        if place == 0:
            net.add("MaxPool", **pool)
        if place == 1:
            net.batch_norm(channels)
            net.add("MaxPool", **pool)
            net.bipolar()
        else:
            _activation(net, channels, 3)
        if place == 2:
            net.add("MaxPool", **pool)
        size = _size(net)
        if size < 3:
            break
    if rng.integers(3) == 0:
        net.add("GlobalAveragePool")
        _activation(net, channels, 3)
        size = 1
    elif rng.integers(3) == 0 and size > 2:
        net.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
        net.quant(3.0, 0.5)
    if rng.integers(2):
        net.add("Flatten", axis=1)
    else:
        net.add("Reshape", net.constant([batch, -1], np.int64))
    net.linear(int(np.prod(shape_of(net)[1:])), 10)
    _head(net, 10)
    return net.model()


def random_resnet(seed: int, batch: int = 4) -> onnx.ModelProto:
    """Blocks of bipolar convolutions with n-bit shortcuts on one scale;
    some of them reduce the map."""
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(2, 5))
    net = Builder((channels, 9, 9), seed + 1, batch)
    bits, scale = float(rng.integers(3, 9)), float(np.float32(rng.choice([1.0, 0.1, 0.25])))
    net.quant(8.0, 1 / 64)
    net.conv(channels, channels, pads=(1, 1, 1, 1))
    net.batch_norm(channels)
    net.quant(bits, scale)
    for _ in range(int(rng.integers(1, 4))):
        shortcut, outputs, stride = net.at, channels, 1
        if rng.integers(2) and _size(net) > 4:
            outputs, stride = channels * 2, 2
        if rng.integers(2):
            net.bipolar()
        else:
            net.batch_norm(channels)
            net.bipolar()
        net.conv(
            channels,
            outputs,
            3,
            stride,
            (1, 1, 1, 1),
            habit=str(rng.choice(["bipolar", "per channel"])),
        )
        net.batch_norm(outputs)
        branch = net.quant(bits, scale)
        if stride == 2:
            net.at = shortcut
            net.add(
                "AveragePool",
                kernel_shape=[2, 2],
                strides=[2, 2],
                pads=[0, 0, _size(net) % 2, _size(net) % 2],
                count_include_pad=int(rng.integers(2)),
            )
            net.quant(bits, scale)
            net.conv(channels, outputs, 1)
            net.batch_norm(outputs)
            shortcut = net.quant(bits, scale)
        channels = outputs
        net.add("Sub" if rng.integers(4) == 0 else "Add", shortcut, source=branch)
        if rng.integers(2):
            net.quant(bits, scale)
    net.quant(bits, scale)
    net.add("GlobalAveragePool")
    net.add("Flatten", axis=1)
    net.quant(4.0, scale * 2)
    net.linear(channels, 10)
    _head(net, 10)
    return net.model()


def random_network(seed: int, batch: int = 4) -> onnx.ModelProto:
    return (random_mlp, random_cnn, random_cnn, random_resnet)[seed % 4](seed, batch)


def shape_of(net: Builder) -> list[int]:
    """Shape of the last tensor, by ONNX's own shape inference (quantisers stand as Identity)."""
    from copy import deepcopy

    if net.at == "x":
        return [net.batch, *net.shape]
    model = deepcopy(net.model())
    for node in model.graph.node:
        if node.op_type in CUSTOM:
            del node.input[1:], node.attribute[:]
            node.op_type, node.domain = "Identity", ""
    inferred = onnx.shape_inference.infer_shapes(model)
    (value,) = (v for v in (*inferred.graph.value_info, *inferred.graph.output) if v.name == net.at)
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def _size(net: Builder) -> int:
    return min(shape_of(net)[2:])
