"""What Vivado is given, under the stub in tclsh: boards, board files, failures, wiring mutants.

No Vivado runs.
"""

import json
import shutil
import subprocess

import pytest

from hw_bnn.accelerator import Description
from hw_bnn.boards import vivado
from hw_bnn.boards.registers import load
from hw_bnn.compile.boards import BOARDS
from hw_bnn.errors import BadInput, CheckFailed, MissingTool

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("tclsh") is None, reason="needs tclsh (Debian, Ubuntu: apt install tcl)"
    ),
]
ZYNQS = [name for name, board in BOARDS.items() if board.processor]


@pytest.fixture
def place(folder, tmp_path, request):
    board = getattr(request, "param", "pynq-z1")
    vivado.write_sources(folder, Description.load(folder), BOARDS[board], tmp_path, 100)
    return tmp_path


def test_words_of_tcl(tmp_path):
    words = [
        "a b",
        "",
        "$x [exit]",
        "open {",
        "} close",
        "back\\slash",
        '"',
        "#",
        ";",
        "a\\",
        ["nested", ["}"]],
    ]
    script = tmp_path / "words.tcl"
    script.write_text(f"foreach word {vivado.tcl(words)} {{ puts <$word> }}\n")
    told = subprocess.run(["tclsh", str(script)], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[:-1] == [f"<{word}>" for word in words[:-1]]


@pytest.mark.parametrize("word", ["a{\nb", "}\r\n\tputs x", "\\\n{", "one\ntwo", "\x00{"])
def test_lines_in_a_word_of_tcl_stay_in_it(word, tmp_path):
    script = tmp_path / "word.tcl"
    for value in (word, [word]):
        get = "$word" if value is word else "[lindex $word 0]"
        script.write_text(
            f"set word {vivado.tcl(value)}\n"
            f"puts [scan {get} [string repeat %c [string length {get}]]]\n"
        )
        told = subprocess.run(
            ["tclsh", str(script)], capture_output=True, text=True, check=True
        ).stdout
        assert told.split() == [str(ord(c)) for c in word]


@pytest.mark.parametrize("place", ZYNQS, indirect=True)
@pytest.mark.parametrize("board_files", [False, True])
def test_every_board(place, board_files):
    """The script runs to its end; IP registers are regs.yaml's, ports those of the processor."""
    told = vivado.check_scripts(place, board_files=board_files).splitlines()
    assert told[-1] == "done"
    assert [line.split()[1] for line in told if line.startswith("register ")] == [
        r.name for r in load()
    ]
    offsets = [line.split()[2] for line in told if line.startswith("set_property address_offset")]
    assert [int(offset, 16) for offset in offsets] == [r.offset for r in load()]
    text = "\n".join(told)
    assert ("board_part" in text) == board_files
    zynq = "processing_system7" in text
    assert ("0x40000000" in text) == zynq and ("0xa0000000" in text) != zynq
    assert ("PCW_CRYSTAL_PERIPHERAL_FREQMHZ 50" in text) == (zynq and not board_files)
    assert (
        f"CONFIG.{'PCW_S_AXI_HP0' if zynq else 'PSU__SAXIGP2_'}_DATA_WIDTH {64 if zynq else 128}"
        in text
    )
    assert "file copy -force" in text and "overlay.hwh" in text


@pytest.mark.parametrize("failure, reason", [
    ("no_ip", "an IP is missing: the IP xilinx.com:ip:smartconnect is not installed"),
    ("synth", "synthesis failed: synthesis failed: ERROR"),
    ("impl", "implementation failed: implementation failed: ERROR"),
    ("timing", "the clock is missed: the clock of 100 MHz is missed by 0.3 ns"),
])  # fmt: skip
@pytest.mark.parametrize("place", ["pynq-z2", "kv260"], indirect=True)
def test_failures_have_a_code_and_a_line(place, failure, reason):
    with pytest.raises(CheckFailed, match=reason):
        vivado.check_scripts(place, board_files=False, failures=(failure,))


@pytest.mark.parametrize("old, new, reason", [
    ("ps/$pins(memory_clock) ", "", "left open"),
    ("bnn/irq", "bnn/interrupt", "no pin bnn/interrupt"),
    ("memory/M00_AXI", "control/M00_AXI", "drives two buses"),
    ("ps/$pins(reset)]", "ps/$pins(clock)]", "cannot drive reset/ext_reset_in"),
    ("connect_bd_net [get_bd_pins bnn/irq]", "list [get_bd_pins bnn/irq]", "bnn/irq is left open"),
    ("peripheral_aresetn] [", "ext_reset_in] [", "cannot drive"),
    ("get_bd_intf_pins bnn/m_axi", "get_bd_pins bnn/m_axi", "is an interface"),
    ("validate_bd_design", "validate_design", "invalid command"),
])  # fmt: skip
def test_wrong_wirings_are_rejected(place, old, new, reason):
    script = place / "build.tcl"
    text = script.read_text()
    assert old in text
    script.write_text(text.replace(old, new))
    with pytest.raises(CheckFailed, match=reason):
        vivado.check_scripts(place, board_files=False)


def test_a_source_that_is_missing_is_rejected(place):
    (place / "rtl" / "bnn_read_dma.sv").unlink()
    with pytest.raises(CheckFailed, match="no file .*bnn_read_dma.sv"):
        vivado.check_scripts(place, board_files=False)


def test_dry_run_and_run_without_vivado(folder, monkeypatch):
    document = vivado.overlay(folder, "zcu104", dry_run=True)
    assert document["file"] is None and "no Vivado saw it" in document["checked"]
    place = folder / "board" / "zcu104"
    assert json.loads((place / "io.json").read_text())["bus_bytes"] == 16
    assert not (place / "overlay.json").exists()
    monkeypatch.setattr(vivado.shutil, "which", lambda name: None)
    with pytest.raises(MissingTool, match="Vivado is not on the PATH; .*dry_run=True"):
        vivado.overlay(folder, "zcu104")
    with pytest.raises(BadInput, match="Vivado makes no overlay for ulx3s"):
        vivado.overlay(folder, "ulx3s")
