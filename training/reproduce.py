"""Run a table or figure of the papers and put the result beside the published one.

    python training/reproduce.py --list
    python training/reproduce.py bayesbinn_table2_mnist                          # needs a GPU
    python training/reproduce.py alizadeh_table3_mnist --epochs 10 --seeds 1     # cut to 10 epochs
    python training/reproduce.py finn --rows 'sfc_*' --set training.epochs=320 --name sfc_320_epochs
    python training/reproduce.py bnew_table1_cifar10 --set data.limit=3000 \\
        '*_bnew:training.method.pull=0.01' --name cut              # a change of the rows that match

Every row is a recipe of training/recipes; a run that was stopped is gone on with. Results go to
training/results: NAME.json (every run, command, processor, versions), NAME.md (the table beside the
paper's) and NAME.png.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import statistics
import sys
from fnmatch import fnmatch
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


def recipes() -> dict[str, Path]:
    """Recipe name -> file, of all recipes of the papers."""
    return {path.stem: path for path in (HERE / "recipes").rglob("*.yaml")}


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


def prepared(path: Path, changes: list[str], epochs: int | None, out: Path):
    """The recipe of one run: changed (`key=value`), cut to `epochs`, its teacher looked for among
    this table's runs.
    """
    from hw_bnn.train.recipe import load_recipe
    from hw_bnn.train.shorten import shortened

    document = load_recipe(path, changes).model_dump(mode="json")
    for stage in (document["training"], *document["stages"]):
        distil = stage.get("distil")
        if distil and distil["teacher"].startswith("runs/"):
            distil["teacher"] = str(out / distil["teacher"].removeprefix("runs/"))
    recipe = load_recipe(document)
    return shortened(recipe, epochs) if epochs else recipe


def changes_of(row: str, changes: list[str]) -> list[str]:
    """The `key=value` of a row, of changes to all rows and of `PATTERN:key=value`, to some."""
    own = []
    for change in changes:
        key, equals, value = change.partition("=")
        pattern, colon, rest = key.rpartition(":")
        if not colon or fnmatch(row, pattern):
            own.append(f"{rest}{equals}{value}")
    return own


def figure_of(metric: str, result: dict, records: list[dict]) -> float | None:
    """The number that the table shows: of result.json, or of the last epoch's record."""
    return result[metric] if metric in result else records[-1].get(metric)


