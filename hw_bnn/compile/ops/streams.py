"""Width converters and FIFOs in RTL, in the place of FINN's."""

from __future__ import annotations

import numpy as np
from qonnx.core.datatype import DataType

from .classes import custom_op
from .kernel import KernelOp


@custom_op("streamingdatawidthconverter:StreamingDataWidthConverter")
class WidthConverter_rtl(KernelOp):
    """Dense re-cut of a frame's bits into other words; any ratio."""

    kernel = "width_converter"

    def execute_node(self, context, graph):
        shape = context[self.onnx_node.output[0]].shape
        context[self.onnx_node.output[0]] = context[self.onnx_node.input[0]].reshape(shape)

    def frame_bits(self) -> int:
        return int(np.prod(self.get_normal_input_shape())) * self.get_input_datatype().bitwidth()

    def words(self) -> tuple[int, int]:
        bits = self.frame_bits()
        return -(-bits // self.get_instream_width()), -(-bits // self.get_outstream_width())

    def get_exp_cycles(self):
        return max(self.words())

    def kernel_parameters(self, model):
        return {
            "IN_BITS": self.get_instream_width(),
            "OUT_BITS": self.get_outstream_width(),
            "FRAME_BITS": self.frame_bits(),
        }


@custom_op("streamingfifo:StreamingFIFO")
class Fifo_rtl(KernelOp):
    """FIFO of `depth` words."""

    kernel = "fifo"

    def execute_node(self, context, graph):
        context[self.onnx_node.output[0]] = context[self.onnx_node.input[0]]

    def get_input_datatype(self, ind=0):
        return DataType[self.get_nodeattr("dataType")]

    def get_exp_cycles(self):
        return int(np.prod(self.get_folded_input_shape()[:-1]))

    def kernel_parameters(self, model):
        return {"BITS": self.get_instream_width(), "DEPTH": self.get_nodeattr("depth")}
