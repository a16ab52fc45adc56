"""The shell against cocotbext-axi, somebody else's opinion of AXI;
the mass of runs is in tests/boards.

Both ports; words that fill a part of a beat, and words of several beats.
"""

import json
import shutil

import pytest

from hw_bnn.boards.shell import PORTS, TOP, Shell
from hw_bnn.rtl import rtl_sources
from hw_bnn.sim.cache import content_key, entry
from hw_bnn.sim.cocotb_engine import RUNTIME
from hw_bnn.sim.compiler import compiled, run_tool
from hw_bnn.sim.verilator_env import find_compiler, verilator_environment
from rtl_tests.bench import _environment, _failures, _tail, require
from rtl_tests.shell.echo import echo_core, frame_bytes

SCENARIOS = ("stalls_counts_and_offsets", "reset_in_mid_run")
FLAGS = (
    "--cc", "--vpi", "--no-timing", "--timescale", "1ns/1ps", "-O3",
    "--x-assign", "unique", "--x-initial", "unique", "-Wno-fatal", "-Wno-lint", "-Wno-style",
    "-DHW_BNN_CHECK", "--prefix", "Vtop", "-Mdir", "obj", "--top-module", TOP,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("family, in_bytes, out_bytes", [("zynq7000", 2, 3), ("zynqmp", 3, 24)])
def test_shell(family, in_bytes, out_bytes, tmp_path):
    require("verilator")
    from cocotb_tools.runner import get_runner

    shell = Shell(
        "echo", PORTS[family], in_bytes, out_bytes, model=0x0123_4567_89AB_CDEF, core="echo"
    )
    frame = frame_bytes(in_bytes, out_bytes)
    job = {
        "name": "echo", "model": f"{shell.model:016x}", "bus_bytes": shell.beat_bytes,
        "address_bits": shell.port.addr_bits,
        "in_stride": shell.in_stride, "out_stride": shell.out_stride,
        "in_bytes": in_bytes, "out_bytes": out_bytes,
        "clock_mhz": 100.0, "bound_cycles": frame // in_bytes,
        "input": {"words": frame // in_bytes}, "output": {"words": frame // out_bytes},
    }  # fmt: skip
    (tmp_path / "shell.json").write_text(json.dumps(job))
    texts = {
        p.name: p.read_text()
        for p in (*shell.sources(checks=True), *rtl_sources("width_converter"))
    }
    texts |= {"echo.sv": echo_core(in_bytes, out_bytes), f"{TOP}.v": shell.wrapper()}
    log = tmp_path / "run.log"
    key = content_key(texts, FLAGS, RUNTIME.key())
    with entry("cocotb", key, lambda folder: _build(folder, texts)) as folder:
        (tmp_path / TOP).symlink_to(folder / "simulation")
        with _environment("verilator"):
            try:
                results = get_runner("verilator").test(
                    test_module="rtl_tests.shell.scenarios",
                    hdl_toplevel=TOP, hdl_toplevel_lang="verilog",
                    build_dir=tmp_path, test_dir=tmp_path, log_file=log,
                    results_xml=tmp_path / "results.xml",
                    plusargs=["+verilator+rand+reset+2", "+verilator+seed+7"],
                )  # fmt: skip
            except (SystemExit, RuntimeError) as error:
                raise AssertionError(f"{error}\n{_tail(log)}") from error
    failed = _failures(results, SCENARIOS)
    assert not failed, f"{failed}\n{_tail(log)}"


def _build(folder, texts):
    """Fill a cache entry with the executable `simulation`, as hw_bnn.sim.cocotb_engine does."""
    import cocotb_tools.config

    env, work = verilator_environment(), folder / "work"
    (work / "src").mkdir(parents=True)
    for name, text in texts.items():
        (work / "src" / name).write_text(text)
    (work / "visible.vlt").write_text(
        f'`verilator_config\npublic_flat_rw -module "{TOP}" -var "*"\n'
    )
    run_tool(
        ["verilator", *FLAGS, "visible.vlt", *(f"src/{name}" for name in texts)],
        work,
        env,
        "Verilator",
    )
    libraries = cocotb_tools.config.libs_dir
    link = [f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator", "-pthread"]
    bridge = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    shutil.copyfile(bridge, work / bridge.name)
    with compiled(work, work / bridge.name, RUNTIME, env, []) as objects:
        run_tool([find_compiler(), *objects, *link, "-o", "../simulation"], work, env, "the linker")
    shutil.rmtree(work)
