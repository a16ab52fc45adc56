"""The boards that are known by name: their part and what it holds, from boards/<board>/board.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from ..boards import BOARD_FILES


@dataclass(frozen=True)
class Board:
    """A board's FPGA.

    Attributes:
        part: the vendor's name of it.
        luts, ffs: six-input LUTs (ECP5: four-input) and registers.
        brams: block RAMs of 36 kbit (ECP5's of 18 kbit count a half).
        luts_per_estimate: LUTs of this family for one that the estimate, made for xc7, tells.
        title: the board's name as its maker writes it.
        processor: family of the processor beside the logic (zynq7000, zynqmp), None without one.
        board_part: Vivado's name of the board, None where it has none.
    """

    part: str
    luts: int
    ffs: int
    brams: float
    luts_per_estimate: float = 1.0
    title: str = ""
    processor: str | None = None
    board_part: str | None = None


def _load(folder: Path = BOARD_FILES) -> dict[str, Board]:
    """All boards, by the names of their folders."""
    return {
        path.parent.name: Board(**yaml.safe_load(path.read_text()))
        for path in sorted(folder.glob("*/board.yaml"))
    }


BOARDS = _load()
"""Board name -> its FPGA, by the vendors' product tables (Xilinx DS190, DS891, DS987; Lattice FPGA-DS-02012)."""

DEFAULT_BOARD = "pynq-z1"
SHARE = {"lut": 0.8, "ff": 0.8, "bram": 0.95}
"""How much of a device a search may fill: the rest is for the shell, FIFOs, and for routing."""


@dataclass(frozen=True)
class Budget:
    """What an accelerator may take, in the estimate's own units (xc7 LUTs, registers, RAMB36)."""

    lut: float
    ff: float
    bram: float


def budget(board: str) -> Budget:
    """What a search may fill of a board."""
    device = BOARDS[board]
    return Budget(
        SHARE["lut"] * device.luts / device.luts_per_estimate,
        SHARE["ff"] * device.ffs,
        SHARE["bram"] * device.brams,
    )


def bram_price(board: str) -> float:
    """LUTs that a block RAM is worth: a quarter of those that the board has beside each.

    A quarter, since binary networks run out of LUTs first; a search asks more where blocks run out.
    """
    device = BOARDS[board]
    return device.luts / device.luts_per_estimate / max(device.brams, 1) / 4


def too_large(accelerator, board: str) -> str | None:
    """What an accelerator takes beyond the whole board, and which node most of it, in words; None if it fits.

    Args:
        accelerator: accelerator.Accelerator with resources by estimate; without them it counts as fitting.
    """
    device, total, found = BOARDS[board], accelerator.resources, []
    sizes = (
        ("lut", "LUTs", device.luts / device.luts_per_estimate),
        ("ff", "registers", device.ffs),
        ("bram", "block RAMs", device.brams),
    )
    for kind, name, size in sizes:
        if total is None or getattr(total, kind) <= size:
            continue
        most = max(
            (n for n in accelerator.nodes if n.resources), key=lambda n: getattr(n.resources, kind)
        )
        found.append(
            f"about {getattr(total, kind):,.0f} {name} are {getattr(total, kind) - size:,.0f} more than "
            f"the {size:,.0f} of {board}, {getattr(most.resources, kind):,.0f} of them for {most.name}"
        )
    return "; ".join(found) or None
