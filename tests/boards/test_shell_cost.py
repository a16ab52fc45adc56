"""The shell's RTL in Verilator's lint and in Yosys: clean, and as large as docs/boards.md tells."""

import subprocess
from dataclasses import asdict

import pytest

from hw_bnn.boards.shell import PORTS, TOP, Shell
from hw_bnn.compile.boards import SHELL
from hw_bnn.rtl import rtl_sources
from hw_bnn.sim.verilator_env import verilator_environment
from rtl_tests.shell.echo import echo_core

SHAPES = [("zynq7000", 3, 5), ("zynq7000", 20, 33), ("zynqmp", 1, 16), ("zynqmp", 40, 2)]


@pytest.mark.parametrize("family, in_bytes, out_bytes", SHAPES)
def test_lint(family, in_bytes, out_bytes, tmp_path):
    shell = Shell("echo", PORTS[family], in_bytes, out_bytes, core="echo")
    (tmp_path / "echo.sv").write_text(
        echo_core(in_bytes, out_bytes).replace(
            "input logic s_axis_tlast,",
            "/* verilator lint_off UNUSEDSIGNAL */ input logic s_axis_tlast, "
            "/* verilator lint_on UNUSEDSIGNAL */"))  # fmt: skip
    (tmp_path / f"{TOP}.v").write_text(shell.wrapper())
    files = [
        *shell.sources(),
        *rtl_sources("width_converter"),
        tmp_path / "echo.sv",
        tmp_path / f"{TOP}.v",
    ]
    files = list(dict.fromkeys(map(str, files)))
    command = ["verilator", "--lint-only", "-Wall", "--quiet", "--top-module", TOP, *files]
    run = subprocess.run(
        command, env=verilator_environment(), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0 and not run.stderr.strip(), run.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "family, flow", [("zynq7000", "xc7"), pytest.param("zynqmp", "xcup", marks=pytest.mark.full)]
)
def test_cost(family, flow, tmp_path):
    pytest.importorskip("pyosys", reason="needs Yosys: pip install 'hw-bnn[synth]'")
    from hw_bnn.boards.shell import cost

    found = cost(Shell("cost", PORTS[family], 5, 2, "cost"), flow, tmp_path)
    told = SHELL[family]  # what --board leaves room for
    assert {key: found[key] for key in ("lut", "ff", "bram", "dsp")} | {"uram": 0} == asdict(told)
