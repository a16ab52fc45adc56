"""Frames and cycles per second of the simulation engines and of the references, in one run.

    python benchmarks/simulation.py [ACCELERATOR ...] [--da4ml PYTHON] [--out FILE] [--seconds 2]
                                    [--frames 5000] [--netlist folded|all|none]
    python benchmarks/simulation.py --table FILE

ACCELERATOR is a folder that `hw-bnn compile` wrote. Without one there are three: the binary MLP
64-64-64-64-10 fully unfolded (a frame a cycle) and at 64 cycles a frame, with random weights, and
the network of the recipe digits_mlp at 128 cycles, trained for one epoch. Beside the MLP runs
da4ml's Verilated model of the same network (`pip install da4ml==0.6.0`, here or in another
environment that --da4ml names). Absent packages are told and left out. The gates after synthesis
for 7-series run where the network is folded: those of an unfolded one take many minutes to
synthesise and to build (--netlist all).

Every engine runs on one thread, gets random frames of the input's type, is warmed up, and is
repeated until --seconds have passed; medians count. An engine whose scores differ from the golden
model's ends the run with an error (onnxruntime and qonnx compute in floating point and are only
timed). Rates are told by the clock and by the processor time used: they agree on a machine that is
otherwise idle, and ratios are of the latter.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import numpy as np  # noqa: E402

from hw_bnn.accelerator import Description  # noqa: E402
from hw_bnn.golden import GoldenModel  # noqa: E402
from hw_bnn.sim import NativeModel, pack_input, unpack_output  # noqa: E402
from hw_bnn.sim.lanes.model import LanesModel  # noqa: E402
from hw_bnn.sim.netlist import netlist_model  # noqa: E402
from hw_bnn.sim.verilator_env import tool_versions, verilator_environment  # noqa: E402
from hw_bnn.simulation import simulate  # noqa: E402

MLP = [64, 64, 64, 64, 10]
LANE_ROUNDS = 40  # frames a lane
COCOTB_FRAMES = 40  # at some thousand cycles a second
NETLIST_FRAMES, NETLIST_CYCLES = 64, 10_000  # whichever is more
FOLDED_CYCLES = 16  # a frame, at least
ENGINES = ("native", "cocotb", "netlist", "lanes", "golden", "qonnx", "onnxruntime",
           "da4ml pipelined", "da4ml combinational")  # fmt: skip
HERE = Path(__file__).parent
_DA4ML: dict[bytes, dict] = {}  # measured already, by weights and thresholds


def processor_seconds() -> float:
    """Of this process and of all its children that have ended."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def measure(run: Callable[[int], int], frames: int, seconds: float) -> dict:
    """Median rates of `run(frames)`, which returns the cycles simulated (0: none)."""
    run(min(frames, 16))
    clock, processor, cycles, began = [], [], 0, time.monotonic()
    while len(clock) < 3 or (time.monotonic() - began < seconds and len(clock) < 25):
        used, started = processor_seconds(), time.perf_counter()
        cycles = run(frames)
        clock.append(time.perf_counter() - started)
        processor.append(processor_seconds() - used)
    by_clock, by_processor = statistics.median(clock), statistics.median(processor)
    row = {
        "frames": frames, "repeats": len(clock),
        "frames_per_second": round(frames / by_clock, 1),
        "frames_per_processor_second": round(frames / by_processor, 1),
    }  # fmt: skip
    if cycles:
        row["cycles_per_second"] = round(cycles / by_clock)
        row["cycles_per_processor_second"] = round(cycles / by_processor)
    return row


