"""Channels of two streams side by side, and some neighbouring channels of one."""

from __future__ import annotations

from math import gcd

import numpy as np
from qonnx.core.datatype import DataType

from .classes import custom_op
from .folds import divisors
from .maps import MapOp


@custom_op()
class StreamConcat_rtl(MapOp):
    """The NumChannels channels of input 0, then the `channels2` of input 1, of every pixel."""

    kernel = "concat"
    input_ports = ("s_axis_a", "s_axis_b")

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "channels2": ("i", True, 0),
            "inputDataType2": ("s", True, ""),
            "inFIFODepths": ("ints", False, [2, 2]),
        }

    def folds(self, _attribute: str) -> list[int]:
        """Every SIMD that it could take."""
        return divisors(gcd(self._channels(0), self._channels(1)))

    def _channels(self, ind: int) -> int:
        return int(self.get_nodeattr("channels2" if ind else "NumChannels"))

    def output_channels(self):
        return self._channels(0) + self._channels(1)

    def stream_inputs(self):
        return [0, 1]

    def get_input_datatype(self, ind=0):
        return DataType[self.get_nodeattr("inputDataType2" if ind else "inputDataType")]

    def get_normal_input_shape(self, ind=0):
        return (*super().get_normal_input_shape()[:-1], self._channels(ind))

    def get_folded_input_shape(self, ind=0):
        return self._folded(self.get_normal_input_shape(ind))

    def get_instream_width(self, ind=0):
        return self.get_nodeattr("SIMD") * self.get_input_datatype(ind).bitwidth()

    def execute_node(self, context, graph):
        node = self.onnx_node
        shape = context[node.output[0]].shape
        sides = [
            context[name].reshape(-1, self._channels(ind)) for ind, name in enumerate(node.input)
        ]
        context[node.output[0]] = np.concatenate(sides, axis=1).reshape(shape)

    def _stay_bits(self) -> bool:
        return all(self.get_input_datatype(i) == DataType["BIPOLAR"] for i in (0, 1))

    def infer_node_datatype(self, model):
        """The smallest type of all values of both, as the kernel asks."""
        types = [self.get_input_datatype(i) for i in (0, 1)]
        signed = any(t.signed() for t in types)
        bits = [
            2 if t == DataType["BIPOLAR"] else t.bitwidth() + int(signed and not t.signed())
            for t in types
        ]
        name = f"{'INT' if signed else 'UINT'}{max(bits)}"
        self.set_nodeattr("outputDataType", "BIPOLAR" if self._stay_bits() else name)
        super().infer_node_datatype(model)

    def kernel_parameters(self, model):
        simd = self.get_nodeattr("SIMD")
        parameters = {"PE": simd, "OUT_BITS": self.get_output_datatype().bitwidth()}
        for ind, side in enumerate("AB"):
            dtype = self.get_input_datatype(ind)
            bipolar = dtype == DataType["BIPOLAR"] and not self._stay_bits()
            parameters |= {
                f"{side}_WORDS": self._channels(ind) // simd,
                f"{side}_BITS": dtype.bitwidth(),
                f"{side}_SIGNED": int(dtype.signed() and dtype != DataType["BIPOLAR"]),
                f"{side}_BIPOLAR": int(bipolar),
            }
        return parameters


@custom_op()
class StreamChannels_rtl(MapOp):
    """Channels first..first + taken - 1 of every pixel."""

    kernel = "channels"

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {"first": ("i", True, 0), "taken": ("i", True, 0)}

    def folds(self, _attribute: str) -> list[int]:
        """Every SIMD that it could take."""
        names = ("NumChannels", "first", "taken")
        return divisors(gcd(*(int(self.get_nodeattr(name)) for name in names)))

    def output_channels(self):
        return int(self.get_nodeattr("taken"))

    def execute_node(self, context, graph):
        node, first = self.onnx_node, self.get_nodeattr("first")
        data = context[node.input[0]].reshape(-1, self.get_nodeattr("NumChannels"))
        shape = context[node.output[0]].shape
        kept = data[:, first : first + self.output_channels()]
        context[node.output[0]] = np.ascontiguousarray(kept).reshape(shape)

    def infer_node_datatype(self, model):
        self.set_nodeattr("outputDataType", self.get_nodeattr("inputDataType"))
        super().infer_node_datatype(model)

    def kernel_parameters(self, model):
        simd = self.get_nodeattr("SIMD")
        words = {"WORDS": "NumChannels", "FIRST": "first", "TAKEN": "taken"}
        return {"BITS": self.get_instream_width()} | {
            key: self.get_nodeattr(name) // simd for key, name in words.items()
        }
