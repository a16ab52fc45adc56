"""Simulation of accelerators with Verilator: whole data sets through RTL or gates.

    from hw_bnn.sim import simulate, capture
    result = simulate("digits", x)               # scores, cycles per frame, latency
    words, cycles = capture("digits", x[:4])["layer_1_out0"]

It reads the accelerator folder alone (hw_bnn.accelerator), nothing of the compiler.
"""

from __future__ import annotations

from .native import NativeModel
from .options import ENGINES
from .packing import pack_input, unpack_output
from .results import EngineRun, SimulationResult, StreamStatistics
from .simulate import capture, simulate

__all__ = [
    "ENGINES", "EngineRun", "NativeModel", "SimulationResult", "StreamStatistics", "capture",
    "pack_input", "simulate", "unpack_output",
]  # fmt: skip
