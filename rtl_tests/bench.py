"""The bench of a kernel: many shapes in one build, any number of data sets through each build.

A kernel's test describes *shapes* (module parameters) and draws *data* for them: the words of every
input stream, the words that a numpy reference expects on every output stream, memory files, and the
exact number of cycles a frame takes when nobody stalls. `Bench` writes one top module with an
instance `u<i>` of the kernel for each shape, builds it once, and `run` drives all instances at once
with the scenarios of :mod:`rtl_tests.scenarios`. A kernel's test file is then about ten lines:

    bench = Bench("frame_last", [{"BITS": 8, "WORDS": 3}], simulator)
    words = [1, 2, 3, 4, 5, 6]
    data = Data(inputs={"s_axis": Stream(8, words)}, outputs={"m_axis": Stream(8, words, last=3)},
                frames=2, interval=3, latency=0)
    bench.run([data], seed=1)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hw_bnn.rtl import module_of, rtl_sources
from hw_bnn.sim.verilator_env import tool_versions, verilator_environment

SIMULATORS = ("verilator", "icarus")
# The runner makes every signal public, with which large tops build for minutes: ports are enough.
_PUBLIC = "/*verilator public_flat_rw*/"
BUILD_FOLDER = Path(__file__).resolve().parent.parent / "build" / "rtl_tests"
ALL_SCENARIOS = ("unstalled", "stalled", "reset_in_mid_frame")


@dataclass(frozen=True)
class Stream:
    """The words of one stream.

    Args:
        bits: useful bits of a word; tdata is that rounded up to whole bytes.
        words: the words of all frames.
        last: words a frame if the port has a tlast, else 0.
        pace: cycles that the kernel takes for a word: scenarios wait so long.
    """

    bits: int
    words: list[int]
    last: int = 0
    pace: int = 1

    @property
    def tdata_bits(self) -> int:
        return (self.bits + 7) // 8 * 8


@dataclass(frozen=True)
class Memory:
    """A $readmemh file: words of `bits` bits, one a line."""

    bits: int
    words: list[int]

    def text(self) -> str:
        digits = (self.bits + 3) // 4
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


@dataclass(frozen=True)
class Data:
    """What to send through one instance and what to expect.

    Args:
        inputs, outputs: port name -> words, the same whole number of frames on each.
        frames: number of frames in them.
        files: file parameter (such as "WEIGHTS_FILE") -> contents.
        interval: exact cycles a frame in steady state when neither side stalls; None: not checked.
        latency: exact cycles from a frame's last word in to its last word out, for the first frame
            after reset, unstalled; None: not checked.
        settle: frames at the start that `interval` leaves out (while queues fill).
        capacity: words that go in while the output is blocked (scenario "capacity").
    """

    inputs: dict[str, Stream]
    outputs: dict[str, Stream]
    frames: int
    files: dict[str, Memory] = field(default_factory=dict)
    interval: int | None = None
    latency: int | None = None
    settle: int = 1
    capacity: int | None = None


class Bench:
    """A built top with one instance of the kernel for each shape.

    Args:
        kernel: its name.
        shapes: its parameters (integers; file names are filled in by `run`).
        simulator: "verilator" or "icarus"; the calling test is skipped where it is not installed.
        defines: macros; HW_BNN_CHECK, which binds the stream checker, is always defined.
        around: file of a test's own module of that name, which stands in the kernel's place.
        parts: what that module instantiates besides the kernel.
    """

    def __init__(
        self, kernel, shapes, simulator="verilator", defines=None, *, around=None, parts=()
    ):
        require(simulator)
        self.around, self.parts = around, parts
        self.kernel, self.shapes, self.simulator = kernel, list(shapes), simulator
        self.defines = {"HW_BNN_CHECK": 1, **(defines or {})}
        self.top_text: str | None = None
        self.runner = None
        self.folder: Path | None = None

    def run(self, data, seed=1, scenarios=ALL_SCENARIOS):
        """Drive instance i with data[i], all at once, in each of the scenarios.

        Returns:
            the text of the file trace.txt that the scenario "trace" writes, otherwise "".

        Raises:
            AssertionError: a scenario failed; the message holds its log.
        """
        assert len(data) == len(self.shapes), "one data set for each shape"
        module = self.around.stem if self.around else module_of(self.kernel)
        text = top_text(module, self.shapes, data)
        if self.top_text is None:
            self._build(text)
        assert text == self.top_text, "data sets of one bench must have the same streams"
        run_folder = self.folder / f"run_{os.getpid()}_{seed}"
        shutil.rmtree(run_folder, ignore_errors=True)
        run_folder.mkdir(parents=True)
        for i, item in enumerate(data):
            for parameter, memory in item.files.items():
                (run_folder / file_name(i, parameter)).write_text(memory.text())
        job = {
            "order": stream_order(data),
            "light": self.simulator == "icarus",
            "instances": [_job(i, item) for i, item in enumerate(data)],
        }
        (run_folder / "job.json").write_text(json.dumps(job))
        self._test(run_folder, seed, scenarios)
        trace = run_folder / "trace.txt"
        text = trace.read_text() if trace.is_file() else ""
        shutil.rmtree(run_folder)
        return text

    def _build(self, text):
        from cocotb_tools.runner import get_runner

        sources = rtl_sources(self.kernel, *self.parts, checks=True)
        sources += [self.around] if self.around else []
        key = hashlib.sha256(text.encode())
        for item in (self.simulator, self.defines, *sorted(tool_versions().items())):
            key.update(str(item).encode())
        for path in sources:
            key.update(path.read_bytes())
        self.folder = BUILD_FOLDER / f"{self.kernel}_{self.simulator}_{key.hexdigest()[:12]}"
        self.folder.mkdir(parents=True, exist_ok=True)
        top = self.folder / "bench_top.sv"
        fresh = not (self.folder / "built").is_file()
        if fresh:
            top.write_text(text)
        self.runner = get_runner(self.simulator)
        arguments = {
            "verilator": [
                "--no-public-flat-rw",
                "-Wno-fatal",
                "--x-initial",
                "unique",
                "-O3",
                "-CFLAGS",
                "-O1",
            ],
            "icarus": ["-g2012"],
        }[self.simulator]
        with _environment(self.simulator):
            if fresh:
                _place_runtime(self.folder, self.simulator)
                self.runner.build(
                    sources=[*sources, top],
                    hdl_toplevel="bench_top",
                    always=True,
                    build_dir=self.folder,
                    build_args=arguments,
                    defines=self.defines,
                    timescale=("1ns", "1ps"),
                    log_file=self.folder / "build.log",
                )
                _keep_runtime(self.folder, self.simulator)
                (self.folder / "built").touch()
        self.top_text = text

    def _test(self, run_folder, seed, scenarios):
        arguments = []
        if self.simulator == "verilator":  # registers without a reset start with random values
            arguments = ["+verilator+rand+reset+2", f"+verilator+seed+{seed % (2**31 - 1) + 1}"]
        log = run_folder / "run.log"
        pattern = "|".join(rf"\.{name}(/|$)" for name in scenarios)
        with _environment(self.simulator):
            try:
                results = self.runner.test(
                    test_module="rtl_tests.scenarios",
                    hdl_toplevel="bench_top",
                    hdl_toplevel_lang="verilog",
                    seed=seed,
                    build_dir=self.folder,
                    test_dir=run_folder,
                    plusargs=arguments,
                    test_filter=pattern,
                    log_file=log,
                    results_xml=run_folder / "results.xml",
                )
            except (SystemExit, RuntimeError, subprocess.CalledProcessError) as error:
                raise AssertionError(f"{self.kernel}: {error}\n{_tail(log)}") from error
        failed = _failures(results, scenarios)
        assert not failed, f"{self.kernel}, seed {seed}: {failed}\n{_tail(log)}"


def top_text(module, shapes, data):
    """SystemVerilog of a top with an instance u<i> of the module for each shape (see `tb`)."""
    order = stream_order(data)
    bit = {(prefix, port): i for i, (prefix, port, _) in enumerate(order)}
    ports = ["input logic ap_clk", "input logic ap_rst_n"]
    ports += [f"input logic [{len(order) - 1}:0] drive", f"output logic [{len(order) - 1}:0] probe"]
    bodies = []
    for i, (shape, item) in enumerate(zip(shapes, data, strict=True)):
        prefix, connections = f"u{i}", [".ap_clk", ".ap_rst_n"]
        for port, stream in (item.inputs | item.outputs).items():
            is_input, name, index = port in item.inputs, f"{prefix}_{port}", bit[prefix, port]
            direction = "input" if is_input else "output"
            driven, probed = ("tvalid", "tready") if is_input else ("tready", "tvalid")
            ports.append(f"{direction} logic [{stream.tdata_bits - 1}:0] {name}_tdata")
            connections += [
                f".{port}_tdata({name}_tdata)",
                f".{port}_{driven}(drive[{index}])",
                f".{port}_{probed}(probe[{index}])",
            ]
            if stream.last:
                ports.append(f"{direction} logic {name}_tlast")
                connections.append(f".{port}_tlast({name}_tlast)")
        values = {name: str(value) for name, value in shape.items()}
        values |= {name: f'"{file_name(i, name)}"' for name in item.files}
        parameters = ", ".join(f".{name}({value})" for name, value in values.items())
        bodies.append(
            f"  {module} #({parameters}) {prefix} (\n    {', '.join(connections)}\n  );\n"
        )
    public = ",\n  ".join(f"{port} {_PUBLIC}" for port in ports)
    return f"module bench_top (\n  {public}\n);\n" + "".join(bodies) + "endmodule : bench_top\n"


def stream_order(data):
    """(prefix, port, is_input) of each bit of the top's drive and probe (see `rtl_tests.tb`).

    Inputs are counted first, then outputs, instance by instance.
    """
    return [
        (f"u{i}", port, is_input)
        for is_input in (True, False)
        for i, item in enumerate(data)
        for port in (item.inputs if is_input else item.outputs)
    ]


def file_name(i, parameter):
    return f"u{i}_{parameter.lower()}.hex"


def require(simulator):
    """Skip the calling test, with a word on how to get it, where the simulator is not installed."""
    if simulator == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed (Debian, Ubuntu: apt install iverilog)")
    pytest.importorskip("cocotb", reason="cocotb is missing: pip install 'hw-bnn[compile]'")


def _job(i, item):
    def streams(described):
        return {
            port: {
                "bits": s.bits,
                "last": s.last,
                "pace": s.pace,
                "words": [f"{w:x}" for w in s.words],
            }
            for port, s in described.items()
        }

    for port, stream in (item.inputs | item.outputs).items():
        assert len(stream.words) % item.frames == 0, f"{port}: not a whole number of words a frame"
        assert all(0 <= w < 1 << stream.tdata_bits for w in stream.words), f"{port}: word too wide"
    return {
        "prefix": f"u{i}",
        "inputs": streams(item.inputs),
        "outputs": streams(item.outputs),
        "frames": item.frames,
        "interval": item.interval,
        "latency": item.latency,
        "settle": item.settle,
        "capacity": item.capacity,
    }


class _environment:
    """os.environ as the simulator's processes need it (the runner passes it on)."""

    def __init__(self, simulator):
        self.wanted = verilator_environment() if simulator == "verilator" else dict(os.environ)
        self.wanted["COCOTB_LOG_LEVEL"] = os.environ.get("COCOTB_LOG_LEVEL", "WARNING")
        self.wanted["PYTHONPATH"] = ""

    def __enter__(self):
        self.before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.wanted)

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self.before)


