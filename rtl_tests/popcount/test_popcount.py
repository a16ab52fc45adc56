"""The LUT form of the popcount kernels in Verilator at odd sizes, against $countones."""

import re
import subprocess
from pathlib import Path

from hw_bnn.sim.verilator_env import verilator_environment
from hw_bnn.synth.block_netlist import KERNEL_FILES, RTL

HERE = Path(__file__).resolve().parent


def run_bench(folder: Path, rtl: Path, cases: int) -> str:
    """Build and run the bench; the program's output."""
    sources = [HERE / "popcount_bench.sv", HERE / "xc7_cells.sv", *(rtl / f for f in KERNEL_FILES)]
    command = [
        "verilator",
        "--binary",
        "-Wno-fatal",
        "-Wno-lint",
        "-CFLAGS",
        "-O0",
        "--top-module",
        "popcount_bench",
        "--Mdir",
        str(folder),
        "-j",
        "2",
        "+define+HW_BNN_XC7",
        f"-GCASES={cases}",
    ]
    environment = verilator_environment()
    built = subprocess.run(
        [*command, *map(str, sources)], env=environment, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    run = subprocess.run(
        [str(folder / "Vpopcount_bench")], capture_output=True, text=True, timeout=300
    )
    return run.stdout + run.stderr


def test_counts_are_those_of_countones(tmp_path):
    output = run_bench(tmp_path, RTL, 13)
    passed = re.search(r"PASSED (\d+)", output)
    assert passed and "Error" not in output, output[-3000:]
    assert int(passed.group(1)) > 11_000


def test_a_wrong_truth_table_is_caught(tmp_path):
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    for name in KERNEL_FILES:
        text = (RTL / name).read_text()
        if name == "bnn_popcount_merge.sv":
            assert "64'h6996_6996_E8E8_E8E8" in text
            text = text.replace("64'h6996_6996_E8E8_E8E8", "64'h6996_6996_E8E8_E868")
        (rtl / name).write_text(text)
    assert "Error" in run_bench(tmp_path / "build", rtl, 8)
