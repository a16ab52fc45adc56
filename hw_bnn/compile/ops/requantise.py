"""Integers on one scale to another, by multiplication, addition and shift."""

from __future__ import annotations

import numpy as np

from ..requant import Requantiser
from .classes import custom_op
from .maps import MapOp


@custom_op()
class Requantise_rtl(MapOp):
    """clip((gain*x + offset) >> shift).

    Input 1 holds a row a channel, or one for all: at, then gain and offset of each piece.
    """

    kernel = "requantise"

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "clip": ("ints", True, []),
            "shift": ("i", True, 0),
            "halfEven": ("i", True, 0),
            "gainBits": ("i", True, 0),
            "offsetBits": ("i", True, 0),
            "sumBits": ("i", True, 0),
        }

    def _table(self, rows: np.ndarray) -> Requantiser:
        rows = np.asarray(rows).astype(np.int64)
        low, high = self.get_nodeattr("clip")
        return Requantiser(
            int(low), int(high), self.get_nodeattr("shift"), bool(self.get_nodeattr("halfEven")),
            rows[:, 0], rows[:, 1::2], rows[:, 2::2], self.get_nodeattr("sumBits"),
        )  # fmt: skip

    def execute_node(self, context, graph):
        node = self.onnx_node
        data, table = context[node.input[0]], self._table(context[node.input[1]])
        channels = self.get_nodeattr("NumChannels")
        result = table(np.rint(data).astype(np.int64).reshape(-1, channels))
        context[node.output[0]] = result.reshape(data.shape).astype(np.float32)

    def _rows(self, model) -> np.ndarray:
        return np.asarray(model.get_initializer(self.onnx_node.input[1]))

    def kernel_parameters(self, model):
        rows, idt = self._rows(model), self.get_input_datatype()
        table, simd = self._table(rows), self.get_nodeattr("SIMD")
        parameters = {
            "CHANNELS": simd if len(rows) == 1 else self.get_nodeattr("NumChannels"),
            "PE": simd,
            "IN_BITS": idt.bitwidth(),
            "IN_SIGNED": int(idt.signed()),
            "OUT_BITS": self.get_output_datatype().bitwidth(),
            "LOW": table.low,
            "HIGH": table.high,
            "SHIFT": table.shift,
            "HALF_EVEN": int(table.half_even),
            "PIECES": table.pieces,
            "GAIN_BITS": self.get_nodeattr("gainBits"),
            "OFFSET_BITS": self.get_nodeattr("offsetBits"),
            "SUM_BITS": table.sum_bits,
            "TABLE_FILE": self.memory_name("table"),
        }
        if self.contexts > 1:  # frames are told apart
            words = parameters["CHANNELS"] // parameters["PE"]
            parameters["N_VECTORS"] = self.get_exp_cycles() // words
        return parameters

    def memories(self, model):
        table, simd = self._table(self._rows(model)), self.get_nodeattr("SIMD")
        fields = np.stack([table.gain, table.offset], axis=2).reshape(len(table.at), -1)
        if table.pieces == 2:
            fields = np.concatenate([fields, table.at[:, None]], axis=1)
        if len(fields) == 1:
            fields = np.repeat(fields, simd, axis=0)
        return {"TABLE_FILE": fields.reshape(-1, simd * fields.shape[1])}
