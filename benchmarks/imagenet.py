"""The papers' ImageNet networks in full size, as files: what `hw-bnn estimate` says of them.

    python benchmarks/imagenet.py reactnet_a react.onnx     224 x 224, 1,000 classes, untrained
    hw-bnn estimate react.onnx --board zcu104 --clk-period-ns 5 --output-mode scores --memory ultra

Weights are random, BatchNorm statistics those of random images of 64 x 64. The file is not
executed: that takes minutes at this size, and `hw-bnn export` does it for a trained network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hw_bnn.files.output import output_file


def write(name: str, path: Path, size: int = 224, classes: int = 1000) -> Path:
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
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("name", choices=["reactnet_a", "birealnet18"])
    parser.add_argument("path", type=Path)
    arguments = parser.parse_args()
    print(write(arguments.name, arguments.path))


if __name__ == "__main__":
    main()
