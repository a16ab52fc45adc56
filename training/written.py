"""The results of a table: NAME.json with every run, and NAME.md, the table beside the paper's.

A run in NAME.json is result.json, and what belongs to the run: the command, day and processor, the
digest of the recipe (what decides its result), and the curves that the table's plot draws.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from runs import PlannedRun

from hw_bnn.errors import BadInput
from hw_bnn.files.jsonfile import read_json
from hw_bnn.train.checkpoint import write_atomically
from hw_bnn.train.metrics import read_metrics

DIGITS = 5  # of a curve's numbers: more than a plot shows


def processor() -> str:
    """The model name of the processor, and the GPU's if there is one."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        pass
    import torch

    if torch.cuda.is_available():
        name += f", {torch.cuda.get_device_name()}"
    return f"{name}, {os.cpu_count()} CPUs"


def kept_runs(
    own: Path, others: list[Path], asked: list[PlannedRun], plan: Callable[[str, int], PlannedRun]
) -> dict[tuple[str, int], dict]:
    """(row, seed) -> the run that results hold, of those whose recipe is still the same.

    Args:
        own: NAME.json, all of whose runs are kept; there need be none.
        others: files that may hold some of the runs asked for.
        asked: the runs asked for.
        plan: the run of a row and a seed, as it would be trained now.

    Raises:
        BadInput: a file is damaged.
    """
    found = {}
    wanted = {run.digest: (run.row, run.seed) for run in asked}
    for path in others:
        for _, run in _runs_of(path):
            if run.get("recipe_digest") in wanted:
                found[wanted[run["recipe_digest"]]] = run
    for key, run in _runs_of(own) if own.is_file() else ():
        if _is_same(run, key, plan):
            found[key] = run
        else:
            print(f"{own.name}: {key[0]}, seed {key[1]}, was of another recipe: left out",
                  file=sys.stderr)  # fmt: skip
    return found


def _runs_of(path: Path) -> Iterator[tuple[tuple[str, int], dict]]:
    document = read_json(path, remedy="delete it: its runs are trained again")
    for row in document["rows"]:
        for run in row["runs"]:
            yield (row["recipe"], run["seed"]), run


def _is_same(run: dict, key: tuple[str, int], plan: Callable[[str, int], PlannedRun]) -> bool:
    try:
        return run.get("recipe_digest") == plan(*key).digest
    except (BadInput, KeyError):  # the changes do not fit that row, or there is no such row now
        return False


def run_entry(result: dict, folder: Path, digest: str, metric: str, keys, command: str) -> dict:
    """What the results hold of a run that has ended: result.json and what belongs to it.

    `metric` is the figure that the table shows, of result.json or of the last epoch's record;
    `keys(name)` tells whether the plot draws a figure of a record.
    """
    records = read_metrics(folder)
    drawn = sorted({key for record in records for key in record if keys and keys(key)})
    return {
        **result,
        "figure": result[metric] if metric in result else records[-1].get(metric),
        "recipe_digest": digest,
        "command": command,
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "curves": {key: [_rounded(r.get(key)) for r in records] for key in drawn} or None,
    }


def _rounded(value: float | None) -> float | None:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def row_entry(name: str, runs: list[dict]) -> dict:
    """A row of the table, of its runs: mean and sample deviation over the seeds, in per cent."""
    figures = [100 * r["figure"] for r in runs if r["figure"] is not None]
    return {
        "recipe": name,
        "published": runs[0]["published"],
        "epochs": runs[0]["epochs"],
        "mean_percent": round(statistics.mean(figures), 3) if figures else None,
        "std_percent": round(statistics.stdev(figures), 3) if len(figures) > 1 else None,
        "seconds": round(sum(r["seconds"] for r in runs), 1),
        "runs": runs,
    }


def document_of(name: str, table: dict, runs: dict[tuple[str, int], dict]) -> dict:
    """The results of a table, of its runs by (row, seed); rows in the table's order."""
    rows = []
    for row in table["rows"]:
        own = [runs[key] for key in sorted(runs) if key[0] == row]
        if own:
            rows.append(row_entry(row, own))
    return {"table": name, "title": table["title"], "rows": rows}


def write(document: dict, table: dict, stem: Path) -> str:
    """Write `stem`.json and `stem`.md; returns the latter's text."""
    text = markdown(table, document)
    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".json", json.dumps(document, indent=1) + "\n"), (".md", text)):
        path = stem.with_name(stem.name + suffix)
        write_atomically(path, lambda file, content=content: file.write(content.encode()))
    return text


def published_text(published: dict) -> str:
    """The paper's figure as an accuracy where it gives one."""
    if "test_error_percent" in published:
        return f"{100 - published['test_error_percent']:.2f}"
    parts = [f"{value}" for key, value in published.items() if key.endswith("accuracy_percent")]
    spread = f" +- {published['std']}" if "std" in published else ""
    others = [f"{value}" for key, value in published.items() if "after" in key]
    return (parts[-1] + spread) if parts else (others[0] if others else "-")


def markdown(table: dict, document: dict) -> str:
    """The table beside the paper's, with what the plot measured in columns of its own."""
    drawn = list(dict.fromkeys(k for row in document["rows"] for k in row.get("drawn", {})))
    head = "".join(f" {name.replace('_', ' ')} |" for name in drawn)
    every = [run for row in document["rows"] for run in row["runs"]]
    origins = dict.fromkeys(_origin(run) for run in every)
    lines = [f"# {document['title']}", ""]
    lines += [line for origin in origins for line in (origin, "")]
    lines += [
        f"| row | epochs | seeds | {table['metric']} % | published % | seconds |{head}",
        "|---|---:|---:|---:|---:|---:|" + "---:|" * len(drawn),
    ]
    for row in document["rows"]:
        mean = "-" if row["mean_percent"] is None else f"{row['mean_percent']:.2f}"
        spread = "" if row["std_percent"] is None else f" +- {row['std_percent']:.2f}"
        lines.append(
            f"| {row['recipe']} | {row['epochs']} | {len(row['runs'])} | {mean}{spread} | "
            f"{published_text(row['published'])} | {row['seconds']:.0f} |"
            + "".join(f" {row['drawn'][name]} |" for name in drawn)
        )
    full = f"python training/reproduce.py {document['table']}"
    if any(run["command"] != full for run in every):
        lines += ["", f"The full table: `{full}`."]
    return "\n".join(lines) + "\n"


def _origin(run: dict) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in run["versions"].items())
    return f"`{run['command']}`, {run['date']}, {run['processor']}, {versions}"
