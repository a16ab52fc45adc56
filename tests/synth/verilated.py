"""Build a self-contained test bench with Verilator, run it, and give back what it printed."""

import subprocess
from pathlib import Path

from hw_bnn.sim.verilator_env import verilator_environment


def run_bench(sources, top: str, build: Path, cwd: Path, timeout_s: float = 300) -> str:
    """Standard output of bench module `top`, run in `cwd`; `build`: folder for the program."""
    command = ["verilator", "--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
    command += ["-CFLAGS", "-O0", "--top-module", top, "--Mdir", str(build), *map(str, sources)]
    built = subprocess.run(
        command, env=verilator_environment(), capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    run = subprocess.run(
        [str(build / f"V{top}")],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
