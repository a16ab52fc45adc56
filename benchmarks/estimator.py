"""The resource estimator: what it is fitted to, and how far it is off on networks it was
not fitted to.

    python benchmarks/estimator.py grid          synthesise the grid of kernels (kernel_grid.py)
    python benchmarks/estimator.py fit           hw_bnn/synth/estimate.json from it, and its error
    python benchmarks/estimator.py networks      compile, estimate and synthesise networks
    python benchmarks/estimator.py table         the results as Markdown

All by Yosys synth_xilinx for xc7; each writes its part of results/estimator.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path

from kernel_grid import GRID, synthesise_grid
from networks import binary_network, zoo_network

from hw_bnn.rtl import rtl_sources
from hw_bnn.synth import estimate
from hw_bnn.synth.synthesis import synth

RESULTS = Path(__file__).resolve().parent / "results" / "estimator.json"

NETWORKS = {
    "64-32-10": (partial(binary_network, shape=(64,), convolutions=[], dense=[32, 10]),
                 {"target_cycles": 64}),
    "256-64-64-10": (partial(binary_network, shape=(256,), convolutions=[], dense=[64, 64, 10]),
                     {"target_cycles": 256}),
    "128-96-48-10, much unfolded": (
        partial(binary_network, shape=(128,), convolutions=[], dense=[96, 48, 10]),
        {"target_cycles": 12, "memory": "lut"}),
    "784-128-128-10, weights in block RAM": (
        partial(binary_network, shape=(784,), convolutions=[], dense=[128, 128, 10]),
        {"target_cycles": 784, "memory": "block"}),
    "200-50-20-4, widths that do not divide": (
        partial(binary_network, shape=(200,), convolutions=[], dense=[50, 20, 4]),
        {"target_cycles": 60}),
    "TFC 1w2a: 2-bit activations": (
        partial(zoo_network, "tfc_1w2a", shape=(1, 28, 28)), {"target_cycles": 512}),
    "1x12x12, 8c3, pool, 16c3, 10": (
        partial(binary_network, shape=(1, 12, 12), convolutions=[(8, 3, 2), (16, 3, 1)],
                dense=[10]),
        {"target_cycles": 2000}),
    "3x10x10 of 4 bits, 8c3, pool, 24, 5": (
        partial(binary_network, shape=(3, 10, 10), convolutions=[(8, 3, 2)], dense=[24, 5],
                input_bits=4), {"target_cycles": 1200}),
    "2x14x14 of 8 bits, 12c5, pool, 24c3, 32, 10": (
        partial(binary_network, shape=(2, 14, 14), convolutions=[(12, 5, 2), (24, 3, 1)],
                dense=[32, 10], input_bits=8), {"target_cycles": 2500}),
    "residual, 3x8x8 of 8 bits, 8c3, 16c3": (
        partial(zoo_network, "bnew_resnet20", shape=(3, 8, 8), in_channels=3, classes=10,
                channels=[8, 16], blocks=1, form="hardware", size=8), {"target_cycles": 2500}),
    "2-bit weights, 128-64-10": (
        partial(binary_network, shape=(128,), convolutions=[], dense=[64, 10], weight_bits=2),
        {"target_cycles": 128}),
    "2-bit weights, 4-bit input, 96-48-24-5": (
        partial(binary_network, shape=(96,), convolutions=[], dense=[48, 24, 5], input_bits=4,
                weight_bits=2), {"target_cycles": 96}),
    "2-bit weights, 2x12x12, 8c3, pool, 16c3, 10": (
        partial(binary_network, shape=(2, 12, 12), convolutions=[(8, 3, 2), (16, 3, 1)],
                dense=[10], weight_bits=2), {"target_cycles": 2000}),
    "8-bit weights, 100-40-10": (
        partial(binary_network, shape=(100,), convolutions=[], dense=[40, 10], weight_bits=8),
        {"target_cycles": 200}),
    "8-bit weights and input, 64-32-6": (
        partial(binary_network, shape=(64,), convolutions=[], dense=[32, 6], input_bits=8,
                weight_bits=8), {"target_cycles": 128}),
    "8-bit weights and input, 3x10x10, 8c3, pool, 12": (
        partial(binary_network, shape=(3, 10, 10), convolutions=[(8, 3, 2)], dense=[12],
                input_bits=8, weight_bits=8), {"target_cycles": 1600}),
    "constants, 96-48-24-10": (
        partial(binary_network, shape=(96,), convolutions=[], dense=[48, 24, 10]),
        {"hardwired": "all"}),
    "constants, 4-bit input, 40-32-6": (
        partial(binary_network, shape=(40,), convolutions=[], dense=[32, 6], input_bits=4),
        {"hardwired": "all"}),
    "constants, 2x10x10, 8c3, pool, 12c3, 10": (
        partial(binary_network, shape=(2, 10, 10), convolutions=[(8, 3, 2), (12, 3, 1)],
                dense=[10]), {"hardwired": "all"}),
    "constants, 3x8x8 of 4 bits, 8c3, 6": (
        partial(binary_network, shape=(3, 8, 8), convolutions=[(8, 3, 2)], dense=[6],
                input_bits=4), {"hardwired": "all"}),
    "whole windows, 4x12x12, 8c3, pool, 12c3, 10": (
        partial(binary_network, shape=(4, 12, 12), convolutions=[(8, 3, 2), (12, 3, 1)],
                dense=[10]), {"target_cycles": 288}),
    "whole windows, 3x10x10 of 4 bits, 8c3, 12c3, 5": (
        partial(binary_network, shape=(3, 10, 10), convolutions=[(8, 3, 1), (12, 3, 2)],
                dense=[5], input_bits=4), {"target_cycles": 200}),
    "whole windows, 2x12x12, 6c5, 8c3, 10": (
        partial(binary_network, shape=(2, 12, 12), convolutions=[(6, 5, 1), (8, 3, 2)],
                dense=[10]), {"target_cycles": 144}),
    "mixed, 128-64-64-10, one dense layer of constants": (
        partial(binary_network, shape=(128,), convolutions=[], dense=[64, 64, 10]),
        {"hardwired": "MatMul(dot1)", "target_cycles": 16}),
    "mixed, 3x12x12 of 4 bits, 12c3, pool, 16c3, 10": (
        partial(binary_network, shape=(3, 12, 12), convolutions=[(12, 3, 2), (16, 3, 1)],
                dense=[10], input_bits=4), {"hardwired": "auto", "target_cycles": 144}),
    "mixed, residual, 3x8x8 of 8 bits, 8c3": (
        partial(zoo_network, "bnew_resnet20", shape=(3, 8, 8), in_channels=3, classes=10,
                channels=[8], blocks=1, form="hardware", size=8),
        {"hardwired": "auto", "target_cycles": 100}),
    "depthwise, 3x12x12 of 4 bits, 16c3, each 3x3, 10": (
        partial(binary_network, shape=(3, 12, 12), convolutions=[(16, 3, 1), (16, 3, 1)],
                dense=[10], input_bits=4, depthwise=True), {"target_cycles": 1000}),
    "depthwise, 4-bit weights, 3x10x10 of 4 bits, 24c3, each 3x3, 10": (
        partial(binary_network, shape=(3, 10, 10), convolutions=[(24, 3, 1), (24, 3, 1)],
                dense=[10], input_bits=4, weight_bits=4, depthwise=True), {"target_cycles": 500}),
}  # fmt: skip
"""Name -> what writes it, options of compile. None was used to fit a factor; docs/benchmarks.md
tells which were in view when the form of int_mvau's formula was chosen."""


