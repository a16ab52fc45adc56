"""`hw-bnn info`: what a file or folder is."""

import hashlib
import json
import shutil

import onnx
import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.errors import BadInput
from hw_bnn.files.output import output_folder

from .networks.small_onnx import perceptron
from .small_accelerator import make_folder


def test_a_model(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(perceptron((16, 8, 4)), path)
    told = hb.info(path)
    assert told["kind"] == "model"
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert told["inputs"] == [{"name": "x", "shape": [1, 16], "type": "FLOAT"}]
    assert [port["shape"] for port in told["outputs"]] == [[1, 4]]
    assert told["operators"]["MatMul"] == 2
    assert told["stored_numbers"] == 16 * 8 + 8 * 4 + 4 * 8 + 3


@pytest.mark.parametrize(("told", "verified"), [
    (None, None), ({}, None), ({"mismatches": {"rtl": 0}}, True),
    ({"mismatches": {"rtl": 1}}, False),
])  # fmt: skip
def test_verified_is_what_agreed(tmp_path, told, verified):
    folder = make_folder(tmp_path / "net")
    (folder / "reports").mkdir()
    if told is not None:
        (folder / "reports" / "verification.json").write_text(json.dumps(told))
    assert hb.info(folder)["verified"] is verified


def test_an_accelerator_says_who_made_it(tmp_path):
    folder = make_folder(tmp_path / "net")
    told = hb.info(folder)
    assert (told["kind"], told["made"]) == ("accelerator", "by you, on this machine")
    assert told["input"]["shape"] == [64] and told["bound_cycles"] == 32
    strange = tmp_path / "strange"
    shutil.copytree(folder, strange)
    document = json.loads((strange / "accelerator.json").read_text())
    (strange / "accelerator.json").write_text(json.dumps({**document, "name": "other"}))
    assert hb.info(strange)["made"].startswith("not by you")


def test_a_changed_accelerator_is_refused(tmp_path, capsys):
    folder = make_folder(tmp_path / "net")
    (folder / "rtl" / "w.hex").write_text("0000\n")
    assert cli.run(["info", str(folder)]) == 2
    assert "w.hex is not the file that was compiled" in capsys.readouterr().err


def test_a_run(tmp_path):
    (tmp_path / "recipe.yaml").write_text("name: mine\nseed: 3\ntraining: {method: {name: ste}}\n")
    assert hb.info(tmp_path)["finished"] is False
    (tmp_path / "selected.pt").write_bytes(b"weights")
    (tmp_path / "result.json").write_text('{"epochs": 2, "test_accuracy": 0.5}')
    told = hb.info(tmp_path)
    assert (told["kind"], told["recipe"], told["seed"], told["method"]) == ("run", "mine", 3, "ste")
    assert (told["finished"], told["test_accuracy"]) == (True, 0.5)
    assert told["sha256"] == hashlib.sha256(b"weights").hexdigest()


def test_what_verify_wrote_of_an_accelerator_folder(tmp_path):
    """Which stays where it is."""
    with output_folder(tmp_path / "seen") as folder:
        (folder / "summary.json").write_text('{"passed": true, "mismatches": {"rtl": 0}}')
    told = hb.info(tmp_path / "seen")
    assert (told["kind"], told["passed"], told["accelerator"]) == ("verification", True, {})


def test_what_verify_wrote(tmp_path):
    make_folder(tmp_path / "accelerator")
    (tmp_path / "summary.json").write_text('{"passed": true, "mismatches": {"rtl": 0}}')
    told = hb.info(tmp_path)
    assert (told["kind"], told["passed"]) == ("verification", True)
    assert told["accelerator"]["name"] == "net"


def field(letter: bytes, text: str) -> bytes:
    raw = text.encode() + b"\0"
    return letter + len(raw).to_bytes(2, "big") + raw


AMD = (
    bytes.fromhex("00090ff00ff00ff00ff0000001")
    + field(b"a", "shell;UserID=0XFFFFFFFF;Version=2022.1")
    + field(b"b", "7z020clg400")
    + field(b"c", "2024/05/06")
    + field(b"d", "10:11:12")
    + b"e\0\0\0\x04\xff\xff\xff\xff"
)
LATTICE = (
    b"\xff\x00Part: LFE5U-85F-6CABGA381\0Lattice Semiconductor; by Project Trellis\0\xff" + b"\xff"
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (AMD, {"family": "AMD", "design": "shell", "part": "7z020clg400",
               "date": "2024/05/06 10:11:12", "made": "Vivado 2022.1"}),
        (AMD[:20], {"family": "AMD", "design": None, "made": "Vivado or ISE"}),
        (LATTICE, {"family": "Lattice", "part": "LFE5U-85F-6CABGA381", "made": "Project Trellis"}),
        (b"\xff\x00", {"family": "Lattice", "part": None}),
    ],
)  # fmt: skip
def test_a_bitstream(tmp_path, content, told):
    path = tmp_path / "design.bit"
    path.write_bytes(content)
    found = hb.info(path)
    assert found["kind"] == "bitstream"
    assert {key: found[key] for key in told} == told


@pytest.mark.parametrize("name", ["nothing", "empty/", "other.bit", "text.md"])
def test_what_is_unknown_is_told_in_a_sentence(tmp_path, name):
    path = tmp_path / name
    if name.endswith("/"):
        path.mkdir()
    elif name != "nothing":
        path.write_bytes(b"text")
    with pytest.raises(BadInput, match="a QONNX file, an accelerator, a training run"):
        hb.info(path)


def test_it_prints_a_table(tmp_path, capsys):
    assert cli.run(["info", str(make_folder(tmp_path / "net"))]) == 0
    told = capsys.readouterr().out
    assert "net: an accelerator" in told and "shape 64" in told
