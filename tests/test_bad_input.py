"""Bad input: one clear sentence, exit code 2 (3 for a missing tool), and nothing left behind."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.errors import BadInput
from tests.networks.small_onnx import float_network, perceptron, with_external_data, with_op


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(folder):
    return sorted(os.listdir(folder))


def refused(capsys, arguments, sentence, code=2):
    """Run a command that has to fail with one sentence on stderr and nothing on stdout."""
    found = cli.run([str(a) for a in arguments])
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert found == code, captured.err
    assert len(errors) == 1 and "Traceback" not in captured.err
    assert re.search(sentence, errors[0]), errors[0]
    assert captured.out == ""


MODELS = {
    "truncated": (lambda: perceptron().SerializeToString()[:-400],
                  "net.onnx is no complete ONNX file|net.onnx: "),
    "empty": (lambda: b"", "net.onnx is empty"),
    "not ONNX": (lambda: b"solver: xgboost\n" * 9, "net.onnx"),
    "external data": (lambda: with_external_data("../secret.bin").SerializeToString(),
                      "tensor w0: its external data '../secret.bin' leaves the model's folder; "
                      "keep"),
    "absolute data": (lambda: with_external_data("/etc/passwd").SerializeToString(),
                      "tensor w0: its external data '/etc/passwd' leaves the model's folder"),
    "float": (lambda: float_network().SerializeToString(), "quantis"),
    "op": (lambda: with_op("Sin").SerializeToString(), "Sin_9: .*Sin.* not supported.*; "),
    "op in the middle": (lambda: with_op("Gelu").SerializeToString(), "Gelu_9: .*; "),
}  # fmt: skip


@pytest.mark.parametrize("command", ["compile", "verify"])
@pytest.mark.parametrize("kind", MODELS)
def test_models_that_cannot_be_used(place, capsys, command, kind):
    make, sentence = MODELS[kind]
    (place / "net.onnx").write_bytes(make())
    (place.parent / "secret.bin").write_bytes(bytes(4 * 16 * 8))
    refused(capsys, [command, "net.onnx", "--out", "result"], sentence)
    assert left(place) == ["net.onnx"]


@pytest.mark.parametrize("command", ["compile", "verify"])
def test_no_such_model(place, capsys, command):
    refused(capsys, [command, "nothing.onnx", "--out", "result"], "nothing.onnx does not exist")
    assert left(place) == []


FOLDINGS = {
    "does not divide": ('{"layer0": {"PE": 3, "SIMD": 1}}', "layer0.*PE.*3.*8"),
    "unknown layer": ('{"layer9": {"PE": 1, "SIMD": 1}}', "layer9"),
    "no JSON": ("PE: 3", "folding.json"),
}


@pytest.mark.parametrize("kind", FOLDINGS)
def test_folding(place, capsys, kind):
    text, sentence = FOLDINGS[kind]
    (place / "net.onnx").write_bytes(perceptron().SerializeToString())
    (place / "folding.json").write_text(text)
    refused(
        capsys, ["compile", "net.onnx", "--out", "result", "--folding", "folding.json"], sentence
    )
    assert left(place) == ["folding.json", "net.onnx"]


OPTIONS = {
    "board": (["--board", "pynq-z9"], "there is no board 'pynq-z9'; use one of .*pynq-z1"),
    "two targets": (["--target-fps", "10", "--target-cycles", "10"], "give one of the two"),
    "target": (["--target-cycles", "0"], "0 cycles"),
    "scale alone": (["--input-scale", "1/255"], "--input-datatype"),
    "scale": (["--input-type", "UINT8", "--input-scale", "much"], "input scale"),
    "type": (["--input-type", "UINT99"], "UINT99"),
    "no layer": (["--hardwired", ""], "--hardwired names no layer; give all, auto"),
    "mode": (["--output-mode", "all"], "all.*scores.*label.*both"),
    "number": (["--target-cycles", "many"], "Invalid value for '--target-cycles'.*--help"),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_options_of_compile(place, capsys, kind):
    options, sentence = OPTIONS[kind]
    (place / "net.onnx").write_bytes(perceptron().SerializeToString())
    refused(capsys, ["compile", "net.onnx", "--out", "result", *options], sentence)
    assert left(place) == ["net.onnx"]


FRAMES = {
    "no file": (["--inputs", "x.npy"], None, "x.npy does not exist"),
    "not npy": (["--inputs", "x.npy"], b"1,2,3", "no readable .npy file .it begins like none"),
    "pickle": (["--inputs", "x.npy"], np.array([{}]), "no readable .npy"),
    "shape": (["--inputs", "x.npy"], np.zeros((3, 15), int), "shape .3, 15.*16"),
    "range": (["--inputs", "x.npy"], np.full((3, 16), 16), "holds 16 at .0, 0.*0 to 15"),
    "text": (["--inputs", "x.npy"], np.full((3, 16), "a"), "neither integers nor real"),
    "not finite": (["--inputs", "x.npy"], np.full((3, 16), np.nan), "holds nan"),
    "no float32": (["--inputs", "x.npy"], np.full((3, 16), 1e39), r"holds 1e\+39 at .0, 0., which"),
    "a folder": (["--inputs", "."], None, "error: . is a folder; name a file"),
    "none": (["--inputs", "x.npy"], np.zeros((0, 16), int), "no frames"),
    "two": (["--inputs", "x.npy", "--dataset", "digits"], np.zeros((1, 16), int), "one of them"),
    "data set": (["--dataset", "imagenet"], None, "no data set is called 'imagenet'"),
    "other data": (["--dataset", "digits"], None, "shape .*64.*16"),
    "split": (["--dataset", "digits", "--split", "valid"], None, "no split 'valid'"),
    "split alone": (["--split", "all"], None, "--split is of a data set, and none is given"),
    "scale alone": (["--inputs", "x.npy", "--scale", "unit"], np.zeros((1, 16), int), "--scale is"),
    "limit": (["--limit", "0"], None, "--limit is 0"),
    "slow": (["--slow-frames", "-1"], None, "--slow-frames is -1"),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames(place, capsys, kind):
    options, content, sentence = FRAMES[kind]
    (place / "net.onnx").write_bytes(perceptron().SerializeToString())
    if isinstance(content, bytes):
        (place / "x.npy").write_bytes(content)
    elif content is not None:
        np.save(place / "x.npy", content)
    before = left(place)
    refused(capsys, ["verify", "net.onnx", "--out", "result", *options], sentence)
    assert left(place) == before


@pytest.mark.parametrize("line", [
    "info pipe", "estimate pipe", "compile pipe", "verify pipe", "verify net.onnx --run pipe",
    "verify net.onnx --inputs pipe", "verify net.onnx --baseline pipe", "export pipe -o x.onnx",
    "compile net.onnx --folding pipe", "train pipe", "sweep pipe", "recipes show pipe",
    "init new --recipe pipe", "info run", "export run -o x.onnx",
])  # fmt: skip
def test_a_pipe_is_not_waited_for(place, capsys, line):
    """Nor a device read that does not end."""
    (place / "net.onnx").write_bytes(perceptron().SerializeToString())
    (place / "run").mkdir()
    for name in ("pipe", "run/recipe.yaml", "run/selected.pt"):
        os.mkfifo(place / name)
    what = "a pipe or device|no file|no ordinary file|no recipe file|no trained network"
    refused(capsys, line.split(), what)
    if "run" not in line:
        refused(capsys, line.replace("pipe", "/dev/zero").split(), what)


def test_output_folder(place, capsys):
    (place / "net.onnx").write_bytes(perceptron().SerializeToString())
    (place / "thesis").mkdir()
    (place / "thesis" / "text.tex").write_text("dear")
    for command in ("compile", "verify"):
        for out, sentence in (
            ("net.onnx", "is a file"),
            ("net.onnx/below", "a part of the path is a file"),
            ("thesis", "holds other files"),
            (".", "is the current folder"),
            ("x" * 300, "is too long for a file"),
        ):
            refused(capsys, [command, "net.onnx", "--force", "--out", out], sentence)
    assert left(place) == ["net.onnx", "thesis"]
    assert left(place / "thesis") == ["text.tex"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A model, an accelerator of it, and a trained network's folder."""
    folder = tmp_path_factory.mktemp("ready")
    (folder / "net.onnx").write_bytes(perceptron().SerializeToString())
    hb.compile(folder / "net.onnx", folder / "acc", check=False, fifo_sizing="none")
    hb.zoo.get("DIGITS_MLP", folder / "zoo")
    np.save(folder / "x.npy", np.zeros((2, 16), int))
    (folder / "old.json").write_text("{}")
    return folder


