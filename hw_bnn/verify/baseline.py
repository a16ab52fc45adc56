"""What a verification may cost and has to reach: limits, and the summary of one before.

limits = read_limits("old/summary.json", "+2%")
compare(summary, limits)     # [{"figure": "luts", "old": 990, "new": 1002, "limit": 1009.8, ...}]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..files.jsonfile import read_json
from .junit import Check

_LIMIT = re.compile(r"(\+?)(\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True)
class Growth:
    """At most so many: more than before by a share, by a number, or in all."""

    amount: float
    kind: str  # "share", "more" or "all"

    def most(self, old: float | None) -> float | None:
        """The limit; None where it is relative to what is not known."""
        if self.kind == "all":
            return self.amount
        if old is None:
            return None
        return old * (1 + self.amount / 100) if self.kind == "share" else old + self.amount


def parse_growth(text: str) -> Growth:
    """The text +2% (of the baseline), +100 (above it), or 5000 (in all).

    >>> parse_growth("+2%").most(500), parse_growth("+100").most(500), parse_growth("90").most(500)
    (510.0, 600.0, 90.0)
    """
    match = _LIMIT.fullmatch(text.strip())
    if match is None or (match[3] and not match[1]):
        raise BadInput(f"max_luts= is {text!r}", remedy="write it as +2%, +100 or 5000")
    return Growth(float(match[2]), "share" if match[3] else "more" if match[1] else "all")


@dataclass(frozen=True)
class Limits:
    """old: the summary of a verification before, if there is one."""

    old: Mapping[str, Any] | None
    luts: Growth | None


def read_limits(baseline: str | Path | None, max_luts: str | None) -> Limits | None:
    """What was asked for; None for nothing.

    Raises:
        BadInput: the file is no summary, the text no limit, or a relative limit has no baseline.
    """
    growth = None if max_luts is None else parse_growth(max_luts)
    if baseline is None:
        if growth is not None and growth.kind != "all":
            raise BadInput(
                f"max_luts={max_luts!r} is more than a baseline's", remedy="give baseline= too"
            )
        return None if growth is None else Limits(None, growth)
    try:
        old = read_json(baseline, remedy="give the summary.json of a verification")
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(f"{baseline} does not exist", remedy="give a summary.json") from None
    if not isinstance(old, dict) or not isinstance(old.get("mismatches"), dict):
        raise BadInput(f"{baseline} is no summary of a verification", remedy="give a summary.json")
    return Limits(old, growth or Growth(0, "more"))


def compare(summary: Mapping[str, Any], limits: Limits) -> list[dict[str, Any]]:
    """Each figure that has a limit: figure, old, new, limit, passed.

    Cycles a frame may not grow and the RTL's accuracy may not fall (where both were measured on
    the same input); LUTs may grow as far as is allowed: those of synthesis, or where one of the two
    was not synthesised the estimated ones.
    """
    old = limits.old or {}
    found = []
    cycles, before = _number(summary, "cycles_per_frame"), _number(old, "cycles_per_frame")
    if cycles is not None and before is not None:
        found.append(_row("cycles_per_frame", before, cycles, before, cycles <= before))
    right, held = (_number(s.get("accuracy") or {}, "rtl") for s in (summary, old))
    if right is not None and held is not None and summary.get("input") == old.get("input"):
        found.append(_row("accuracy_rtl", held, right, held, right >= held))
    if limits.luts is not None:
        found.append(_luts(summary, old, limits.luts))
    return found


def _luts(summary: Mapping, old: Mapping, growth: Growth) -> dict[str, Any]:
    names = ("luts", "estimated_luts")
    for name in names:
        new, before = _number(summary, name), _number(old, name)
        most = growth.most(before)
        if new is not None and most is not None:
            return _row(name, before, new, most, new <= most)
    new = next((n for n in (_number(summary, name) for name in names) if n is not None), None)
    return _row("luts", None, new, None, False)


def _number(document: Mapping, name: str) -> float | None:
    value = document.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _row(figure: str, old: Any, new: Any, limit: Any, passed: bool) -> dict[str, Any]:
    return {"figure": figure, "old": old, "new": new, "limit": limit, "passed": passed}


def told(row: Mapping[str, Any]) -> str:
    """A figure beyond its limit, in words."""
    if row["limit"] is None:
        return f"{row['figure']} cannot be compared: one of the two verifications does not tell it"
    before = "" if row["old"] is None else f" (before: {row['old']:,.6g})"
    return f"{row['figure']} is {row['new']:,.6g}, the limit {row['limit']:,.6g}{before}"


def checks(rows: list[dict[str, Any]]) -> list[Check]:
    """One JUnit case a figure."""
    return [Check(f"limit of {r['figure']}", 0.0, None if r["passed"] else told(r)) for r in rows]
