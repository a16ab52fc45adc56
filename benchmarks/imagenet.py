"""The papers' ImageNet networks in full size: that all stages are equal, and what they would take
of a board, by estimate.

    python benchmarks/imagenet.py write reactnet_a react.onnx    224 x 224, 1,000 classes, untrained
    python benchmarks/imagenet.py fit react.onnx zcu104 1806336 903168
                                  the cheapest plans of so many cycles a frame that fit the board,
                                  weights in block RAM and LUTs alone, and in UltraRAM too;
                                  in results/imagenet.json
    python benchmarks/imagenet.py verify react.onnx 1806336
                                  8 random frames through qonnx and golden, 3 of them through FINN's
                                  execution and RTL, compiled at that bound; also in
                                  results/imagenet.json

`hw-bnn estimate react.onnx --board zcu104 --target-cycles 903168 --memory ultra
--output-mode scores` says the same of one target, layer by layer, and goes through all boards.
Weights are random, gains and slopes of both signs, BatchNorm statistics those of random images.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

from hw_bnn.compile.boards import budget, device_of
from hw_bnn.estimate import planned
from hw_bnn.files.output import output_file
from hw_bnn.frames import random_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.options import TargetOptions
from hw_bnn.verify import failed, verify
from hw_bnn.verify.stage import trace_tensors
from hw_bnn.verify.stages.qonnx import QonnxExecution

RESULTS = Path(__file__).resolve().parent / "results" / "imagenet.json"
CLOCK_NS = 5.0
KINDS = ("lut", "ff", "bram", "dsp", "uram")


def write(name: str, path: Path, size: int = 224, classes: int = 1000) -> None:
    """Write a network of hw_bnn.nn.zoo with 8-bit maps, first and last layers as QONNX.

    Args:
        name: reactnet_a or birealnet18. size: of the image.
    """
    import torch

    from hw_bnn.export import to_qonnx
    from hw_bnn.nn import zoo

    torch.manual_seed(1)
    options = {} if name == "reactnet_a" else {"size": size}
    model = zoo.build(name, in_channels=3, classes=classes, form="quantised", **options)
    zoo.randomise_norms(model, 1, torch.randint(0, 256, (2, 3, size, size)).float())
    proto = to_qonnx(model.eval(), torch.zeros(1, 3, size, size))
    with output_file(path) as partial:
        partial.write_bytes(proto.SerializeToString(deterministic=True))


def fit(path: Path, board: str, targets: list[int]) -> None:
    """What fits a board at some rates, and by what the cheapest plan at each is too large."""
    room, rows = budget(board), []
    for memory in ("auto", "ultra"):
        asked = TargetOptions(memory=memory, output_mode="scores", target_cycles=max(targets))
        search = planned(path, asked)[0].of_board(board)
        for target in targets:
            cheapest = search.plan(target)
            found = cheapest if not cheapest.excess(room) else search.fit(target, room)
            rows.append({
                "memory": memory, "target_cycles": target,
                "too_much": {k: round(v, 1) for k, v in cheapest.excess(room).items()},
                "fits": None if found is None else {
                    "cycles": found.cycles, "fps": round(1e9 / CLOCK_NS / found.cycles, 1),
                    **{kind: round(getattr(found, kind), 1) for kind in KINDS},
                },
            })  # fmt: skip
            print(rows[-1], flush=True)
    holds = {kind: getattr(device_of(board), kind) for kind in KINDS}
    save(f"{path.stem} on {board}", {"clk_period_ns": CLOCK_NS, "holds": holds, "rows": rows})


def save(name: str, content: dict) -> None:
    document = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    document[name] = content
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def check(path: Path, target: int, frames: int = 8) -> None:
    """qonnx equals golden at every quantiser of random frames, every stage of `verify` in some.

    Raises:
        SystemExit: a stage differs.
    """
    golden = GoldenModel.from_onnx(path)
    x, began = random_frames(golden, frames), time.monotonic()
    execution = QonnxExecution(path, trace_tensors(golden))
    difference = golden.explain_float_difference(x, execution.run(golden.real_input(x)))
    found = {
        "qonnx": {
            "frames": frames, "tensors": len(execution.tensors), "float_ties": len(difference.ties),
            "mismatches": len(difference.mismatches), "seconds": round(time.monotonic() - began),
        }
    }  # fmt: skip
    save(f"{path.stem} verified", found | _used())
    print(found, flush=True)
    some = x[EXTREMES : EXTREMES + 3]  # of the third, what it takes behind another
    summary = verify(path, inputs=some, target_cycles=target, output_mode="scores", check=False)
    found |= {key: summary[key] for key in FIGURES}
    save(f"{path.stem} verified", found | _used())
    print(json.dumps(found | _used(), indent=1))
    if difference.mismatches or failed(summary):
        sys.exit("not equal")


def _used() -> dict[str, float]:
    own, tools = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "processor_seconds": round(own.ru_utime + tools.ru_utime),
        "memory_gib": round(max(own.ru_maxrss, tools.ru_maxrss) / 2**20, 2),
    }


EXTREMES = 3
"""Of the frames of `random_frames`: all least, all greatest, both in turn."""

FIGURES = ("frames", "mismatches", "float_ties", "cycles_per_frame", "latency_cycles",
           "bound_cycles", "seconds")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("write")
    part.add_argument("name", choices=["reactnet_a", "birealnet18"])
    part.add_argument("path", type=Path)
    part = parts.add_parser("fit")
    part.add_argument("path", type=Path)
    part.add_argument("board")
    part.add_argument("targets", type=int, nargs="+")
    part = parts.add_parser("verify")
    part.add_argument("path", type=Path)
    part.add_argument("target", type=int)
    arguments = parser.parse_args()
    if arguments.part == "write":
        write(arguments.name, arguments.path)
    elif arguments.part == "verify":
        check(arguments.path, arguments.target)
    else:
        fit(arguments.path, arguments.board, arguments.targets)


if __name__ == "__main__":
    main()
