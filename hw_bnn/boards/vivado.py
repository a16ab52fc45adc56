"""Overlays of boards with a Zynq: what Vivado is given, the run of it, and a check of the
scripts without it.

    overlay("net", "pynq-z2", dry_run=True)["checked"]

DIR/board/BOARD/ takes settings.tcl, rtl/, the two scripts of boards/vivado/ and, from Vivado,
overlay.bit, overlay.hwh and reports, and overlay.json (see overlays.py). A dry run gives the
scripts to boards/vivado/stub.tcl in tclsh, which knows the commands they use and the pins of the
cells they place; it proves spelling and wiring against its own tables alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .. import children
from ..accelerator import Description
from ..accelerator.folder import open_accelerator
from ..compile.boards import BOARDS, Board
from ..errors import BadInput, CheckFailed, MissingTool
from ..files.given import given_path
from ..files.inside import workplace
from . import BOARD_FILES
from .hwh import IP_VERSION
from .overlays import BIT, HIGHEST_MHZ, LOWEST_MHZ, clear_overlay, write_overlay
from .registers import IP_XACT_ACCESS, load
from .shell import PORTS, TOP, Shell
from .simboard import io_document
from .vivado_reports import read_reports

SCRIPTS = BOARD_FILES / "vivado"
PACKAGER = SCRIPTS / "package_ip.tcl"
STUB = SCRIPTS / "stub.tcl"
_EXITS = {
    10: "an IP is missing",
    11: "synthesis failed",
    12: "implementation failed",
    13: "the clock is missed",
    14: "an interface is missing",
}


def overlay(
    folder: str | Path, board: str, *, dry_run: bool = False, freq_mhz: float | None = None,
    timeout_s: float = 4 * 3600, trust: bool = False,
) -> dict:  # fmt: skip
    """Make DIR/board/BOARD/: the overlay with Vivado, or in a dry run all that Vivado
    would be given.

    Args:
        board: one with a Zynq. freq_mhz: its clock; the accelerator's own by default.
        timeout_s: of each of synthesis and implementation, in seconds.

    Returns:
        {"board", "part", "file" (None in a dry run), "freq_mhz", "checked": what saw the
        scripts, "folder"}; where Vivado ran, "used" and "slack_ns" (see vivado_reports.py), which
        overlay.json keeps.

    Raises:
        BadInput: no accelerator, a board without a Zynq, or an impossible clock.
        MissingTool: Vivado (in a dry run: tclsh) is not installed. CheckFailed: it
            failed, and where.
    """
    folder = given_path(folder).resolve()
    accelerator = open_accelerator(folder, trust=trust)
    known = BOARDS.get(board)
    if known is None or known.processor is None:
        fit = ", ".join(name for name, b in BOARDS.items() if b.processor)
        raise BadInput(f"Vivado makes no overlay for {board}", remedy=f"use one of {fit}")
    freq = freq_mhz if freq_mhz is not None else 1000 / accelerator.clk_period_ns
    if not LOWEST_MHZ <= freq <= HIGHEST_MHZ:
        raise BadInput(
            f"the clock cannot be {freq:g} MHz", remedy=f"use {LOWEST_MHZ} to {HIGHEST_MHZ} MHz"
        )
    place = workplace(folder, "board", board)
    clear_overlay(place)
    io = write_sources(
        folder, accelerator, known, place, freq, minutes=max(1, round(timeout_s / 60))
    )
    document: dict[str, object] = {
        "board": board,
        "part": known.part,
        "file": None,
        "freq_mhz": freq,
        "folder": str(place),
    }
    if dry_run:
        check_scripts(place, board_files=True)
        check_scripts(place, board_files=False)
        document["checked"] = "spelling and wiring by a stub in tclsh; no Vivado saw it"
        (place / "dry_run.json").write_text(
            json.dumps({**document, "model": io["model"]}, indent=1) + "\n"
        )
    else:
        _run_vivado(place, accelerator, timeout_s)
        document |= {"file": BIT, "checked": "Vivado", **read_reports(place)}
        write_overlay(folder, place, {**document, "model": io["model"]})
    return document


def write_sources(
    folder: Path,
    accelerator: Description,
    board: Board,
    place: Path,
    freq_mhz: float,
    *,
    minutes: int = 240,
) -> dict:
    """Write rtl/, settings.tcl and the scripts; returns the driver's document."""
    assert board.processor is not None
    shell = Shell.of(accelerator, PORTS[board.processor])
    rtl = place / "rtl"
    shutil.rmtree(rtl, ignore_errors=True)
    rtl.mkdir()
    for name in accelerator.rtl_files:
        shutil.copyfile(folder / name, place / name)
    own = [path for path in shell.sources() if path.name not in accelerator.sources]
    for path in own:
        shutil.copyfile(path, rtl / path.name)
    (rtl / f"{TOP}.v").write_text(shell.wrapper())
    sources = [f"rtl/{n}" for n in (*(p.name for p in own), *accelerator.sources, f"{TOP}.v")]
    memories = [
        name
        for name in accelerator.rtl_files
        if name not in {f"rtl/{n}" for n in accelerator.sources}
    ]
    for script in (SCRIPTS / "build.tcl", PACKAGER):
        shutil.copyfile(script, place / script.name)
    settings = {
        "top": TOP, "version": IP_VERSION, "name_of_accelerator": accelerator.name,
        "part": board.part, "board_part": board.board_part or "", "processor": board.processor,
        "data_bits": shell.port.data_bits, "control_base": f"{shell.port.control:#010x}",
        "clock_mhz": f"{freq_mhz:g}", "minutes": minutes, "jobs": 4,
        "sources": sources, "memories": memories, "registers": _registers(),
        "constraints": [], "busses": ["s_axi_control", "m_axi"],
    }  # fmt: skip
    write_settings(place, settings)
    io = io_document(accelerator, shell, clock_mhz=freq_mhz)
    (place / "io.json").write_text(json.dumps(io, indent=1) + "\n")
    return io


