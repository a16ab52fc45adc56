"""What is asked of a compile run, made plain: a board's part, a rate's cycles, exact scales."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, get_args

from ..accelerator import LONGEST_CLOCK_NS, SHORTEST_CLOCK_NS
from ..accelerator.description import SCALE
from ..errors import BadInput
from ..options import FifoSizing, Memory, OutputMode
from .boards import BOARDS, DEFAULT_BOARD

OUTPUT_MODES, FIFO_SIZINGS = get_args(OutputMode), get_args(FifoSizing)
LEAST_SCALE = Fraction(1, 2**100)
"""Of a step of the input, as float32 has them; 2^100 is the largest."""
ULTRA = "ultra"
MEMORIES = get_args(Memory)
"""Where weights stand: by price, in LUTs (up to 4,096 words), in block RAM; by price, in UltraRAM
too."""
ULTRA_NOTE = (
    "UltraRAM is empty when a bitstream is loaded: its weights come through the port of "
    "--runtime-weights before the first frame"
)
ULTRA_PARTS = ("xczu", "xck2", "xcku", "xcvu", "xcau")
"""How parts of UltraScale+ begin; which of them have UltraRAM is known of boards alone."""


def check_choice(what: str, given: str, choices: tuple[str, ...]) -> None:
    """Refuse an option that is none of its choices.

    Raises:
        BadInput: names them.
    """
    if given not in choices:
        raise BadInput(f"there is no {what} {given!r}", remedy=f"use one of {', '.join(choices)}")


def check_memory(memory: str, board: str | None, part: str, *, loaded: bool) -> None:
    """Refuse a place of weights that an accelerator cannot have.

    Args:
        loaded: weights come at run time.

    Raises:
        BadInput: there is no such place, or it is UltraRAM without a port that fills it, or of a
            device that has none.
    """
    check_choice("memory", memory, MEMORIES)
    if memory != ULTRA:
        return
    if not loaded:
        raise BadInput(
            f'memory="{ULTRA}" without runtime_weights=: {ULTRA_NOTE}',
            remedy="give runtime_weights=True, too",
        )
    if not (BOARDS[board].urams if board else part.startswith(ULTRA_PARTS)):
        raise BadInput(
            f"{board or part} has no UltraRAM",
            remedy=f"use one of {', '.join(n for n, b in BOARDS.items() if b.urams)}",
        )


def target_board(board: str | None, part: str | None) -> tuple[str | None, str]:
    """The board, if the part is of one, and the part.

    Raises:
        BadInput: there is no such board, it has another part, or the part is no name of one.
    """
    if board is not None and board not in BOARDS:
        raise BadInput(
            f"there is no board {board!r}", remedy=f"use one of {', '.join(BOARDS)}, or part="
        )
    if board is not None and part is not None and BOARDS[board].part != part:
        raise BadInput(
            f"board {board} has the part {BOARDS[board].part}, not {part}",
            remedy="give one of the two",
        )
    if part is not None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", part):
            raise BadInput(f"{part!r} is no name of a part", remedy="use one as xc7z020clg400-1")
        return board, part
    return board or DEFAULT_BOARD, BOARDS[board or DEFAULT_BOARD].part


def target_of(fps: float | None, cycles: int | None, clk_period_ns: float) -> int | None:
    """Cycles a frame for a rate in frames per second or in cycles; None where neither is given.

    Raises:
        BadInput: both are given, the clock or the rate cannot be.
    """
    if not SHORTEST_CLOCK_NS <= clk_period_ns <= LONGEST_CLOCK_NS:
        raise BadInput(
            f"the clock period is {clk_period_ns} ns",
            remedy=f"use one of {SHORTEST_CLOCK_NS:g} to {LONGEST_CLOCK_NS:,.0f} ns",
        )
    if fps is not None and cycles is not None:
        raise BadInput("both target_fps= and target_cycles=", remedy="give one of the two")
    if fps is not None:
        if not fps > 0:
            raise BadInput(f"the target is {fps} frames per second", remedy="use a positive one")
        if fps * clk_period_ns > 1e9:
            raise BadInput(
                f"{fps:,.0f} frames per second are more than one a cycle of {clk_period_ns} ns",
                remedy=f"use target_fps={int(1e9 / clk_period_ns)} or less",
            )
        return int(1e9 / clk_period_ns / fps)
    if cycles is not None and cycles < 1:
        raise BadInput(f"the target is {cycles} cycles a frame", remedy="use 1 or more")
    return cycles


def fraction(scale: Any) -> Fraction | None:
    """A positive number exactly: a number, a fraction, or its text; from 2^-100 to 2^100.

    Raises:
        BadInput: it is none.
    """
    if scale is None:
        return None
    try:
        value = Fraction(str(scale)) if not isinstance(scale, Fraction) else scale
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    in_range = LEAST_SCALE <= value <= 1 / LEAST_SCALE
    if not (in_range and SCALE.fullmatch(str(value))):  # which limits its digits
        raise BadInput(
            f"the input scale is {scale!r}", remedy='use a positive number or a fraction ("1/255")'
        )
    return value
