"""What weights at run time cost, by Yosys on xc7: one model compiled with and without the port,
with contexts, and with the most of them summed up on chip.

    hw-bnn demo                                                  # makes demo/model.onnx
    python benchmarks/runtime_weights.py demo/model.onnx [--target-cycles 128] [--contexts 2 4 8]

Writes results/runtime_weights.json and prints it as a table; the estimate stands beside the count.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from importlib import metadata
from pathlib import Path

import hw_bnn as hb
from hw_bnn import console

RESULTS = Path(__file__).resolve().parent / "results" / "runtime_weights.json"
KINDS = ("lut", "ff", "bram", "dsp")


def measure(model: Path, target: int, contexts: int, folder: Path, *, ensemble: bool) -> dict:
    """{"synth", "estimate", "layers"} of the model's accelerator; contexts: 0 without the port."""
    made = hb.compile(
        model, folder, name="net", target_cycles=target, runtime_weights=contexts > 0,
        contexts=max(contexts, 1), ensemble=ensemble,
    )  # fmt: skip
    counted = made.synth("xc7")
    total = {kind: counted["total"][kind] for kind in KINDS}
    layers = {
        name: {kind: cost[kind] for kind in KINDS}
        for name, cost in counted["layers"].items() if "Fifo" not in name
    }  # fmt: skip
    assert made.estimate is not None  # every kernel of a dense network has one
    return {
        "synth": total, "estimate": {kind: made.estimate[kind] for kind in KINDS}, "layers": layers,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--target-cycles", type=int, default=128)
    parser.add_argument("--contexts", type=int, nargs="*", default=[2, 4, 8])
    given = parser.parse_args()
    forms = {"fixed": 0, "runtime": 1} | {f"contexts_{k}": k for k in given.contexts}
    forms |= {f"ensemble_{k}": k for k in given.contexts[-1:]}
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for name, contexts in forms.items():
            found[name] = measure(
                given.model, given.target_cycles, contexts, Path(place) / name,
                ensemble=name.startswith("ensemble"),
            )  # fmt: skip
    fixed = found["fixed"]["synth"]["lut"]
    more = {
        name: round(100 * (made["synth"]["lut"] / fixed - 1), 1)
        for name, made in found.items() if name != "fixed"
    }  # fmt: skip
    document = {
        "model": given.model.name, "target_cycles": given.target_cycles, **found,
        "more_luts_percent": more,
        "tools": {"pyosys": metadata.version("pyosys")},
    }  # fmt: skip
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    rows = [
        [name, source, *(f"{found[name][source][kind]:,g}" for kind in KINDS)]
        for name in found for source in ("synth", "estimate")
    ]  # fmt: skip
    console.table(given.model.name, ["weights", "by", "LUT", "FF", "BRAM", "DSP"], rows)
    console.out(", ".join(f"{name} {value:+.1f} % LUTs" for name, value in more.items()))


if __name__ == "__main__":
    main()
