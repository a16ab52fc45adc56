"""The cocotb engine: protocol tests of a whole accelerator, with checkers bound to every stream.

Slower than the native engine by far, and independent of its driver: cocotbext-axi's source and sink
are others' work. `bnn_stream_checker` stands at each stream of the top and ends the simulation when
an offered word is taken back or changes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import children
from ..accelerator import Description
from ..accelerator.config_stream import ConfigWords, check_status, first_load
from ..errors import BadInput, CheckFailed, MissingTool
from ..files.temporary import temporary_folder
from .build import folder_sources
from .cache import content_key, entry
from .compiler import Runtime, compiled, run_tool
from .neutral import BYTES, TOP, Neutral
from .packing import Words, by_frame, frame_ends
from .results import EngineRun
from .stall import hang_limit, hang_report, stall_pair
from .verilator_env import find_compiler, verilator_environment

CHECKER = Path(__file__).resolve().parent.parent / "rtl" / "bnn_stream_checker.sv"
_FLAGS = (
    "--cc", "--vpi", "--no-timing", "--timescale", "1ns/1ps", "-O3", "--x-assign", "unique",
    "--x-initial", "unique", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD",
    "-DHW_BNN_SIM", "--prefix", "Vtop", "-Mdir", "obj",
)  # fmt: skip
RUNTIME = Runtime(
    ("verilated", "verilated_threads", "verilated_dpi", "verilated_vpi"),
    # cocotb's library calls the runtime's vpi_ functions.
    ("-fvisibility=default", "-DVM_COVERAGE=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0"),
)


def run_cocotb(
    rtl: Path, accelerator: Description, words: Words, *, stall: float | tuple[float, float],
    seed: int, preamble: int, named: NDArray[np.uint8], load: ConfigWords | None = None,
) -> tuple[list[EngineRun], float]:  # fmt: skip
    """Stream frames through with cocotb; see `simulate`. Returns ([run], build seconds).

    Raises:
        MissingTool: cocotb or cocotbext-axi is not installed.
        CheckFailed: a hang, a wrong tlast, or a stream that breaks its rules.
    """
    if preamble >= len(words) * accelerator.input.words:
        raise BadInput(f"a preamble of {preamble} words needs more than the {len(words)} frames")
    for name, package in (("cocotb", "cocotb"), ("cocotbext.axi", "cocotbext-axi")):
        if _missing(name):
            raise MissingTool(
                f"{package} is not installed",
                remedy="install it with `pip install 'hw-bnn[compile]'`",
            )
    started = time.monotonic()
    load = first_load(accelerator, rtl) if load is None else load
    names = Neutral.of(accelerator)
    texts = _texts(rtl, accelerator, names)
    checkers = bind_checkers(accelerator)
    env = verilator_environment()
    key = content_key(texts, checkers, _FLAGS, RUNTIME.key(), _cocotb_version())

    def build(folder: Path) -> None:
        with names.own_names():
            _build(folder, texts, checkers, env)

    with entry("cocotb", key, build) as folder:
        build_seconds = time.monotonic() - started
        with names.own_names(), temporary_folder("cocotb") as work:
            names.link_memories(rtl, work)
            if load is not None:
                np.save(work / "config.npy", load)
            run = _run(folder, work, accelerator, words, stall_pair(stall), seed, preamble, named)
    return [run], build_seconds


def _texts(rtl: Path, accelerator: Description, names: Neutral) -> dict[str, str]:
    """{file name: text} of an accelerator's sources and the checker, in compilation order."""
    sources = folder_sources(rtl, accelerator.sources)
    if CHECKER.name not in {path.name for path in sources}:
        sources = (*sources, CHECKER)
    shared = {path.name: path.read_text(**BYTES) for path in sources if not names.owns(path.name)}
    return shared | dict(names.texts(sources))


def bind_checkers(accelerator: Description) -> str:
    """SystemVerilog that binds a checker to every stream of the top, under its neutral name."""
    lines = []
    for s in accelerator.streams:
        wires = ", ".join(f".{w}({s.name}_{w})" for w in ("tdata", "tvalid", "tready"))
        lines.append(
            f"bind {TOP} {CHECKER.stem} #(.BITS({s.tdata_bits})) check_{s.name} (\n"
            f"    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n), {wires});\n"
        )
    return "".join(lines)