@pytest.mark.parametrize("line", [
    "report acc --output acc/accelerator.json", "report acc --output acc/model.onnx",
    "simulate acc --save acc/model.onnx", "simulate acc --inputs x.npy --save x.npy",
    "verify net.onnx --junit net.onnx", "verify acc --junit acc/model.onnx",
    "verify net.onnx --inputs x.npy --junit x.npy", "compile net.onnx --folding old.json --out .",
    "export zoo/DIGITS_MLP.onnx -o zoo/DIGITS_MLP.onnx", "export zoo -o zoo/card.json",
    "deploy acc --board pynq-z2 --simulated --out acc/model.onnx",
    "compile zoo/DIGITS_MLP.onnx --out zoo --force", "compile acc/model.onnx --out acc --force",
    "verify net.onnx --inputs zoo/x.npy --out zoo --force",
    "verify net.onnx --weights acc --out acc --force", "demo --out zoo", "demo --out acc",
    "verify net.onnx --out new --junit new/results.xml",
])  # fmt: skip
def test_nothing_that_is_read_is_replaced(ready, tmp_path, monkeypatch, capsys, line):
    place = shutil.copytree(ready, tmp_path / "copy")
    monkeypatch.chdir(place)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    refused(
        capsys, line.split(),
        "is read|which is read|current folder|exists already|written as a whole|no trained|for an",
    )  # fmt: skip
    assert before == {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("line", [
    "verify net.onnx --junit net.onnx/x.xml", "simulate acc --save net.onnx/x.npz",
    "verify net.onnx --junit .", "simulate acc --save .", "report acc --output /proc/x.html",
])  # fmt: skip
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    ready, tmp_path, monkeypatch, capsys, line
):
    monkeypatch.chdir(shutil.copytree(ready, tmp_path / "copy"))
    for work in ("hw_bnn.sim.stream_frames", "hw_bnn.compile.compile_model"):
        monkeypatch.setattr(work, lambda *_, **__: pytest.fail("work had begun"))
    refused(capsys, line.split(), "cannot be written|is a folder")


