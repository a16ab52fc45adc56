"""Matrix-vector product of n-bit integers by +-1 weights, with thresholds."""

from __future__ import annotations

from .base import Parameters, Parts, register
from .logic import bits_for, tree_luts
from .matrix import MatrixVector

GATED = (0, 0, 2, 2)
"""LUTs that count so few bits, each with its weight: one goes into the adder behind it."""


@register
class IntMvau(MatrixVector):
    """Bit planes: a popcount each for every lane and for the sum that all share."""

    name = "int_mvau"
    defaults = {
        "MW": 64, "MH": 64, "PE": 1, "SIMD": 1, "IN_BITS": 8, "IN_SIGNED": 0, "ACC_BITS": 16,
        "N_THRESHOLDS": 1, "OUT_BITS": 1, "OUT_BIAS": 0, "N_SETS": 1, "N_VECTORS": 1,
        "PIPELINE": 1, "WEIGHTS_STAGE": 0, "MMV": 1, "RUN": 1, "STEP": 1,
    }  # fmt: skip

    def threshold_bits(self, p: dict[str, int]) -> int:
        return p["ACC_BITS"] + 1  # one above the largest sum: never

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, simd, bits, acc = p["PE"], p["SIMD"], p["IN_BITS"], p["ACC_BITS"]
        lut, ff, bram = self.shared_cost(parameters, self.input_elements(p) * bits)
        sum_bits = bits_for(simd + 1) + bits
        lanes, sums = p["MMV"] * pe, p["MMV"] * (pe + 1)  # one more is the sum that all share
        never, gates = self.random_bits(parameters)
        counts, several = tree_luts(round(simd * (1 - never))), simd > 1
        if simd < len(GATED):
            counts, gates = GATED[simd], 0
        lut["planes"] = bits * (lanes * counts + p["MMV"] * tree_luts(simd))
        lut["gates"] = p["MMV"] * bits * gates
        lut["sum"] = sums * (bits - 1) * bits_for(simd + 1) * several
        lut["acc"] = lanes * acc
        # the sign's plane is subtracted from the sum of the others
        lut["signed"] = sums * (bits - 1) * p["IN_SIGNED"] * several
        lut["compare"] = lanes * p["N_THRESHOLDS"] * (acc + 1)
        ff["exact"] += lanes * acc
        ff["sum"] = sums * min(sum_bits, acc)
        return Parts(lut, ff, bram, uram=self.ultra(parameters))
