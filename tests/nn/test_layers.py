"""Layers: signs and their estimators, Brevitas' forward of the same weights, modes, clipping."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bnn.errors import BadInput
from hw_bnn.nn import (
    BinaryActivation,
    BinaryConv2d,
    BinaryLinear,
    InputQuantiser,
    InputSign,
    binary_layers,
    binary_parameters,
    binary_product,
    clip_weights,
    project_to_signs,
    real_parameters,
    set_weight_mode,
    sign,
    zoo,
)


def test_sign_of_zero_is_plus_one():
    x = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 5.0, -5.0])
    for estimator in ("identity", "clipped", "approx_sign"):
        assert sign(x, estimator).tolist() == [1, 1, 1, -1, 1, -1]


@pytest.mark.parametrize(
    ("estimator", "factor"),
    [
        ("identity", [1, 1, 1, 1, 1, 1, 1]),
        ("clipped", [0, 1, 1, 1, 1, 1, 0]),
        ("approx_sign", [0, 0, 1, 2, 1.5, 0, 0]),
    ],
)
def test_estimator_factors(estimator, factor):
    x = torch.tensor([-1.5, -1.0, -0.5, 0.0, 0.25, 1.0, 1.2], requires_grad=True)
    upstream = torch.tensor([1.0, -2.0, 3.0, 1.0, 2.0, 5.0, 7.0])
    (sign(x, estimator) * upstream).sum().backward()
    assert torch.equal(x.grad, upstream * torch.tensor(factor))


def test_forward_equals_brevitas_own():
    torch.manual_seed(0)
    linear, conv = BinaryLinear(20, 7), BinaryConv2d(3, 5, 3, padding=1, stride=2)
    linear.weight.data[0, :3] = 0.0
    x, image = torch.randint(-3, 4, (4, 20)).float(), torch.randint(-3, 4, (2, 3, 9, 9)).float()
    assert torch.equal(linear(x), super(BinaryLinear, linear).forward(x))
    assert torch.equal(conv(image), super(BinaryConv2d, conv).forward(image))
    assert set(linear.forward_weight().unique().tolist()) == {-1.0, 1.0}
    z = torch.tensor([-2.0, 0.0, 0.5])
    act = BinaryActivation()
    assert torch.equal(act(z), super(BinaryActivation, act).forward(z))


def test_weight_modes():
    torch.manual_seed(0)
    layer = BinaryLinear(50, 40)
    model = torch.nn.Sequential(layer)
    latent = layer.weight.detach().clone()
    set_weight_mode(model, "real")
    assert torch.equal(layer.train().forward_weight(), latent)
    assert torch.equal(layer.eval().forward_weight(), sign(latent))
    set_weight_mode(model, "real", eval_real=True)
    assert torch.equal(layer.eval().forward_weight(), latent)
    layer.weight.data.fill_(0.5)
    set_weight_mode(model, "stochastic")
    drawn = torch.stack([layer.train().forward_weight() for _ in range(50)])
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    # P(+1) = 0.75, so the mean of 100,000 draws is 0.5 within five of its deviations (0.866/316).
    assert abs(drawn.mean().item() - 0.5) < 5 * 0.866 / 316
    with pytest.raises(BadInput, match="no weight mode"):
        set_weight_mode(model, "fuzzy")


def test_stochastic_extremes_are_certain():
    layer = BinaryLinear(64, 64)
    set_weight_mode(torch.nn.Sequential(layer), "stochastic")
    layer.weight.data.fill_(1.0)
    assert (layer.forward_weight() == 1).all()
    layer.weight.data.fill_(-1.0)
    assert (layer.forward_weight() == -1).sum() >= 64 * 64 - 1  # rand() may be exactly 0


def test_input_quantiser_is_exact_on_integers():
    quantiser = InputQuantiser(5)
    x = torch.arange(-3, 40).float()
    assert torch.equal(quantiser(x), x.clamp(0, 31))
    signed = InputQuantiser(8, signed=True, scale=1 / 128)
    x = torch.arange(-140, 140).float() / 128
    assert torch.equal(signed(x), x.clamp(-1, 127 / 128))
    unit = InputQuantiser(8, scale=1 / 255)
    assert torch.equal((unit(torch.arange(256) / 255) * 255).round(), torch.arange(256).float())
    for bits in (0, 1, 17):
        with pytest.raises(BadInput):
            InputQuantiser(bits)
    with pytest.raises(BadInput):
        InputQuantiser(8, scale=0.0)


def test_input_sign_threshold():
    pixels = torch.arange(256) / 255
    assert torch.equal(InputSign()(pixels) > 0, torch.arange(256) >= 128)


def test_parameters_are_told_apart():
    model = zoo.build("mlp", in_features=8, classes=3, hidden=[4])
    assert [tuple(p.shape) for p in binary_parameters(model)] == [(4, 8), (3, 4)]
    assert len(real_parameters(model)) == 4  # gain and bias of two BatchNorms
    assert [name for name, _ in binary_layers(model)] == ["linear1", "linear2"]
    brevitas = zoo.build("tfc_1w1a")
    assert sum(p.numel() for p in binary_parameters(brevitas)) == 59_008


def test_clip_and_project():
    model = zoo.build("mlp", in_features=8, classes=3, hidden=[4])
    with torch.no_grad():
        model.linear1.weight.mul_(10)
        model.linear2.weight.zero_()
    before = model.norm1.weight.clone()
    clip_weights(model)
    assert model.linear1.weight.abs().max() == 1
    project_to_signs(model)
    assert (model.linear2.weight == 1).all()
    assert set(model.linear1.weight.unique().tolist()) <= {-1.0, 1.0}
    assert torch.equal(model.norm1.weight, before)


@pytest.mark.parametrize(
    ("name", "weights"),
    [("tfc_1w1a", 59_008), ("sfc", 334_336), ("lfc", 2_910_208), ("cnv_1w1a", 1_542_848)],
)
def test_zoo_sizes(name, weights):
    assert sum(p.numel() for p in binary_parameters(zoo.build(name))) == weights


def test_random_norms_have_gains_of_both_signs():
    model = zoo.randomise_norms(zoo.build("tfc_1w1a"), seed=3).eval()
    gains = torch.cat([m.weight for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)])
    assert (gains > 0).any() and (gains < 0).any()
    assert model(torch.rand(5, 1, 28, 28)).isfinite().all()


def test_random_norms_of_scaled_sums_are_measured():
    """8-bit maps and scaled convolutions: sums of +-1 have quite another spread."""
    model = zoo.build("reactnet_a", in_channels=3, classes=5, width=4, blocks=2, form="quantised")
    x = torch.randint(0, 256, (4, 3, 16, 16), generator=torch.Generator().manual_seed(0)).float()
    zoo.randomise_norms(model, seed=1, inputs=x).eval()
    stem, first, norm = model.stem[0], model.stem[1], model.stem[2]
    sums = first(stem(x))
    assert torch.allclose(norm.running_mean, sums.mean((0, 2, 3)), rtol=1e-3, atol=1e-3)
    assert norm.momentum == 0.1 and not model.training
    slopes = torch.cat([m.weight for m in model.modules() if isinstance(m, torch.nn.PReLU)])
    assert (slopes < 0).any() and (slopes > 1).any()
    assert model.blocks[0].sign1.shift.abs().min() > 0
    assert model(x).std() > 0


def test_unknown_model():
    with pytest.raises(BadInput, match="no model"):
        zoo.build("resnet1001")


@pytest.mark.parametrize("estimator", ["identity", "clipped"])
@pytest.mark.parametrize("int8", [True, False])
def test_the_faster_product_is_the_float_one(int8, estimator, monkeypatch):
    monkeypatch.setattr(binary_product, "_FAST_INT8", int8)
    torch.manual_seed(0)
    layer = BinaryLinear(200, 70, estimator=estimator)
    layer.weight.data.mul_(20)
    layer.weight.data[0, :4] = torch.tensor([0.0, -0.0, 1.0, -1.0])
    x = sign(torch.randn(32, 200)).requires_grad_()
    upstream = torch.randn(32, 70)
    results = []
    for least in (1, layer.weight.numel() + 1):
        monkeypatch.setattr(binary_product, "LEAST_WEIGHTS", least)
        assert binary_product.worth_while(x, layer.weight) == (least == 1)
        x.grad = layer.weight.grad = None
        out = layer(x)
        out.backward(upstream)
        results.append((out.detach(), x.grad, layer.weight.grad))
    assert torch.equal(results[0][0], results[1][0])
    for fast, plain in zip(results[0][1:], results[1][1:], strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-5, atol=1e-5)
    assert (results[0][2] == 0).any() == (estimator == "clipped")
    monkeypatch.setattr(binary_product, "LEAST_WEIGHTS", 1)
    assert not binary_product.worth_while(x.detach() * 0.5, layer.weight)
    with torch.autocast("cpu", torch.bfloat16):  # it would round what two rows are packed in
        assert not binary_product.worth_while(x, layer.weight)


@settings(deadline=None, max_examples=60)
@given(
    k=st.integers(1, 4094) | st.sampled_from([1, 2, 3, 1023, 1024, 2047, 2048, 4093, 4094]),
    half=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_multiplied_in_pairs(k, half, seed):
    """Random rows, and those that give +-K in either half of a pair and in both."""
    assert binary_product._pairs(2 * half, k)
    generator = torch.Generator().manual_seed(seed)
    x = 2.0 * torch.randint(0, 2, (2 * half, k), generator=generator) - 1
    signs = 2.0 * torch.randint(0, 2, (20, k), generator=generator) - 1
    signs[:4] = torch.stack([x[0], -x[0], x[half], -x[half]])
    if seed % 2:
        x[half] = x[0] if seed % 4 == 1 else -x[0]
    exact = (x.double() @ signs.double().T).float()
    assert torch.equal(binary_product.paired_product(x, signs), exact)


def test_rows_that_cannot_be_multiplied_in_pairs():
    assert not binary_product._pairs(100, 4095)  # sums beyond 2^24
    assert not binary_product._pairs(99, 64)
