"""Vector-vector product of a depthwise or grouped convolution, with thresholds."""

from __future__ import annotations

from .base import CONFIGURED, Parameters, Parts, register
from .logic import bits_for, tree_luts
from .matrix import MatrixVector


@register
class Vvau(MatrixVector):
    """PE x SIMD lanes, each with an input of its own: signs of sums, bit planes, or DSP blocks."""

    name = "vvau"
    replays = False
    defaults = {
        "MW": 9, "MH": 16, "PE": 1, "SIMD": 1, "GROUP_IN": 1, "GROUP_OUT": 1, "IN_BITS": 8,
        "IN_SIGNED": 0, "IN_BIPOLAR": 0, "WEIGHT_BITS": 1, "ACC_BITS": 16, "N_THRESHOLDS": 1,
        "OUT_BITS": 1, "OUT_BIAS": 0, "N_SETS": 1, "N_VECTORS": 1, "PIPELINE": 1,
        "WEIGHTS_STAGE": 0, "MULTIPLY": 0,
    }  # fmt: skip

    def weight_bits(self, p: dict[str, int]) -> int:
        return p["WEIGHT_BITS"]

    def threshold_bits(self, p: dict[str, int]) -> int:
        return p["ACC_BITS"] + 1  # one above the largest sum: never

    def input_elements(self, p: dict[str, int]) -> int:
        return p["SIMD"] * p["PE"] // p["GROUP_OUT"]

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, simd, bits, weight = p["PE"], p["SIMD"], p["IN_BITS"], p["WEIGHT_BITS"]
        acc, multiply = p["ACC_BITS"], p["MULTIPLY"] and bits > 1 and weight > 1
        steps = p["MW"] // simd
        constant = steps * (p["MH"] // pe) == 1 and CONFIGURED not in parameters
        lut, ff, bram = self.shared_cost(parameters, self.input_elements(p) * bits)
        count, product = bits_for(simd + 1), bits + weight
        signs = weight == 1 and not p["IN_BIPOLAR"]  # numbers that are added or subtracted
        planes = 0 if multiply or signs else bits * weight
        counted = -(-simd // 2) if constant and weight > 1 else simd  # half of the bits are 0
        lut["planes"] = pe * planes * tree_luts(counted)
        lut["sum"] = pe * max(planes - 1, 0) * count
        # a DSP block has an adder: of each pair of products, and of one that is left over
        behind = max(simd - 1 - simd // 2 - (simd % 2 and p["PIPELINE"] < 3), 0)
        lut["adders"] = pe * behind * (product + count / 2) if multiply else 0
        lut["signs"] = pe * (simd - 1) * (product + count / 2) if signs else 0
        lut["acc"] = pe * acc * (steps > 1)
        lut["clear"] = pe * acc * (steps > 1) * signs  # the gates in front of its adder
        lut["compare"] = pe * p["N_THRESHOLDS"] * (acc + 1)
        ff["exact"] += pe * acc
        ff["sum"] = pe * weight * min(count + product, acc) if planes else 0
        if multiply or signs:
            stages = abs(p["PIPELINE"])  # -1: not chosen yet
            stages -= bool(multiply) and stages > 1  # one of products, in the DSP blocks
            ff["exact"] += pe * _tree_registers(simd, product + signs, acc, stages)  # a sign's one
        return Parts(lut, ff, bram, pe * simd if multiply else 0, self.ultra(parameters))


def _tree_registers(n: int, bits: int, most: int, stages: int) -> int:
    """Registers of bnn_mvau_adders, of numbers of so many bits, none wider than `most`."""
    levels = bits_for(n)
    if not levels:
        return stages * min(bits, most)
    return sum(
        (stages * level // levels - stages * (level - 1) // levels)
        * -(-n // (1 << level))
        * min(bits + level, most)
        for level in range(1, levels + 1)
    )
