"""Matrix-vector product with weights of 2 to 9 bits, with thresholds."""

from __future__ import annotations

from .base import Parameters, Parts, register
from .logic import bits_for, tree_luts
from .matrix import MatrixVector

LEAST_PRODUCT = 9
"""Bits of the smallest product that synthesis puts into a DSP block; smaller ones stay LUTs."""


@register
class WideMvau(MatrixVector):
    """A popcount for each pair of bit planes, or a DSP block for each product and adders."""

    name = "wide_mvau"
    defaults = {
        "MW": 64, "MH": 64, "PE": 1, "SIMD": 1, "IN_BITS": 8, "IN_SIGNED": 0, "IN_BIPOLAR": 0,
        "WEIGHT_BITS": 2, "ACC_BITS": 16, "N_THRESHOLDS": 1, "OUT_BITS": 1, "OUT_BIAS": 0,
        "N_SETS": 1, "N_VECTORS": 1, "PIPELINE": 1, "WEIGHTS_STAGE": 0, "MULTIPLY": 0,
    }  # fmt: skip

    def weight_bits(self, p: dict[str, int]) -> int:
        return p["WEIGHT_BITS"]

    def threshold_bits(self, p: dict[str, int]) -> int:
        return p["ACC_BITS"] + 1  # one above the largest sum: never

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, simd, bits, weight = p["PE"], p["SIMD"], p["IN_BITS"], p["WEIGHT_BITS"]
        acc, multiply = p["ACC_BITS"], p["MULTIPLY"] and bits > 1
        lut, ff, bram = self.shared_cost(parameters, simd * bits)
        count, product = bits_for(simd + 1), bits + weight
        planes = 0 if multiply else bits * weight
        lut["planes"] = (pe * planes + p["IN_BIPOLAR"]) * tree_luts(simd)
        lut["gates"] = pe * planes * simd
        lut["sum"] = pe * max(planes - 1, 0) * count
        lut["adders"] = pe * (simd - 1) * (product + count / 2) if multiply else 0
        lut["acc"] = pe * acc
        lut["compare"] = pe * p["N_THRESHOLDS"] * (acc + 1)
        ff["exact"] += pe * acc
        ff["sum"] = pe * (1 if multiply or bits == 1 else weight) * min(count + product, acc)
        ff["products"] = pe * simd * product if multiply and p["PIPELINE"] > 1 else 0
        dsp = pe * simd if multiply else 0
        return Parts(lut, ff, bram, dsp, self.ultra(parameters))
