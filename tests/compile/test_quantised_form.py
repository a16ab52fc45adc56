"""The papers' residual networks with 8-bit maps, shortcuts, first and last layers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.requantising import Requantise
from hw_bnn.verify import failed, verify
from tests.compile.compile_stages import check_stages

NETWORKS = {
    "bnew_resnet20": {"channels": [4, 8], "blocks": 1},
    "birealnet18": {"channels": [4], "stem": "cifar"},
    "reactnet_a": {"width": 4, "blocks": 2},
}


def exported(name: str, path, size: int = 12, **options) -> onnx.ModelProto:
    """An untrained network whose norms, shifts and slopes of both signs are random."""
    torch = pytest.importorskip("torch")
    from hw_bnn.export import export_model
    from hw_bnn.nn import zoo

    torch.manual_seed(1)
    shape = {"in_channels": 3, "classes": 5, "form": "quantised"}
    shape |= {} if name == "reactnet_a" else {"size": size}
    model = zoo.build(name, **{**shape, **NETWORKS[name], **options})
    x = torch.randint(0, 256, (16, 3, size, size)).float()
    zoo.randomise_norms(model, 1, x)
    export_model(model.eval(), path, x[:1])
    return onnx.load(path)


@pytest.mark.parametrize(
    "name",
    [
        "bnew_resnet20",
        *(pytest.param(n, marks=pytest.mark.full) for n in ("reactnet_a", "birealnet18")),
    ],
)
def test_stages(name, tmp_path):
    model = exported(name, tmp_path / "net.onnx")
    tables = [op.table for op in import_model(model).graph.ops if isinstance(op, Requantise)]
    assert {table.pieces for table in tables} == ({1} if name == "birealnet18" else {1, 2})
    assert max(int(np.abs(table.gain).max()).bit_length() for table in tables) <= 27
    check_stages(model, frames=8)


WHOLE = {
    "bnew_resnet20": {"channels": [4, 8, 16]},
    "birealnet18": {"channels": [16, 32, 64, 128], "stem": "imagenet"},
    "reactnet_a": {"width": 4, "blocks": 13},
}
"""Every layer of the papers' networks, at a quarter or an eighth of their widths."""


@pytest.mark.parametrize("name", ["birealnet18", "reactnet_a"])
def test_whole_networks(name, tmp_path):
    """32 x 32 is the least image that has a map of each size in front of every stride."""
    exported(name, tmp_path / "net.onnx", size=32, **WHOLE[name])
    summary = verify(
        tmp_path / "net.onnx", frames=3, slow_frames=1, target_cycles=50_000, check=False,
        fifo_sizing="none",
    )  # fmt: skip
    assert failed(summary) is None and not any(summary["mismatches"].values())
    assert summary["frames"]["rtl"] == summary["frames"]["rtl_stalled"] == 3


@pytest.mark.full
@pytest.mark.parametrize("name", WHOLE)
def test_every_stage_of_narrow_networks(name, tmp_path):
    """With FIFOs as small as their rate allows."""
    exported(name, tmp_path / "net.onnx", size=32, **WHOLE[name])
    summary = verify(
        tmp_path / "net.onnx", frames=16, slow_frames=4, target_cycles=50_000, out=tmp_path / "out"
    )
    assert failed(summary) is None and not any(summary["mismatches"].values())
    assert summary["frames"]["rtl"] == summary["frames"]["rtl_stalled"] == 16


@pytest.mark.full
def test_resnet20_at_its_full_size_on_cifar10(tmp_path):
    """BNEW's network, 16-32-64 channels and six blocks a stage, on 256 images of the test set."""
    exported(
        "bnew_resnet20", tmp_path / "net.onnx", 32, channels=[16, 32, 64], blocks=6, classes=10
    )
    summary = verify(
        tmp_path / "net.onnx", dataset="cifar10", limit=256, scale="integer", slow_frames=8,
        target_cycles=20_000, out=tmp_path / "out",
    )  # fmt: skip
    assert failed(summary) is None and not any(summary["mismatches"].values())
    assert summary["frames"]["rtl"] == summary["frames"]["rtl_stalled"] == 256
