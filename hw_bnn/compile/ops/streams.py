"""Width converters and FIFOs in RTL, in the place of FINN's."""

from __future__ import annotations

import numpy as np
from finn.custom_op.fpgadataflow.rtl import register_custom_op
from finn.custom_op.fpgadataflow.streamingdatawidthconverter import StreamingDataWidthConverter
from finn.custom_op.fpgadataflow.streamingfifo import StreamingFIFO
from qonnx.core.datatype import DataType

from .kernel import KernelOp


@register_custom_op
class WidthConverter_rtl(KernelOp, StreamingDataWidthConverter):
    """Dense re-cut of a frame's bits into other words; any ratio."""

    kernel = "width_converter"

    def get_nodeattr_types(self):
        return {
            **StreamingDataWidthConverter.get_nodeattr_types(self),
            **KernelOp.get_nodeattr_types(self),
        }

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


@register_custom_op
class Fifo_rtl(KernelOp, StreamingFIFO):
    """FIFO of `depth` words."""

    kernel = "fifo"

    def get_nodeattr_types(self):
        return {**StreamingFIFO.get_nodeattr_types(self), **KernelOp.get_nodeattr_types(self)}

    def execute_node(self, context, graph):
        context[self.onnx_node.output[0]] = context[self.onnx_node.input[0]]

    def get_input_datatype(self, ind=0):
        return DataType[self.get_nodeattr("dataType")]

    def get_exp_cycles(self):
        return int(np.prod(self.get_folded_input_shape()[:-1]))

    def kernel_parameters(self, model):
        return {"BITS": self.get_instream_width(), "DEPTH": self.get_nodeattr("depth")}