def write_settings(place: Path, settings: Mapping[str, object]) -> None:
    """Write PLACE/settings.tcl: what the scripts are to make."""
    lines = ["# What the scripts beside this file are to make; written by hw_bnn."]
    lines += [f"set {name} {tcl(value)}" for name, value in settings.items()]
    (place / "settings.tcl").write_text("\n".join([*lines, ""]))


def tcl(value: object) -> str:
    """A Tcl word that means `value`; lists become lists.

    >>> print(tcl(["a b", 3, ["$x", "", "open {"]]))
    {{a b} 3 {{$x} {} open\\ \\{}}
    """
    if isinstance(value, (list, tuple)):
        return "{" + " ".join(tcl(item) for item in value) + "}"
    text = str(value)
    if text and all(c.isalnum() or c in "_./:-" for c in text):
        return text
    if "{" in text or "}" in text or "\\" in text:
        return "".join(map(_escaped, text))
    return "{" + text + "}"


def _escaped(character: str) -> str:
    if character.isalnum():
        return character
    return (
        f"\\{character}" if character.isprintable() else f"\\u{ord(character):04x}"
    )  # \ before a newline joins lines


def _registers() -> list[list[object]]:
    return [
        [r.name, f"{r.offset:#x}", IP_XACT_ACCESS[r.access], r.help,
         [[f.name, f.low, f.high - f.low + 1, f.help] for f in r.fields.values()]]
        for r in load()
    ]  # fmt: skip


def check_scripts(
    place: Path, *, board_files: bool = False, failures: tuple[str, ...] = (),
    script: str = "build.tcl",
) -> str:  # fmt: skip
    """Run a script of PLACE under the stub; returns what was recorded.

    Args:
        failures: what the stub's Vivado lacks or fails at: no_ip, synth, impl, timing.

    Raises:
        MissingTool: tclsh is not installed. CheckFailed: the script is wrong, or failed as asked.
    """
    tclsh = shutil.which("tclsh")
    if tclsh is None:
        raise MissingTool(
            "tclsh is not installed", remedy="install it (Debian, Ubuntu: `apt install tcl`)"
        )
    options = [*(["board_files"] if board_files else []), *failures]
    command = [tclsh, str(STUB), str(place / script), str(place / "settings.tcl"), *options]
    pipe = subprocess.PIPE
    run = children.run(command, cwd=place, stdout=pipe, stderr=pipe, text=True, timeout=120)
    if run.returncode != 0:
        raise CheckFailed(_reason(run.returncode, run.stderr))
    return run.stdout


def _run_vivado(place: Path, accelerator: Description, timeout_s: float) -> None:
    vivado = shutil.which("vivado")
    if vivado is None:
        raise MissingTool(
            "Vivado is not on the PATH",
            remedy="source its settings64.sh, or use dry_run=True to write what it needs",
        )
    command = [vivado, "-mode", "batch", "-nojournal", "-log", "vivado.log", "-source", "build.tcl",
               "-tclargs", "settings.tcl"]  # fmt: skip
    pipe = subprocess.PIPE
    try:
        run = children.run(
            command, cwd=place, stdout=pipe, stderr=pipe, text=True, errors="replace",
            timeout=3 * timeout_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"Vivado ran longer than {3 * timeout_s:g} s (log: {place}/vivado.log)",
                          node=accelerator.name) from None  # fmt: skip
    if run.returncode != 0:
        reason = _reason(run.returncode, run.stdout + run.stderr)
        raise CheckFailed(f"{reason} (log: {place}/vivado.log)", node=accelerator.name)


def _reason(code: int, text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith(("error: ", "stub: ", "ERROR:"))]
    first = (lines or text.strip().splitlines() or ["no message"])[0].removeprefix("error: ")
    kind = _EXITS.get(code, f"Vivado's script ended with {code}")
    return f"{kind}: {first}"