def _missing(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError:
        return True


def _cocotb_version() -> list[str]:
    from importlib.metadata import version

    import cocotb_tools.config

    return [version("cocotb"), str(cocotb_tools.config.libs_dir)]


def _build(folder: Path, texts: dict[str, str], checkers: str, env: dict[str, str]) -> None:
    """Fill a cache entry with the executable `simulation`."""
    import cocotb_tools.config

    work = folder / "work"
    (work / "src").mkdir(parents=True)
    for name, text in texts.items():
        (work / "src" / name).write_text(text, **BYTES)
    (work / "checkers.sv").write_text(checkers)
    patterns = ("ap_*", "?_axis_*", "cfg_status", "*_tvalid", "*_tready")
    visible = [f'public_flat_rw -module "{TOP}" -var "{p}"' for p in patterns]
    (work / "visible.vlt").write_text("\n".join(["`verilator_config", *visible, ""]))
    libraries = cocotb_tools.config.libs_dir
    bridge = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    files = [f"src/{name}" for name in texts if not name.endswith((".svh", ".vh"))]
    verilate = ["verilator", *_FLAGS, "-Isrc", "--top-module", TOP, "visible.vlt", *files,
                "checkers.sv"]  # fmt: skip
    run_tool(verilate, work, env, "Verilator")
    link = [
        "-Xlinker",
        "-rpath",
        "-Xlinker",
        str(libraries),
        f"-L{libraries}",
        "-lcocotbvpi_verilator",
        "-pthread",
    ]
    shutil.copyfile(bridge, work / "bridge.cpp")
    with compiled(work, work / "bridge.cpp", RUNTIME, env, []) as objects:
        command = [find_compiler(), *objects, *link, "-o", "../simulation"]
        run_tool(command, work, env, "the linker")
    shutil.rmtree(work)


def _run(
    folder: Path, work: Path, accelerator: Description, words: Words,
    stall: tuple[float, float], seed: int, preamble: int, named: NDArray[np.uint8],
) -> EngineRun:  # fmt: skip
    from cocotb_tools.runner import Verilator

    class Runner(Verilator):
        """cocotb's, whose simulation ends with this process."""

        def _execute_cmds(self, cmds, cwd, stdout=None):
            for command in cmds:
                done = children.run(list(command), cwd=cwd, env=self.env, stdout=stdout,
                                    stderr=subprocess.STDOUT)  # fmt: skip
                if done.returncode != 0:
                    raise RuntimeError(f"exit code {done.returncode}")

    out = accelerator.output
    ends = frame_ends(out, named)
    np.save(work / "input.npy", words)
    job = dict(
        input=str(work / "input.npy"), output=str(work / "output.npy"),
        result=str(work / "result.json"), stall=stall, seed=seed, preamble=preamble,
        hang_limit=hang_limit(accelerator, stall, None),
        config=str(work / "config.npy") if (work / "config.npy").exists() else None,
        config_port=accelerator.config is not None,
        frame_ends=ends.tolist(), beat_bytes=out.tdata_bits // 8,
        names=named.tolist() if accelerator.contexts > 1 else None,
        streams=[s.name for s in accelerator.streams],
    )  # fmt: skip
    (work / "job.json").write_text(json.dumps(job))
    runner = Runner()
    started = time.monotonic()
    # The runner starts `build_dir/<top>`.
    (work / TOP).symlink_to(folder / "simulation")
    # What went wrong stands in the log.
    with contextlib.suppress(SystemExit, RuntimeError, subprocess.CalledProcessError):
        runner.test(
            test_module="hw_bnn.sim.cocotb_bench", hdl_toplevel=TOP,
            hdl_toplevel_lang="verilog", build_dir=work, test_dir=work, seed=seed,
            results_xml=str(work / "results.xml"), log_file=work / "log.txt",
            extra_env={
                "HW_BNN_COCOTB_JOB": str(work / "job.json"), "COCOTB_LOG_LEVEL": "WARNING",
                "PYTHONWARNINGS": "ignore",
            },
        )  # fmt: skip
    seconds = time.monotonic() - started
    result = _result(work, accelerator)
    if job["config"] is not None:
        check_status(result["config_status"])
    output = by_frame(np.load(work / "output.npy").reshape(-1, out.tdata_bits // 8), ends)
    done = np.array(result["frame_done"], np.uint64)
    return EngineRun(output, done, result["first_in"], result["cycles"], seconds)


def _result(work: Path, accelerator: Description) -> dict:
    """What the bench wrote, or CheckFailed with the log's reason."""
    try:
        result = json.loads((work / "result.json").read_text())
    except FileNotFoundError:
        log = (work / "log.txt").read_text(errors="replace") if (work / "log.txt").exists() else ""
        lines = [x for x in log.splitlines() if re.search(r"%Error|Error:|error", x)]
        reason = (lines or log.splitlines()[-1:] or ["no output"])[0].strip()
        reason = re.sub(r"^.*?(\S+\.sv:\d+)", r"\1", reason)
        raise CheckFailed(f"the cocotb simulation stopped: {reason}") from None
    if "failed" in result:
        raise CheckFailed(result["failed"])
    if "hang" in result:
        states = {name: (valid, ready) for name, (valid, ready) in result["hang"].items()}
        raise CheckFailed(
            hang_report(
                accelerator,
                states,
                cycles=hang_limit(accelerator, (0, 0), None),
                at=result["cycle"],
                taken=(0, 0),
                given=(result["frames"], 0),
            )  # fmt: skip
        )
    return result
