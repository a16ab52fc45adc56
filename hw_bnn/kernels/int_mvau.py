"""Matrix-vector product of n-bit integers by +-1 weights, with thresholds."""

from __future__ import annotations

from .base import Parameters, Parts, register
from .logic import bits_for, tree_luts
from .matrix import MatrixVector


@register
class IntMvau(MatrixVector):
    """Bit planes: a popcount each for every lane and for the sum that all share."""

    name = "int_mvau"
    defaults = {
        "MW": 64, "MH": 64, "PE": 1, "SIMD": 1, "IN_BITS": 8, "IN_SIGNED": 0, "ACC_BITS": 16,
        "N_THRESHOLDS": 1, "OUT_BITS": 1, "OUT_BIAS": 0, "N_SETS": 1, "N_VECTORS": 1,
        "PIPELINE": 1, "WEIGHTS_STAGE": 0,
    }  # fmt: skip

    def threshold_bits(self, p: dict[str, int]) -> int:
        return p["ACC_BITS"] + 1  # one above the largest sum: never

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, simd, bits, acc = p["PE"], p["SIMD"], p["IN_BITS"], p["ACC_BITS"]
        lut, ff, bram = self.shared_cost(parameters, simd * bits)
        sum_bits = bits_for(simd + 1) + bits
        lut["planes"] = (pe + 1) * bits * tree_luts(simd)
        lut["gates"] = pe * bits * simd
        lut["sum"] = (pe + 1) * (bits - 1) * bits_for(simd + 1)
        lut["acc"] = pe * acc
        lut["signed"] = (pe + 1) * acc * p["IN_SIGNED"]  # the sign's plane is subtracted
        lut["compare"] = pe * p["N_THRESHOLDS"] * (acc + 1)
        ff["exact"] += pe * acc
        ff["sum"] = (pe + 1) * min(sum_bits, acc)
        return Parts(lut, ff, bram)
