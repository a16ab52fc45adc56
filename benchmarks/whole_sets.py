"""Whole test sets through the RTL of FINN's networks, compared with the golden model.

    python benchmarks/whole_sets.py [lfc_1w1a] [cnv_1w1a] [--jobs 2] [--limit N] [--work DIR]
                                    [--out benchmarks/results/whole_sets.json]

LFC_1W1A at 512 cycles a frame on MNIST's test set, CNV_1W1A at 32,768 on CIFAR-10's (10,000 images
each, in the folder named by HW_BNN_DATA), with random weights. The accelerators are kept in DIR
and not compiled again. Told are the seconds of the build (a second run takes it from the cache)
and of the simulation, by the clock and of all processors together; one differing score ends the
run with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("BREVITAS_JIT", "0")

from networks import finn_network  # noqa: E402

from hw_bnn.accelerator import Description  # noqa: E402
from hw_bnn.frames import load_frames  # noqa: E402
from hw_bnn.golden import GoldenModel  # noqa: E402
from hw_bnn.simulation import simulate  # noqa: E402

SETS = {"lfc_1w1a": ("mnist", 512), "cnv_1w1a": ("cifar10", 32768)}


def processor_seconds() -> float:
    """Of this process and of all its children that have ended."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def measure(name: str, work: Path, jobs: int, limit: int | None) -> dict:
    """Compile if need be, simulate, compare."""
    dataset, cycles = SETS[name]
    folder = work / f"{name}_{cycles}"
    if not (folder / "accelerator.json").is_file():
        from hw_bnn.compile.build import compile_model

        model = finn_network(name, work / f"{name}.onnx")
        compile_model(model, folder, target_cycles=cycles)
    accelerator = Description.load(folder)
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    data = load_frames(golden, dataset=dataset, limit=limit)
    started = time.monotonic()
    expected = golden.scores(data.x)
    golden_seconds = time.monotonic() - started
    used = processor_seconds()
    result = simulate(folder, data.x, jobs=jobs)
    used = processor_seconds() - used
    wrong = int((result.scores != expected).any(axis=1).sum())
    row = {
        "network": name, "input": data.source, "frames": result.frames, "mismatches": wrong,
        "jobs": jobs, "bound_cycles": accelerator.bound_cycles,
        "cycles_per_frame": result.cycles_per_frame, "cycles": result.cycles,
        "seconds": round(result.seconds, 1), "build_seconds": round(result.build_seconds, 1),
        "processor_seconds": round(used, 1), "cycles_per_second": round(result.cycles_per_second),
        "golden_seconds": round(golden_seconds, 1),
    }  # fmt: skip
    print(
        f"{name}: {result.frames:,} frames of {data.source}, {wrong} differing; "
        f"{result.cycles:,} cycles in {result.seconds:.1f} s with {jobs} jobs "
        f"({result.cycles_per_second:,.0f} cycles/s, build {result.build_seconds:.1f} s, "
        f"all processor time {used:.1f} s); golden {golden_seconds:.1f} s",
        flush=True,
    )
    if wrong:
        sys.exit(f"{name}: {wrong} frames differ from the golden model's")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(SETS), metavar="NETWORK")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--work", type=Path, default=Path("whole_sets"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if unknown := set(arguments.networks) - set(SETS):
        parser.error(f"no network {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    arguments.work.mkdir(parents=True, exist_ok=True)
    rows = [measure(n, arguments.work, arguments.jobs, arguments.limit) for n in arguments.networks]
    if arguments.out:
        document = {
            "command": " ".join(["python", "benchmarks/whole_sets.py", *sys.argv[1:]]),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "processors": os.cpu_count(), "results": rows,
        }  # fmt: skip
        arguments.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
