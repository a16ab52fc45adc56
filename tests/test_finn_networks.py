"""FINN's own TFC and SFC, exported as its users do, are verified from file to RTL."""

import pytest

from hw_bnn.verify import failed, verify

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Name -> QONNX file with random BatchNorm statistics and gains of both signs."""
    import torch

    from brevitas.export import export_qonnx  # isort: skip
    from brevitas_examples.bnn_pynq.models import model_with_cfg  # isort: skip

    place, files = tmp_path_factory.mktemp("finn"), {}

    def export(name):
        if name in files:
            return files[name]
        torch.manual_seed(1)
        model, _ = model_with_cfg(name, pretrained=False)
        gains = []
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.running_mean.uniform_(-8, 8)
                module.running_var.uniform_(0.5, 60)
                torch.nn.init.uniform_(module.weight, -1, 1)
                torch.nn.init.uniform_(module.bias, -1, 1)
                gains.append(module.weight.detach())
        assert (torch.cat(gains) < 0).any() and (torch.cat(gains) > 0).any()
        files[name] = place / f"{name}.onnx"
        export_qonnx(model.eval(), torch.rand(1, 1, 28, 28), str(files[name]))
        return files[name]

    return export


@pytest.mark.parametrize(("name", "cycles"), [("tfc_1w1a", 64), ("sfc_1w1a", 1024)])
def test_random_inputs(exported, name, cycles):
    summary = verify(exported(name), frames=1000, target_cycles=cycles)
    assert failed(summary) is None
    assert summary["frames"]["rtl"] == 1000 and summary["frames"]["qonnx"] >= 256
    assert summary["bound_cycles"] <= cycles
    assert summary["cycles_per_frame"] <= 1.01 * summary["bound_cycles"]


@pytest.mark.mnist
@pytest.mark.parametrize("cycles", [16, 1024])
def test_sfc_on_the_mnist_test_set(exported, data_root, cycles):
    """10,000 images, binarised on the host: 98 bytes a frame."""
    summary = verify(
        exported("sfc_1w1a"), dataset="mnist", data_root=data_root, target_cycles=cycles
    )
    assert failed(summary) is None
    assert summary["frames"]["rtl"] == 10_000
    assert summary["bound_cycles"] == cycles
    assert summary["cycles_per_frame"] <= 1.01 * cycles
    assert summary["seconds"]["rtl"] < 120


@pytest.mark.mnist
def test_tfc_with_its_threshold_on_chip(exported, data_root):
    """Raw 8-bit pixels p, the real input is p/255; the threshold is the network's own."""
    summary = verify(
        exported("tfc_1w1a"), dataset="mnist", data_root=data_root, limit=1000,
        target_cycles=1024, input_datatype="UINT8", input_scale="1/255",
    )  # fmt: skip
    assert failed(summary) is None
    assert summary["frames"]["rtl"] == 1000