def benchmark(name: str, folder: Path, options: argparse.Namespace) -> dict:
    """All engines on one accelerator folder."""
    accelerator = Description.load(folder)
    golden = GoldenModel.from_onnx(
        folder / "model.onnx", input_datatype=accelerator.options.get("input_datatype"),
        input_scale=accelerator.options.get("input_scale"),
    )  # fmt: skip
    contract, seconds = accelerator.input, options.seconds
    # Enough frames for about 0.1 s of the fastest engine, so that a call's own cost is small.
    frames = max(options.frames, 300_000 // accelerator.bound_cycles)
    x = np.random.default_rng(0).integers(contract.minimum, contract.maximum + 1,
                                          (frames, *contract.shape))  # fmt: skip
    if contract.datatype == "BIPOLAR":
        x = np.where(x > 0, 1, -1)
    expected = golden.scores(x)
    rows: dict[str, dict] = {}

    def agree(engine: str, scores: np.ndarray) -> None:
        if not (scores == expected[: len(scores)]).all():
            sys.exit(f"{engine}: scores differ from the golden model's")

    with NativeModel(folder / "rtl", accelerator) as model:
        words = pack_input(contract, x)
        agree("native", unpack_output(accelerator.output, model.run(words).words)[0])
        rows["native"] = measure(lambda n: model.run(words[:n]).cycles, frames, seconds)

    rows["cocotb"] = _cocotb(folder, x, agree)
    if options.netlist == "folded" and accelerator.bound_cycles < FOLDED_CYCLES:
        rows["netlist"] = {"left_out": "unfolded: too many gates (--netlist all)"}
    elif options.netlist != "none":
        _synthesise(folder)
        some = min(frames, max(NETLIST_FRAMES, NETLIST_CYCLES // accelerator.bound_cycles))
        with netlist_model(folder, accelerator, family="xc7") as model:
            run = model.run(words[:some])
            agree("netlist", unpack_output(accelerator.output, run.words)[0])
            rows["netlist"] = measure(lambda n: model.run(words[:n]).cycles, some, seconds)
        rows["lanes"] = _lanes(folder, accelerator, words, agree, seconds)
    agree("golden", golden.scores(x))
    rows["golden"] = measure(lambda n: 0 * len(golden.scores(x[:n])), frames, seconds)
    rows |= _float_references(folder, golden, x, seconds)
    if name.startswith("mlp"):
        rows |= _da4ml(options.da4ml, golden, x, expected, seconds)
    result = {
        "network": name, "bound_cycles": accelerator.bound_cycles,
        "engines": {engine: rows[engine] for engine in ENGINES if engine in rows},
    }  # fmt: skip
    ours = rows["native"]["frames_per_processor_second"]
    result["native_over_cocotb"] = round(ours / rows["cocotb"]["frames_per_processor_second"], 1)
    if "lanes" in rows:
        gates = rows["lanes"]["frames_per_processor_second"]
        result["lanes_over_netlist"] = round(
            gates / rows["netlist"]["frames_per_processor_second"], 1
        )
    peers = [row["frames_per_processor_second"] for n, row in rows.items() if n.startswith("da4ml")]
    if peers:
        result["native_over_da4ml"] = round(ours / max(peers), 2)
    return result


def _cocotb(folder: Path, x: np.ndarray, agree: Callable[[str, np.ndarray], None]) -> dict:
    """Starting the simulator and Python in it is a matter of seconds: what counts is the slope."""
    few, many = min(len(x), COCOTB_FRAMES), min(len(x), 30 * COCOTB_FRAMES)
    row = {"frames": many, "repeats": 3}
    clock, processor, cycles = [], [], 0
    agree("cocotb", simulate(folder, x[:few], engine="cocotb").scores)
    for _ in range(3):
        spent = []
        for count in (few, many):
            used, started = processor_seconds(), time.perf_counter()
            cycles = simulate(folder, x[:count], engine="cocotb").cycles - cycles
            spent.append((time.perf_counter() - started, processor_seconds() - used))
        clock.append(spent[1][0] - spent[0][0])
        processor.append(spent[1][1] - spent[0][1])
        difference, cycles = cycles, 0
    for key, values in (("second", clock), ("processor_second", processor)):
        value = statistics.median(values)
        if value <= 0:
            sys.exit("cocotb: more frames took no longer; other work on the machine disturbs it")
        row[f"frames_per_{key}"] = round((many - few) / value, 1)
        row[f"cycles_per_{key}"] = round(difference / value)
    return row


def _lanes(
    folder: Path, accelerator: Description, words: np.ndarray,
    agree: Callable[[str, np.ndarray], None], seconds: float,
) -> dict:  # fmt: skip
    """The same gates, 512 frames side by side; cycles are those of all lanes."""
    with LanesModel(folder, accelerator, family="xc7") as model:
        many = words[np.arange(max(len(words), LANE_ROUNDS * model.lanes)) % len(words)]
        run = model.run(many)
        agree("lanes", unpack_output(accelerator.output, run.words[: len(words)])[0])
        return measure(
            lambda n: model.run(many[:n]).cycles * min(n, model.lanes), len(many), seconds
        )


def _synthesise(folder: Path) -> None:
    """A netlist for 7-series, where there is none."""
    if not (folder / "synth" / "xc7.v").is_file():
        from hw_bnn.synth import synth

        synth(folder, "xc7")


def _float_references(folder: Path, golden, x: np.ndarray, seconds: float) -> dict:
    """qonnx's execution, frame by frame; onnxruntime, where installed, on the whole batch."""
    import onnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    model = ModelWrapper(str(folder / "model.onnx")).transform(InferShapes())
    source = model.graph.input[0].name
    real = golden.real_input(x)

    def qonnx(n: int) -> int:
        for i in range(n):
            execute_onnx(model, {source: real[i : i + 1]})
        return 0

    rows = {"qonnx": measure(qonnx, 16, 0)}
    if importlib.util.find_spec("onnxruntime") is None:
        print("onnxruntime is not installed and is left out (`pip install onnxruntime`)")
        return rows
    import onnxruntime

    document = float_equivalent(onnx.load(folder / "model.onnx"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(document.SerializeToString(), options)
    rows["onnxruntime"] = measure(
        lambda n: 0 * len(session.run(None, {source: real[:n]})[0]), len(x), seconds
    )
    return rows


def float_equivalent(model):
    """The same network in standard ops: BipolarQuant as Where(x >= 0, scale, -scale), Quant as
    rounding and clipping of x / scale + zero point."""
    import onnx
    from onnx import helper, numpy_helper

    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    extra: list[onnx.TensorProto] = []

    def constant(name: str, value: float) -> str:
        extra.append(helper.make_tensor(name, onnx.TensorProto.FLOAT, (), [value]))
        return name

    zero = constant("bench_zero", 0.0)
    nodes = []
    for node in model.graph.node:
        name = node.output[0]
        if node.op_type == "BipolarQuant":
            nodes += [
                helper.make_node("GreaterOrEqual", [node.input[0], zero], [f"{name}_up"]),
                helper.make_node("Neg", [node.input[1]], [f"{name}_down"]),
                helper.make_node("Where", [f"{name}_up", node.input[1], f"{name}_down"], [name]),
            ]
        elif node.op_type == "Quant":
            x, scale, offset, bits = node.input
            signed = next(a.i for a in node.attribute if a.name == "signed")
            narrow = next(a.i for a in node.attribute if a.name == "narrow")
            width = 2.0 ** float(values[bits])
            least = -width / 2 + narrow if signed else 0.0
            most = width / 2 - 1 if signed else width - 1 - narrow
            ends = [constant(f"{name}_least", least), constant(f"{name}_most", most)]
            nodes += [
                helper.make_node("Div", [x, scale], [f"{name}_a"]),
                helper.make_node("Add", [f"{name}_a", offset], [f"{name}_b"]),
                helper.make_node("Round", [f"{name}_b"], [f"{name}_c"]),
                helper.make_node("Clip", [f"{name}_c", *ends], [f"{name}_d"]),
                helper.make_node("Sub", [f"{name}_d", offset], [f"{name}_e"]),
                helper.make_node("Mul", [f"{name}_e", scale], [name]),
            ]
        else:
            nodes.append(node)
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "N"
    graph = helper.make_graph(nodes, "float", model.graph.input, model.graph.output,
                              [*model.graph.initializer, *extra])  # fmt: skip
    opsets = [o for o in model.opset_import if o.domain in ("", "ai.onnx")]
    result = helper.make_model(graph, opset_imports=opsets)
    result.ir_version = min(result.ir_version, 10)
    return result


def _da4ml(python: str, golden, x: np.ndarray, expected: np.ndarray, seconds: float) -> dict:
    """da4ml's Verilated models of the network, in a process of their own."""
    if not python and importlib.util.find_spec("da4ml") is None:
        print("da4ml is not installed and is left out (`pip install da4ml==0.6.0`, or --da4ml)")
        return {}
    arrays = {"inputs": (x > 0).astype(np.uint8), "scores": expected}
    layers = [op for op in golden.program.ops if type(op).__name__ == "Linear"]
    for k, op in enumerate(layers):
        weights = op.weights.astype(np.int64)
        if k < len(layers) - 1:
            quantiser = list(golden.thresholds().values())[k]
            # Falling, dot <= T, is -dot >= -T; dot >= T is popcount >= (inputs + T) / 2.
            sign = quantiser.direction.astype(np.int64)
            weights = weights * sign[:, None]
            arrays[f"t{k}"] = (weights.shape[1] + sign * quantiser.values[:, 0] + 1) // 2
        arrays[f"w{k}"] = weights
    key = b"".join(arrays[name].tobytes() for name in sorted(arrays) if name[0] in "wt")
    if key not in _DA4ML:  # the folded and the unfolded form are one network to da4ml
        _DA4ML[key] = _run_da4ml(python, arrays, seconds)
    return _DA4ML[key]


def _run_da4ml(python: str, arrays: dict[str, np.ndarray], seconds: float) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "network.npz", **arrays)
        command = [python or sys.executable, str(HERE / "simulation_da4ml.py"),
                   f"{folder}/network.npz", folder, str(seconds)]  # fmt: skip
        run = subprocess.run(command, env=verilator_environment(), capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"da4ml: {(run.stderr or run.stdout).strip().splitlines()[-1]}")
    return json.loads(run.stdout.splitlines()[-1])


def table(document: dict) -> str:
    """Markdown of a results file."""
    lines = []
    for result in document["results"]:
        lines += [
            f"\n**{result['network']}**, {result['bound_cycles']} cycles a frame\n",
            "| engine | frames/s | cycles/s | frames per processor second |", "|---|---|---|---|",
        ]  # fmt: skip
        for engine, row in result["engines"].items():
            if "left_out" in row:
                lines.append(f"| {engine} | {row['left_out']} | | |")
                continue
            cycles = f"{row['cycles_per_second']:,}" if "cycles_per_second" in row else ""
            lines.append(
                f"| {engine} | {row['frames_per_second']:,.0f} | {cycles} "
                f"| {row['frames_per_processor_second']:,.0f} |"
            )
        lines.append(f"\nnative / cocotb: {result['native_over_cocotb']:,} x")
        if "native_over_da4ml" in result:
            lines[-1] += f"; native / da4ml's faster form: {result['native_over_da4ml']:,} x"
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accelerator", nargs="*", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--da4ml", default="", help="Python that has da4ml, if not this one")
    parser.add_argument("--netlist", choices=["folded", "all", "none"], default="folded",
                        help="networks whose gates after synthesis run too")  # fmt: skip
    parser.add_argument("--table", type=Path, help="print a results file as Markdown")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads(arguments.table.read_text())))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folders = {Description.load(f).name: f for f in arguments.accelerator}
        results = []
        for name, folder in (folders or _compile(Path(temporary))).items():
            results.append(benchmark(name, folder, arguments))
            print(table({"results": results[-1:]}), flush=True)
    if arguments.out:
        packages = ("hw-bnn", "cocotb", "cocotbext-axi", "qonnx", "numpy", "onnxruntime", "pyosys")
        versions = tool_versions() | {p: metadata.version(p) for p in packages if _has(p)}
        document = {
            "command": " ".join(["python", "benchmarks/simulation.py", *sys.argv[1:]]),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"), "machine": platform.machine(),
            "load_average": round(os.getloadavg()[0], 1), "processors": os.cpu_count(),
            "python": platform.python_version(), "versions": versions, "results": results,
        }  # fmt: skip
        arguments.out.write_text(json.dumps(document, indent=1) + "\n")


def _has(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _compile(folder: Path) -> dict[str, Path]:
    """The three networks of the table, by name."""
    from networks import binary_mlp

    from hw_bnn.compile.build import compile_model
    from hw_bnn.export import export
    from hw_bnn.train import train

    model = binary_mlp(folder / "mlp.onnx", MLP)
    shape = "-".join(map(str, MLP))
    folders = {
        f"mlp {shape}, {what}": compile_model(model, folder / f"mlp_{c}", target_cycles=c)
        for c, what in ((1, "unfolded"), (64, "folded"))
    }
    run = train("digits_mlp", set=["training.epochs=1", "threads=1"], out=folder / "run",
                tensorboard=False, quiet=True)  # fmt: skip
    demo = export(run, folder / "demo.onnx")
    return folders | {"digits_mlp": compile_model(demo, folder / "demo", target_cycles=128)}


if __name__ == "__main__":
    main()
