"""`hw-bnn doctor` tells what is there, and answers at once."""

import json
import os
import subprocess
import sys

import pytest

from hw_bnn import doctor as module
from hw_bnn.doctor import doctor

HEAVY = ("torch", "brevitas", "finn", "qonnx", "onnx", "numpy", "sklearn", "pyosys", "cocotb")


def items(report):
    return {item["name"]: item for item in report["items"]}


def program(folder, name, text, code=0):
    """An executable that prints `text`."""
    (folder / name).write_text(f"#!/bin/sh\necho '{text}'\nexit {code}\n")
    (folder / name).chmod(0o755)


def test_finds_packages_with_their_versions():
    found = items(doctor())
    assert found["numpy"]["state"] == "ok"
    import numpy

    assert found["numpy"]["found"] == numpy.__version__
    assert found["numpy"]["wanted"].startswith(">=")


@pytest.mark.parametrize(
    ("torch", "brevitas", "works"),
    [
        ("2.13.0+cpu", "0.13.0", False), ("2.14.1", "0.13.3", False), ("2.13.0", "0.13.4", True),
        ("2.12.1", "0.13.0", True),
    ],
)  # fmt: skip
def test_says_when_torch_and_brevitas_do_not_work_together(
    torch, brevitas, works, monkeypatch, capsys
):
    real = module.importlib.metadata.version
    given = {"torch": torch, "brevitas": brevitas}
    monkeypatch.setattr(
        module.importlib.metadata, "version", lambda name: given.get(name) or real(name)
    )
    report = doctor()
    assert items(report)["brevitas"]["state"] == ("ok" if works else "does not work")
    assert report["ready"]["train"] is works
    module.show(report)
    printed = capsys.readouterr().out
    assert ("pip install --no-deps brevitas==0.13.4" in printed) is not works


def test_finds_tools_on_the_path_alone(tmp_path, monkeypatch):
    program(tmp_path, "g++", "g++ (Debian 12.2.0-14+deb12u1) 12.2.0")
    program(tmp_path, "iverilog", "broken", code=127)
    inside = tmp_path / "Vivado" / "2023.2" / "bin"
    inside.mkdir(parents=True)
    program(inside, "vivado", "must not be run", code=1)
    program(tmp_path, "nvidia-smi", "NVIDIA H200, 570.1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{inside}:/bin")
    report = doctor()
    found = items(report)
    assert (found["g++"]["state"], found["g++"]["found"]) == ("ok", "12.2.0")
    assert found["vivado"]["found"] == "2023.2"
    assert found["nvidia-smi"]["found"] == "NVIDIA H200, 570.1"
    assert found["iverilog"]["state"] == "missing"  # it is there but does not run
    assert found["vitis_hls"]["state"] == "missing"
    assert "settings64.sh" in found["vitis_hls"]["get"]
    assert report["ready"]["bitstream with Vivado"] is True


def test_without_a_compiler_nothing_is_simulated(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    report = doctor()
    assert report["ready"]["simulate"] is False
    assert report["ready"]["compile"] is False
    module.show(report)
    printed = capsys.readouterr().out
    assert "g++: apt-get install g++" in printed
    assert "simulate: no" in printed


def test_a_version_outside_the_range_is_told(monkeypatch):
    real = module.importlib.metadata.version
    monkeypatch.setattr(
        module.importlib.metadata, "version", lambda n: "0.1" if n == "numpy" else real(n)
    )
    assert items(doctor())["numpy"]["state"] == "other version"


def test_a_missing_package_is_told(monkeypatch):
    real = module.importlib.metadata.version

    def version(name):
        if name == "finn-plus":
            raise module.importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(module.importlib.metadata, "version", version)
    report = doctor()
    assert items(report)["finn-plus"]["get"] == "pip install 'hw-bnn[compile]'"
    assert report["ready"]["compile"] is False


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"], ["doctor", "--json"], ["--version"]])
def test_help_and_doctor_import_nothing_heavy(arguments):
    code = (
        "import sys\nfrom hw_bnn import cli\n"
        f"code = cli.run({arguments!r})\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "print('heavy:', heavy, file=sys.stderr)\nsys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stderr
    if "--json" in arguments:
        assert json.loads(done.stdout)["ready"].keys() == module.NEEDS.keys()


def test_every_needed_item_is_listed():
    names = {package.name for package in module.PACKAGES} | {t.names[0] for t in module.TOOLS}
    assert set().union(*module.NEEDS.values()) <= names


@pytest.mark.parametrize("version, way", [
    ((3, 11, 9), "pip install 'hw-bnn[compile]'"), ((3, 12, 0), "use Python 3.11"),
    ((3, 13, 1), "use Python 3.11"),
])  # fmt: skip
def test_says_which_python_finn_needs(version, way, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    report = doctor()
    assert report["python"]["state"] == "ok"
    assert items(report)["finn-plus"]["get"].startswith(way)


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 14, 0)])
def test_says_that_a_python_is_not_supported(version, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    assert doctor()["python"]["state"] == "other version"
