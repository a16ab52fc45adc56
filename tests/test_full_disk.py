"""Every command on a full disk: exit code 2, one sentence, and nothing half-written."""

import json
import os
import subprocess
import sys

import onnx
import pytest

from hw_bnn.compile import compile_model
from tests.networks.small_onnx import perceptron

OWN = ["unshare", "--map-root-user", "--mount"]
# The disk has room for what is there and some KiB; then each command has to refuse.
SCRIPT = """
set -e
mount -t tmpfs -o size=64m tmpfs "$DISK"
cp -r "$NET" "$DISK/net"
cp "$MODEL" "$DISK/model.onnx"
used=$(du -sk "$DISK" | cut -f1)
mount -o remount,size=$((used + 4))k "$DISK"
"$PYTHON" -c "$CODE"
"""
CODE = """
import contextlib, io, json, os
from hw_bnn import cli
os.chdir(os.environ["DISK"])
def tree():
    return sorted(os.path.join(a, n) for a, d, f in os.walk(".") for n in f)
commands = json.loads(os.environ["COMMANDS"])
for command in commands:
    before, errors = tree(), io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        code = cli.run(command)
    lines = errors.getvalue().splitlines() or [""]
    print(json.dumps([command, code, lines[-1], [n for n in tree() if n not in before]]))
"""
COMMANDS = [
    ["report", "net"],
    ["compile", "model.onnx", "--out", "again"],
    ["simulate", "net", "--frames", "3000", "--save", "scores.npz"],
    ["simulate", "net", "--frames", "3000", "--resume"],
    ["verify", "net", "--frames", "300", "--out", "verified"],
    ["synth", "net", "--family", "ecp5"],
]


@pytest.mark.slow
def test_every_command_on_a_full_disk(tmp_path):
    (tmp_path / "disk").mkdir()
    try:
        mount = [*OWN, "mount", "-t", "tmpfs", "tmpfs", tmp_path / "disk"]
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here (needs unshare and user name spaces)")
    onnx.save(perceptron((784, 16, 4)), tmp_path / "model.onnx")
    net = compile_model(tmp_path / "model.onnx", tmp_path / "net", check=False, fifo_sizing="none")
    environment = os.environ | {
        "DISK": str(tmp_path / "disk"), "NET": str(net), "MODEL": str(tmp_path / "model.onnx"),
        "PYTHON": sys.executable, "CODE": CODE, "COMMANDS": json.dumps(COMMANDS),
    }  # fmt: skip
    done = subprocess.run(
        [*OWN, "sh", "-c", SCRIPT], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [command for command, *_ in results] == COMMANDS
    for command, code, sentence, new in results:
        assert code == 2 and "the disk is full" in sentence, (command, code, sentence)
        # synth leaves its log, what it told until then; verify its result, which is whole
        kept = {"ecp5.log", "ecp5.ys", "verification.json"}
        assert {os.path.basename(n) for n in new} <= kept, (command, new)
