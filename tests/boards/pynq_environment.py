"""Environments with the real pynq, which needs numpy 1 and cannot share the product's.

Each is made once, from the package registry, and kept in HW_BNN_TEST_ENVIRONMENTS, by default
~/.cache/hw_bnn_tests.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PYTHONS = {"2.7.0": "3.8", "3.0.1": "3.10", "3.1.2": "3.11", "4.0.0": "3.11"}
"""Version of pynq -> of the Python that it is run by."""
_GRPC = ["grpcio", "protobuf"]
BESIDE = {"4.0.0": ["ipykernel"], "3.0.1": _GRPC, "2.7.0": _GRPC}
"""What else is in an environment: for the notebook; for the server, where pynq brings no gRPC."""
SECONDS = 240  # to make one in


def python_with_pynq(version):
    """Python beside this pynq; skips the test where none can be made."""
    more = BESIDE.get(version, [])
    kept = os.environ.get("HW_BNN_TEST_ENVIRONMENTS") or Path.home() / ".cache" / "hw_bnn_tests"
    wanted = [f"pynq=={version}", "pycparser<3", *more]
    name = "-".join([f"pynq-{version}", f"py{PYTHONS[version]}", *more])
    place = Path(kept) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{place}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            _make(place, PYTHONS[version], wanted)
            (place / "complete").touch()
    return place / "bin" / "python"


def _make(place, python, wanted):
    found = _interpreter(python)
    if found is None:
        pytest.skip(f"no Python {python} is installed")
    installer = Path(sys.executable).with_name("uv")
    folder = {
        "UV_FIND_LINKS": os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")
    }
    for command in (
        [installer, "venv", "--quiet", "--no-project", "--python", found, place],
        [installer, "pip", "install", "--quiet", "--python", place / "bin" / "python", *wanted],
    ):
        try:
            subprocess.run(
                command, env={**os.environ, **folder}, check=True, capture_output=True, text=True,
                timeout=SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            pytest.skip(f"{wanted[0]} was not installed within {SECONDS} s")
        except FileNotFoundError:
            pytest.skip("uv is not installed beside Python: run make setup")
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or ["no message"])[-1]
            pytest.skip(f"{wanted[0]} cannot be installed: {last}")


def _interpreter(version):
    """A Python of this version: ours, of the PATH, or of pyenv; None where there is none."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for found in (shutil.which(f"python{version}"), *pyenv):
        if found and not subprocess.run([found, "--version"], capture_output=True).returncode:
            return found
    return None
