"""`bitstream`: for any board, by the tools that serve it."""

from __future__ import annotations

from pathlib import Path

from ..compile.boards import BOARDS
from ..options import check_positive


def bitstream(
    folder: str | Path,
    board: str,
    *,
    dry_run: bool = False,
    freq_mhz: float | None = None,
    timeout_s: float | None = None,
    trust: bool = False,
) -> dict:
    """Make DIR/board/BOARD/ with what the board is configured with.

    Args:
        folder: accelerator folder.
        board: ulx3s, by open tools (:mod:`hw_bnn.synth.ecp5_bitstream`), or one with a Zynq, by
            Vivado (:mod:`hw_bnn.boards.vivado`).
        dry_run: write the sources, run no synthesis.
        freq_mhz: clock in MHz; the accelerator's own by default.
        timeout_s: limit for each tool, in seconds; an hour by default, four for Vivado.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).

    Returns:
        The document, with at least "board", "file" (None in a dry run) and "freq_mhz".

    Raises:
        BadInput: no accelerator, no such board, or an impossible clock.
        MissingTool: a tool is not installed. CheckFailed: it failed, or the clock is missed.
    """
    check_positive("timeout_s=", timeout_s)
    limit = {} if timeout_s is None else {"timeout_s": timeout_s}
    if board in BOARDS and BOARDS[board].processor is not None:
        from .vivado import overlay as make
    else:
        from ..synth.ecp5_bitstream import bitstream as make
    return make(folder, board, dry_run=dry_run, freq_mhz=freq_mhz, trust=trust, **limit)
