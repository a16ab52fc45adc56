"""Last stage: raw scores, argmax label, or both."""

from __future__ import annotations

import numpy as np
from qonnx.core.datatype import DataType

from .classes import custom_op
from .kernel import KernelOp

MODES = ("scores", "label", "both")


@custom_op()
class AffineArgmax_rtl(KernelOp):
    """label = argmax_c A[c]*score[c] + B[c], ties to the lowest class; scores pass through.

    In the graph its output is the raw scores: what every stage is compared by. Input 1, where there
    is one, holds A and B as rows of a (2, classes) tensor.
    """

    kernel = "affine_argmax"

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "Labels": ("i", True, 0),
            "PE": ("i", True, 1),
            "inputDataType": ("s", True, ""),
            "mode": ("s", False, "both", set(MODES)),
            "aBits": ("i", False, 0),
            "bBits": ("i", False, 0),
            "numInputVectors": ("ints", False, [1]),
        }

    def execute_node(self, context, graph):
        context[self.onnx_node.output[0]] = context[self.onnx_node.input[0]]

    def infer_node_datatype(self, model):
        model.set_tensor_datatype(self.onnx_node.output[0], self.get_input_datatype())

    def verify_node(self):
        return []

    def get_input_datatype(self, ind=0):
        return DataType[self.get_nodeattr("inputDataType")]

    def get_output_datatype(self, ind=0):
        return self.get_input_datatype()

    def get_normal_input_shape(self, ind=0):
        return (*self.get_nodeattr("numInputVectors"), self.get_nodeattr("Labels"))

    def get_normal_output_shape(self, ind=0):
        return self.get_normal_input_shape()

    def get_folded_input_shape(self, ind=0):
        pe = self.get_nodeattr("PE")
        return (*self.get_nodeattr("numInputVectors"), self.get_nodeattr("Labels") // pe, pe)

    def get_folded_output_shape(self, ind=0):
        return self.get_folded_input_shape()

    def get_instream_width(self, ind=0):
        return self.get_nodeattr("PE") * self.get_input_datatype().bitwidth() if ind == 0 else 0

    def get_outstream_width(self, ind=0):
        return self.output_layout()[2]

    def get_exp_cycles(self):
        return self.get_nodeattr("Labels") // self.get_nodeattr("PE")

    def label_bits(self) -> int:
        return max(1, (self.get_nodeattr("Labels") - 1).bit_length())

    def output_layout(self) -> tuple[int, int, int, int]:
        """(lanes, label offset, useful bits a word, words a frame)."""
        mode, pe = self.get_nodeattr("mode"), self.get_nodeattr("PE")
        words = self.get_nodeattr("Labels") // pe
        scores = pe * self.get_input_datatype().bitwidth()
        if mode == "scores":
            return pe, scores, scores, words
        if mode == "label":
            return 0, 0, self.label_bits(), 1
        return pe, scores, scores + self.label_bits(), words

    def kernel_parameters(self, model):
        dtype = self.get_input_datatype()
        bits, (a_bits, b_bits) = dtype.bitwidth(), self._affine_bits()
        return {
            "N": self.get_nodeattr("Labels"),
            "PE": self.get_nodeattr("PE"),
            "IN_BITS": bits,
            "IN_SIGNED": int(dtype.signed() and not self._bipolar()),
            "A_BITS": a_bits,
            "B_BITS": b_bits,
            "MODE": MODES.index(self.get_nodeattr("mode")),
            "SCORE_BITS": bits,
            "LABEL_BITS": self.label_bits(),
            "AFFINE_FILE": self.memory_name("affine") if a_bits else "",
        }

    def _bipolar(self) -> bool:
        return self.get_input_datatype() == DataType["BIPOLAR"]

    def _affine_bits(self) -> tuple[int, int]:
        """Bits of A and B in the kernel's memory; A = 0 bits for no affine."""
        a_bits, b_bits = self.get_nodeattr("aBits"), self.get_nodeattr("bBits")
        if a_bits and self._bipolar():
            return a_bits + 1, max(a_bits, b_bits) + 1
        return a_bits, b_bits

    def memories(self, model):
        if not self.get_nodeattr("aBits"):
            return {}
        affine = model.get_initializer(self.onnx_node.input[1]).astype(np.int64)
        if self._bipolar():  # the kernel sees bits: A*(2*bit - 1) + B = 2*A*bit + (B - A)
            affine = np.stack([2 * affine[0], affine[1] - affine[0]])
        return {"AFFINE_FILE": affine.T.reshape(-1, 2 * self.get_nodeattr("PE"))}
