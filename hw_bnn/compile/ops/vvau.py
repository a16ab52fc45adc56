"""Vector-vector-activation unit in RTL: the layer of a depthwise or grouped convolution.

FINN's VVAU, with the attributes of its MVAU: each of MH channels has MW inputs of its own group,
kh*kw taps of the group's channels. Tensors keep the order of a map's windows (tap, channel); words
come in the order that the folding asks for, as SlidingWindow_rtl gives them with `depthwise`.
"""

from __future__ import annotations

import numpy as np
from qonnx.core.datatype import DataType

from ..pipelining import mvau_stages, sign_stages
from .classes import custom_op
from .folds import divisors
from .mvau import MVAU, WideMVAU_rtl


@custom_op(MVAU)
class BnnVVAU_rtl(WideMVAU_rtl):
    """Weights of one bit or several by bits, n-bit integers or -1 and +1, group by group.

    PE counts output channels, in whole groups; SIMD the inputs of each, in whole taps. Several taps
    at once come with all channels only, as in FINN.
    """

    kernel = "vvau"
    dense = False

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "groupIn": ("i", True, 1),  # input and output channels of a group
            "groupOut": ("i", True, 1),
        }

    def group(self) -> tuple[int, int]:
        """Input and output channels of a group."""
        return int(self.get_nodeattr("groupIn")), int(self.get_nodeattr("groupOut"))

    def taps(self) -> int:
        """Pixels of a window."""
        return int(self.get_nodeattr("MW")) // self.group()[0]

    def folds(self, attribute: str) -> list[int]:
        """Every PE or SIMD that it could take."""
        into, out = self.group()
        if attribute == "PE":
            return [out * n for n in divisors(int(self.get_nodeattr("MH")) // out)]
        return [into * n for n in divisors(self.taps())]

    def admits(self, pe: int, simd: int) -> bool:
        """Whether windows come in this folding's words."""
        return simd == self.group()[0] or pe == self.get_nodeattr("MH")

    def word(self) -> int:
        """Elements of an input word."""
        _, _, pe, simd = self.folding()
        return simd * pe // self.group()[1]

    def get_normal_input_shape(self, ind=0):
        channels = int(self.get_nodeattr("MH")) // self.group()[1] * self.group()[0]
        return (*self.get_nodeattr("numInputVectors"), self.taps() * channels)

    def get_folded_input_shape(self, ind=0):
        *vectors, elements = self.get_normal_input_shape()
        return (*vectors, elements // self.word(), self.word())

    def get_instream_width(self, ind=0):
        return self.word() * self.get_input_datatype(0).bitwidth()

    def product(self, data, weights):
        (into, out), taps = self.group(), self.taps()
        windows = data.reshape(*data.shape[:-1], taps, -1, into)
        kernels = weights.reshape(taps, into, -1, out)
        result = np.einsum("...tgi,tigo->...go", windows, kernels, optimize=True)
        return result.reshape(*data.shape[:-1], -1)

    def kernel_parameters(self, model):
        into, out = self.group()
        return super().kernel_parameters(model) | {"GROUP_IN": into, "GROUP_OUT": out}

    def _signs(self) -> bool:
        return DataType[self.get_nodeattr("weightDataType")] == DataType["BIPOLAR"]

    def multiplies(self):
        return not self._signs() and super().multiplies()

    def kernel_weights(self, weights):
        """As they are, two's complement; of +1 and -1 bits, 1 for +1."""
        checked = super().kernel_weights(weights)
        if not self._signs():
            return checked
        if not checked.all():
            raise ValueError(f"{self.onnx_node.name}: weights are not +1 and -1")
        return checked > 0

    def stages(self, family, period_ns, words):
        if not self._signs():
            return super().stages(family, period_ns, words)
        simd = int(self.get_nodeattr("SIMD"))
        if self.get_input_datatype(0) == DataType["BIPOLAR"]:
            return mvau_stages(family, period_ns, simd, 2, words)  # counted without LUT primitives
        return sign_stages(family, period_ns, simd, words)
