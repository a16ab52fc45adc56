"""Stand-alone thresholds, behind no matrix product (an input quantiser, a residual sum)."""

from __future__ import annotations

import numpy as np
from qonnx.core.datatype import DataType

from .classes import custom_op
from .kernel import KernelOp


@custom_op("thresholding:Thresholding")
class BnnThresholding_rtl(KernelOp):
    """out = ActVal + #{t : x >= T[c][t]}, or +1/-1 for one threshold and a bipolar output."""

    kernel = "threshold"

    def get_nodeattr_types(self):
        types = super().get_nodeattr_types()
        types["negate"] = ("ints", False, [])  # 1 a channel, or one for all: -x is compared, not x
        return types

    def _negate(self) -> np.ndarray:
        return np.array(list(self.get_nodeattr("negate")) or [0], dtype=np.int64)

    def _negates(self) -> bool:
        return self.loadable or bool(self._negate().any())

    def execute_node(self, context, graph):
        node = self.onnx_node
        data, table = context[node.input[0]], context[node.input[1]]
        if len(table) > 1:  # one row a channel, or an element of the frame
            data = data.reshape(-1, len(table))
        data = np.where(self._negate() > 0, -data, data)
        count = np.zeros_like(data)
        for level in range(table.shape[1]):
            count += data >= table[:, level]
        bipolar = self.get_nodeattr("outputDataType") == "BIPOLAR"
        result = 2 * count - 1 if bipolar else count + self.get_nodeattr("ActVal")
        context[node.output[0]] = result.reshape(context[node.output[0]].shape).astype(np.float32)

    def minimize_accumulator_width(self, model, datatype_only=False):
        return DataType[self.get_nodeattr("weightDataType")]

    def minimize_weight_bit_width(self, model, datatype_only=False):
        return DataType[self.get_nodeattr("weightDataType")]

    def get_exp_cycles(self):
        return int(np.prod(self.get_folded_output_shape()[:-1]))

    def _table(self, model) -> np.ndarray:
        """(channels, levels), or one row where all channels share it."""
        return model.get_initializer(self.onnx_node.input[1]).astype(np.int64)

    def kernel_parameters(self, model):
        idt, odt, table = self.get_input_datatype(), self.get_output_datatype(), self._table(model)
        parameters = {
            "CHANNELS": self.get_nodeattr("PE" if len(table) == 1 else "NumChannels"),
            "PE": self.get_nodeattr("PE"),
            "IN_BITS": idt.bitwidth(),
            "IN_SIGNED": int(idt.signed() and idt != DataType["BIPOLAR"]),
            "N_THRESHOLDS": table.shape[1],
            "OUT_BITS": odt.bitwidth(),
            "OUT_BIAS": 0 if odt == DataType["BIPOLAR"] else self.get_nodeattr("ActVal"),
            "THRESHOLDS_FILE": self.memory_name("thresholds"),
            "NEGATE_FILE": self.memory_name("negate") if self._negates() else "",
        }
        if self.contexts > 1:  # frames are told apart
            words = parameters["CHANNELS"] // parameters["PE"]
            parameters["N_VECTORS"] = self.get_exp_cycles() // words
        return parameters

    def memories(self, model):
        pe, table = self.get_nodeattr("PE"), self._table(model)
        negate = np.broadcast_to(self._negate(), len(table))
        if len(table) == 1:
            table, negate = np.repeat(table, pe, axis=0), np.repeat(negate, pe)
        if self.get_input_datatype() == DataType["BIPOLAR"]:
            # The kernel sees bits: 2*b - 1 >= T holds where b >= (T + 1)/2, 1 - 2*b >= T where
            # ~b >= (T - 3)/2.
            table = (table + 2 - 4 * negate[:, None]) // 2
        else:
            table = table - negate[:, None]  # -x >= T holds where ~x >= T - 1
        table = np.sort(table, axis=1)  # as the kernel wants them
        contents = {"THRESHOLDS_FILE": table.reshape(-1, pe * table.shape[1])}
        if self._negates():
            contents["NEGATE_FILE"] = negate.reshape(-1, pe)
        return contents
