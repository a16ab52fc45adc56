"""Synthesis with open tools: resources, timing, bitstreams.

from hw_bnn.synth import synth, bitstream
synth("digits_accelerator", family="xc7")["total"]
"""

from __future__ import annotations

__all__ = ["bitstream", "synth"]


def __getattr__(name: str):
    if name == "synth":
        from .synthesis import synth

        return synth
    if name == "bitstream":
        from .ecp5_bitstream import bitstream

        return bitstream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
