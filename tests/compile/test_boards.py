"""board.yaml files: a user's own is read strictly, when asked for, and harms no other board."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from hw_bnn.compile import boards
from hw_bnn.errors import BadInput

GOOD = "part: xc7z020clg400-1\nluts: 53200\nffs: 106400\nbrams: 140\ndsps: 220\n"


@pytest.fixture
def folder(tmp_path):
    for name, text in (("mine", GOOD), ("wrong", GOOD + "lutz: 7\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "board.yaml").write_text(text)
    return tmp_path


def test_all_boards_that_ship_are_read():
    assert (
        len(boards.BOARDS) == len(list(boards.BOARDS.values())) == 6
        and boards.DEFAULT_BOARD in boards.BOARDS
    )


def test_a_wrong_file_harms_its_own_board_alone(folder):
    known = boards.Boards(folder)
    assert (
        list(known) == ["mine", "wrong"]
        and known["mine"].brams == 140
        and known.get("other") is None
    )
    with pytest.raises(BadInput, match=r"wrong/board.yaml describes no board \(lutz: "):
        known["wrong"]
    with pytest.raises(KeyError):
        known["other"]


@pytest.mark.parametrize("text, reason", [
    ("", "describes no board"),
    ("- part", "describes no board"),
    (GOOD.replace("53200", "many"), "luts: "),
    (GOOD.replace("53200", "-1"), "luts: "),
    (GOOD.replace("53200", "true"), "luts: "),
    (GOOD.replace("140", ".nan"), "brams: "),
    (GOOD.replace("ffs: 106400\n", ""), "ffs: "),
    (GOOD + "processor: z80\n", "processor: "),
    (GOOD + "luts: 1\n", "stands there twice"),
    (GOOD + "board_part: '[exit]'\n", "board_part: "),
    ("part: ../x\n" + GOOD.split("\n", 1)[1], "part: "),
    ("{", "no usable YAML"),
    ("\x00", "no usable YAML"),
])  # fmt: skip
def test_files_that_describe_no_board_are_named(folder, text, reason):
    path = folder / "mine" / "board.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=reason) as caught:
        boards.read_board(path)
    assert str(path) in str(caught.value)


def test_the_import_reads_no_board(folder):
    """With a wrong file among them every command starts."""
    code = (
        "import sys, pathlib, hw_bnn.boards as b; b.BOARD_FILES = pathlib.Path(sys.argv[1])\n"
        "from hw_bnn.compile.boards import BOARDS; print(*BOARDS)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.split() == ["mine", "wrong"], run.stderr


@pytest.mark.parametrize("board", ["pynq-z2", "kv260", "ulx3s"])
def test_the_shell_has_its_room_beside_an_accelerator(board):
    """In what a search may fill, and in what fits a board; the ULX3S has no AXI shell."""
    device, room = boards.BOARDS[board], boards.budget(board)
    shell = boards.SHELL.get(device.processor)
    assert (shell is None) == (board == "ulx3s")
    luts = device.luts / device.luts_per_estimate
    least = shell.lut if shell else 0
    assert room.lut == pytest.approx(boards.SHARE["lut"] * luts - least)

    def told(lut):
        parts = SimpleNamespace(lut=lut, ff=0, bram=0, dsp=0, uram=0)
        node = SimpleNamespace(resources=parts, name="layer")
        return boards.too_large(SimpleNamespace(resources=parts, nodes=[node]), board)

    assert told(luts - least) is None
    assert "100 more than" in told(luts - least + 100)
