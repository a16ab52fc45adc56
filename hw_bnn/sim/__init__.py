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
from .signals import Signals
from .stream import capture, observe, stream_frames

__all__ = [
    "EngineRun", "NativeModel", "Signals", "SimulationResult", "StreamStatistics", "all_engines",
    "capture", "observe", "pack_input", "stream_frames", "unpack_output",
]  # fmt: skip
