"""LUT cost, by Yosys: popcounts and neurons, layers, whole networks, and da4ml beside them.

    python benchmarks/area.py neurons            LUT per bit over N, for each coding
    python benchmarks/area.py hardwired [DIR]    hard-wired 64-64-64-64-10 on digits, against da4ml
    python benchmarks/area.py hardwired-large    784-256-256-256-10, layer by layer (--timeout each)
    python benchmarks/area.py designs            FINN's SFC at 16 cycles a frame, weights in LUTs
                                                 and in block RAM, and CNV at the best rate a
                                                 Zynq-7020 holds; --synth SFC-lut ... synthesises
                                                 these whole (long)
    python benchmarks/area.py layers DIR         every node of an accelerator by itself
    python benchmarks/area.py table              the results as Markdown

Each writes its part of results/area.json. A LUT is a cell of Yosys' netlist; an instantiated LUT6_2
is one six-input LUT whose two outputs are used, and is also counted as two under `outputs`. da4ml
(LGPL) is only a subject of comparison: `pip install da4ml==0.6.0`, or name another Python that has
it by --da4ml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from networks import zoo_network

from hw_bnn.accelerator import Description
from hw_bnn.errors import CheckFailed
from hw_bnn.hardwired import Network, from_popcount, write_hardwired
from hw_bnn.rtl import rtl_sources
from hw_bnn.synth.synthesis import synth, synthesise

RESULTS = Path(__file__).resolve().parent / "results" / "area.json"
HERE = Path(__file__).resolve().parent


def load() -> dict:
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}


def save(part: str, content) -> None:
    document = load()
    document[part] = content
    document["tools"] = {
        "pyosys": metadata.version("pyosys"),
        "flow": "synth_xilinx -family xc7 -flatten -noiopad, abc9.verify off",
        "date": datetime.now(UTC).date().isoformat(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def measure(
    sources, top: str, parameters: dict | None = None, *, defines=None, cwd=None, timeout_s=3000
) -> dict:
    """Resources, depth and LUT outputs of a module on xc7."""
    with tempfile.TemporaryDirectory(prefix="hw_bnn_area_") as folder:
        result = synthesise(
            sources,
            top,
            "xc7",
            place=Path(folder),
            parameters=parameters,
            defines=defines,
            cwd=cwd,
            timeout_s=timeout_s,
        )
    total = result["total"]
    depth = {k: result["depth"][k] for k in ("lut_levels", "estimated_ns")}
    return {**total, "outputs": total["lut"] + result["cells"].get("LUT6_2", 0), **depth}


# -- neurons

NEURON = """
module neuron #(parameter int N = 64) (
    input logic [N-1:0] a, input logic [N-1:0] w, input logic [$clog2(N+2)-1:0] threshold,
    output logic y);
  assign y = ($clog2(N+2))'($countones(~(a ^ w))) >= threshold;
