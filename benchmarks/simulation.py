"""Frames and cycles per second of the simulation engines and of the references, in one run.

    python benchmarks/simulation.py ACCELERATOR [--out results.json] [--frames 5000] [--seconds 2]

ACCELERATOR is a folder that `hw-bnn compile` wrote; without it the binary MLP 64-64-64-64-10 is
compiled at 64 cycles a frame, and fully unfolded. Every engine runs on one thread, gets random
frames of the input's type, is warmed up, and is repeated until --seconds have passed; the median
counts. An engine whose scores differ from the golden model's ends the run with an error. The share
of one processor that a measurement got is told beside it: below about 0.9 the machine was busy with
other things.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from hw_bnn.accelerator import Accelerator  # noqa: E402
from hw_bnn.golden import GoldenModel  # noqa: E402
from hw_bnn.sim import NativeModel, pack_input, simulate, unpack_output  # noqa: E402
from hw_bnn.sim.verilator_env import tool_versions  # noqa: E402

MLP = [64, 64, 64, 64, 10]
COCOTB_FRAMES = 40  # at some thousand cycles a second


def _processor_seconds() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, children = (resource.getrusage(w) for w in whose)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(run: Callable[[int], int], frames: int, seconds: float) -> dict:
    """Median frames/s of `run(frames)`, which returns the cycles simulated (0: none)."""
    run(min(frames, 16))
    rates, cycle_rates, shares, began = [], [], [], time.monotonic()
    while len(rates) < 3 or (time.monotonic() - began < seconds and len(rates) < 25):
        used, started = _processor_seconds(), time.perf_counter()
        cycles = run(frames)
        spent = time.perf_counter() - started
        rates.append(frames / spent)
        cycle_rates.append(cycles / spent)
        shares.append((_processor_seconds() - used) / spent)
    return {
        "frames": frames, "repeats": len(rates),
        "frames_per_second": round(statistics.median(rates), 1),
        "cycles_per_second": round(statistics.median(cycle_rates)),
        "processor_share": round(statistics.median(shares), 2),
    }  # fmt: skip


def benchmark(folder: Path, frames: int, seconds: float) -> dict:
    """All engines on one accelerator folder."""
    accelerator = Accelerator.load(folder)
    golden = GoldenModel.from_onnx(
        folder / "model.onnx", input_datatype=accelerator.options.get("input_datatype"),
        input_scale=accelerator.options.get("input_scale"),
    )  # fmt: skip
    contract = accelerator.input
    x = np.random.default_rng(0).integers(contract.minimum, contract.maximum + 1,
                                          (frames, *contract.shape))  # fmt: skip
    if contract.datatype == "BIPOLAR":
        x = np.where(x > 0, 1, -1)
    expected = golden.scores(x)
    rows = {}

    def agree(name: str, scores: np.ndarray) -> None:
        if not (scores == expected[: len(scores)]).all():
            sys.exit(f"{name}: scores differ from the golden model's")

    with NativeModel(folder / "rtl", accelerator) as model:
        words = pack_input(contract, x)
        agree("native", unpack_output(accelerator.output, model.run(words).words)[0])
        rows["native"] = measure(lambda n: model.run(words[:n]).cycles, frames, seconds)

    last = {}

    def cocotb(n: int) -> int:
        last["cocotb"] = simulate(folder, x[:n], engine="cocotb")
        return last["cocotb"].cycles

    few = min(frames, COCOTB_FRAMES)
    rows["cocotb"] = measure(cocotb, few, 0)
    agree("cocotb", last["cocotb"].scores)
    # Starting the simulator and Python in it is a matter of seconds: what counts is the slope.
    more = time.perf_counter()
    cocotb(5 * few)
    more = time.perf_counter() - more
    less = few / rows["cocotb"]["frames_per_second"]
    slope = 4 * few / max(more - less, 1e-9)
    rows["cocotb"]["frames_per_second_without_start"] = round(slope, 1)

    agree("golden", golden.scores(x))
    rows["golden"] = measure(lambda n: 0 * len(golden.scores(x[:n])), frames, seconds)
    rows |= _references(folder, golden, x, expected, seconds)
    if any((folder / "synth" / f"{family}.v").is_file() for family in ("xc7", "ecp5")):
        some = min(frames, 64)
        agree("netlist", simulate(folder, x[:some], engine="netlist").scores)
        rows["netlist"] = measure(
            lambda n: simulate(folder, x[:n], engine="netlist").cycles, some, 0
        )
    return {
        "accelerator": accelerator.name, "bound_cycles": accelerator.bound_cycles,
        "engines": rows,
        "native_over_cocotb": round(
            rows["native"]["frames_per_second"] / rows["cocotb"]["frames_per_second_without_start"],
            1,
        ),
    }  # fmt: skip


def _references(folder: Path, golden, x: np.ndarray, expected: np.ndarray, seconds: float) -> dict:
    """qonnx's execution, frame by frame; onnxruntime, where installed, on the whole batch."""
    import onnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    model = ModelWrapper(str(folder / "model.onnx")).transform(InferShapes())
    source, target = model.graph.input[0].name, model.graph.output[0].name
    real = golden.real_input(x)

    def qonnx(n: int) -> int:
        for i in range(n):
            execute_onnx(model, {source: real[i : i + 1]})[target]
        return 0

    rows = {"qonnx": measure(qonnx, 16, 0)}
    try:
        import onnxruntime
    except ImportError:
        return rows
    document = float_equivalent(onnx.load(folder / "model.onnx"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(document.SerializeToString(), options)
    rows["onnxruntime"] = measure(
        lambda n: 0 * len(session.run(None, {source: real[:n]})[0]), len(x), seconds
    )
    return rows


def float_equivalent(model):
    """The same network with each BipolarQuant as standard ops: Where(x >= 0, scale, -scale)."""
    import onnx
    from onnx import helper

    zero = helper.make_tensor("bench_zero", onnx.TensorProto.FLOAT, (), [0.0])
    nodes = []
    for node in model.graph.node:
        if node.op_type != "BipolarQuant":
            nodes.append(node)
            continue
        name = node.output[0]
        nodes += [
            helper.make_node("GreaterOrEqual", [node.input[0], "bench_zero"], [f"{name}_up"]),
            helper.make_node("Neg", [node.input[1]], [f"{name}_down"]),
            helper.make_node("Where", [f"{name}_up", node.input[1], f"{name}_down"], [name]),
        ]
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "N"
    graph = helper.make_graph(nodes, "float", model.graph.input, model.graph.output,
                              [*model.graph.initializer, zero])  # fmt: skip
    opsets = [o for o in model.opset_import if o.domain in ("", "ai.onnx")]
    result = helper.make_model(graph, opset_imports=opsets)
    result.ir_version = min(result.ir_version, 10)
    return result


def _show(result: dict) -> None:
    print(f"\n{result['accelerator']}, {result['bound_cycles']} cycles a frame")
    print(f"  {'engine':14}{'frames/s':>14}{'cycles/s':>14}{'processor':>11}")
    for name, row in result["engines"].items():
        cycles = f"{row['cycles_per_second']:,}" if row["cycles_per_second"] else "-"
        print(f"  {name:14}{row['frames_per_second']:>14,}{cycles:>14}{row['processor_share']:>11}")
    print(f"  native / cocotb (its start not counted): {result['native_over_cocotb']:,} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accelerator", nargs="*", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folders = arguments.accelerator or _compile(Path(temporary))
        results = []
        for folder in folders:
            results.append(benchmark(folder, arguments.frames, arguments.seconds))
            _show(results[-1])
    if arguments.out:
        packages = ("hw-bnn", "cocotb", "cocotbext-axi", "qonnx", "numpy", "onnxruntime")
        versions = tool_versions() | {p: metadata.version(p) for p in packages if _has(p)}
        document = {
            "command": " ".join(["python", "benchmarks/simulation.py", *sys.argv[1:]]),
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"), "machine": platform.machine(),
            "python": platform.python_version(), "versions": versions, "results": results,
        }  # fmt: skip
        arguments.out.write_text(json.dumps(document, indent=1) + "\n")


def _has(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _compile(folder: Path) -> list[Path]:
    from networks import binary_mlp

    from hw_bnn.compile.build import compile_model

    model = binary_mlp(folder / "mlp.onnx", MLP)
    return [compile_model(model, folder / f"mlp_{c}", target_cycles=c) for c in (64, 1)]


if __name__ == "__main__":
    main()
