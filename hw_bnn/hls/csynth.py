"""What Vitis HLS says of the code, read back beside what the manifest expects.

    document = csynth("acc", "acc/hls/project/solution/syn/report/csynth.xml")

The report has a module for each process of the design, by its name (hw_bnn.hls.top).
"""

from __future__ import annotations

import json
from pathlib import Path

from .. import console
from ..accelerator.folder import open_accelerator
from ..errors import BadInput, CheckFailed
from ..files.given import given_path
from ..files.output import output_file
from .csynth_report import REMEDY, Loop, Report, read_report
from .files import Manifest, ManifestProcess, read_manifest

DOCUMENT = "csynth.json"


def csynth(folder: str | Path, report: str | Path, *, trust: bool = False) -> dict:
    """Read a report back: what it says goes beside what is expected, to FOLDER/hls/csynth.json.

    Args:
        folder: an accelerator folder with HLS code.
        report: the csynth.xml of a synthesis of that code.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).

    Returns:
        What is written: tool, part, clock, the top's figures, for each process `expected` and what
        was found, and `wrong`, a sentence for each thing that is not as expected.

    Raises:
        BadInput: no accelerator, no HLS code, no such report, or one of other code.
    """
    folder = given_path(folder)
    open_accelerator(folder, trust=trust)
    document = compare(read_manifest(folder), read_report(report))
    with output_file(folder / "hls" / DOCUMENT) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n")
    return document


def failed(document: dict) -> CheckFailed | None:
    """The error that a document stands for, if something in it is not as expected."""
    if not document["wrong"]:
        return None
    return CheckFailed(
        f"the synthesis is not as the manifest expects: {'; '.join(document['wrong'])}"
    )


def compare(manifest: Manifest, report: Report) -> dict:
    """The report beside the manifest.

    A call of N frames (HW_BNN_FRAMES) has loops of N times the steps; the slowest process tells N.

    Raises:
        BadInput: the report is of another top, or lacks a process.
    """
    names = [process.name for process in manifest.processes]
    if report.top != manifest.top or set(names) - set(report.modules):
        lacks = next((n for n in names if n not in report.modules), None)
        what = f"lacks {lacks}" if report.top == manifest.top else f"is of {report.top}"
        raise BadInput(f"the report is not one of this code: it {what}", remedy=REMEDY)
    slowest = max(manifest.processes, key=lambda p: p.interval)
    trips = [loop.trip_count or 0 for loop in report.loops(slowest.name)]
    frames = max(1, max(trips, default=0) // slowest.interval)
    wrong, rows = [], []
    for process in manifest.processes:
        row = _row(process, report)
        rows.append(row)
        wrong += _faults(row, frames)
    slack = round(report.clock_ns - report.uncertainty_ns - report.estimated_ns, 3)
    if slack < 0:
        wrong.append(
            f"the clock of {report.clock_ns:g} ns is missed: {report.estimated_ns:g} ns are "
            f"estimated, and {report.uncertainty_ns:g} ns are uncertain"
        )
    return {
        "tool": report.version, "part": report.part,
        "clock": {"target_ns": report.clock_ns, "uncertainty_ns": report.uncertainty_ns,
                  "estimated_ns": report.estimated_ns, "slack_ns": slack},
        "frames_per_call": frames, "expected": manifest.interval,
        "interval": report.whole.interval, "latency": report.whole.latency,
        **report.whole.resources, "processes": rows, "wrong": wrong,
    }  # fmt: skip


def _row(process: ManifestProcess, report: Report) -> dict:
    """`expected` is cycles a frame; the tool's figures are of a call."""
    module, loops = report.modules[process.name], report.loops(process.name)
    loop = loops[0] if len(loops) == 1 else Loop(None, None, None)
    return {
        "name": process.name, "kernel": process.kernel, "layer": process.layer,
        "expected": process.interval, "loops": len(loops), "trip_count": loop.trip_count,
        "ii": loop.ii, "depth": loop.depth, "interval": module.interval, "latency": module.latency,
        **module.resources,
    }  # fmt: skip


def _faults(row: dict, frames: int) -> list[str]:
    """What of a process is not as expected: one loop, its steps, and a cycle a step."""
    name, expected = row["name"], row["expected"] * frames
    if row["loops"] != 1:
        return [f"{name} has {row['loops']} loops in the report, not one"]
    if row["trip_count"] is None or row["ii"] is None:
        return [f"the report does not tell the steps of {name}"]
    if row["trip_count"] != expected:
        return [f"{name} takes {row['trip_count']:,} steps, not {expected:,}"]
    if row["ii"] != 1:
        return [f"{name} takes {row['ii']} cycles a step (II), not 1"]
    return []


def show(document: dict) -> None:
    """As a table."""
    columns = ["expected", "trip_count", "ii", "depth", "interval", "luts", "ffs", "bram18s"]
    rows = [
        [p["name"], *("-" if p[column] is None else p[column] for column in columns)]
        for p in document["processes"]
    ]
    heads = ["process", "expected", "steps", "II", "depth", "interval", "LUTs", "FFs", "BRAM18s"]
    console.table(f"Vitis HLS {document['tool']} on {document['part']}", heads, rows,
                  right=range(1, len(heads)))  # fmt: skip
    clock, interval = document["clock"], document["interval"]
    frames = document["frames_per_call"]
    found = "unknown" if interval is None else f"{interval:,}"
    console.out(f"interval: {found} cycles for {frames} frame{'s' * (frames > 1)}, "
                f"expected {document['expected'] * frames:,} and the start")  # fmt: skip
    console.out(f"clock: {clock['estimated_ns']:g} ns of {clock['target_ns']:g} ns")
