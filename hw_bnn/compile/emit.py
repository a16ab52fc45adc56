"""Integer graph -> FINN's ONNX dialect, in the form its conversion to hardware layers reads.

Maps are NHWC; dense layers are MatMul, convolutions Im2Col + MatMul, thresholds MultiThreshold with
integer thresholds. Every tensor carries its integer datatype. What FINN has no exact form of is
written as one of our ops at once (ops/). Names of tensors are those of the integer graph (t0, t1,
...) and what is made of them here (t1_weights, ...): no name of the user's file is among them;
whose a node is it says by itself (provenance.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper

from .head import FixedAffine
from .integer_graph import Add, IntegerGraph, Linear, MaxPool, Op, SumPool, Tensor, Threshold
from .ops.kernel import DOMAIN
from .provenance import annotate

FINN_DOMAIN = "finn.custom_op.fpgadataflow"
GENERAL = "qonnx.custom_op.general"
OUTPUT = "global_out"


class Emitter:
    """Builds the ONNX graph op by op."""

    def __init__(self, graph: IntegerGraph, affine: FixedAffine | None, mode: str):
        self.graph, self.affine, self.mode = graph, affine, mode
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.types: dict[str, str] = {}  # tensor -> QONNX datatype
        self.infos: list[onnx.ValueInfoProto] = []
        self.marks: dict[str, dict[str, str]] = {}  # parameter -> layer and origin
        self._flattened = 0

    def emit(self) -> ModelWrapper:
        graph = self.graph
        writers: dict[type, Callable] = {
            Add: self._add,
            Linear: self._linear,
            MaxPool: self._maxpool,
            SumPool: self._sumpool,
            Threshold: self._threshold,
        }
        for op in graph.ops:
            if type(op) in writers:
                writers[type(op)](op)
            else:
                op.emit(self)
        self._head()
        source = graph.tensors[graph.input]
        scores = graph.tensors[graph.output]
        proto = helper.make_graph(
            self.nodes,
            "hw_bnn",
            [helper.make_tensor_value_info(graph.input, TensorProto.FLOAT, [1, *source.shape])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, *scores.shape])],
            initializer=self.initializers,
            value_info=self.infos,
        )
        opsets = [
            helper.make_opsetid("", 13),
            helper.make_opsetid(GENERAL, 1),
            helper.make_opsetid(FINN_DOMAIN, 1),
            helper.make_opsetid(DOMAIN, 1),
        ]
        model = ModelWrapper(helper.make_model(proto, opset_imports=opsets, producer_name="hw_bnn"))
        for name, datatype in self.types.items():
            model.set_tensor_datatype(name, DataType[datatype])
        model.set_tensor_datatype(graph.input, DataType[source.datatype])
        annotate(model, graph.input, origin=source.origin)
        for name, mark in self.marks.items():
            annotate(model, name, **mark)
        return model

    def _tensor(self, name: str, shape, datatype: str) -> str:
        if name != OUTPUT:
            self.infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape]))
        self.types[name] = datatype
        return name

    def _parameter(self, name: str, array: np.ndarray, datatype: str) -> str:
        self.initializers.append(
            helper.make_tensor(
                name,
                TensorProto.FLOAT,
                array.shape,
                np.asarray(array, np.float32).tobytes(),
                raw=True,
            )
        )
        self.types[name] = datatype
        return name

    def numbers(self, name: str, table: np.ndarray) -> str:
        """A parameter of integers up to 2^53, which float32 would not hold."""
        table = np.asarray(table).astype(np.float64)
        self.initializers.append(
            helper.make_tensor(name, TensorProto.DOUBLE, table.shape, table.tobytes(), raw=True)
        )
        return name

    def out(self, tensor: Tensor) -> str:
        """The name of a node's output that holds this tensor."""
        return self._tensor(tensor.name, tensor.shape, tensor.datatype)

    def whose(self, op: Op) -> dict[str, str]:
        """The attributes that say which layer and tensor of the user's an op stands for."""
        return {"layer": op.layer, "origin": self.graph.tensors[op.output].origin}

    def _node(self, op_type: str, inputs, outputs, domain="", **attributes) -> None:
        self.nodes.append(helper.make_node(op_type, inputs, outputs, domain=domain, **attributes))

    def vector(self, tensor: Tensor) -> str:
        """A tensor of this name, as a vector: a map is reshaped."""
        if len(tensor.shape) == 1:
            return tensor.name
        self._flattened += 1
        name, size = f"{tensor.name}_flat{self._flattened}", tensor.pixels * tensor.channels
        shape = self._shape(name, [1, size])
        self._tensor(name, (size,), tensor.datatype)
        self._node("Reshape", [tensor.name, shape], [name])
        return name

    def fork(self, tensor: Tensor, op: Op) -> list[str]:
        """Two tensors like this one, for an op that reads it twice."""
        names = [f"{op.output}_{side}" for side in "ab"]
        for name in names:
            self._tensor(name, tensor.shape, tensor.datatype)
        self._node(
            "Fork_rtl",
            [tensor.name],
            names,
            DOMAIN,
            backend="fpgadataflow",
            PE=1,
            NumChannels=tensor.channels,
            NumOutputStreams=2,
            numInputVectors=[1, *tensor.shape[:-1]],
            inputDataType=tensor.datatype,
            layer=op.layer,
        )
        return names

    def _linear(self, op: Linear) -> None:
        source, target = self.graph.tensors[op.inputs[0]], self.graph.tensors[op.output]
        name = self._windows(op, source) if op.is_conv else self.vector(source)
        matrix = op.weights.reshape(len(op.weights), -1).T
        weights = self._parameter(f"{op.output}_weights", matrix, op.weight_type)
        self.marks[weights] = self.whose(op)
        if op.groups > 1:
            self._grouped(op, name, weights)
        else:
            self._node("MatMul", [name, weights], [self.out(target)])

    def _grouped(self, op: Linear, windows: str, weights: str) -> None:
        """A layer of groups, with the thresholds that alone read it: our op at once, since FINN's
        conversion knows depthwise ones alone."""
        source, target = self.graph.tensors[op.inputs[0]], self.graph.tensors[op.output]
        inputs, shape = [windows, weights], target.shape
        into, out = op.weights.shape[-1], len(op.weights) // op.groups
        readers = self.graph.consumers(op.output)
        levels = readers[0] if readers and self._merges(readers[0]) else None
        start = 0
        if isinstance(levels, Threshold):
            inputs.append(self._table(levels))
            target = self.graph.tensors[levels.output]
            start = 0 if target.datatype == "BIPOLAR" else levels.bias
        self._node(
            "BnnVVAU_rtl",
            inputs,
            [self.out(target)],
            DOMAIN,
            backend="fpgadataflow",
            MW=int(np.prod(op.weights.shape[1:])),
            MH=len(op.weights),
            groupIn=into,
            groupOut=out,
            PE=out,
            SIMD=into,
            inputDataType=source.datatype,
            weightDataType=op.weight_type,
            outputDataType=target.datatype,
            ActVal=start,
            noActivation=int(levels is None),
            numInputVectors=[1, *shape[:-1]],
            layer=op.layer,
            origin=target.origin,
        )

    def _windows(self, op: Linear, source: Tensor) -> str:
        """Padding and sliding window in front of a convolution; a 1x1 one needs neither."""
        name, shape = source.name, source.shape
        if any(op.pads):
            padded = (
                shape[0] + op.pads[0] + op.pads[2],
                shape[1] + op.pads[1] + op.pads[3],
                shape[2],
            )
            target = self._tensor(f"{op.output}_padded", padded, source.datatype)
            self.map(
                "StreamPad_rtl",
                [name],
                target,
                source,
                shape,
                layer=op.layer,
                padding=op.pads,
                value=op.pad_value,
            )
            name, shape = target, padded
        _, kh, kw, _ = op.weights.shape
        if (kh, kw) == (1, 1) and op.stride == (1, 1):
            return name
        shape_out = self.graph.tensors[op.output].shape
        windows = self._tensor(
            f"{op.output}_windows", (*shape_out[:2], kh * kw * shape[2]), source.datatype
        )
        self.map(
            "SlidingWindow_rtl",
            [name],
            windows,
            source,
            shape,
            layer=op.layer,
            KernelDim=(kh, kw),
            Stride=op.stride,
            Dilation=op.dilation,
            depthwise=int(op.groups > 1),
        )
        return windows

    def map(self, op_type: str, inputs, output: str, source: Tensor, shape, **attributes) -> None:
        """Write a node of one of our ops on maps (ops/maps.py), of shape (H, W, C)."""
        attributes.setdefault("outputDataType", source.datatype)
        self._node(
            op_type,
            inputs,
            [output],
            DOMAIN,
            backend="fpgadataflow",
            IFMDim=shape[:2],
            NumChannels=shape[2],
            SIMD=1,
            inputDataType=source.datatype,
            **attributes,
        )

    def _maxpool(self, op: MaxPool) -> None:
        source = self.graph.tensors[op.inputs[0]]
        mask = self._parameter(f"{op.output}_minimum", op.minimum[None], "BINARY")
        self.map(
            "MaxPool_rtl",
            [source.name, mask],
            self.out(self.graph.tensors[op.output]),
            source,
            source.shape,
            **self.whose(op),
            KernelDim=op.kernel,
            Stride=op.stride,
            padding=op.pads,
        )

    def _sumpool(self, op: SumPool) -> None:
        source, target = self.graph.tensors[op.inputs[0]], self.graph.tensors[op.output]
        self.map(
            "SumPool_rtl",
            [source.name],
            self.out(target),
            source,
            source.shape,
            **self.whose(op),
            KernelDim=op.kernel,
            Stride=op.stride,
            outputDataType=target.datatype,
        )

    def _add(self, op: Add) -> None:
        left, right = (self.graph.tensors[n] for n in op.inputs)
        target = self.graph.tensors[op.output]
        shape = left.shape if len(left.shape) == 3 else (1, 1, left.shape[0])
        self.map(
            "StreamAdd_rtl",
            [left.name, right.name],
            self.out(target),
            left,
            shape,
            **self.whose(op),
            inputDataType2=right.datatype,
            outputDataType=target.datatype,
            factors=op.factors,
        )

    def _shape(self, name: str, values) -> str:
        key = f"{name}_shape"
        self.initializers.append(helper.make_tensor(key, TensorProto.INT64, [len(values)], values))
        return key

    def _merges(self, op: Op) -> bool:
        """Whether an op is the thresholds of the layer that it reads."""
        if not isinstance(op, Threshold) or op.negate.any():
            return False
        source = self.graph.tensors[op.inputs[0]]
        alone = len(self.graph.consumers(source.name)) == 1 and source.name != self.graph.output
        by_channel = len(op.thresholds) in (1, source.channels)
        return isinstance(self.graph.producer(source.name), Linear) and alone and by_channel

    def _table(self, op: Threshold) -> str:
        """The parameter that holds an op's thresholds."""
        low, high = int(op.thresholds.min()), int(op.thresholds.max())
        datatype = f"INT{max((-low - 1).bit_length() if low < 0 else 0, high.bit_length()) + 1}"
        table = self._parameter(f"{op.output}_thresholds", op.thresholds, datatype)
        self.marks[table] = self.whose(op)
        return table

    def _threshold(self, op: Threshold) -> None:
        source, target = self.graph.tensors[op.inputs[0]], self.graph.tensors[op.output]
        by_channel = len(op.thresholds) in (1, source.channels)
        merges, layer = self._merges(op), self.graph.producer(source.name)
        if merges and isinstance(layer, Linear) and layer.groups > 1:
            return  # _grouped has written them
        table = self._table(op)
        if merges:  # FINN merges the two
            layout = "NHWC" if len(source.shape) == 3 else "NC"
            self._node(
                "MultiThreshold",
                [source.name, table],
                [self.out(target)],
                GENERAL,
                out_dtype=target.datatype,
                out_scale=float(op.step),
                out_bias=float(op.bias),
                data_layout=layout,
            )
            return
        # One threshold row for all elements, or one each: then PE may span pixels, too.
        whole = len(op.thresholds) == 1 or not by_channel
        channels, vectors = (
            (source.pixels * source.channels, []) if whole else (source.channels, source.shape[:-1])
        )
        self._node(
            "Thresholding",
            [source.name, table],
            [self.out(target)],
            FINN_DOMAIN,
            backend="fpgadataflow",
            NumChannels=channels,
            PE=1,
            numSteps=op.thresholds.shape[1],
            inputDataType=source.datatype,
            weightDataType=self.types[table],
            outputDataType=target.datatype,
            numInputVectors=[1, *vectors],
            ActVal=0 if target.datatype == "BIPOLAR" else op.bias,
            **({"negate": self._negate(op)} if op.negate.any() else {}),
        )

    @staticmethod
    def _negate(op: Threshold) -> list[int]:
        return [int(n) for n in (op.negate[:1] if len(op.thresholds) == 1 else op.negate)]

    def _head(self) -> None:
        scores = self.graph.tensors[self.graph.output]
        inputs, a_bits, b_bits = [scores.name], 0, 0
        if self.affine is not None and self.affine.a_bits:
            a_bits, b_bits = self.affine.a_bits, self.affine.b_bits
            inputs.append(self.numbers("head_affine", np.stack([self.affine.a, self.affine.b])))
        self.types[OUTPUT] = scores.datatype
        self._node(
            "AffineArgmax_rtl",
            inputs,
            [OUTPUT],
            DOMAIN,
            backend="fpgadataflow",
            Labels=scores.channels,
            PE=1,
            inputDataType=scores.datatype,
            mode=self.mode,
            aBits=a_bits,
            bBits=b_bits,
            numInputVectors=[1, *scores.shape[:-1]],
        )


def emit(graph: IntegerGraph, affine: FixedAffine | None, mode: str) -> ModelWrapper:
    """The FINN-ONNX model of an integer graph.

    Args:
        affine: fixed-point head for the label, None with mode "scores".
        mode: "scores", "label" or "both" (ops/argmax.py).
    """
    return Emitter(graph, affine, mode).emit()
