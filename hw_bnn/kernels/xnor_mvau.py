"""Matrix-vector product of +-1 numbers by XNOR and popcount, with thresholds."""

from __future__ import annotations

from .base import CONFIGURED, Parameters, Parts, register
from .logic import CHAIN, bits_for, xnor_popcount_luts
from .matrix import MatrixVector


@register
class XnorMvau(MatrixVector):
    """XNOR lanes on LUT trees, their accumulators and comparisons; thresholds of popcounts."""

    name = "xnor_mvau"
    defaults = {
        "MW": 64, "MH": 64, "PE": 1, "SIMD": 1, "N_THRESHOLDS": 1, "OUT_BITS": 1, "OUT_BIAS": 0,
        "N_SETS": 1, "N_VECTORS": 1, "PIPELINE": 1, "WEIGHTS_STAGE": 0,
        "MMV": 1, "RUN": 1, "STEP": 1,
    }  # fmt: skip

    def threshold_bits(self, p: dict[str, int]) -> int:
        return bits_for(p["MW"] + 2)  # 0 (always) to MW + 1 (never)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        pe, simd, levels = p["PE"], p["SIMD"], p["N_THRESHOLDS"]
        lanes = p["MMV"] * pe
        constant = p["PE"] == p["MH"] and simd == p["MW"] and CONFIGURED not in parameters
        sf = p["MW"] // simd
        acc = bits_for(p["MW"] + 1)
        lut, ff, bram = self.shared_cost(parameters, self.input_elements(p))
        lut["exact"] += 0 if constant else lanes * xnor_popcount_luts(simd)
        lut["constant"] = lanes * xnor_popcount_luts(simd) if constant else 0
        lut["acc"] = lanes * acc * (sf > 1)
        lut["compare"] = lanes * levels * self.threshold_bits(p)
        lut["dot"] = lanes * acc * (levels == 0)
        lut["levels"] = lanes * (levels > 1)
        pairs, stages = simd // 2, p["PIPELINE"]
        chains = -(-pairs // CHAIN)
        first = lanes * (chains + pairs) if simd > 1 else lanes  # registers behind the XNOR level
        trees = lanes * (bits_for(chains + 1) + bits_for(pairs + 1)) * (stages > 2)
        counts = lanes * bits_for(simd + 1) * max(0, stages - 1 - (stages > 2))
        ff["exact"] += first * bool(stages) + counts + trees + lanes * acc
        return Parts(lut, ff, bram, uram=self.ultra(parameters))
