"""Run a table or figure of the papers and put the result beside the published one.

    python training/reproduce.py --list
    python training/reproduce.py bayesbinn_table2_mnist                          # needs a GPU
    python training/reproduce.py alizadeh_table3_mnist --epochs 10 --seeds 1     # cut to 10 epochs
    python training/reproduce.py finn --rows 'sfc_*' --set training.epochs=320 --name sfc_320_epochs
    python training/reproduce.py bnew_table1_cifar10 --set data.limit=3000 \\
        '*_bnew:training.method.pull=0.01' --name cut              # a change of the rows that match

    python training/reproduce.py bayesbinn_table2_mnist --jobs 8                 # side by side

Every row is a recipe of training/recipes; a run that was stopped is gone on with. Results go to
training/results, after every run: NAME.json (every run with its command, processor and versions),
NAME.md (the table beside the paper's) and, at the end, NAME.png. A run that NAME.json, or
another table's results, hold with the same recipe is not trained again: more rows and seeds add to
what is there.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from fnmatch import fnmatch
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


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
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side; 1 by default")
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
    if args.set:  # the table's title tells of its own recipes
        table = {**table, "title": f"{table['title']} (changed: {label})"}
    args.out = args.out or Path("runs") / label
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
    _train_and_write(table, rows, args, label)
    return 0


def _train_and_write(table: dict, rows: list[str], args, label: str) -> None:
    import figures
    import runs
    import written

    from hw_bnn.errors import CheckFailed
    from hw_bnn.train import cluster

    cluster.check_workers(args.jobs)
    files, stem = runs.recipes(), args.results / label
    seeds = range(args.seeds or table["seeds"])

    def plan(row: str, seed: int) -> runs.PlannedRun:
        return runs.planned(row, seed, args.set, args.epochs, args.out, files)

    asked = [plan(row, seed) for row in rows for seed in seeds]
    keys, json_file = figures.DRAWN.get(table["plot"]), stem.with_name(f"{label}.json")
    others = [path for path in sorted(args.results.glob("*.json")) if path != json_file]
    # A plot that is drawn by a trained network needs the network.
    entries = written.kept_runs(json_file, others, asked, plan) if keys else {}
    todo = runs.to_train(asked, set(entries), args.out)
    folders = {(run.row, run.seed): args.out / run.name for run in asked}
    failures = {}
    for run, result in runs.train_all(todo, args.out, args.jobs, args.data_root):
        if isinstance(result, BaseException):
            failures[run.name] = result
            continue
        entries[run.row, run.seed] = written.run_entry(
            result, folders[run.row, run.seed], run.digest, table["metric"], keys, _command(args)
        )
        written.write(written.document_of(args.table, table, entries), table, stem)
    document = written.document_of(args.table, table, entries)
    if document["rows"]:
        figures.draw(table, document, folders, args.data_root, stem.with_name(f"{label}.png"))
        print(written.write(document, table, stem))
    if failures:
        name, error = next(iter(failures.items()))
        raise CheckFailed(f"{len(failures)} of {len(todo)} runs failed, first {name} ({error})")


def _command(args) -> str:
    """What was asked, as a line of a shell."""
    options = [f"--epochs {args.epochs}"] if args.epochs else []
    options += [f"--seeds {args.seeds}"] if args.seeds else []
    options += ["--rows " + " ".join(map(shlex.quote, args.rows))] if args.rows else []
    options += ["--set " + " ".join(map(shlex.quote, args.set))] if args.set else []
    options += [f"--name {shlex.quote(args.name)}"] if args.name else []
    return " ".join(["python training/reproduce.py", args.table, *options])


if __name__ == "__main__":
    sys.exit(main())
