"""What `deploy` takes of a folder that may be a stranger's: its overlay, and its name."""

import json
import shutil
import zipfile
from hashlib import sha256
from pathlib import PurePosixPath

import pytest

from hw_bnn import cli
from hw_bnn.accelerator import Description, trust
from hw_bnn.accelerator import names as accelerator_names
from hw_bnn.accelerator.folder import seal
from hw_bnn.boards import vivado
from hw_bnn.boards.deploy import deploy
from hw_bnn.boards.shell import PORTS, Shell
from hw_bnn.errors import BadInput, CheckFailed

pytestmark = pytest.mark.slow
BOARD = "kv260"


@pytest.fixture
def mine(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "mine", ignore=shutil.ignore_patterns("board"))


@pytest.fixture
def vivado_that_works(monkeypatch):
    def made(place, accelerator, timeout_s):
        (place / "overlay.bit").write_bytes(b"bits")
        (place / "overlay.hwh").write_bytes(b"xml")

    monkeypatch.setattr(vivado, "_run_vivado", made)


@pytest.fixture
def place(mine, vivado_that_works):
    """DIR/board/kv260 with an overlay for 150 MHz."""
    assert vivado.overlay(mine, BOARD, freq_mhz=150)["file"] == "overlay.bit"
    return mine / "board" / BOARD


def packed(folder, tmp_path, **options):
    told = deploy(folder, BOARD, tmp_path / "x.zip", frames=2, **options)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        return told, {name: archive.read(name) for name in archive.namelist()}


def refused(folder, tmp_path, reason, **options):
    with pytest.raises(BadInput, match=reason):
        deploy(folder, BOARD, tmp_path / "x.zip", frames=2, **options)
    assert not (tmp_path / "x.zip").exists()


def rewrite(place, **changes):
    document = json.loads((place / "overlay.json").read_text())
    (place / "overlay.json").write_text(json.dumps({**document, **changes}))


def test_an_overlay_goes_in_with_the_clock_that_it_was_made_for(mine, place, tmp_path):
    told, files = packed(mine, tmp_path)
    assert (
        told["overlay"] is True
        and files["mlp/mlp.bit"] == b"bits"
        and files["mlp/mlp.hwh"] == b"xml"
    )
    assert json.loads(files["mlp/mlp.json"])["clock_mhz"] == 150
    assert 1000 / Description.load(mine).clk_period_ns != 150
    document = json.loads((place / "overlay.json").read_text())
    assert document["hashes"]["overlay.bit"] == sha256(b"bits").hexdigest()


@pytest.mark.parametrize("changes, reason", [
    ({"model": "0" * 16}, "of another accelerator"),
    ({"board": "zcu104"}, "of another board"),
    ({"model": 7}, "damaged .model"),
    ({"freq_mhz": 5000}, "damaged .freq_mhz"),
    ({"freq_mhz": "150"}, "damaged .freq_mhz"),
    ({"hashes": {}}, "not the file that Vivado wrote"),
    ({"hashes": None}, "damaged .hashes"),
    ({"freq_mhz": 400}, "not written by you.*bitstream.*trust=True"),
])  # fmt: skip
def test_a_document_that_is_wrong_is_refused(mine, place, tmp_path, changes, reason):
    rewrite(place, **changes)
    refused(mine, tmp_path, reason)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"model": 1, "model": 2}', "\xff"])
def test_a_damaged_document_is_bad_input(mine, place, text, tmp_path, capsys):
    (place / "overlay.json").write_bytes(text.encode("latin-1"))
    assert cli.run(["deploy", str(mine), "--board", BOARD, "--out", str(tmp_path / "x.zip")]) == 2
    assert "overlay.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["overlay.bit", "overlay.hwh"])
def test_an_overlay_that_was_changed_lost_or_linked_is_refused(mine, place, name, tmp_path):
    path = place / name
    content = path.read_bytes()
    path.write_bytes(content + b"!")
    refused(mine, tmp_path, f"{name} is not the file that Vivado wrote", trust=True)
    path.unlink()
    refused(mine, tmp_path, f"{name} cannot be read")
    (tmp_path / "elsewhere").write_bytes(content)
    path.symlink_to(tmp_path / "elsewhere")
    refused(mine, tmp_path, f"{name} is a link")
    path.unlink()
    path.mkdir()
    refused(mine, tmp_path, f"{name} is no overlay's file")


def test_no_folder_of_an_overlay_is_read_through_a_link(mine, place, tmp_path):
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    refused(mine, tmp_path, "kv260 is a link", trust=True)


def test_a_strangers_overlay_needs_trust(mine, place, tmp_path, monkeypatch):
    trust._accepted.clear()
    assert packed(mine, tmp_path)[0]["overlay"] is True  # by its signature
    (tmp_path / "x.zip").unlink()
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "another user"))
    refused(mine, tmp_path, "not written by you on this machine, and a bitstream")
    out = ["--board", BOARD, "--out", str(tmp_path / "x.zip")]
    assert cli.run(["deploy", str(mine), *out]) == 2
    assert cli.run(["deploy", str(mine), *out, "--trust"]) == 0


def test_a_vivado_that_leaves_nothing_is_a_failure(mine, place, monkeypatch):
    monkeypatch.setattr(vivado, "_run_vivado", lambda *_: None)
    with pytest.raises(CheckFailed, match="left no .*overlay.bit"):
        vivado.overlay(mine, BOARD)
    assert (
        not (place / "overlay.json").exists()
        and not (place / trust.signature_name("overlay.json")).exists()
    )


# ------------------------------------------------------------------------------------ names

NAMES = [
    "../../../tmp/evil",
    "/etc/x",
    "a\nb",
    "x'); import os; os.abort() #",
    "..",
    "",
    "-rf",
    "manifest",
    "ü {",
    "n" * 300,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_path_and_no_code(mine, vivado_that_works, name, tmp_path, monkeypatch):
    seal(mine, Description.load(mine).model_copy(update={"name": name}))
    vivado.overlay(mine, BOARD)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    told = deploy(mine, BOARD, frames=2)
    assert [p.name for p in (tmp_path / "here").iterdir()] == [told["zip"]]
    with zipfile.ZipFile(told["zip"]) as archive:
        files = {n: archive.read(n) for n in archive.namelist()}
    safe = told["zip"].removesuffix(f"_{BOARD}.zip")
    assert accelerator_names.file_name(safe) == safe
    inside = [PurePosixPath(n).parts for n in files]
    assert {parts[0] for parts in inside} == {safe} and all(
        len(parts) == 2 or len(parts) == 3 and parts[1] == "driver" for parts in inside
    )
    assert {f"{safe}/{safe}{end}" for end in (".bit", ".hwh", ".json", ".ipynb")} < set(files)
    manifest = json.loads(files[f"{safe}/manifest.json"])
    assert manifest["accelerator"] == name and len(manifest["files"]) == len(files) - 1
    cell = json.loads(files[f"{safe}/{safe}.ipynb"])["cells"][0]["source"]
    assert cell == f"from driver import Board\nboard = Board.load('{safe}.bit')"
    assert f'Board.load("{safe}.bit")' in files[f"{safe}/README.md"].decode()


@pytest.mark.parametrize("name", ["x\nmodule evil; endmodule", "x\r$finish", "a\\\nb", "/* "])
def test_a_name_ends_no_comment_of_the_wrapper(name):
    def code(text):
        return [line for line in text.splitlines() if not line.startswith("//")]

    port = PORTS["zynqmp"]
    assert code(Shell(name, port, 3, 1, "net").wrapper()) == code(
        Shell("x", port, 3, 1, "net").wrapper()
    )
