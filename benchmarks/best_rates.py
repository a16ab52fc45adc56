"""The best rate that each board holds, by estimate, with and without layers as constants.

    python benchmarks/best_rates.py [--only cnv_1w1a ...]
    python benchmarks/best_rates.py --table

Each network has random weights. Writes results/best_rates.json, a network at a time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from networks import zoo_network

from hw_bnn.errors import BadInput
from hw_bnn.estimate import planned
from hw_bnn.nn.mlp import Input
from hw_bnn.options import TargetOptions

RESULTS = Path(__file__).resolve().parent / "results" / "best_rates.json"
BOARDS = ("pynq-z1", "ultra96-v2", "kv260")
VGG = {
    "in_channels": 3, "classes": 10, "input": Input(bits=8, scale=1 / 255), "activation": "sign",
}  # fmt: skip
NETWORKS = {
    "lfc_1w1a": ((1, 28, 28), {}),
    "cnv_1w1a": ((3, 32, 32), {}),
    "vgg": ((3, 32, 32), VGG),
    "bnew_resnet20": (
        (3, 32, 32),
        {"in_channels": 3, "classes": 10, "form": "quantised"},
    ),
}
"""Model of hw_bnn.nn.zoo -> a frame's shape, options of its builder."""


def best_rates(name: str) -> dict:
    """Board -> form -> the fastest plan, or why there is none."""
    shape, options = NETWORKS[name]
    found: dict = {}
    with tempfile.TemporaryDirectory(prefix="hw_bnn_rates_") as folder:
        model = zoo_network(name, Path(folder) / "model.onnx", shape, **options)
        for board in BOARDS:
            for form, hardwired in (("folded", None), ("auto", "auto")):
                try:
                    search, plan, why = planned(
                        model, TargetOptions(board=board, hardwired=hardwired)
                    )
                except BadInput as error:  # it does not fit
                    found.setdefault(board, {})[form] = {"refused": error.reason}
                    continue
                wired = [row["layer"] for row in why["layers"] if row.get("hardwired")]
                several = {
                    row["layer"]: row["MMV"]
                    for row in why["layers"]
                    if row.get("MMV", 1) > 1 and "PE" in row
                }
                row = {"cycles_per_frame": plan.cycles, "constants": wired, "mmv": several,
                       **search.built(plan)}  # fmt: skip
                found.setdefault(board, {})[form] = row
                print(name, board, form, json.dumps(row), flush=True)
    return found


def table(document: dict) -> None:
    """Markdown."""
    print("| network | " + " | ".join(f"{b}, cycles a frame" for b in BOARDS) + " |")
    print("|---" * (1 + len(BOARDS)) + "|")
    for name, boards in document.items():
        cells = []
        for board in BOARDS:
            folded, auto = boards[board]["folded"], boards[board]["auto"]
            if "refused" in auto:
                cells.append("does not fit")
                continue
            cells.append(
                f"{folded['cycles_per_frame']:,} -> {auto['cycles_per_frame']:,} "
                f"({len(auto['constants'])} of constants, {auto['lut']:,} LUTs)"
            )
        print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    document = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    if not arguments.table:
        for name in arguments.only:
            document[name] = best_rates(name)
            RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    table(document)


if __name__ == "__main__":
    main()
