"""Simulation of accelerators with Verilator: whole data sets through RTL or gates.

    from hw_bnn.sim import stream_frames, capture
    result = stream_frames("digits", x)               # scores, cycles per frame, latency
    words, cycles = capture("digits", x[:4])["layer_1_out0"]

It reads the accelerator folder alone (hw_bnn.accelerator), nothing of the compiler.
"""

from __future__ import annotations

from .engine import all_engines
from .native import NativeModel
from .packing import pack_input, unpack_output
from .results import EngineRun, SimulationResult, StreamStatistics
from .stream import capture, stream_frames

__all__ = [
    "EngineRun", "NativeModel", "SimulationResult", "StreamStatistics", "all_engines", "capture",
    "pack_input", "stream_frames", "unpack_output",
]  # fmt: skip
