"""Matrix-vector-activation units in RTL: 1 bit by 1 bit (XNOR), n-bit by 1-bit, n-bit by n-bit.

They take the place of FINN's MVAU nodes after folding. Tensors stay bipolar (+1, -1) in the graph
and thresholds stay in the domain of the signed dot product; the XNOR kernel's popcount thresholds
are made here: with P = (dot + K)/2, dot >= T holds exactly where P >= ceil((T + K)/2).
"""

from __future__ import annotations

import numpy as np
from qonnx.core.datatype import DataType

from ...kernels.wide_mvau import LEAST_PRODUCT
from ..pipelining import Family, family_of, multiplier_stages, mvau_stages
from .classes import custom_op
from .folds import divisors
from .kernel import KernelOp

MVAU = "matrixvectoractivation:MVAU"

STYLES = {"ram_style": "WEIGHTS_STYLE", "ram_style_thresholds": "THRESHOLDS_STYLE"}
"""FINN's attributes -> the kernels' parameters: "auto", "block" or "distributed" memory."""


class KernelMVAU(KernelOp):
    """Common to folded and hard-wired units: thresholds, ranges, exact execution."""

    def get_nodeattr_types(self):
        types = super().get_nodeattr_types()
        # Exact zero padding of a bipolar map: padded lanes carry -1, and each position of the
        # window has the thresholds that make up for it. Geometry: H, W, KH, KW, SH, SW, DH, DW,
        # top, left, bottom, right.
        types["zeroPadding"] = ("ints", False, [])
        # Windows that share a weight word, beside each other in a row (rtl/bnn_mvau_windows.sv),
        # and what stands in front: elements of a kernel's row, from a window to the next, windows
        # of a row; empty where no windows come (units.share_windows).
        types["MMV"] = ("i", False, 1)
        types["windows"] = ("ints", False, [])
        types["hardwired"] = ("i", False, 0)  # 1: the folding search makes it one of constants
        return types

    def execute_node(self, context, graph):
        """As FINN's MVAU, with the product in integers (float32 holds them exactly up to 2^24)."""
        node = self.onnx_node
        data = context[node.input[0]].reshape(self.get_normal_input_shape())
        result = self.product(data, context[node.input[1]])
        if not self.get_nodeattr("noActivation"):
            table = context[node.input[2]]
            count = np.zeros_like(result)
            for level in range(table.shape[1]):
                count += result >= table[:, level]
            bipolar = self.get_nodeattr("outputDataType") == "BIPOLAR"
            result = 2 * count - 1 if bipolar else count + self.get_nodeattr("ActVal")
        context[node.output[0]] = result.reshape(context[node.output[0]].shape).astype(np.float32)

    def product(self, data: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The dot products of vectors (..., elements) with weights (MW, MH)."""
        return np.matmul(data, weights)

    def minimize_weight_bit_width(self, model, datatype_only=False):
        """Weights stay: the import gave the smallest type (FINN would widen BIPOLAR)."""
        return DataType[self.get_nodeattr("weightDataType")]

    def minimize_accumulator_width(self, model, datatype_only=False):
        """Smallest signed type for every reachable accumulator and for the threshold one above it.

        FINN pads the type of a last layer to bytes; the stream is padded anyway, so this does not.
        """
        low, high = self.accumulator_range(model)
        bits = max(int(-low - 1).bit_length() if low < 0 else 0, int(high).bit_length()) + 1
        self.set_nodeattr("accDataType", f"INT{max(bits, 2)}")
        if self.get_nodeattr("noActivation"):
            self.set_nodeattr("outputDataType", f"INT{max(bits, 2)}")
        return DataType[self.get_nodeattr("accDataType")]

    def accumulator_range(self, model) -> tuple[int, int]:
        weights = model.get_initializer(self.onnx_node.input[1]).astype(np.int64)
        dtype = self.get_input_datatype(0)
        low, high = int(dtype.min()), int(dtype.max())
        if self.loadable:  # whatever weights are loaded (loadable.py)
            largest = int(DataType[self.get_nodeattr("weightDataType")].max()) * len(weights)
            return -largest * max(-low, high), largest * max(-low, high)
        plus, minus = np.maximum(weights, 0).sum(0), np.minimum(weights, 0).sum(0)
        return int((plus * low + minus * high).min()), int((plus * high + minus * low).max())

    def folding(self) -> tuple[int, int, int, int]:
        mw, mh, pe, simd = (int(self.get_nodeattr(k)) for k in ("MW", "MH", "PE", "SIMD"))
        return mw, mh, pe, simd

    def vectors(self) -> int:
        return int(np.prod(self.get_nodeattr("numInputVectors")))

    def thresholds(self, model) -> np.ndarray | None:
        """int64 (MH, levels) in the domain of the signed dot product, or None."""
        if self.get_nodeattr("noActivation"):
            return None
        table = model.get_initializer(self.onnx_node.input[2]).astype(np.int64)
        return np.broadcast_to(table, (self.get_nodeattr("MH"), table.shape[1]))

    def threshold_sets(self, model) -> tuple[list[np.ndarray], np.ndarray]:
        """Threshold tables, one a set (none without thresholds), and each vector's set.

        More than one where a bipolar map is padded with exact zeros (zeroPadding).
        """
        geometry, table = self.get_nodeattr("zeroPadding"), self.thresholds(model)
        if table is None or not len(geometry):
            return [] if table is None else [table], np.zeros(self.vectors(), dtype=np.int64)
        masks, index = window_masks(geometry, self.get_nodeattr("MW"))
        weights = model.get_initializer(self.onnx_node.input[1]).astype(np.int64)
        # A masked lane adds x*w = -w where exact zero padding adds 0:
        # dot = dot(-1) + sum of masked w.
        return [table - (mask @ weights)[:, None] for mask in masks], index


class FoldedMVAU(KernelMVAU):
    """PE x SIMD lanes that read weights and thresholds from memories; MMV times as many for so many
    windows at once, which come as one word and leave as whole pixels."""

    shares = False
    """Whether the kernel has MMV."""

    def groups(self) -> list[int]:
        """Every MMV that it could have."""
        windows = self.get_nodeattr("windows")
        return divisors(int(windows[2])) if len(windows) else [1]

    def sharing(self, mmv: int) -> dict[str, int]:
        """The kernel's parameters for MMV; none for 1."""
        if mmv == 1:
            return {}
        run, step, _ = self.get_nodeattr("windows")
        return {"MMV": mmv, "RUN": int(run), "STEP": int(step)}

    def get_folded_input_shape(self, ind=0):
        mmv = self.get_nodeattr("MMV")
        if mmv == 1 or ind:
            return super().get_folded_input_shape(ind)
        *outer, row = (int(n) for n in self.get_nodeattr("numInputVectors"))
        run, step, _ = (int(n) for n in self.get_nodeattr("windows"))
        word = self.get_nodeattr("MW") // run * (run + (mmv - 1) * step)
        return (*outer, row // mmv, 1, word)

    def get_folded_output_shape(self, ind=0):
        if self.get_nodeattr("MMV") == 1:
            return super().get_folded_output_shape(ind)
        return (*self.get_nodeattr("numInputVectors"), 1, self.get_nodeattr("MH"))

    def get_instream_width(self, ind=0):
        if self.get_nodeattr("MMV") == 1 or ind:
            return super().get_instream_width(ind)
        return self.get_folded_input_shape()[-1] * self.get_input_datatype(0).bitwidth()

    def get_outstream_width(self, ind=0):
        if self.get_nodeattr("MMV") == 1:
            return super().get_outstream_width(ind)
        return self.get_nodeattr("MH") * self.get_output_datatype().bitwidth()

    def get_exp_cycles(self):
        mmv = self.get_nodeattr("MMV")
        if mmv == 1:
            return super().get_exp_cycles()
        rounds = self.get_nodeattr("MH") // self.get_nodeattr("PE")
        return self.vectors() // mmv * max(rounds, mmv)

    def get_nodeattr_types(self):
        types = super().get_nodeattr_types()
        # Register stages of the kernel (PIPELINE, WEIGHTS_STAGE); -1: chosen for part and clock.
        types["pipeline"] = ("i", False, -1)
        types["weightsStage"] = ("i", False, 0)
        return types

    def _common_parameters(self, model) -> dict[str, int | str]:
        mw, mh, pe, simd = self.folding()
        table = self.thresholds(model)
        output = self.get_output_datatype()
        parameters = {
            "MW": mw,
            "MH": mh,
            "PE": pe,
            "SIMD": simd,
            "N_THRESHOLDS": 0 if table is None else table.shape[1],
            "OUT_BITS": output.bitwidth(),
            "OUT_BIAS": 0
            if table is None or output == DataType["BIPOLAR"]
            else self.get_nodeattr("ActVal"),
            "WEIGHTS_FILE": self.memory_name("weights"),
            "THRESHOLDS_FILE": "" if table is None else self.memory_name("thresholds"),
            "PIPELINE": self.get_nodeattr("pipeline"),
            "WEIGHTS_STAGE": self.get_nodeattr("weightsStage"),
        }
        for attribute, parameter in STYLES.items():
            if self.get_nodeattr(attribute) != "auto":
                parameters[parameter] = self.get_nodeattr(attribute)
        if self.contexts > 1:  # frames are told apart
            parameters["N_VECTORS"] = self.vectors() // self.get_nodeattr("MMV")
        if table is not None:
            sets, index = self.threshold_sets(model)
            if len(sets) > 1:
                parameters |= {
                    "N_SETS": len(sets),
                    "N_VECTORS": len(index),
                    "SETS_FILE": self.memory_name("sets"),
                }
        return parameters | self.sharing(int(self.get_nodeattr("MMV")))

    def memories(self, model) -> dict[str, np.ndarray]:
        mw, mh, pe, simd = self.folding()
        nf, sf = mh // pe, mw // simd
        weights = model.get_initializer(self.onnx_node.input[1]).T  # (MH, MW)
        lanes = self.kernel_weights(weights).reshape(nf, pe, sf, simd).transpose(0, 2, 1, 3)
        contents = {"WEIGHTS_FILE": lanes.reshape(nf * sf, pe * simd)}
        if self.thresholds(model) is not None:
            sets, index = self.threshold_sets(model)
            # sorted, as the kernel's comparison wants them
            tables = [np.sort(self.kernel_thresholds(t), axis=1) for t in sets]
            contents["THRESHOLDS_FILE"] = np.concatenate([t.reshape(nf, -1) for t in tables])
            if len(sets) > 1:
                contents["SETS_FILE"] = index[:, None]
        return contents

    def generate_hdl(self, model, fpgapart, clk):
        """As every kernel's, with register stages for the clock where none were set."""
        if self.get_nodeattr("pipeline") < 0:
            mw, mh, pe, simd = self.folding()
            sets = 1 if self.get_nodeattr("noActivation") else len(self.threshold_sets(model)[0])
            words = mh // pe * max(mw // simd, sets)
            pipeline, stage = self.stages(family_of(fpgapart), clk, words)
            self.set_nodeattr("pipeline", pipeline)
            self.set_nodeattr("weightsStage", stage)
        super().generate_hdl(model, fpgapart, clk)

    def stages(self, family: Family, period_ns: float, words: int) -> tuple[int, int]:
        """(PIPELINE, WEIGHTS_STAGE) for a clock; words: depth of the deepest memory."""
        bits = self.get_input_datatype(0).bitwidth()
        return mvau_stages(family, period_ns, int(self.get_nodeattr("SIMD")), bits, words)

    def kernel_weights(self, weights: np.ndarray) -> np.ndarray:
        """Weights (MH, MW) as the kernel's memory has them; here bits, 1 for +1.

        Raises:
            ValueError: they are others than +1 and -1.
        """
        if not np.array_equal(np.abs(weights), np.ones_like(weights)):
            raise ValueError(f"{self.onnx_node.name}: weights are not +1 and -1")
        return weights > 0

    def kernel_thresholds(self, table: np.ndarray) -> np.ndarray:
        """int64 (MH, levels), from the domain of the signed dot product to the kernel's."""
        return table


@custom_op(MVAU)
class XnorMVAU_rtl(FoldedMVAU):
    """1-bit x 1-bit: XNOR, popcount, threshold."""

    kernel = "xnor_mvau"
    shares = True

    def kernel_parameters(self, model):
        return self._common_parameters(model)

    def kernel_thresholds(self, table):
        """Popcount domain, clipped to [0, K+1]: always and never."""
        k = self.get_nodeattr("MW")
        return np.clip(-((-(table + k)) // 2), 0, k + 1)


@custom_op(MVAU)
class IntMVAU_rtl(FoldedMVAU):
    """n-bit x 1-bit: add or subtract, accumulate, threshold."""

    kernel = "int_mvau"
    shares = True

    def kernel_parameters(self, model):
        dtype = self.get_input_datatype(0)
        return self._common_parameters(model) | {
            "IN_BITS": dtype.bitwidth(),
            "IN_SIGNED": int(dtype.signed()),
            "ACC_BITS": self.get_accumulator_datatype().bitwidth(),
        }


@custom_op(MVAU)
class WideMVAU_rtl(FoldedMVAU):
    """Weights of several bits by bits, n-bit integers or -1 and +1: multiply, add, threshold."""

    kernel = "wide_mvau"

    def get_nodeattr_types(self):
        # Products in DSP blocks (1) or bit planes in LUTs (0); the folding search chooses.
        return super().get_nodeattr_types() | {"multiply": ("i", False, 0)}

    def multiplies(self) -> bool:
        """Whether products in DSP blocks are a choice: they are wide enough to go there."""
        bits = self.get_input_datatype(0).bitwidth()
        weight = DataType[self.get_nodeattr("weightDataType")].bitwidth()
        return bits > 1 and bits + weight >= LEAST_PRODUCT

    def kernel_parameters(self, model):
        dtype = self.get_input_datatype(0)
        bipolar = dtype == DataType["BIPOLAR"]
        return self._common_parameters(model) | {
            "IN_BITS": dtype.bitwidth(),
            "IN_SIGNED": int(dtype.signed() and not bipolar),
            "IN_BIPOLAR": int(bipolar),
            "WEIGHT_BITS": DataType[self.get_nodeattr("weightDataType")].bitwidth(),
            "ACC_BITS": self.get_accumulator_datatype().bitwidth(),
            "MULTIPLY": self.get_nodeattr("multiply"),
        }

    def kernel_weights(self, weights):
        dtype = DataType[self.get_nodeattr("weightDataType")]
        if weights.min() < dtype.min() or weights.max() > dtype.max():
            raise ValueError(f"{self.onnx_node.name}: weights are not of the type {dtype.name}")
        return weights

    def kernel_thresholds(self, table):
        """Clipped to what an accumulator can be, and to one above it: always and never."""
        end = 1 << (self.get_accumulator_datatype().bitwidth() - 1)
        return np.clip(table, -end, end)

    def stages(self, family, period_ns, words):
        weight = DataType[self.get_nodeattr("weightDataType")].bitwidth()
        bits, simd = self.get_input_datatype(0).bitwidth(), int(self.get_nodeattr("SIMD"))
        if self.get_nodeattr("multiply") and bits > 1:
            return multiplier_stages(family, period_ns, simd, words)
        return mvau_stages(family, period_ns, simd, max(bits, weight), words)


def window_masks(geometry, mw: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Which lanes of a sliding window lie in the padding, at each of its positions.

    Args:
        geometry: H, W, KH, KW, SH, SW, DH, DW, top, left, bottom, right (H, W without padding).
        mw: lanes of the window, KH*KW*C, channel fastest.

    Returns:
        (distinct masks, int64 0/1 arrays of mw; index of the mask at each position, row by row).
    """
    h, w, kh, kw, sh, sw, dh, dw, top, left, bottom, right = (int(v) for v in geometry)
    rows = (h + top + bottom - dh * (kh - 1) - 1) // sh + 1
    columns = (w + left + right - dw * (kw - 1) - 1) // sw + 1

    def outside(n, k, step, dilation, before, size):
        position = np.arange(n)[:, None] * step + np.arange(k)[None] * dilation - before
        return (position < 0) | (position >= size)

    out_h, out_w = outside(rows, kh, sh, dh, top, h), outside(columns, kw, sw, dw, left, w)
    planes = out_h[:, None, :, None] | out_w[None, :, None, :]  # (rows, columns, KH, KW)
    flat = planes.reshape(rows * columns, kh * kw)
    unique, index = np.unique(flat, axis=0, return_inverse=True)
    masks = [np.repeat(u.astype(np.int64), mw // (kh * kw)) for u in unique]
    return masks, np.asarray(index).reshape(-1).astype(np.int64)