def run_row(name: str, path: Path, table: dict, args) -> dict:
    """Train all seeds of one row; the row's entry in the results."""
    from hw_bnn.train import train
    from hw_bnn.train.metrics import read_metrics

    runs = []
    for seed in range(args.seeds or table["seeds"]):
        changes = [f"seed={seed}", *changes_of(name, args.set)]
        recipe = prepared(path, changes, args.epochs, args.out)
        folder = train(
            recipe, out=args.out / f"{name}-seed{seed}", resume=True, data_root=args.data_root
        )
        result = json.loads((folder / "result.json").read_text())
        records = read_metrics(folder)
        shown = figure_of(table["metric"], result, records)
        runs.append({**result, "figure": shown, "folder": str(folder)})
    figures = [100 * r["figure"] for r in runs if r["figure"] is not None]
    return {
        "recipe": name,
        "published": runs[0]["published"],
        "epochs": runs[0]["epochs"],
        "mean_percent": round(statistics.mean(figures), 3) if figures else None,
        "std_percent": round(statistics.pstdev(figures), 3) if figures else None,
        "seconds": round(sum(r["seconds"] for r in runs), 1),
        "runs": runs,
    }


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
    lines = [
        f"# {table['title']}",
        "",
        f"`{document['command']}`, {document['date']}, {document['processor']}, "
        + ", ".join(f"{k} {v}" for k, v in document["versions"].items()),
        "",
        f"| row | epochs | seeds | {table['metric']} % | published % | seconds |{head}",
        "|---|---:|---:|---:|---:|---:|" + "---:|" * len(drawn),
    ]
    for row in document["rows"]:
        mean = "-" if row["mean_percent"] is None else f"{row['mean_percent']:.2f}"
        spread = f" +- {row['std_percent']:.2f}" if len(row["runs"]) > 1 else ""
        lines.append(
            f"| {row['recipe']} | {row['epochs']} | {len(row['runs'])} | {mean}{spread} | "
            f"{published_text(row['published'])} | {row['seconds']:.0f} |"
            + "".join(f" {row['drawn'][name]} |" for name in drawn)
        )
    full = f"python training/reproduce.py {document['table']}"
    if document["command"] != full:
        lines += ["", f"The full table: `{full}`."]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    tables = yaml.safe_load((HERE / "tables.yaml").read_text())
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", nargs="?", help="a table or figure; --list shows them")
    parser.add_argument("--list", action="store_true", help="show the tables")
    parser.add_argument("--epochs", type=int, help="cut every row to so many epochs")
    parser.add_argument("--seeds", type=int, help="runs per row; by default the paper's number")
    parser.add_argument("--rows", nargs="+", help="only these rows; with * and ? as in file names")
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="[ROWS:]KEY=VALUE",
        help="changes to every recipe, or to those whose names match ROWS",
    )
    parser.add_argument(
        "--name", help="of the files of results; TABLE, or TABLE_N_epochs, by default"
    )
    parser.add_argument("--data-root", type=Path, help="folder of data files; else HW_BNN_DATA")
    parser.add_argument("--out", type=Path, help="where the run folders go; runs/NAME by default")
    parser.add_argument(
        "--results", type=Path, default=HERE / "results", help="where the results go"
    )
    args = parser.parse_args(argv)
    if args.list or not args.table:
        for name, table in tables.items():
            print(f"{name:28} {table['title']}")
        return 0
    from hw_bnn.errors import HwBnnError

    try:
        return run(tables, args)
    except HwBnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def run(tables: dict, args) -> int:
    """Run the table that `args` names and write its results."""
    from hw_bnn.errors import BadInput, nearest

    if args.table not in tables:
        raise BadInput(f"there is no table {args.table}", remedy=nearest(args.table, tables))
    table = tables[args.table]
    if args.set and not args.name:
        raise BadInput(
            f"these are not {args.table}'s own recipes, and would take its results' place",
            remedy="name the results with --name",
        )
    label = args.name or args.table + (f"_{args.epochs}_epochs" if args.epochs else "")
    if label != Path(label).name:
        raise BadInput(f"{label} is not the name of a file", remedy="leave out the folders")
    args.out = args.out or Path("runs") / label
    files = recipes()
    rows = [r for r in table["rows"] if any(fnmatch(r, p) for p in args.rows or ["*"])]
    if not rows:
        raise BadInput(
            f"no row of {args.table} is named {' or '.join(args.rows)}",
            remedy=f"its rows are {', '.join(table['rows'])}",
        )
    # What is wrong with the changes is said before hours of training.
    for change in args.set:
        pattern, colon, _ = change.partition("=")[0].rpartition(":")
        if colon and not any(fnmatch(row, pattern) for row in rows):
            raise BadInput(f"{change!r} changes no row", remedy=f"the rows are {', '.join(rows)}")
    for name in rows:
        prepared(files[name], changes_of(name, args.set), args.epochs, args.out)
    done = [run_row(name, files[name], table, args) for name in rows]
    options = [f"--epochs {args.epochs}"] if args.epochs else []
    options += [f"--seeds {args.seeds}"] if args.seeds else []
    options += ["--rows " + " ".join(map(shlex.quote, args.rows))] if args.rows else []
    options += ["--set " + " ".join(map(shlex.quote, args.set))] if args.set else []
    options += [f"--name {shlex.quote(args.name)}"] if args.name else []
    document = {
        "table": args.table,
        "title": table["title"],
        "command": " ".join(["python training/reproduce.py", args.table, *options]),
        "date": datetime.date.today().isoformat(),
        "epochs": args.epochs,
        "processor": processor(),
        "threads": done[0]["runs"][0]["threads"],
        "versions": done[0]["runs"][0]["versions"],
        "rows": done,
        "data_root": args.data_root,
    }
    args.results.mkdir(parents=True, exist_ok=True)
    import figures

    figures.draw(table, document, args.results / f"{label}.png")
    document.pop("data_root")  # places of this machine
    for row in document["rows"]:
        for entry in row["runs"]:
            entry.pop("folder")
    (args.results / f"{label}.json").write_text(json.dumps(document, indent=1) + "\n")
    text = markdown(table, document)
    (args.results / f"{label}.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
