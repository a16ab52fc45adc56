"""Write training/README.md's table of what was measured, from evidence.yaml and results/.

    python training/evidence.py            # rewrites the table in README.md
    python training/evidence.py --check    # fails where the table is not what the results say

A claim is judged by differences of means: it holds where every difference that it asks for is above
its bound by more than twice its standard error, does not where one is below by as much, and is not
decided otherwise. The error of a mean is that of drawing the test images (binomial), or the spread
over the seeds where that is larger; figures that are not accuracies have the spread alone, and one
seed decides nothing of them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- evidence.py writes this table -->", "<!-- end of the table -->"
ERRORS = 2.0  # standard errors that decide


@dataclass(frozen=True)
class Figure:
    """A mean over seeds: in per cent where it is an accuracy, as it is otherwise."""

    mean: float
    error: float  # standard error, of the same unit; infinite where nothing tells it
    spread: float | None  # deviation over the seeds
    seeds: int
    percent: bool

    def __str__(self) -> str:
        form = ".2f" if self.percent else ".3g"
        spread = "" if self.spread is None else f" +- {self.spread:{form}}"
        return f"{self.mean:{form}}{spread}"


def figure(reference: str, results: Path) -> Figure:
    """The figure of `FILE:ROW[:KEY]`.

    KEY is of the runs (those that have it: older ones know fewer figures), of what the row's plot
    measured, or of the runs' curves, where these are known: `epochs_to=PERCENT`, epochs of the last
    stage until the validation accuracy is so high, and `last=NAME`, the last epoch's value of a
    curve.

    Raises:
        KeyError: the results hold no such row or figure.
    """
    file, row_name, *key = reference.split(":")
    rows = json.loads((results / f"{file}.json").read_text())["rows"]
    found = [row for row in rows if row["recipe"] == row_name]
    if not found:
        raise KeyError(f"{file}.json has no row {row_name}")
    row = found[0]
    if key and key[0] in row.get("drawn", {}):
        return Figure(row["drawn"][key[0]], 0.0, None, 1, percent=False)
    if key and key[0].startswith("epochs_to="):
        bound = float(key[0].removeprefix("epochs_to=")) / 100
        needed = [_epochs_to(bound, run["curves"]) for run in row["runs"] if run["curves"]]
        return _of_seeds([float(epochs) for epochs in needed])
    runs = row["runs"]
    if key and key[0].startswith("last="):
        name = key[0].removeprefix("last=")
        runs = [{**run, key[0]: run["curves"][name][-1]} for run in runs if run["curves"]]
    name = key[0] if key else "figure"
    runs = [run for run in runs if name in run]
    if not runs:
        raise KeyError(f"no run of {file}.json's {row_name} has {name}")
    values = [run[name] for run in runs]
    percent = not key or "accuracy" in key[0]
    if not percent:
        return _of_seeds(values)
    p, images = statistics.mean(values), sum(run.get("test_samples", 0) for run in runs)
    drawing = 100 * math.sqrt(p * (1 - p) / images) if images else 0.0
    seen = _of_seeds([100 * value for value in values])
    error = max(seen.error, drawing) if len(runs) > 1 else drawing
    return replace(seen, error=error, percent=True)


def _of_seeds(values: list[float]) -> Figure:
    """The figure of values that only the seeds spread."""
    spread = statistics.stdev(values) if len(values) > 1 else None
    error = math.inf if spread is None else spread / math.sqrt(len(values))
    return Figure(statistics.mean(values), error, spread, len(values), percent=False)


def _epochs_to(bound: float, curves: dict[str, list]) -> int:
    """Epochs of the last stage until the validation accuracy, 0 to 1, is at least `bound`."""
    last = curves["stage"][-1]
    validation = curves["validation_accuracy"]
    seen = [a for a, stage in zip(validation, curves["stage"], strict=True) if stage == last]
    for epoch, accuracy in enumerate(seen):
        if accuracy >= bound:
            return epoch + 1
    raise KeyError(f"no epoch has {100 * bound:g} % of validation")


def verdict(claim: str | dict | None, figures: list[Figure]) -> str:
    """`holds`, `does not hold` or `not decided`; empty without a claim."""
    if claim is None:
        return ""
    pairs: list[tuple[Figure, Figure]]
    if claim == "descending":
        pairs, bound = list(itertools.pairwise(figures)), 0.0
    else:
        pairs, bound = [(figures[0], other) for other in figures[1:]], -claim["within"]
    decided = []
    for one, two in pairs:
        gap, error = one.mean - two.mean - bound, math.hypot(one.error, two.error)
        decided.append(0 if abs(gap) <= ERRORS * error else math.copysign(1, gap))
    if min(decided) < 0:
        return "does not hold"
    return "holds" if min(decided) > 0 else "not decided"


def table(entries: list[dict], results: Path) -> str:
    """The Markdown table of evidence.yaml's entries."""
    lines = ["| what | measured | seeds | published | the claim |", "|---|---:|---:|---:|---|"]
    for entry in entries:
        figures = [figure(reference, results) for reference in entry["figures"]]
        unit = " %" if figures[0].percent else ""
        measured = " / ".join(map(str, figures)) + unit
        seeds = min(found.seeds for found in figures)
        told = verdict(entry.get("claim"), figures)
        lines.append(f"| {entry['what']} | {measured} | {seeds} | {entry['published']} | {told} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    args = parser.parse_args(argv)
    readme = HERE / "README.md"
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        print(f"README.md has no place for the table: {BEGIN} and {END}", file=sys.stderr)
        return 2
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    entries = yaml.safe_load((HERE / "evidence.yaml").read_text())
    new = f"{before}{BEGIN}\n\n{table(entries, HERE / 'results')}\n\n{END}{after}"
    if args.check:
        if new != text:
            print("README.md's table is not what the results say: run training/evidence.py",
                  file=sys.stderr)  # fmt: skip
        return int(new != text)
    readme.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
