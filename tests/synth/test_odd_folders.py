"""synth, the netlist and bitstreams in folders of any name, of which nothing is a script's word."""

import json
import shutil

import pytest

from hw_bnn import cli
from hw_bnn.accelerator.folder import reseal
from hw_bnn.synth.yosys import run_yosys

NAME = 'it\'s a; $(touch ran) `touch ran` "ünï" \n!touch ran\n#'


@pytest.mark.slow
def test_synth_in_a_folder_of_any_name(accelerator, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / NAME
    shutil.move(accelerator, place)
    assert cli.run(["synth", NAME, "--family", "ecp5", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["layers"].keys() == {"layer0_fifo", "layer1_mvau"}
    assert sorted(p.name for p in (place / "synth").iterdir()) == [
        ".ecp5.json.signature", "ecp5.json", "ecp5.log", "ecp5.nextpnr.json", "ecp5.v", "ecp5.ys",
    ]  # fmt: skip
    assert not (tmp_path / "ran").exists() and not list(tmp_path.rglob("ran"))
    # it fails with its log's place in the sentence, and what was there before stays whole
    before = (place / "synth" / "ecp5.v").read_bytes()
    path = place / "rtl" / "layer0_fifo.v"
    path.write_text(path.read_text().replace("bnn_fifo #(", "no_such_kernel #("))
    reseal(place)
    assert cli.run(["synth", NAME, "--family", "ecp5"]) == 1
    assert "no_such_kernel" in capsys.readouterr().err
    assert (place / "synth" / "ecp5.v").read_bytes() == before


@pytest.mark.parametrize(
    "name", ["synth", "synth/xc7.log", "board", "board/ulx3s", "board/ulx3s/rtl"]
)
def test_nothing_is_written_through_a_link(accelerator, tmp_path, name, capsys):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("mine")
    target = tmp_path / "elsewhere" / ("file" if "log" in name else "")
    (accelerator / name).parent.mkdir(parents=True, exist_ok=True)
    (accelerator / name).symlink_to(target)
    command = ["synth"] if "synth" in name else ["bitstream", "--board", "ulx3s", "--dry-run"]
    code = cli.run([*command, str(accelerator)])
    if "log" in name:  # the link itself is replaced
        assert code == 0 and not (accelerator / name).is_symlink()
    else:
        assert code == 2 and "is a link, and nothing is written through" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "elsewhere").iterdir()] == ["file"]
    assert (tmp_path / "elsewhere" / "file").read_text() == "mine"


def test_a_line_for_yosys_holds_no_name_of_others(tmp_path):
    for line in (
        "hierarchy -top a\n! touch ran",
        "read_verilog `x`",
        "log $(touch ran)",
        "!touch ran",
    ):
        with pytest.raises(ValueError, match="list of its arguments"):
            run_yosys([line], log=tmp_path / "log")
    run_yosys([["log", "! touch ran; $(x)\n! touch ran"]], log=tmp_path / "log", cwd=tmp_path)
    assert not (tmp_path / "ran").exists()
