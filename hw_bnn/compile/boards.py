"""Boards that are known by name: their part and what it holds, from boards/<board>/board.yaml."""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass as checked

from ..accelerator.names import PartName
from ..boards import BOARD_FILES
from ..errors import BadInput
from ..files import yamlfile


@checked(frozen=True, config=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))
class Board:
    """A board's FPGA.

    Attributes:
        part: the vendor's name of it.
        luts, ffs: six-input LUTs (ECP5: four-input) and registers.
        brams: block RAMs of 36 kbit (ECP5's of 18 kbit count a half).
        dsps: DSP blocks (ECP5: 18 x 18 multipliers).
        urams: UltraRAM blocks of 288 kbit.
        luts_per_estimate: LUTs of this family for one that the estimate, made for xc7, tells.
        title: the board's name as its maker writes it.
        processor: family of the processor beside the logic (zynq7000, zynqmp), None without one.
        board_part: Vivado's name of the board, None where it has none.
    """

    part: PartName
    luts: Annotated[int, Field(gt=0, le=10**9)]
    ffs: Annotated[int, Field(gt=0, le=10**9)]
    brams: Annotated[float, Field(ge=0, le=1e9)]
    dsps: Annotated[int, Field(ge=0, le=10**9)]
    urams: Annotated[int, Field(ge=0, le=10**9)] = 0
    luts_per_estimate: Annotated[float, Field(gt=0, le=1e9)] = 1.0
    title: Annotated[str, Field(max_length=100)] = ""
    processor: Literal["zynq7000", "zynqmp"] | None = None
    board_part: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")] | None = None


def read_board(path: Path) -> Board:
    """A board.yaml.

    Raises:
        BadInput: it cannot be read, or says something else than :class:`Board` takes.
    """
    content, remedy = yamlfile.read(path), "correct it, or move its folder away"
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise BadInput(
            f"{path} describes no board (it is no list of names and values)", remedy=remedy
        )
    try:
        return Board(**content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{path} describes no board ({where}: {first['msg']})", remedy=remedy
        ) from None


class Boards(UserDict[str, Board]):
    """Board name -> its FPGA; files are read when asked for: a wrong one harms no other board."""

    def __init__(self, folder: Path):
        super().__init__()
        self.data: dict[str, Any] = {
            path.parent.name: path for path in sorted(folder.glob("*/board.yaml"))
        }

    def __getitem__(self, name: str) -> Board:
        found = self.data[name]
        if isinstance(found, Path):
            found = self.data[name] = read_board(found)
        return found


BOARDS = Boards(BOARD_FILES)
"""Board name -> its FPGA, as in Xilinx DS190, DS891 and DS987, and Lattice FPGA-DS-02012."""

DEFAULT_BOARD = "pynq-z1"
SHARE = {"lut": 0.8, "ff": 0.8, "bram": 0.95, "dsp": 0.95, "uram": 1.0}
"""How much of a device a search may fill: the rest is for FIFOs, and for routing."""


NAMES = {
    "lut": "LUTs", "ff": "registers", "bram": "block RAMs", "dsp": "DSP blocks",
    "uram": "UltraRAM blocks",
}  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """What an accelerator may take, in the estimate's units (LUTs of xc7, ..., RAMB36, DSP48)."""

    lut: float
    ff: float
    bram: float
    dsp: float
    uram: float = 0


SHELL = {
    "zynq7000": Budget(lut=1262, ff=1670, bram=2, dsp=0),
    "zynqmp": Budget(lut=1490, ff=1909, bram=4, dsp=0),
}
"""Processor's family -> what the AXI shell takes beside an accelerator, by Yosys 0.70, for words of
5 bytes in and 2 out; wide words take a third more registers (tests/boards/test_shell_cost.py)."""

NOTHING = Budget(0, 0, 0, 0)


def device_of(board: str) -> Budget:
    """What a board's FPGA holds."""
    device = BOARDS[board]
    luts = device.luts / device.luts_per_estimate
    return Budget(luts, device.ffs, device.brams, device.dsps, device.urams)


def shell_of(board: str) -> Budget:
    """What the shell takes of a board."""
    return SHELL.get(BOARDS[board].processor or "", NOTHING)


def budget(board: str, reserve: Budget = NOTHING) -> Budget:
    """What a search may fill of a board, beside its shell and what is reserved."""
    device, shell = device_of(board), shell_of(board)
    return Budget(**{
        k: min(SHARE[k] * getattr(device, k), getattr(device, k) - getattr(reserve, k))
        - getattr(shell, k)
        for k in SHARE
    })  # fmt: skip


def price_of(blocks: str, board: str) -> float:
    """LUTs that a block RAM ("brams"), a DSP block ("dsps") or an UltraRAM block ("urams") is
    worth: a quarter of those that the board has beside each.

    A quarter, since binary networks run out of LUTs first; a search asks more where blocks run out.
    """
    device = BOARDS[board]
    return device.luts / device.luts_per_estimate / max(getattr(device, blocks), 1) / 4


def priced_by(memory: str) -> str:
    """The board whose prices hold where none is asked for: with UltraRAM, one that has it."""
    return DEFAULT_BOARD if memory != "ultra" else max(BOARDS, key=lambda n: BOARDS[n].urams)


def too_large(accelerator, board: str) -> str | None:
    """What an accelerator takes beyond the whole board beside the shell, and which node most of it,
    in words; None if it fits.

    Args:
        accelerator: its description, with resources by estimate; without them it counts as fitting.
    """
    device, shell = device_of(board), shell_of(board)
    total, found = accelerator.resources, []
    for kind, name in NAMES.items():
        size = getattr(device, kind) - getattr(shell, kind)
        if total is None or getattr(total, kind) <= size:
            continue
        most = max(
            (n for n in accelerator.nodes if n.resources), key=lambda n: getattr(n.resources, kind)
        )
        found.append(
            f"about {getattr(total, kind):,.0f} {name} are "
            f"{getattr(total, kind) - size:,.0f} more than the {size:,.0f} of {board}, "
            f"{getattr(most.resources, kind):,.0f} of them for {most.name}"
        )
    return "; ".join(found) or None
