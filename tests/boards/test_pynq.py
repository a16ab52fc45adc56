"""The real pynq, unmodified, on the simulated board: over PYNQ.remote from 3.1 on."""

import ast
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from hw_bnn.boards import registers
from hw_bnn.boards.deploy import deploy
from hw_bnn.boards.remote import protocol
from hw_bnn.boards.remote.server import served
from hw_bnn.boards.shell import PORTS
from hw_bnn.compile.boards import BOARDS
from tests.boards.pynq_environment import python_with_pynq

HERE = Path(__file__).parent
HOST = "127.0.7.67"  # not the one that a user's own server listens at

pytestmark = pytest.mark.slow


def deployed(folder, board, place):
    """The zip's folder, for the simulated board."""
    told = deploy(folder, board, place / "x.zip", simulated=True)
    assert told["overlay"] is False
    with zipfile.ZipFile(place / "x.zip") as archive:
        archive.extractall(place)
    return place / "mlp"


def run(python, program, *arguments):
    """What the program printed last, as JSON."""
    ended = subprocess.run(
        [python, HERE / program, *arguments], env={**os.environ, "PYNQ_REMOTE_DEVICES": HOST},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def through(python, program, digits, board, place, *more):
    """The whole digits set through pynq on a served board; what the program told."""
    folder = deployed(digits.folder, board, place)
    np.save(place / "x.npy", digits.x)
    with served(digits.folder, board, host=HOST):
        told = run(python, program, folder, place / "x.npy", place / "y.npz", *more)
    with np.load(place / "y.npz") as found:
        np.testing.assert_array_equal(found["scores"], digits.scores)
        np.testing.assert_array_equal(found["labels"], digits.labels)
    assert told["selftest"]["frames"] == 64 and told["real"] == 0
    assert abs(told["clock_mhz"] - 100) < 0.01 and abs(told["selftest"]["clock_mhz"] - 100) < 2
    assert told["throughput"]["cycles[frame]"] < 2 * digits.accelerator.bound_cycles
    return told


@pytest.mark.parametrize("version, board", [
    ("3.1.2", "pynq-z2"),
    ("4.0.0", "kv260"),
    pytest.param("3.1.2", "kv260", marks=pytest.mark.full),
    pytest.param("4.0.0", "pynq-z2", marks=pytest.mark.full),
])  # fmt: skip
def test_the_digits_through_pynq_remote(digits, version, board, tmp_path):
    """Overlay, clocks, buffers, golden vectors and 1,797 frames: equal to the golden model."""
    told = through(python_with_pynq(version), "pynq_program.py", digits, board, tmp_path)
    assert told["pynq"] == version
    registers_are_those_of_the_rtl(told, PORTS[BOARDS[board].processor])


@pytest.mark.full
@pytest.mark.parametrize("board, machine", [("pynq-z2", "armv7l"), ("kv260", "aarch64")])
@pytest.mark.parametrize("version", ["2.7.0", "3.0.1"])
def test_the_digits_through_an_older_pynq(digits, version, board, machine, tmp_path):
    """Before PYNQ.remote: through a device of the tests' below pynq, see pynq_before_remote.py."""
    told = through(
        python_with_pynq(version), "pynq_before_remote.py", digits, board, tmp_path,
        Path(protocol.__file__), machine,
    )  # fmt: skip
    assert told["pynq"] == version
    registers_are_those_of_the_rtl(told, PORTS[BOARDS[board].processor])


def registers_are_those_of_the_rtl(told, port):
    """What pynq's parser read of the .hwh = regs.yaml = the constants of bnn_shell_regs.sv."""
    shell = registers.load()
    assert told["address"] == port.control
    assert told["registers"] == {
        r.name: {
            "offset": r.offset,
            "size": 32,
            "access": registers.IP_XACT_ACCESS[r.access],
            "fields": {
                f.name: [f.low, f.high - f.low + 1, registers.IP_XACT_ACCESS[f.access]]
                for f in r.fields.values()
            },
        }
        for r in shell
    }
    rtl = registers.PACKAGE.read_text()
    offsets = dict(re.findall(r"bit \[11:0\] R_(\w+) = 12'h(\w+);", rtl))
    assert {n: int(v, 16) for n, v in offsets.items()} == {
        n: r["offset"] for n, r in told["registers"].items()
    }
    bits = {
        f"{name}_{field}": at
        for name, one in told["registers"].items()
        for field, (at, width, _) in one["fields"].items()
        if width == 1
    }
    assert {
        n: int(v) for n, v in re.findall(r"int ([A-Z]+_\w+) = (\d+);", rtl)
    }.items() >= bits.items()
    assert told["map"] == {
        "ID": shell.magic, "MAJOR": shell.major, "ADDRESS_BITS": port.addr_bits
    }  # fmt: skip


def test_the_notebook_of_the_zip(digits, tmp_path, monkeypatch):
    """Executed as it is, cell by cell, on the simulated board."""
    python = python_with_pynq("4.0.0")
    folder = deployed(digits.folder, "kv260", tmp_path)
    kernel = tmp_path / "kernels" / "pynq"
    kernel.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "pynq", "env": {"PYNQ_REMOTE_DEVICES": HOST}}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    notebook = nbformat.read(folder / "mlp.ipynb", as_version=4)
    place = {"metadata": {"path": str(folder)}}
    with served(digits.folder, "kv260", host=HOST):
        NotebookClient(notebook, timeout=120, kernel_name="pynq", resources=place).execute()

    def shown(cell):
        return next(o for o in cell.outputs if o.output_type == "execute_result")["data"][
            "text/plain"
        ]

    selftest, throughput, labels = map(shown, notebook.cells[1:])
    assert ast.literal_eval(selftest)["frames"] == 64
    assert ast.literal_eval(throughput)["N"] == 1024
    with np.load(folder / "golden.npz") as golden:
        np.testing.assert_array_equal(np.array(ast.literal_eval(labels[6:-1])), golden["labels"])