def load() -> dict:
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}


def save(part: str, content, command: str) -> None:
    document = load()
    document[part] = content
    document.setdefault("runs", {})[part] = {
        "command": f"python benchmarks/estimator.py {command}",
        "pyosys": metadata.version("pyosys"),
        "date": datetime.now(UTC).date().isoformat(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def rtl_digest(kernels) -> str:
    """A name for the RTL that was measured."""
    files = rtl_sources(*dict.fromkeys(kernels))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def grid(only: list[str]) -> None:
    """Synthesise the grid, or the kernels named, in one run; the other rows stay."""
    counts = ("lut", "ff", "bram", "dsp", "lutram", "carry", "mux")
    points = [point for point in GRID if not only or point[0] in only]
    made = {kernel for kernel, _ in points}
    rows = [row for row in load().get("grid", []) if row["kernel"] not in made]
    rows += [
        {"kernel": kernel, "parameters": parameters, **{k: found[k] for k in counts}}
        for (kernel, parameters), found in zip(points, synthesise_grid(points), strict=True)
    ]
    order = list(dict.fromkeys(kernel for kernel, _ in GRID))
    digests = {k: v for k, v in load().get("rtl", {}).items() if k in order}
    save("rtl", digests | {kernel: rtl_digest([kernel]) for kernel in made}, "grid")
    save("grid", sorted(rows, key=lambda row: order.index(row["kernel"])), "grid")


def fit() -> None:
    """Fit the factors to the grid; the error on it."""
    rows = load()["grid"]
    found = estimate.calibrate(rows)
    estimate.COEFFICIENTS_FILE.write_text(json.dumps(found, indent=1) + "\n")
    estimate.coefficients.cache_clear()
    errors = []
    for row in rows:
        guess = estimate.estimate_kernel(row["kernel"], row["parameters"])
        error = round(100 * (guess["lut"] / row["lut"] - 1), 1) if row["lut"] else 0.0
        errors.append({"kernel": row["kernel"], "parameters": row["parameters"], "lut": row["lut"],
                       "estimated_lut": guess["lut"], "error_percent": error, "ff": row["ff"],
                       "estimated_ff": guess["ff"], "bram": row["bram"],
                       "estimated_bram": guess["bram"]})  # fmt: skip
        print(
            {k: v for k, v in errors[-1].items() if k != "parameters"}, *row["parameters"].values()
        )
    save("fit", errors, "fit")


def networks(only: list[str]) -> None:
    """Estimate against synthesis, whole and by layer."""
    from hw_bnn.compile import compile_model

    rows = load().get("networks", {})
    for seed, (name, (write, options)) in enumerate(NETWORKS.items()):
        if only and not any(word in name for word in only):
            continue
        with tempfile.TemporaryDirectory(prefix="hw_bnn_estimator_") as temporary:
            place = Path(temporary)
            model = write(path=place / "network.onnx", seed=seed)
            folder = compile_model(model, place / "accelerator", check=False, **options)
            guess, real = estimate.estimate(folder), synth(folder)
        rows[name] = {
            "options": options, "cycles": guess["cycles_per_frame"],
            "not_estimated": guess["not_estimated"],
            **{kind: {"estimated": guess["total"][kind], "synth": real["total"][kind]}
               for kind in ("lut", "ff", "bram")},
            "error_percent": round(100 * (guess["total"]["lut"] / real["total"]["lut"] - 1), 1),
            "layers": {n: [guess["layers"].get(n, {}).get("lut"), layer["lut"]]
                       for n, layer in real["layers"].items()},
        }  # fmt: skip
        print(name, rows[name], flush=True)
        save("networks", {name: rows[name] for name in NETWORKS if name in rows}, "networks")


def table() -> None:
    """Markdown of the networks."""
    print("| network | LUT by synth | estimate | error | FF | BRAM |\n|---|---|---|---|---|---|")
    for name, row in load().get("networks", {}).items():
        print(f"| {name} | {row['lut']['synth']:,} | {row['lut']['estimated']:,} "
              f"| {row['error_percent']:+} % | {row['ff']['synth']:,} ({row['ff']['estimated']:,}) "
              f"| {row['bram']['synth']} ({row['bram']['estimated']:g}) |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=["grid", "fit", "networks", "table"])
    parser.add_argument(
        "--only",
        nargs="*",
        default=[],
        help="kernels of the grid, or networks whose name has one of these",
    )
    arguments = parser.parse_args()
    for part in arguments.parts:
        {"grid": lambda: grid(arguments.only), "fit": fit, "table": table,
         "networks": lambda: networks(arguments.only)}[part]()  # fmt: skip


if __name__ == "__main__":
    main()
