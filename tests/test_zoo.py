"""The packaged networks: whole, of little more than a bit a weight, and as exact as their cards."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn import cli, zoo
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.train.recipe import load_recipe

PAGE = Path(__file__).parent.parent / "docs" / "zoo.md"
NAMES = zoo.names()
LEAST = {
    "DIGITS_MLP": 0.95, "TFC_1W1A": 0.92, "SFC_1W1A": 0.98, "LFC_1W1A": 0.984, "CNV_1W1A": 0.75,
}  # fmt: skip


def dataset_of(name: str) -> str:
    return zoo.card(name)["test"].partition(",")[0]


def test_they_are_there():
    assert set(NAMES) == set(LEAST)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_of_its_file(name):
    card, proto = zoo.card(name), onnx.load_from_string(zoo.model(name))
    quantised = {n.input[0] for n in proto.graph.node if n.op_type == "BipolarQuant"}
    signs = [
        onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer
        if tensor.name in quantised
    ]  # fmt: skip
    assert all(set(np.unique(s)) == {-1, 1} for s in signs)
    assert sum(s.size for s in signs) == card["weights"]
    assert not any(card["mismatches"].values()) and card["frames"]["rtl"] == card["accuracy_frames"]
    assert len(set(card["accuracy"].values())) == 1 and card["accuracy"]["rtl"] > LEAST[name]
    packed = (zoo.MODELS / f"{name}.onnx.xz").stat().st_size
    others = sum(4 * np.prod(t.dims) for t in proto.graph.initializer if len(t.dims) == 1)
    assert 8 * (packed - others) < 1.5 * card["weights"] + 8 * 4000
    recipe = load_recipe(zoo.MODELS / f"{name}.yaml")
    assert sum(stage.epochs for stage in recipe.resolved_stages()) == card["epochs"]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_tells_what_the_card_tells(name):
    card = zoo.card(name)
    (row,) = re.findall(rf"^\| {name} \| (.*) \|$", PAGE.read_text(), re.M)
    assert row.split(" | ") == [
        card["what"].partition(",")[0],
        f"{card['test'].partition(',')[0]}, {card['accuracy_frames']:,}",
        f"{100 * card['accuracy']['rtl']:.2f} %", f"{card['weights']:,}",
        f"{card['cycles_per_frame']:,.6g}", f"{card['luts']:,}",
    ]  # fmt: skip


def right(name):
    """The share of the card's test images that the golden model gets right."""
    path = zoo.get(name)
    golden = hb.GoldenModel.from_onnx(path)
    from hw_bnn.frames import load_frames, trained_pixels

    pixels = trained_pixels(path, None)
    frames = load_frames(golden, dataset=dataset_of(name), split="test", trained=pixels)
    return (golden.predict(frames.x) == frames.labels).mean()


def test_the_golden_model_has_the_accuracy_of_the_card(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert right("DIGITS_MLP") == zoo.card("DIGITS_MLP")["accuracy"]["golden"]


@pytest.mark.mnist
@pytest.mark.parametrize("name", [name for name in NAMES if dataset_of(name) == "mnist"])
def test_of_mnist_too(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert right(name) == zoo.card(name)["accuracy"]["golden"]


@pytest.mark.cifar10
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if dataset_of(name) == "cifar10"])
def test_of_cifar_too(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert right(name) == zoo.card(name)["accuracy"]["golden"]


@pytest.mark.full
@pytest.mark.mnist
@pytest.mark.cifar10
@pytest.mark.parametrize("name", NAMES)
def test_every_stage_on_the_whole_test_set(name, tmp_path, monkeypatch):
    """The command of the card."""
    monkeypatch.chdir(tmp_path)
    card = zoo.card(name)
    zoo.get(name)
    command = card["command"].split()[1:]
    assert cli.run([*command, "--out", "out"]) == 2  # the file lies in a folder
    command[1] = f"{name}/{name}.onnx"
    assert cli.run([*command, "--out", "out"]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["frames"]["rtl"] == card["frames"]["rtl"]
    assert summary["accuracy"]["rtl"] == card["accuracy"]["rtl"]
    assert summary["cycles_per_frame"] == card["cycles_per_frame"]


def test_get_writes_a_folder_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["get", "DIGITS_MLP"]) == 0
    assert "wrote DIGITS_MLP/DIGITS_MLP.onnx" in capsys.readouterr().out
    made = {path.name for path in (tmp_path / "DIGITS_MLP").iterdir()}
    assert made >= {"DIGITS_MLP.onnx", "recipe.yaml", "card.json", "README.md"}
    assert cli.run(["get", "DIGITS_MLP"]) == 2
    assert "--force" in capsys.readouterr().err
    assert cli.run(["get", "DIGITS_MLP", "--force"]) == 0
    path = hb.get("DIGITS_MLP", "other")
    assert path.parent.name == "other"
    told = hb.info("other")
    assert (told["kind"], told["made"]) == ("network", "hw_bnn's zoo")
    assert told["accuracy"] == zoo.card("DIGITS_MLP")["accuracy"]
    path.write_bytes(path.read_bytes() + b"\0")
    assert "not that of the card" in hb.info("other")["made"]
    (path.parent / "card.json").write_text('{"name": "../DIGITS_MLP/DIGITS_MLP"}')
    with pytest.raises(BadInput, match="card.json is damaged"):
        hb.info("other")


def test_get_lists_them(capsys):
    assert cli.run(["get"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in NAMES)
    assert cli.run(["get", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["networks"]
    assert told == [zoo.card(name) for name in NAMES]


def test_what_is_not_there_is_refused_with_what_is(tmp_path, capsys):
    assert cli.run(["get", "cnv"]) == 2
    told = capsys.readouterr().err
    assert "no network 'cnv'" in told and all(name in told for name in NAMES)
    with pytest.raises(BadInput, match="no network '../x'"):
        zoo.get("../x", tmp_path / "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [lambda b: b[:-20], lambda b: b"", lambda b: b"no archive" + b])
def test_a_damaged_package_is_told(change, tmp_path, monkeypatch):
    shutil.copytree(zoo.MODELS, tmp_path / "models")
    monkeypatch.setattr(zoo, "MODELS", tmp_path / "models")
    path = tmp_path / "models" / "DIGITS_MLP.onnx.xz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CheckFailed, match="cannot be read.*install hw-bnn again"):
        zoo.get("DIGITS_MLP", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    shutil.copy(tmp_path / "models" / "TFC_1W1A.onnx.xz", path)
    with pytest.raises(CheckFailed, match="not the file of its card"):
        zoo.model("DIGITS_MLP")
