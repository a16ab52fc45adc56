"""What Vitis is told: options of the Tcl script, the configuration of `v++`, and test vectors."""

from __future__ import annotations

import numpy as np

from ..sim.packing import Words
from .design import Design
from .tables import table
from .top import TOP


def options_tcl(design: Design) -> str:
    """Read by run_hls.tcl."""
    accelerator = design.accelerator
    return (
        f"set hw_bnn_top {TOP}\n"
        f"set hw_bnn_part {accelerator.part}\n"
        f"set hw_bnn_clock_ns {accelerator.clk_period_ns:g}\n"
    )


def hls_config(design: Design) -> str:
    """For `v++ -c --mode hls --config hls_config.cfg`."""
    accelerator = design.accelerator
    return (
        f"part={accelerator.part}\n\n"
        "[hls]\n"
        "flow_target=vivado\n"
        f"clock={accelerator.clk_period_ns:g}ns\n"
        f"syn.top={TOP}\n"
        "syn.file=top.cpp\n"
        "syn.cflags=-Iinclude -std=c++14\n"
        "tb.file=testbench.cpp\n"
        "tb.file=vectors.hpp\n"
        "tb.cflags=-Iinclude -std=c++14\n"
        "package.output.format=ip_catalog\n"
    )


def vectors_hpp(given: Words, expected: Words) -> str:
    """Frames for the test bench: words of s_axis and what must come out at m_axis.

    Args:
        given, expected: (N, words, bytes).
    """
    return (
        "// Frames for the test bench: inputs, and what the golden model expects.\n#pragma once\n\n"
        f"const int FRAMES = {len(given)};\n"
        f"{table('frames_in', _limbs(given))}{table('frames_out', _limbs(expected))}"
    )


def _limbs(words: Words) -> np.ndarray:
    """(N, words, bytes) to uint64 (N*words, limbs)."""
    flat = words.reshape(-1, words.shape[2])
    full = np.zeros((len(flat), -(-flat.shape[1] // 8) * 8), np.uint8)
    full[:, : flat.shape[1]] = flat
    return full.view("<u8")
