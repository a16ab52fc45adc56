"""Test sets through the gates of whole networks, one frame a bit lane."""

import pytest

from benchmarks.networks import zoo_network
from hw_bnn.verify import verify
from tests.test_published_models import published  # noqa: F401  a fixture

pytest.importorskip("finn")


def through_gates(model, out, frames: int, **options) -> None:
    summary = verify(model, out=out, also=["lanes"], limit=frames, check=False, **options)
    assert summary["passed"], summary
    assert summary["frames"]["lanes"] == summary["frames"]["rtl"] == frames
    assert summary["mismatches"]["lanes"] == 0


@pytest.mark.full
@pytest.mark.mnist
def test_sfc_on_mnist(tmp_path):
    """784-256-256-256-10 of random weights: all 10,000 images."""
    model = zoo_network("sfc_1w1a", tmp_path / "sfc.onnx", (1, 28, 28))
    through_gates(model, tmp_path / "out", 10_000, dataset="mnist", target_cycles=1024)


@pytest.mark.full
@pytest.mark.cifar10
def test_cnv_on_cifar10(published, tmp_path):  # noqa: F811
    """FINN's CNV_1W1A at full size: 256 images."""
    through_gates(
        published("bnnpynq_cnv_w1a1"), tmp_path / "out", 256, dataset="cifar10",
        target_cycles=32_768, input_datatype="UINT8", input_scale="1/255",
    )  # fmt: skip
