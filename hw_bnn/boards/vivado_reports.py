"""Vivado's reports of an implemented overlay, as numbers.

utilization.rpt   of report_utilization: rows | Site Type | Used | ... | Available | Util% |
timing.rpt        of report_timing_summary: the row of numbers below "Design Timing Summary"

The columns are found by their names, since Vivado 2021 put one more among them. The shapes are
those of reports of 2018.2 to 2024.2 that others have published.
"""

from __future__ import annotations

import re
from pathlib import Path

UTILISATION, TIMING = "utilization.rpt", "timing.rpt"
_LARGEST_BYTES = 64 << 20
_SITES = {
    "lut": ("Slice LUTs", "CLB LUTs"),
    "ff": ("Slice Registers", "CLB Registers"),
    "bram": ("Block RAM Tile",),
    "dsp": ("DSPs",),
    "uram": ("URAM",),
}
_SLACKS = {"setup": "WNS(ns)", "hold": "WHS(ns)", "pulse_width": "WPWS(ns)"}


def used(text: str) -> dict[str, dict[str, float]]:
    """What report_utilization counted: {"lut": {"used", "available"}, "ff", "bram" (of 36 kbit),
    "dsp", "uram"}; only the sites that the device has, or that the text tells.

    >>> used('''| Site Type   | Used | Fixed | Prohibited | Available | Util% |
    ... | Slice LUTs* | 1301 |     0 |          0 |     53200 |  2.45 |''')
    {'lut': {'used': 1301, 'available': 53200}}
    """
    found: dict[str, dict[str, float]] = {}
    head: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if "Site Type" in cells:
            head = cells
        elif line.lstrip().startswith("|") and len(cells) == len(head):
            row = dict(zip(head, cells, strict=True))
            site = row["Site Type"].rstrip("*")
            kind = next((k for k, names in _SITES.items() if site in names), None)
            if kind is None or kind in found:
                continue
            counts = [_number(row.get(name, "")) for name in ("Used", "Available")]
            if counts[0] is not None and counts[1] is not None:
                found[kind] = {"used": counts[0], "available": counts[1]}
    return found


def slacks(text: str) -> dict[str, float]:
    """The worst slacks of report_timing_summary in ns: {"setup", "hold", "pulse_width"}; without
    those that it has no number for.

    >>> slacks('''| Design Timing Summary
    ... WNS(ns)  TNS(ns)  TNS Failing Endpoints  WHS(ns)  WPWS(ns)
    ... -------  -------  ---------------------  -------  --------
    ...   0.285    0.000                      0    0.020        NA''')
    {'setup': 0.285, 'hold': 0.02}
    """
    lines = text.partition("Design Timing Summary")[2].splitlines()
    for head, row in zip(lines, lines[2:], strict=False):
        names = re.split(r"\s{2,}", head.strip())
        values = row.split()
        if names[0] == _SLACKS["setup"]:
            if len(names) != len(values):
                return {}
            told = dict(zip(names, values, strict=True))
            numbers = {k: _number(told.get(name, "")) for k, name in _SLACKS.items()}
            return {k: v for k, v in numbers.items() if v is not None}
    return {}


def read_reports(place: Path) -> dict[str, dict]:
    """{"used", "slack_ns"} of the reports in PLACE; either is empty where its report is missing or
    is none of Vivado's: an overlay is not lost for that."""
    return {"used": used(_text(place / UTILISATION)), "slack_ns": slacks(_text(place / TIMING))}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _number(text: str) -> float | None:
    """A count or a time; None for "NA", "<0.01" and other words.

    >>> _number("13.5"), _number("-7"), _number("1e999"), _number("NA")
    (13.5, -7, None, None)
    """
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text):
        return None
    return float(text) if "." in text else int(text)