@pytest.mark.parametrize("line", [
    "compile net.onnx --out \udcff", "compile \udcff.onnx --out out", "init \udcff",
    "verify net.onnx --out \udcff", "verify \udcff.onnx", "synth \udcff",
    "simulate acc --frames 2 --waves \udcff.fst", "bitstream \udcff --board ulx3s",
])  # fmt: skip
def test_names_that_are_no_text(ready, tmp_path, monkeypatch, capsys, line):
    """Of bytes that are no UTF-8; in the locale C also of letters that are none of ASCII."""
    monkeypatch.chdir(shutil.copytree(ready, tmp_path / "copy"))
    shutil.copyfile("net.onnx", "\udcff.onnx")
    if line.startswith(("synth", "bitstream")):
        shutil.copytree("acc", "\udcff")
    refused(capsys, line.split(), r"the path .*\? ?.* is no text \(UTF-8\); choose another")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-"])
def test_closed_streams(ready, closed):
    command = f"{sys.executable} -m hw_bnn info {ready / 'acc'} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_no_permission(place):
    """As another user, since root may write anywhere."""
    for folder in (place, *list(place.parents)[:2]):
        folder.chmod(0o755)
    (place / "net.onnx").write_bytes(perceptron().SerializeToString())
    (place / "net.onnx").chmod(0o644)
    (place / "closed").mkdir(mode=0o555)
    code = (
        "import os, sys, decimal, hw_bnn.handle, hw_bnn.compile.build; from hw_bnn import cli\n"
        "os.getuid() == 0 and (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
        "sys.exit(cli.run(['compile', 'net.onnx', '--out', 'closed/result']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    assert "error: closed/result cannot be written: permission denied; choose" in done.stderr
    assert left(place / "closed") == []


RECIPE = """
name: net
data: {name: digits, scale: integer}
model: {name: mlp, hidden: [8], input: {bits: 5}}
training: {epoch: 1, method: {name: ste, lr: 0.01}}
"""


def test_unknown_recipe_key(place, capsys):
    (place / "net.yaml").write_text(RECIPE)
    refused(
        capsys, ["train", "net.yaml", "--out", "run"],
        "training has no key 'epoch'; did you mean 'epochs'?",
    )  # fmt: skip
    right = ["train", "net.yaml", "--out", "run", "--set", "training.epoch=1"]
    refused(capsys, right, "no key 'epoch'")
    refused(capsys, ["train", "nosuch.yaml", "--out", "run"], "no recipe file nosuch.yaml")
    refused(capsys, ["sweep", "nosuch.yaml", "--out", "run"], "nosuch.yaml cannot be read")
    assert left(place) == ["net.yaml"]


@pytest.mark.parametrize("command", ["simulate", "report", "synth"])
def test_no_accelerator(place, capsys, command):
    refused(capsys, [command, "nothing"], "nothing is not an accelerator folder")
    (place / "accelerator.json").write_text(json.dumps({"schema_version": 99}))
    refused(capsys, [command, "."], "schema version 99")
    assert left(place) == ["accelerator.json"]


def test_no_run_to_export(place, capsys):
    refused(capsys, ["export", "nothing", "-o", "net.onnx"], "nothing")
    (place / "damaged.pt").write_bytes(b"PK\x03\x04 torn")
    refused(capsys, ["export", "damaged.pt", "-o", "net.onnx"], "damaged.pt")
    assert left(place) == ["damaged.pt"]


@pytest.mark.slow
def test_a_missing_tool_is_exit_code_3(place, capsys, monkeypatch):
    (place / "net.onnx").write_bytes(perceptron().SerializeToString())
    (place / "bin").mkdir()
    monkeypatch.setenv("PATH", str(place / "bin"))
    monkeypatch.delenv("CXX", raising=False)
    refused(capsys, ["compile", "net.onnx", "--out", "result"], r"g\+\+.*install", code=3)
    assert left(place) == ["bin", "net.onnx"]


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "a/" * 3000], ids=["NUL", "long", "deep"])
@pytest.mark.parametrize("asked", [
    "info", "diff", "estimate", "compile", "verify", "simulate", "synth", "hls", "package",
    "report", "train", "export", "init", "Accelerator",
])  # fmt: skip
def test_names_that_no_file_can_have(asked, name, tmp_path, monkeypatch):
    """In Python, where no shell keeps them away."""
    monkeypatch.chdir(tmp_path)
    more = {"diff": [name], "export": ["out.onnx"]}.get(asked, [])
    with pytest.raises(BadInput) as refused:
        getattr(hb, asked)(name, *more)
    assert len(str(refused.value)) < 7000 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [None, 3, b"net", ["net"], np.zeros(2)], ids=str)
@pytest.mark.parametrize("asked", [
    "info", "diff", "estimate", "compile", "verify", "simulate", "synth", "hls", "package",
    "report", "train", "export", "init", "Accelerator", "weights", "sweep", "get",
])  # fmt: skip
def test_what_is_no_path_is_told(asked, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = {"diff": [given], "export": ["out.onnx"], "weights": ["acc"]}.get(asked, [])
    with pytest.raises(BadInput, match=r"no path; give a text|is a |no network"):
        getattr(hb, asked)(given, *more)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("out", [3, b"x", ["x"]], ids=str)
def test_what_is_no_path_to_write_is_told(out, ready):
    for write in (
        lambda: hb.compile(ready / "net.onnx", out), lambda: hb.report(ready / "acc", out),
        lambda: hb.simulate(ready / "acc", frames=2, save=out), lambda: hb.init(out),
        lambda: hb.package(ready / "acc", out), lambda: hb.verify(ready / "net.onnx", out=out),
    ):  # fmt: skip
        with pytest.raises(BadInput, match="is no path; give a text or a Path"):
            write()