def _runtime_folder():
    text = json.dumps(tool_versions(), sort_keys=True)
    return BUILD_FOLDER / f"runtime_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _place_runtime(folder, simulator):
    """Put Verilator's compiled runtime, the same for every model, where make will find it done."""
    if simulator == "verilator" and _runtime_folder().is_dir():
        later = time.time() + 3600  # newer than the makefile, which make wants them to be
        for path in _runtime_folder().glob("*.o"):
            os.utime(shutil.copy(path, folder), (later, later))


def _keep_runtime(folder, simulator):
    kept = _runtime_folder()
    if simulator != "verilator" or kept.is_dir():
        return
    draft = kept.with_name(f"{kept.name}.{os.getpid()}")
    draft.mkdir()
    for path in folder.glob("verilated*.o"):
        shutil.copy(path, draft)
    try:
        draft.rename(kept)
    except OSError:  # another process was first
        shutil.rmtree(draft)


def _failures(results, scenarios):
    """Names of the scenarios that failed, or were not run."""
    if not Path(results).is_file():
        return "the simulation ended without results"
    cases = list(ElementTree.parse(results).iter("testcase"))
    failed = [
        case.get("name")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    ran = {case.get("name").split("/")[0] for case in cases if case.find("skipped") is None}
    missing = [f"{name} did not run" for name in scenarios if name not in ran]
    return ", ".join(failed + missing)


def _tail(log, lines=60):
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.is_file() else ""
