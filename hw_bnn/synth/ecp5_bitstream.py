"""Bitstreams by open tools: Yosys, nextpnr and ecppack for ECP5 boards.

    bitstream("digits_accelerator", board="ulx3s")["file"]

nextpnr's exit code is the gate: a design that misses its clock gives no bitstream. Boards that need
Vivado are built by hw_bnn.boards.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from ..accelerator import Description
from ..accelerator.config_stream import refuse_port
from ..accelerator.folder import open_accelerator
from ..boards import BOARD_FILES
from ..errors import BadInput, CheckFailed
from ..files.given import text_path
from ..files.inside import workplace
from .place_route import first_error, place_and_route, run_tool
from .synthesis import family_defines, synthesise

BOARDS = {"ulx3s": Path(__file__).resolve().parent / "ulx3s"}
TOP = "bnn_ulx3s_top"
SHELL = ("bnn_serial_receiver.sv", "bnn_serial_sender.sv", "bnn_serial_shell.sv", f"{TOP}.sv")
HOST = (BOARD_FILES / "ulx3s" / "host.py", BOARD_FILES / "pynq" / "driver" / "words.py")
"""What the computer at the other end of the line runs."""

BAUD = 1_000_000
_CRYSTAL_MHZ = 25


def pll_dividers(freq_mhz: float) -> tuple[int, int]:
    """(CLKFB_DIV, CLKOP_DIV) for a clock made of the board's 25 MHz;
    its oscillator runs near 600 MHz.

    Raises:
        BadInput: not a multiple of 25 MHz in 25 .. 400.
    """
    if not 0 < freq_mhz < 1000:
        raise BadInput(f"the ULX3S' clock cannot be {freq_mhz} MHz", remedy="use 25 to 400 MHz")
    feedback = round(freq_mhz / _CRYSTAL_MHZ)
    if not 1 <= feedback <= 16 or abs(feedback * _CRYSTAL_MHZ - freq_mhz) > 1e-6:
        lower = min(max(int(freq_mhz // _CRYSTAL_MHZ), 1), 16) * _CRYSTAL_MHZ
        raise BadInput(
            f"the ULX3S' clock cannot be {freq_mhz:g} MHz",
            remedy=f"take a multiple of 25 MHz, {lower} MHz for example (freq_mhz={lower})",
        )
    return feedback, max(2, round(600 / (feedback * _CRYSTAL_MHZ)))


def bitstream(
    folder: str | Path,
    board: str = "ulx3s",
    *,
    dry_run: bool = False,
    freq_mhz: float | None = None,
    timeout_s: float = 3600,
    trust: bool = False,
) -> dict:
    """Make DIR/board/<board>/: the bitstream, its sources, the timing report, result.json and
    the program for the other end of the serial line (host.py and words.py).

    Args:
        folder: accelerator folder.
        board: "ulx3s".
        dry_run: write the sources and constraints only, run no tool.
        freq_mhz: clock, a multiple of 25 MHz; the accelerator's own clock by default.
        timeout_s: limit for each tool, in seconds.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).

    Returns:
        {"board", "file" (None in a dry run), "bytes", "freq_mhz", "fmax_mhz", "baud", "resources",
        "critical_path", "seconds", "versions"}.

    Raises:
        BadInput: no accelerator, a damaged or strange one, a board that open tools do not serve, or
            an impossible clock.
        MissingTool: Yosys or nextpnr is not installed.
        CheckFailed: a tool failed, or the clock is missed (the Fmax and the layers are told).
    """
    folder = text_path(folder).absolute()
    if board not in BOARDS:
        raise BadInput(
            f"open tools make no bitstream for {board!r}", remedy=f"use {', '.join(BOARDS)}"
        )
    accelerator = open_accelerator(folder, trust=trust)
    refuse_port(accelerator, "the bitstream of the ULX3S")
    freq = freq_mhz if freq_mhz is not None else 1000 / accelerator.clk_period_ns
    feedback, divider = pll_dividers(freq)
    bits = round(freq * 1e6 / BAUD)
    place = workplace(folder, "board", board)
    (place / f"{board}.bit").unlink(missing_ok=True)  # an older one is none of this design's
    sources = place / "rtl"
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir()
    for name in accelerator.hashes:
        if name.startswith("rtl/"):
            shutil.copyfile(folder / name, place / name)
    for name in SHELL:
        shutil.copy(BOARDS[board] / name, sources)
    lpf = place / f"{board}.lpf"
    shutil.copy(BOARDS[board] / lpf.name, lpf)
    for path in HOST:
        shutil.copyfile(path, place / path.name)
    parameters = {
        "IN_BYTES": accelerator.input.tdata_bits // 8,
        "OUT_BYTES": accelerator.output.tdata_bits // 8,
        "LABEL_OFFSET": -1
        if accelerator.output.mode == "scores"
        else accelerator.output.label_offset,
        "CLKFB_DIV": feedback,
        "CLKOP_DIV": divider,
        "BIT_CYCLES": bits,
    }
    document = {
        "board": board,
        "part": "LFE5U-85F-6BG381C",
        "file": None,
        "freq_mhz": freq,
        "baud": round(freq * 1e6 / bits),
        "parameters": parameters,
    }
    if not dry_run:
        document |= _build(accelerator, sources, place, lpf, parameters, freq, timeout_s)
    (place / "result.json").write_text(json.dumps(document, indent=1) + "\n")
    return document


def _build(
    accelerator: Description,
    sources: Path,
    place: Path,
    lpf: Path,
    parameters: Mapping[str, object],
    freq_mhz: float,
    timeout_s: float,
) -> dict:
    """Synthesise, place, route and pack."""
    files = [sources / name for name in (*accelerator.sources, *SHELL)]
    start = time.monotonic()
    mapped = synthesise(
        files,
        TOP,
        "ecp5",
        place=place,
        cwd=sources,
        parameters=parameters,
        defines=[*family_defines("ecp5"), f"HW_BNN_CORE={accelerator.top}"],
        timeout_s=timeout_s,
        subject=accelerator.name,
    )
    seconds = {"synth": round(time.monotonic() - start, 1)}
    config, made = place / "ulx3s.config", place / "partial.bit"
    routed = place_and_route(
        place / "ecp5.nextpnr.json",
        accelerator,
        place=place,
        freq_mhz=freq_mhz,
        lpf=lpf,
        textcfg=config,
        prefix="shell.accelerator.",
        timeout_s=timeout_s,
    )
    log = place / "ecppack.log"
    log.unlink(missing_ok=True)
    made.unlink(missing_ok=True)
    code = run_tool(
        "ecppack",
        ["--compress", "--input", config.name, "--bit", made.name],
        log=log,
        timeout_s=timeout_s,
    )
    if code != 0 or not made.is_file() or made.stat().st_size == 0:
        reason = first_error(log) or f"exit code {code}"
        raise CheckFailed(f"ecppack failed: {reason} (log: {log})", node=accelerator.name)
    made.rename(place / "ulx3s.bit")
    seconds["pnr"] = routed.pop("seconds")
    return {
        "file": "ulx3s.bit",
        "bytes": (place / "ulx3s.bit").stat().st_size,
        "fmax_mhz": routed["fmax_mhz"],
        "resources": mapped["total"],
        "critical_path": routed["critical_path"],
        "utilization": routed["utilization"],
        "seconds": seconds,
        "versions": {"pyosys": metadata.version("pyosys"), "nextpnr": routed["version"]},
    }
