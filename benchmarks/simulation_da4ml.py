"""Speed of da4ml's Verilated model of a binary network: run by simulation.py with a Python that has
da4ml 0.6.0, and Verilator in the PATH.

python simulation_da4ml.py network.npz OUT SECONDS

The network (da4ml_network.py) is made pipelined with a latency cutoff of 2 per stage (one
frame a cycle) and combinational, and compiled by da4ml's own make file with its fastest option
(`fast`, -O3), one thread. Timed are its `predict` and, alone, the C++ function that it calls. The
last line of stdout is JSON; scores that are not those of the file end the run with an error.
"""

import ctypes
import json
import statistics
import sys
import time
from contextlib import chdir
from functools import partial
from pathlib import Path

import numpy as np
from da4ml.codegen import RTLModel
from da4ml_network import binary_network

file, out, seconds = np.load(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
logic, layers = binary_network(file)
inputs, expected = file["inputs"].astype(np.float64), file["scores"]


def median(run) -> dict:
    """Frames per second, by the clock and by processor time, of run(), repeated for some time."""
    clock, processor, began = [], [], time.monotonic()
    while len(clock) < 3 or (time.monotonic() - began < seconds and len(clock) < 25):
        used, started = time.process_time(), time.perf_counter()
        run()
        clock.append(len(inputs) / (time.perf_counter() - started))
        processor.append(len(inputs) / (time.process_time() - used))
    return {
        "frames": len(inputs), "repeats": len(clock),
        "frames_per_second": round(statistics.median(clock), 1),
        "frames_per_processor_second": round(statistics.median(processor), 1),
    }  # fmt: skip


results = {}
for name, cutoff in (("pipelined", 2), ("combinational", -1)):
    model = RTLModel(logic, "mlp", out / name, latency_cutoff=cutoff, print_latency=False)
    started = time.monotonic()
    model.compile(openmp=False, o3=True)
    build = time.monotonic() - started
    found = model.predict(inputs, n_threads=-1)
    if not (2 * found - file[f"w{layers - 1}"].sum(1) == expected).all():
        sys.exit(f"da4ml, {name}: scores differ from the golden model's")
    words = np.ascontiguousarray(inputs.astype(np.int32))
    scores = np.empty(expected.shape, np.int32)
    pointer = ctypes.POINTER(ctypes.c_int32)
    arguments = (words.ctypes.data_as(pointer), scores.ctypes.data_as(pointer), len(inputs), -1)
    with chdir(model._path / "src" / "memfiles"):
        inner = median(partial(model._lib.inference, *arguments))
    results[f"da4ml {name}"] = {
        **inner, "build_seconds": round(build, 1),
        "predict": median(partial(model.predict, inputs, n_threads=-1)),
    }  # fmt: skip
print(json.dumps(results))
