"""Ops on maps (NHWC): padding, sliding window, pools, residual add and fork.

FINN has these in HLS only, or without what 1-bit networks need (padding with -1, minima per
channel). All take and give one word of SIMD channels a cycle.
"""

from __future__ import annotations

import numpy as np
from qonnx.core.datatype import DataType

from ..integer_graph import datatype_for
from .classes import custom_op
from .folds import divisors
from .kernel import SIGNALS, KernelOp


class MapOp(KernelOp):
    """An op on one map of IFMDim pixels with NumChannels channels; channels are kept."""

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "IFMDim": ("ints", True, []),
            "NumChannels": ("i", True, 0),
            "SIMD": ("i", False, 1),
            "KernelDim": ("ints", False, [1, 1]),
            "Stride": ("ints", False, [1, 1]),
            "Dilation": ("ints", False, [1, 1]),
            "padding": ("ints", False, [0, 0, 0, 0]),  # top, left, bottom, right
            "inputDataType": ("s", True, ""),
            "outputDataType": ("s", True, ""),
            "numInputVectors": ("ints", False, [1]),
        }

    def verify_node(self):
        return []

    def infer_node_datatype(self, model):
        model.set_tensor_datatype(self.onnx_node.output[0], self.get_output_datatype())

    def get_input_datatype(self, ind=0):
        return DataType[self.get_nodeattr("inputDataType")]

    def get_output_datatype(self, ind=0):
        return DataType[self.get_nodeattr("outputDataType")]

    def padded(self) -> tuple[int, int]:
        (h, w), (top, left, bottom, right) = (
            self.get_nodeattr("IFMDim"),
            self.get_nodeattr("padding"),
        )
        return int(h + top + bottom), int(w + left + right)

    def output_dim(self) -> tuple[int, int]:
        kernel, stride, dilation = (
            self.get_nodeattr(n) for n in ("KernelDim", "Stride", "Dilation")
        )
        height, width = (
            int((size - d * (k - 1) - 1) // s + 1)
            for size, k, s, d in zip(self.padded(), kernel, stride, dilation, strict=True)
        )
        return height, width

    def output_channels(self) -> int:
        return int(self.get_nodeattr("NumChannels"))

    def get_normal_input_shape(self, ind=0):
        return (
            *self.get_nodeattr("numInputVectors"),
            *self.get_nodeattr("IFMDim"),
            self.get_nodeattr("NumChannels"),
        )

    def get_normal_output_shape(self, ind=0):
        return (*self.get_nodeattr("numInputVectors"), *self.output_dim(), self.output_channels())

    def get_folded_input_shape(self, ind=0):
        return self._folded(self.get_normal_input_shape())

    def get_folded_output_shape(self, ind=0):
        return self._folded(self.get_normal_output_shape())

    def _folded(self, shape):
        simd = self.get_nodeattr("SIMD")
        return (*shape[:-1], int(shape[-1]) // simd, simd)

    def get_instream_width(self, ind=0):
        return self.get_nodeattr("SIMD") * self.get_input_datatype().bitwidth() if ind == 0 else 0

    def get_outstream_width(self, ind=0):
        return self.get_nodeattr("SIMD") * self.get_output_datatype().bitwidth()

    def get_exp_cycles(self):
        height, width = self.padded()
        words = height * width * self.get_nodeattr("NumChannels") // self.get_nodeattr("SIMD")
        return int(max(words, np.prod(self.get_folded_output_shape()[1:-1])))

    def windows(self, data: np.ndarray) -> np.ndarray:
        """(N, H, W, C) -> (N, OH, OW, KH, KW, C); data is padded already."""
        kernel, stride, dilation = (
            self.get_nodeattr(n) for n in ("KernelDim", "Stride", "Dilation")
        )
        span = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
        view = np.lib.stride_tricks.sliding_window_view(data, span, axis=(1, 2))
        view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
        return view.transpose(0, 1, 2, 4, 5, 3)

    def _frame(self) -> dict[str, int]:
        h, w = self.get_nodeattr("IFMDim")
        return {
            "IFM_H": h,
            "IFM_W": w,
            "CHANNELS": self.get_nodeattr("NumChannels"),
            "SIMD": self.get_nodeattr("SIMD"),
        }

    def _pads(self) -> dict[str, int]:
        return dict(
            zip(("PAD_T", "PAD_L", "PAD_B", "PAD_R"), self.get_nodeattr("padding"), strict=True)
        )

    def _kernel(self) -> dict[str, int]:
        (kh, kw), (sh, sw) = self.get_nodeattr("KernelDim"), self.get_nodeattr("Stride")
        return {"K_H": kh, "K_W": kw, "STRIDE_H": sh, "STRIDE_W": sw}


@custom_op()
class StreamPad_rtl(MapOp):
    """A border of one integer; of a bipolar map also exact zeros (the layer behind makes up)."""

    kernel = "pad"

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {"value": ("i", False, 0)}

    def execute_node(self, context, graph):
        top, left, bottom, right = self.get_nodeattr("padding")
        data = context[self.onnx_node.input[0]]
        context[self.onnx_node.output[0]] = np.pad(
            data,
            ((0, 0), (top, bottom), (left, right), (0, 0)),
            constant_values=self.get_nodeattr("value"),
        )

    def kernel_parameters(self, model):
        value, bits = self.get_nodeattr("value"), self.get_input_datatype().bitwidth()
        if self.get_input_datatype() == DataType["BIPOLAR"]:
            value = int(value > 0)  # 0 goes as -1: XnorMVAU_rtl.threshold_sets
        return self._frame() | {"BITS": bits} | self._pads() | {"VALUE": value % (1 << bits)}


@custom_op()
class SlidingWindow_rtl(MapOp):
    """The windows of a convolution, (kh, kw, channel) with the channel fastest.

    SIMD is of an output word. Up to a pixel's channels a word of the map goes in for each that
    comes out (kernel `window`); above, words are several whole pixels (`parallel_window`). With
    MMV > 1 a word is one wide window that covers the whole windows of so many output pixels of a
    row, which its layer cuts apart: SIMD is of each of them. With `depthwise` (FINN's name) words
    of less than a pixel come a run of channels at a time, its whole window: for channels, kh, kw.
    """

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "ram_style": ("s", False, "auto", {"auto", "block", "distributed"}),
            "MMV": ("i", False, 1),
            "shared": ("i", False, 0),  # windows of a row, where its layer has an MMV
            "depthwise": ("i", False, 0),
        }

    def groups(self) -> list[int]:
        """Every MMV that it could have."""
        return divisors(self.get_nodeattr("shared")) if self.get_nodeattr("shared") else [1]

    @property
    def kernel(self) -> str:
        return "parallel_window" if self._chunks() else "window"

    def folds(self, _attribute: str) -> list[int]:
        """Every SIMD that it could take."""
        channels, pixels = self.get_nodeattr("NumChannels"), self._pixels()
        return divisors(channels) + [channels * n for n in divisors(pixels)[1:]]

    def _pixels(self) -> int:
        """Of a window."""
        return int(np.prod(self.get_nodeattr("KernelDim")))

    def _chunks(self) -> int:
        """Words of a window that are several pixels; 0 where a word is a pixel or less."""
        simd, channels = self.get_nodeattr("SIMD"), super().output_channels()
        return self._pixels() * channels // simd if simd > channels else 0

    def output_channels(self):
        return self._pixels() * super().output_channels()

    def _covering(self) -> dict[str, int]:
        """The kernel's parameters of the window that covers MMV windows; none where that is 1."""
        mmv = self.get_nodeattr("MMV")
        if mmv == 1:
            return {}
        (kh, kw), (_, step) = self.get_nodeattr("KernelDim"), self.get_nodeattr("Stride")
        width = int(kw + (mmv - 1) * step)
        elements = int(kh) * width * super().output_channels()
        return {"K_W": width, "STRIDE_W": int(mmv * step), "SIMD": elements}

    def get_folded_output_shape(self, ind=0):
        covering = self._covering()
        if not covering:
            return super().get_folded_output_shape(ind)
        height, width = self.output_dim()
        outer = self.get_nodeattr("numInputVectors")
        return (*outer, height, width // self.get_nodeattr("MMV"), 1, covering["SIMD"])

    def get_outstream_width(self, ind=0):
        return self.get_folded_output_shape()[-1] * self.get_output_datatype().bitwidth()

    def get_folded_input_shape(self, ind=0):
        shape = self.get_normal_input_shape()
        simd = min(self.get_nodeattr("SIMD"), int(shape[-1]))
        return (*shape[:-1], int(shape[-1]) // simd, simd)

    def get_instream_width(self, ind=0):
        return self.get_folded_input_shape()[-1] * self.get_input_datatype().bitwidth()

    def get_exp_cycles(self):
        chunks = self._chunks()
        if not chunks:
            return super().get_exp_cycles()
        return int(np.prod(self.padded()) + np.prod(self.output_dim()) * (chunks - 1))

    def execute_node(self, context, graph):
        result = self.windows(context[self.onnx_node.input[0]])
        shape = context[self.onnx_node.output[0]].shape
        context[self.onnx_node.output[0]] = np.ascontiguousarray(result).reshape(shape)

    def kernel_parameters(self, model):
        dh, dw = self.get_nodeattr("Dilation")
        return (
            self._frame()
            | {"BITS": self.get_input_datatype().bitwidth()}
            | self._kernel()
            | {"DILATION_H": dh, "DILATION_W": dw, "RAM_STYLE": self.get_nodeattr("ram_style")}
            | ({"DEPTHWISE": 1} if self.get_nodeattr("depthwise") and not self._chunks() else {})
            | self._covering()
        )


@custom_op()
class MaxPool_rtl(MapOp):
    """A channel's maximum, or minimum where input 1 (1, C) holds a 1: of bits OR and AND."""

    kernel = "max_pool"

    def _minimum(self, model) -> np.ndarray:
        return np.asarray(model.get_initializer(self.onnx_node.input[1])).reshape(-1) > 0

    def _pools_minima(self, model) -> bool:
        return self.loadable or bool(self._minimum(model).any())

    def execute_node(self, context, graph):
        data, mask = (
            context[self.onnx_node.input[0]],
            context[self.onnx_node.input[1]].reshape(-1) > 0,
        )
        top, left, bottom, right = self.get_nodeattr("padding")
        box = ((0, 0), (top, bottom), (left, right), (0, 0))
        flipped = np.where(mask, -data, data)
        result = self.windows(np.pad(flipped, box, constant_values=-np.inf)).max(axis=(3, 4))
        context[self.onnx_node.output[0]] = np.where(mask, -result, result).astype(np.float32)

    def kernel_parameters(self, model):
        dtype = self.get_input_datatype()
        return (
            self._frame()
            | {
                "BITS": dtype.bitwidth(),
                "SIGNED": int(dtype.signed() and dtype.bitwidth() > 1),
            }
            | self._kernel()
            | self._pads()
            | {"MIN_FILE": self.memory_name("minimum") if self._pools_minima(model) else ""}
        )

    def memories(self, model):
        if not self._pools_minima(model):
            return {}
        return {"MIN_FILE": self._minimum(model).reshape(-1, self.get_nodeattr("SIMD"))}


@custom_op()
class SumPool_rtl(MapOp):
    """Sum over windows a channel."""

    kernel = "sum_pool"

    def execute_node(self, context, graph):
        result = self.windows(context[self.onnx_node.input[0]]).sum(axis=(3, 4))
        context[self.onnx_node.output[0]] = result.astype(np.float32)

    def infer_node_datatype(self, model):
        """The type of a sum of the input's numbers, as the kernel asks (rtl/bnn_sum_pool.sv)."""
        dtype, n = self.get_input_datatype(), int(np.prod(self.get_nodeattr("KernelDim")))
        if dtype == DataType["BIPOLAR"]:
            bits = 1 + n.bit_length()  # ceil(log2(n + 1)) = bit length of n
        elif dtype.signed():
            bits = dtype.bitwidth() + (n - 1).bit_length()
        else:
            bits = (n * int(dtype.max())).bit_length()
        self.set_nodeattr("outputDataType", f"{'INT' if dtype.signed() else 'UINT'}{bits}")
        super().infer_node_datatype(model)

    def kernel_parameters(self, model):
        dtype = self.get_input_datatype()
        return (
            self._frame()
            | {
                "IN_BITS": dtype.bitwidth(),
                "IN_SIGNED": int(dtype.signed() and dtype.bitwidth() > 1),
                "IN_BIPOLAR": int(dtype == DataType["BIPOLAR"]),
                "OUT_BITS": self.get_output_datatype().bitwidth(),
            }
            | self._kernel()
        )


@custom_op()
class StreamAdd_rtl(MapOp):
    """Element-wise sum of two streams: numbers of one order, a map's and a vector's, say."""

    kernel = "add"
    input_ports = ("s_axis_a", "s_axis_b")

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "inputDataType2": ("s", True, ""),
            "inFIFODepths": ("ints", False, [2, 2]),
            "factors": ("ints", False, [1, 1]),
        }

    def stream_inputs(self):
        return [0, 1]

    def get_input_datatype(self, ind=0):
        return DataType[self.get_nodeattr("inputDataType2" if ind else "inputDataType")]

    def get_instream_width(self, ind=0):
        return self.get_nodeattr("SIMD") * self.get_input_datatype(ind).bitwidth()

    def execute_node(self, context, graph):
        shape = context[self.onnx_node.output[0]].shape
        left, right = (context[n].reshape(shape) for n in self.onnx_node.input)
        m, n = self.get_nodeattr("factors")
        context[self.onnx_node.output[0]] = (m * left + n * right).astype(np.float32)

    def infer_node_datatype(self, model):
        """The smallest signed type for all sums of the input types, as the kernel asks."""
        low, high = -1, 0
        for index, factor in enumerate(self.get_nodeattr("factors")):
            dtype = self.get_input_datatype(index)
            ends = sorted((int(factor * dtype.min()), int(factor * dtype.max())))
            low, high = low + ends[0], high + ends[1]
        self.set_nodeattr("outputDataType", datatype_for(min(low + 1, -1), high))
        super().infer_node_datatype(model)

    def kernel_parameters(self, model):
        parameters = {"PE": self.get_nodeattr("SIMD")}
        for side, dtype, factor in zip(
            "AB", map(self.get_input_datatype, (0, 1)), self.get_nodeattr("factors"), strict=True
        ):
            parameters |= {
                f"{side}_BITS": dtype.bitwidth(),
                f"{side}_SCALE": int(factor),
                f"{side}_SIGNED": int(dtype.signed() and dtype.bitwidth() > 1),
                f"{side}_BIPOLAR": int(dtype == DataType["BIPOLAR"]),
            }
        return parameters | {"OUT_BITS": self.get_output_datatype().bitwidth()}


@custom_op("duplicatestreams:DuplicateStreams")
class Fork_rtl(KernelOp):
    """One stream to several consumers."""

    kernel = "stream_fork"

    def execute_node(self, context, graph):
        for name in self.onnx_node.output:
            context[name] = context[self.onnx_node.input[0]]

    def kernel_parameters(self, model):
        return {"BITS": self.get_instream_width(), "N": len(self.onnx_node.output)}

    def stream_links(self):
        interfaces = self.get_verilog_top_module_intf_names()
        (source, _), sinks = (
            interfaces["s_axis"][0],
            [name for name, _ in interfaces["m_axis"]][::-1],
        )
        links = [f".s_axis_{s.lower()}({source}_{s})" for s in SIGNALS]
        return links + [
            f".m_axis_{s.lower()}({{{', '.join(f'{name}_{s}' for name in sinks)}}})"
            for s in SIGNALS
        ]
