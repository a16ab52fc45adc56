"""Models: published sizes, shapes, orders of layers, and hardware forms that export exactly."""

import pytest
import torch

from hw_bnn.errors import BadInput
from hw_bnn.export import export_model
from hw_bnn.nn import binary_parameters, zoo
from hw_bnn.nn.mlp import Input, Norm


def size(model):
    return sum(p.numel() for p in binary_parameters(model))


PAPER = {"in_channels": 3, "classes": 10}
CNV = {"channels": [64, 64, 128, 128, 256, 256], "fc": [512, 512], "padding": "valid"}


@pytest.mark.parametrize(
    ("name", "options", "weights"),
    [
        ("mlp", {"in_features": 784, "classes": 10, "hidden": [2048] * 3}, 10_014_720),
        ("mlp", {"in_features": 784, "classes": 10, "hidden": [100, 100]}, 89_400),
        ("vgg", PAPER, 14_022_016),
        ("vgg", {**PAPER, **CNV}, 1_542_848),
        ("bnew_resnet20", PAPER, 267_264),
        ("reactnet_a", {"in_channels": 3, "classes": 1000}, 28_253_184),
        # 64x9x64x4 + 4 stages of 4 convolutions, as ResNet-18 without stem,
        # shortcuts and last layer
        ("birealnet18", {"in_channels": 3, "classes": 1000}, 10_985_472),
    ],
)
def test_numbers_of_binary_weights(name, options, weights):
    assert size(zoo.build(name, **options)) == weights


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("vgg", {**PAPER, "channels": [8] * 6, "fc": [16]}, (2, 3, 32, 32)),
        (
            "vgg",
            {**PAPER, "channels": [8] * 6, "fc": [16], "padding": "first_valid"},
            (2, 3, 32, 32),
        ),
        ("vgg", {**PAPER, **CNV}, (2, 3, 32, 32)),
        ("alexnet", {"in_channels": 3, "classes": 7, "fc": [16], "size": 224}, (2, 3, 224, 224)),
        ("resnet18", {**PAPER, "channels": [4, 8]}, (2, 3, 32, 32)),
        ("resnet18", {**PAPER, "channels": [4, 8], "stem": "imagenet"}, (2, 3, 64, 64)),
        ("bnew_resnet20", PAPER, (2, 3, 32, 32)),
        ("birealnet18", {**PAPER, "channels": [4, 8]}, (2, 3, 64, 64)),
        ("wide_resnet22", PAPER, (2, 3, 32, 32)),
        ("reactnet_a", PAPER, (1, 3, 64, 64)),
        ("reactnet_a", {**PAPER, "width": 4, "form": "quantised"}, (1, 3, 64, 64)),
        ("toy", {"in_features": 2}, (5, 2)),
        ("toy", {"in_features": 1, "norm_output": True}, (5, 1)),
    ],
)
def test_shapes_and_gradients(name, options, shape):
    torch.manual_seed(0)
    model = zoo.build(name, **options)
    out = model(torch.randn(shape))
    assert out.shape == (shape[0], options.get("classes", 1))
    out.square().sum().backward()
    for p in binary_parameters(model):
        assert p.grad is not None and p.grad.isfinite().all()


HARDWARE = [
    ("vgg", {**PAPER, "channels": [8] * 6, "fc": [16], "pad_value": -1.0}),
    ("vgg", {**PAPER, "channels": [8] * 6, "fc": [16], "pool": "after_activation"}),
    ("vgg", {**PAPER, **CNV}),
    ("resnet18", {**PAPER, "channels": [4, 8], "blocks": 1, "form": "hardware"}),
    ("bnew_resnet20", {**PAPER, "channels": [4, 8], "blocks": 2, "form": "hardware"}),
]


@pytest.mark.parametrize(("name", "options"), HARDWARE)
def test_hardware_forms_export_exactly(name, options, tmp_path):
    if name == "vgg":
        options = {**options, "input": Input(bits=8), "activation": "sign"}
    torch.manual_seed(1)
    model = zoo.build(name, **options)
    x = torch.randint(0, 256, (4, 3, 32, 32)).float()
    model(x)  # running statistics near those of the data
    export_model(model, tmp_path / "m.onnx", x)


def test_scaled_convolutions_export_their_factor(tmp_path):
    from torch import nn

    from hw_bnn.nn import BinaryActivation, BinaryConv2d, InputQuantiser

    model = nn.Sequential(
        InputQuantiser(8),
        BinaryConv2d(3, 4, 3, scaled=True),
        nn.BatchNorm2d(4),
        BinaryActivation(),
        BinaryConv2d(4, 2, 3, scaled=True),
    ).eval()
    x = torch.randint(0, 256, (3, 3, 8, 8)).float()
    w = model[1].weight
    alpha = w.abs().mean((1, 2, 3))
    plain = nn.functional.conv2d(x, torch.where(w >= 0, 1.0, -1.0))
    torch.testing.assert_close(model[1](x), plain * alpha.view(1, -1, 1, 1), rtol=1e-5, atol=1e-3)
    export_model(model, tmp_path / "m.onnx", x)


def test_pooling_order():
    model = zoo.build("vgg", **PAPER, channels=[4, 4], fc=[])
    names = [n for n, _ in model.named_children()]
    assert names[4:8] == ["conv2", "pool1", "norm2", "activation2"]
    model = zoo.build("vgg", **PAPER, channels=[4, 4], fc=[], pool="after_activation")
    assert [n for n, _ in model.named_children()][4:8] == ["conv2", "norm2", "activation2", "pool1"]


def test_norm_without_gain_keeps_it_at_one():
    norm = Norm(gain=False).conv(3)
    assert not norm.weight.requires_grad and norm.bias.requires_grad


def test_wrong_widths():
    with pytest.raises(BadInput, match="width is positive"):
        zoo.build("mlp", in_features=4, classes=2, hidden=[0])