endmodule
"""


def neurons(sizes) -> None:
    """One neuron, fully parallel, threshold counted, no registers."""
    rng = np.random.default_rng(7)
    rows = []
    with tempfile.TemporaryDirectory(prefix="hw_bnn_area_") as folder:
        place = Path(folder)
        (place / "neuron.sv").write_text(NEURON)
        for n in sizes:
            for name, sources, top, parameters in (
                ("streamed, $countones", [place / "neuron.sv"], "neuron", {"N": n}),
                ("streamed, xnor_neuron", rtl_sources("xnor_neuron"), "bnn_xnor_neuron", {"N": n}),
            ):
                rows.append({"coding": name, "n": n, **measure(sources, top, parameters)})
                print(rows[-1], flush=True)
            weights = np.where(rng.random((1, n)) < 0.5, -1, 1)
            threshold = np.array([n // 2])
            hard = place / f"hard{n}"
            hard.mkdir()
            signs = "".join("1" if w > 0 else "0" for w in weights[0][::-1])
            plain = f"""module plain (
              input logic ap_clk, input logic [{n - 1}:0] x, output logic y);
              assign y = $countones(x ~^ {n}'b{signs})
                >= {threshold[0]};
              endmodule"""
            (hard / "plain.sv").write_text(plain)
            rows.append(
                {"coding": "constant, $countones", "n": n, **measure([hard / "plain.sv"], "plain")}
            )
            print(rows[-1], flush=True)
            write_hardwired(Network([from_popcount(weights, threshold)]), "hard", hard, 1e6)
            sources = [*rtl_sources("popcount_counter", "hardwired_compare"), hard / "hard.sv"]
            rows.append({"coding": "constant, hard-wired", "n": n, **measure(sources, "hard")})
            print(rows[-1], flush=True)
            for row in rows:
                row["lut_per_bit"] = round(row["lut"] / row["n"], 3)
            save("neurons", rows)


# -- whole networks


def da4ml_network(python: str, npz: Path, folder: Path, cutoff: float) -> dict:
    """da4ml's pipelined design of a network, through the same Yosys flow."""
    from hw_bnn.synth.resources import count_resources
    from hw_bnn.synth.synthesis import synth_commands
    from hw_bnn.synth.yosys import run_yosys

    command = [python, str(HERE / "area_da4ml.py"), str(npz), str(folder), str(cutoff)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    sources = sorted((folder / "src").glob("*.v"))
    sources += [
        p for p in sorted((folder / "src" / "static").glob("*.v")) if p.stem != "lookup_table"
    ]
    run_yosys(
        [
            "scratchpad -set abc9.verify false",
            "read_verilog -sv " + " ".join(map(str, sources)),
            *synth_commands("xc7", "mlp"),
            f"tee -q -o {folder}/stat.json stat -json",
        ],
        log=folder / "yosys.log",
        timeout_s=3000,
    )
    cells = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    return {
        **count_resources(cells),
        "inv": cells.get("INV", 0),
        "said": said.strip().splitlines()[-3:],
        "latency_cutoff": cutoff,
    }


def hardwired(python: str, folder: str | None, periods) -> None:
    """64-64-64-64-10 on digits: the accelerator as compiled, the bare core, da4ml's design."""
    import onnx
    from digits_mlp import qonnx_model, train

    from hw_bnn.compile import compile_model

    weights, thresholds, _, _, accuracy = train()
    network = Network([from_popcount(w, t) for w, t in zip(weights, thresholds, strict=True)])
    model = qonnx_model(weights, thresholds)
    total = int(sum(w.size for w in weights))
    document: dict = {"accuracy": accuracy, "weights": total, "ours": []}
    with tempfile.TemporaryDirectory(prefix="hw_bnn_area_") as temporary:
        place = Path(temporary)
        if folder is None:
            onnx.save(model, place / "digits_mlp.onnx")
            folder = compile_model(
                place / "digits_mlp.onnx", place / "accelerator", hardwired="all"
            )
        elif (Path(folder) / "model.onnx").read_bytes() != model.SerializeToString():
            raise SystemExit(f"{folder} was compiled from another network")
        found = Path(folder) / "synth" / "xc7.json"
        result = json.loads(found.read_text()) if found.is_file() else synth(folder, family="xc7")
        document["accelerator"] = {
            **result["total"],
            **{k: result["depth"][k] for k in ("lut_levels", "estimated_ns")},
            "layers": {name: layer["lut"] for name, layer in result["layers"].items()},
            "lut_per_weight": round(result["total"]["lut"] / total, 3),
        }
        print(document["accelerator"], flush=True)
        if python:
            arrays = {f"w{k}": w for k, w in enumerate(weights)}
            arrays |= {f"t{k}": t for k, t in enumerate(thresholds) if t is not None}
            np.savez(place / "network.npz", **arrays)
            document["da4ml"] = da4ml_network(python, place / "network.npz", place / "da4ml", 2)
            ratio = document["accelerator"]["lut"] / document["da4ml"]["lut"]
            document["ratio"] = round(ratio, 3)
            print(document["da4ml"], document["ratio"], flush=True)
        save("hardwired", document)
        for period in periods:
            design = write_hardwired(network, "mlp", place, period_ns=period)
            sources = [*rtl_sources("popcount_counter", "hardwired_compare"), place / "mlp.sv"]
            row = {"period_ns": period, "planned_lut": design.luts, "latency": design.latency}
            row |= measure(sources, "mlp")
            row["lut_per_weight"] = round(row["lut"] / total, 3)
            document["ours"].append(row)
            print(row, flush=True)
            save("hardwired", document)


LARGE = (784, 256, 256, 256, 10)


def hardwired_large(timeout_s: float) -> None:
    """784-256-256-256-10 of random weights, each layer synthesised by itself, in a time each."""
    rng = np.random.default_rng(0)
    rows = []
    for k in reversed(range(len(LARGE) - 1)):  # the small ones first
        inputs, outputs = LARGE[k : k + 2]
        weights = np.where(rng.random((outputs, inputs)) < 0.5, -1, 1)
        last = k == len(LARGE) - 2
        limits = None if last else inputs // 2 + rng.integers(-8, 9, outputs)
        with tempfile.TemporaryDirectory(prefix="hw_bnn_area_") as temporary:
            place = Path(temporary)
            design = write_hardwired(Network([from_popcount(weights, limits)]), "layer", place, 6.0)
            row = {"layer": k, "weights": weights.size, "planned_lut": design.luts}
            row |= {"planned_ff": design.registers, "latency": design.latency}
            sources = [*rtl_sources("popcount_counter", "hardwired_compare"), place / "layer.sv"]
            try:
                row |= measure(sources, "layer", timeout_s=timeout_s)
            except CheckFailed as error:
                row["synthesis"] = error.reason.split(" (log")[0]
        row["lut_per_weight"] = round(row.get("lut", row["planned_lut"]) / weights.size, 3)
        rows.insert(0, row)
        print(row, flush=True)
        save("hardwired_large", {"sizes": LARGE, "weights": "random", "layers": rows})


DESIGNS = {
    "SFC-lut": ("sfc_1w1a", {"target_cycles": 16, "memory": "lut"}, 334_336),
    "SFC-block": ("sfc_1w1a", {"target_cycles": 16, "memory": "block"}, 334_336),
    "CNV": ("cnv_1w1a", {"board": "pynq-z1"}, 59_461_376),
    "CNV-hardwired": (
        "cnv_1w1a",
        {"part": "xc7z020clg400-1", "hardwired": "auto", "target_cycles": 1500},
        59_461_376,
    ),
}
"""Name -> model of hw_bnn.nn.zoo, compile's options, XNOR bits of a frame (CNV: all but
its 8-bit layer's)."""


DATA = {"sfc": (1, 28, 28), "cnv": (3, 32, 32)}
"""Shape of a frame by the network's first letters."""


def designs(names: list[str], to_synthesise: list[str], timeout_s: float) -> None:
    """Whole accelerators, with control, FIFOs and converters: estimate, synthesis if asked."""
    from hw_bnn.compile import compile_model
    from hw_bnn.synth.estimate import estimate

    for name in names:
        model, options, bits = DESIGNS[name]
        with tempfile.TemporaryDirectory(prefix="hw_bnn_area_") as temporary:
            place = Path(temporary)
            source = zoo_network(model, place / "model.onnx", DATA[model[:3]])
            folder = compile_model(source, place / "accelerator", check=False, **options)
            guess = estimate(folder)
            why = json.loads((folder / "reports" / "folding.json").read_text())
            cycles = guess["cycles_per_frame"]
            row = {
                "model": model, "options": options, "cycles_per_frame": cycles,
                "fps_at_100_mhz": round(1e8 / cycles), "estimate": guess["total"],
                "xnor_bits_per_cycle": round(bits / cycles, 1),
                "estimated_lut_per_bit": round(guess["total"]["lut"] * cycles / bits, 3),
                "bottleneck": why["bottleneck"],
            }  # fmt: skip
            if name in to_synthesise:
                found = synth(folder, family="xc7", timeout_s=timeout_s)
                row |= {
                    "synth": found["total"], "seconds": found["seconds"],
                    "lut_per_bit": round(found["total"]["lut"] * cycles / bits, 3),
                    "layers": {n: {k: layer[k] for k in ("lut", "ff", "bram")}
                               for n, layer in found["layers"].items()},
                }  # fmt: skip
        part = load().get("designs", {})
        if "synth" not in row and part.get(name, {}).get("estimate") == row["estimate"]:
            row = part[name] | row  # the same design, synthesised before
        save("designs", part | {name: row})
        print(name, json.dumps(row), flush=True)


def layers(folder: str, timeout_s: float) -> None:
    """Every node of an accelerator synthesised by itself, the largest last; estimate and sum."""
    made = Description.load(Path(folder))
    rows: dict[str, dict] = load().get("layers", {}).get(made.name, {})
    rtl = Path(folder) / "rtl"
    modules = {n.name: f"{made.top}_{n.name}" for n in made.nodes}
    todo = [n for n in made.nodes if (rtl / f"{modules[n.name]}.v").is_file()]
    for node in sorted(todo, key=lambda n: n.resources.lut):
        if node.name in rows:
            continue
        module = modules[node.name]
        own = (f"{module}.", f"{module}_core.", f"{module}_compare.")
        sources = [rtl / n for n in made.sources if n.startswith(own) or not n.startswith(made.top)]
        row = {"estimate": {k: getattr(node.resources, k) for k in ("lut", "ff", "bram")}}
        try:
            found = measure(sources, module, cwd=rtl, timeout_s=timeout_s)
            row["synth"] = {k: found[k] for k in ("lut", "ff", "bram", "dsp")}
        except CheckFailed as error:
            row["synthesis"] = error.reason.split(" (log")[0]
        rows[node.name] = row
        print(node.name, row, flush=True)
        save("layers", load().get("layers", {}) | {made.name: rows})


def table() -> None:
    """Markdown of what results/area.json holds."""
    document = load()
    print("| coding | N | LUT | LUT/bit | LUT outputs | levels |\n|---|---|---|---|---|---|")
    for row in document.get("neurons", []):
        print(
            f"| {row['coding']} | {row['n']} | {row['lut']} | {row['lut_per_bit']} "
            f"| {row['outputs']} | {row['lut_levels']} |"
        )
    hard = document.get("hardwired")
    if hard:
        print("\n| 64-64-64-64-10, hard-wired | LUT | FF |\n|---|---|---|")
        print(f"| whole accelerator | {hard['accelerator']['lut']} | {hard['accelerator']['ff']} |")
        for row in hard["ours"]:
            print(f"| bare core, {row['period_ns']} ns | {row['lut']} | {row['ff']} |")
        if "da4ml" in hard:
            print(f"| da4ml 0.6.0, bare core | {hard['da4ml']['lut']} | {hard['da4ml']['ff']} |")
    large = document.get("hardwired_large")
    if large:
        print(
            f"\n| {large['sizes']}, hard-wired | planned LUT | LUT | LUT/weight |"
            "\n|---|---|---|---|"
        )
        for row in large["layers"]:
            made = row.get("lut", row.get("synthesis"))
            print(
                f"| layer {row['layer']} | {row['planned_lut']} | {made} "
                f"| {row['lut_per_weight']} |"
            )
    if document.get("designs"):
        print(
            "\n| design | cycles a frame | LUT | BRAM | LUT/bit | by |\n|---|---|---|---|---|---|"
        )
    for name, row in document.get("designs", {}).items():
        by = "synth" if "synth" in row else "estimate"
        ratio = row.get("lut_per_bit", row["estimated_lut_per_bit"])
        print(f"| {name} | {row['cycles_per_frame']:,} | {row[by]['lut']:,} | {row[by]['bram']:g} "
              f"| {ratio} | {by} |")  # fmt: skip
    for name, rows in document.get("layers", {}).items():
        print(f"\n| node of {name} | LUT (estimate) | registers | BRAM |\n|---|---|---|---|")
        for node, row in rows.items():
            by, guess = row.get("synth", row["estimate"]), row["estimate"]
            print(f"| {node} | {by['lut']:,} ({guess['lut']:,}) | {by['ff']:,} ({guess['ff']:,}) "
                  f"| {by['bram']:g} ({guess['bram']:g}) |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parts = ["neurons", "hardwired", "hardwired-large", "designs", "layers", "table"]
    parser.add_argument("part", choices=parts)
    parser.add_argument("folder", nargs="?", help="accelerator folder")
    parser.add_argument("--only", nargs="+", choices=list(DESIGNS), default=list(DESIGNS))
    parser.add_argument("--synth", nargs="*", choices=list(DESIGNS), default=[])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--da4ml", default="", help="Python that has da4ml (empty: leave it out)")
    parser.add_argument(
        "--periods", type=float, nargs="*", default=[5.0, 3.0], help="of bare cores"
    )
    parser.add_argument("--timeout", type=float, default=3000, help="of one synthesis, in seconds")
    arguments = parser.parse_args()
    if arguments.part == "neurons":
        neurons(arguments.sizes)
    elif arguments.part == "hardwired":
        hardwired(arguments.da4ml, arguments.folder, arguments.periods)
    elif arguments.part == "hardwired-large":
        hardwired_large(arguments.timeout)
    elif arguments.part == "designs":
        designs(arguments.only, arguments.synth, arguments.timeout)
    elif arguments.part == "layers":
        layers(arguments.folder, arguments.timeout)
    else:
        table()


if __name__ == "__main__":
    sys.exit(main())
