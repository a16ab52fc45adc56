"""The papers' ImageNet networks in full size: what they would take of a board, by estimate.

    python benchmarks/imagenet.py write reactnet_a react.onnx    224 x 224, 1,000 classes, untrained
    python benchmarks/imagenet.py fit react.onnx zcu104 1806336 903168
                                  the cheapest plans of so many cycles a frame that fit the board,
                                  weights in block RAM and LUTs alone, and in UltraRAM too;
                                  in results/imagenet.json

`hw-bnn estimate react.onnx --board zcu104 --target-cycles 903168 --memory ultra
--output-mode scores` says the same of one target, layer by layer, and goes through all boards.
Weights are random, BatchNorm statistics those of random images of 64 x 64. The file is not
executed: that takes minutes at this size, and `hw-bnn export` does it for a trained network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hw_bnn.compile.boards import budget, device_of
from hw_bnn.estimate import planned
from hw_bnn.files.output import output_file
from hw_bnn.options import TargetOptions

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
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # the statistics of this batch
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.3)
        model.train()(torch.randint(0, 256, (2, 3, 64, 64)).float())
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
    document = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    holds = {kind: getattr(device_of(board), kind) for kind in KINDS}
    document[f"{path.stem} on {board}"] = {"clk_period_ns": CLOCK_NS, "holds": holds, "rows": rows}
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


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
    arguments = parser.parse_args()
    if arguments.part == "write":
        write(arguments.name, arguments.path)
    else:
        fit(arguments.path, arguments.board, arguments.targets)


if __name__ == "__main__":
    main()
