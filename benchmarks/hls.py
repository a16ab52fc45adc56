"""Speed of C simulation of code for HLS tools: SFC on MNIST, CNV on CIFAR-10; scores = golden.

    HW_BNN_DATA=... python benchmarks/hls.py [--cnv 256] [--out benchmarks/results/hls.json]

One thread; frames a second are of CPU time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
os.environ["BREVITAS_JIT"] = "0"


def measured(model: Path, x: np.ndarray, folder: Path, cycles: int) -> dict:
    """Compile, write the code, simulate all frames, compare."""
    from hw_bnn.compile import compile_model
    from hw_bnn.golden import GoldenModel
    from hw_bnn.hls import csim
    from hw_bnn.hls.write import hls
    from hw_bnn.sim.packing import pack_input, unpack_output

    made = compile_model(model, folder, target_cycles=cycles, fifo_sizing="none", check=False)
    manifest = hls(made)
    began = time.monotonic()
    with csim.opened(made) as code:
        compiled = time.monotonic() - began
        words = pack_input(code.accelerator.input, x)
        began = time.process_time()
        out = code.run(words)
        seconds = time.process_time() - began
        scores, _ = unpack_output(code.accelerator.output, out)
    golden = np.asarray(GoldenModel.from_onnx(model).scores(x)).reshape(len(x), -1)
    return {
        "frames": len(x),
        "differing_frames": int((scores != golden).any(axis=1).sum()),
        "frames_per_cpu_second": round(len(x) / seconds, 1),
        "compile_seconds": round(compiled, 1),
        "interval": manifest["interval"],
        "rtl_bound_cycles": manifest["rtl_bound_cycles"],
    }


def networks(place: Path, cnv_images: int):
    """(name, model file, integer frames, cycles) of each network."""
    import torch

    from hw_bnn.export import export_model
    from hw_bnn.frames import load_frames
    from hw_bnn.golden import GoldenModel
    from hw_bnn.nn import zoo

    for name, shape, dataset, count, cycles in (
        ("sfc_1w1a", (1, 28, 28), "mnist", 10_000, 64),
        ("cnv_1w1a", (3, 32, 32), "cifar10", cnv_images, 32_768),
    ):
        torch.manual_seed(1)
        model = zoo.randomise_norms(zoo.build(name), seed=1).eval()
        path = export_model(model, place / f"{name}.onnx", torch.rand(4, *shape))
        golden = GoldenModel.from_onnx(path)
        frames = load_frames(
            golden, dataset=dataset, data_root=os.environ["HW_BNN_DATA"], limit=count
        )
        yield name, path, frames.x, cycles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cnv", type=int, default=64, help="images for CNV")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/hls.json")
    options = parser.parse_args()
    from hw_bnn.sim.verilator_env import find_compiler

    with tempfile.TemporaryDirectory() as place:
        rows = {
            name: measured(path, x, Path(place) / name, cycles)
            for name, path, x, cycles in networks(Path(place), options.cnv)
        }
    document = {
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python", "benchmarks/hls.py", *sys.argv[1:]]),
        "compiler": Path(find_compiler()).name,
        "networks": rows,
    }
    options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
