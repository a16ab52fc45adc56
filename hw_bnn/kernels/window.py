"""Sliding windows of a convolution."""

from __future__ import annotations

from .base import Kernel, Parameters, Parts, register
from .logic import bits_for
from .memory_cost import ram


@register
class Window(Kernel):
    """The ring, and the adders and counters of its addresses."""

    name = "window"
    defaults = {
        "IFM_H": 8, "IFM_W": 8, "CHANNELS": 4, "SIMD": 2, "BITS": 1, "K_H": 3, "K_W": 3,
        "STRIDE_H": 1, "STRIDE_W": 1, "DILATION_H": 1, "DILATION_W": 1, "DEPTHWISE": 0, "DEPTH": 0,
    }  # fmt: skip

    def words(self, parameters: Parameters) -> int:
        """Words of the ring (WORDS in bnn_window.sv)."""
        p = self.values(parameters)
        if p["DEPTH"]:
            return p["DEPTH"]
        cf = p["CHANNELS"] // p["SIMD"]
        kh, kw, sh, sw = (p[k] for k in ("K_H", "K_W", "STRIDE_H", "STRIDE_W"))
        dh, dw, height, width = (p[k] for k in ("DILATION_H", "DILATION_W", "IFM_H", "IFM_W"))
        span_h, span_w = (kh - 1) * dh + 1, (kw - 1) * dw + 1
        ofm_h, ofm_w = (height - span_h) // sh + 1, (width - span_w) // sw + 1
        s3, s4, frame = sw * cf, sh * width * cf, height * width * cf
        jumps = [frame - (ofm_w - 1) * s3 - (ofm_h - 1) * s4]
        jumps += [s3] * (ofm_w > 1) + [s4 - (ofm_w - 1) * s3] * (ofm_h > 1)
        span, jump = ((span_h - 1) * width + span_w) * cf, max(jumps)
        lead = (1 if p["DEPTHWISE"] else cf) * (kh * kw - 1)
        if ofm_h * ofm_w * kh * kw * cf <= frame:
            return span + jump
        return span + 1 + max(jump - lead, 0)

    def cost(self, parameters: Parameters) -> Parts:
        p = self.values(parameters)
        words = self.words(parameters)
        style = str(parameters.get("RAM_STYLE", "auto"))
        memory = ram(p["SIMD"] * p["BITS"], words, style)
        count = (
            bits_for(p["CHANNELS"] // p["SIMD"])
            + bits_for(p["IFM_H"])
            + bits_for(p["IFM_W"])
            + bits_for(p["K_H"])
            + bits_for(p["K_W"])
        )
        address = bits_for(words)
        return Parts(
            {"exact": memory[0], "address": address, "count": count, "one": 1},
            {"exact": memory[1], "address": address, "count": count, "one": 1},
            memory[2],
        )
