"""Each optimiser against a few lines of numpy over 50 random steps,
and identities between methods.
"""

import copy

import numpy as np
import pytest
import torch

from hw_bnn.nn import clip_weights, sign, zoo
from hw_bnn.optim import BMD, BNEW, PMF, BayesBiNN, Bop, Bop2ndOrder, MDTanh, ProxQuant, bayesbinn
from hw_bnn.optim.bayesbinn import gradient_scale, relax
from hw_bnn.optim.scaling import glorot_limit, gradient_limit, scale_gradients

STEPS, SHAPE = 50, (7, 5)
BETAS, EPS = (0.9, 0.999), 1e-8


@pytest.fixture
def gradients():
    return np.random.default_rng(1).normal(size=(STEPS, *SHAPE)).astype(np.float32)


def start():
    return np.random.default_rng(2).uniform(-0.9, 0.9, SHAPE).astype(np.float32)


def signs(x):
    return np.where(x >= 0, 1.0, -1.0)


class NumpyAdam:
    """The textbook form, in float64."""

    def __init__(self):
        self.m = self.v = 0.0
        self.t = 0

    def direction(self, g):
        self.t += 1
        self.m = BETAS[0] * self.m + (1 - BETAS[0]) * g
        self.v = BETAS[1] * self.v + (1 - BETAS[1]) * g * g
        return (
            self.m / (1 - BETAS[0] ** self.t) / (np.sqrt(self.v / (1 - BETAS[1] ** self.t)) + EPS)
        )


def run(optimiser, weight, gradients):
    for gradient in gradients:
        weight.grad = torch.from_numpy(gradient)
        optimiser.step()
    return weight.detach().numpy()


def adam(groups):
    return torch.optim.Adam(groups, lr=0.01)


def test_bop(gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    found = run(Bop([weight], gamma=0.1, tau=0.02), weight, gradients)
    w, m, flips = signs(start()), 0.0, 0
    for g in gradients.astype(np.float64):
        m = 0.9 * m + 0.1 * g
        flips += (w * m > 0.02).sum()
        w = np.where(w * m > 0.02, -w, w)
    assert flips > 100
    np.testing.assert_array_equal(found, w)


def test_second_order_bop(gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    found = run(Bop2ndOrder([weight], gamma=0.1, tau=0.05, sigma=0.2), weight, gradients)
    w, m, v = signs(start()), 0.0, 0.0
    for g in gradients.astype(np.float64):
        m, v = 0.9 * m + 0.1 * g, 0.8 * v + 0.2 * g * g
        w = np.where(w * m / (np.sqrt(v) + 1e-10) > 0.05, -w, w)
    np.testing.assert_array_equal(found, w)


def test_bop_with_a_real_first_step():
    weight = torch.nn.Parameter(torch.tensor([0.4, -0.3, 0.2]))
    bop = Bop([weight], gamma=1.0, tau=0.1, binarise=False)
    assert weight.tolist()[0] == pytest.approx(0.4)
    weight.grad = torch.tensor([1.0, 1.0, 0.1])  # w m = .4, -.3, .02
    bop.step()
    assert weight.tolist() == [-1, -1, 1]


@pytest.mark.parametrize("form", ["l1", "l2"])
def test_proxquant(form, gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    found = run(ProxQuant([weight], adam, lam=0.003, form=form), weight, gradients)
    w, reference = start().astype(np.float64), NumpyAdam()
    for g in gradients:
        w = w - 0.01 * reference.direction(g)
        s, a = signs(w), np.abs(w)
        if form == "l1":
            w = s * (1 + np.sign(a - 1) * np.maximum(np.abs(a - 1) - 0.003, 0))
        else:
            w = (w + 0.003 * s) / 1.003
        w = np.clip(w, -1, 1)
    np.testing.assert_allclose(found, w, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("exact", "before"), [(False, False), (True, False), (False, True)])
def test_bnew(exact, before, gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    bnew = BNEW([weight], adam, r=0.02, exact=exact, before=before)
    found = run(bnew, weight, gradients)
    stretch = 1 / (1 - 0.04) if exact else 1.04
    w, reference = start().astype(np.float64), NumpyAdam()
    for g in gradients:
        if before:
            w = np.clip(stretch * w, -1, 1)
        w = w - 0.01 * reference.direction(g)
        if not before:
            w = np.clip(stretch * w, -1, 1)
    np.testing.assert_allclose(found, w, rtol=1e-5, atol=2e-6)


def test_bnew_without_pull_is_projected_adam(gradients):
    ours = torch.nn.Parameter(torch.from_numpy(start()))
    plain = torch.nn.Parameter(torch.from_numpy(start()))
    run(BNEW([ours], adam, r=0.0), ours, gradients)
    reference = adam([plain])
    for gradient in gradients:
        plain.grad = torch.from_numpy(gradient)
        reference.step()
        clip_weights([plain])
    assert torch.equal(ours, plain)


def test_bmd(gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    found = run(BMD([weight], lr=0.01, beta=3.0), weight, gradients)
    latent, reference = start().astype(np.float64), NumpyAdam()
    for g in gradients:
        latent = latent - 0.01 * reference.direction(g)
    np.testing.assert_allclose(found, np.tanh(3.0 * latent), rtol=1e-5, atol=5e-6)


def test_bmd_tends_to_ste_as_beta_grows(gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    bmd = BMD([weight], lr=0.01, beta=1e30)
    latent = torch.nn.Parameter(torch.from_numpy(start()))
    ste = torch.optim.Adam([latent], lr=0.01)
    for gradient in gradients:
        assert torch.equal(weight.detach(), sign(latent.detach()))
        weight.grad, latent.grad = torch.from_numpy(gradient), torch.from_numpy(gradient.copy())
        bmd.step(), ste.step()


def test_true_mirror_descent_is_its_closed_form(gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    found = run(MDTanh([weight], lr=0.02, beta=1.5), weight, gradients)
    w, reference = start().astype(np.float64), NumpyAdam()
    for g in gradients:
        a = (1 + w) / (1 - w) * np.exp(-2 * 1.5 * 0.02 * reference.direction(g))
        w = (a - 1) / (a + 1)
    np.testing.assert_allclose(found, w, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("exact", [False, True])
def test_pmf(exact, gradients):
    torch.manual_seed(3)
    weight = torch.nn.Parameter(torch.zeros(SHAPE))
    pmf = PMF([weight], lr=0.05, beta=2.0, weight_decay=1e-2, exact=exact)
    logits, reference = pmf.state[weight]["logits"].numpy().astype(np.float64), NumpyAdam()
    assert np.abs(logits).max() <= np.sqrt(6 / sum(SHAPE)) + 1e-6
    found = run(pmf, weight, gradients)
    for g in gradients.astype(np.float64):
        e = np.exp(2.0 * logits)
        u = e / e.sum(0)
        gu = np.stack([-g, g])
        jacobian = (u if exact else 1.0) * gu - u * (u * gu).sum(0)
        logits = logits - 0.05 * reference.direction(2.0 * jacobian + 1e-2 * logits)
    e = np.exp(2.0 * logits)
    u = e / e.sum(0)
    np.testing.assert_allclose(found, u[1] - u[0], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("momentum", "samples", "lagged"), [(0, 1, False), (0.9, 3, False), (0, 2, True)]
)
def test_bayesbinn(momentum, samples, lagged, gradients):
    torch.manual_seed(4)
    weight = torch.nn.Parameter(torch.zeros(SHAPE))
    options = {
        "temperature": 0.5,
        "samples": samples,
        "initial": 1.0,
        "prior": 0.1,
        "lagged": lagged,
    }
    bayes = BayesBiNN([weight], 30, lr=0.01, momentum=momentum, **options)
    lam = bayes.state[weight]["lam"].numpy().astype(np.float64)
    assert (np.abs(lam) == 1.0).all() and len(np.unique(lam)) == 2
    draws = []

    def closure():  # the loss is a parabola, so that the gradient depends on the sample
        draws.append(weight.detach().numpy().copy())
        weight.grad = weight.detach() - 0.3

    rng = torch.get_rng_state()
    for _ in range(STEPS):
        bayes.step(closure)
    torch.set_rng_state(rng)
    m, mu = 0.0, np.tanh(lam)
    for t in range(1, STEPS + 1):
        mean, mu = 0.0, mu if lagged else np.tanh(lam)
        for _ in range(samples):
            eps = torch.rand(SHAPE).numpy().astype(np.float64)
            wb = np.tanh((lam + 0.5 * np.log(eps / (1 - eps))) / 0.5)
            s = 30 * (1 - wb**2 + 1e-10) / 0.5 / (1 - mu**2 + 1e-10)
            mean = mean + s * (wb - 0.3) / samples
        mu = np.tanh(lam)
        if momentum:
            m = momentum * m + (1 - momentum) * (mean + lam - 0.1)
            lam = lam - 0.01 * m / (1 - momentum**t)
        else:
            lam = (1 - 0.01) * lam - 0.01 * (mean - 0.1)
    assert len(draws) == STEPS * samples
    np.testing.assert_allclose(bayes.state[weight]["lam"], lam, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("tau", [1e-10, 1e-2, 0.3])
@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize(("momentum", "lagged"), [(0, False), (0.9, False), (0, True)])
def test_bayesbinn_of_weights_far_from_zero_is_the_plain_formula(
    tau, strided, momentum, lagged, monkeypatch
):
    """The weights whose sample, mean and scale are known without arithmetic get the same floats as
    by it, whatever noise the plain formula draws for them.
    """
    shape, n_train = (70, 400), 54_000
    monkeypatch.setattr(bayesbinn, "_BLOCK", 1 << 13)  # several, and one cut short
    torch.manual_seed(6)
    weight = torch.nn.Parameter(torch.zeros(shape[::-1]).T if strided else torch.zeros(shape))
    options = {"momentum": momentum, "lagged": lagged}
    bayes = BayesBiNN([weight], n_train, lr=1e-3, temperature=tau, **options)
    state = bayes.state[weight]
    state["lam"] = torch.where(torch.rand(shape) < 0.5, -1e4, 1e4) * (1 + torch.rand(shape))
    near = torch.rand(shape) < 0.1
    state["lam"][near] = 14 * torch.rand(int(near.sum())) - 7
    state["lam"][0, :9] = torch.tensor([9.02, -9.02, 9.0, -9.0, 9.5, 12.0, -12.0, 8.3, -8.3])
    if strided:
        state["lam"] = state["lam"].T.contiguous().T
    state["mu"] = torch.tanh(state["lam"])
    lam = state["lam"].clone()
    gradient = torch.randn(shape) * 1e-3
    seen = []

    def closure():
        seen.append(weight.detach().clone())
        weight.grad = gradient

    drawn = lam.abs() < 8.4 + 9.02 * tau
    assert 0.08 < drawn.float().mean() < 0.12
    eps = torch.rand(shape).clamp_(2**-24)  # the noise that was not drawn
    rng = torch.get_rng_state()
    bayes.step(closure)
    torch.set_rng_state(rng)
    eps[drawn] = torch.rand(int(drawn.sum()))
    sample = relax(lam, eps, tau)
    scale = gradient_scale(sample, torch.tanh(lam), n_train, tau)
    assert torch.equal(seen[0], sample)
    if momentum:
        average = torch.zeros(shape).add_(gradient * scale + lam, alpha=1 - momentum)
        expected = lam.sub(average, alpha=1e-3 / (1 - momentum))
    else:
        expected = lam.mul(1 - 1e-3).sub_(gradient * scale, alpha=1e-3)
    assert torch.equal(state["lam"], expected)
    assert torch.equal(state["mu"], torch.tanh(lam if lagged else expected))


def test_bayesbinn_of_several_samples_far_from_zero():
    """No noise is drawn there, so that the mean over two samples of one gradient is that of one."""
    lams = []
    for samples in (1, 2):
        torch.manual_seed(7)
        weight = torch.nn.Parameter(torch.zeros(300))
        bayes = BayesBiNN([weight], 100, lr=1e-3, samples=samples)
        gradients = iter([0.5, 0.5] if samples == 2 else [0.5])

        def closure(weight=weight, gradients=gradients):
            weight.grad = torch.full((300,), next(gradients))

        bayes.step(closure)
        lams.append(bayes.state[weight]["lam"])
    assert torch.equal(*lams)


def test_bayesbinn_hides_no_nan():
    weight = torch.nn.Parameter(torch.zeros(1000))
    bayes = BayesBiNN([weight], n_train=10)
    gradient = torch.zeros(1000)
    gradient[7] = torch.nan
    for _ in range(2):

        def closure():
            weight.grad = gradient

        bayes.step(closure)
    assert weight.isnan().nonzero().flatten().tolist() == [7]
    bayes.set_mode()
    assert weight.isnan().nonzero().flatten().tolist() == [7]


def test_bayesbinn_predictions_and_prior():
    weight = torch.nn.Parameter(torch.zeros(4))
    bayes = BayesBiNN([weight], n_train=10)
    state = bayes.state[weight]
    state["lam"] = torch.tensor([3.0, -3.0, 0.0, 50.0])
    state["mu"] = torch.tanh(state["lam"])
    bayes.set_mode()
    assert weight.tolist() == [1, -1, -1, 1]  # mu <= 0 gives -1
    draws = []
    generator = torch.Generator().manual_seed(0)
    for _ in range(4000):
        bayes.set_sample(generator)
        draws.append(weight.detach().clone())
    mean = torch.stack(draws).mean(0)
    assert mean[3] == 1 and abs(mean[2]) < 5 / 63 and abs(mean[0] - np.tanh(3.0)) < 0.01
    bayes.adopt_prior()
    assert torch.equal(state["prior"], state["lam"])
    state["lam"] = torch.zeros(4)
    assert bayes.entropy() == pytest.approx(1.0)
    state["lam"] = torch.tensor([30.0, -30.0, 400.0, -400.0])
    assert bayes.entropy() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "make", [BMD, lambda p: BNEW(p, adam, r=0.01), lambda p: ProxQuant(p, adam)]
)
def test_freezing_is_final(make, gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    optimiser = make([weight])
    run(optimiser, weight, gradients[:20])
    assert not optimiser.frozen
    optimiser.freeze()
    assert optimiser.frozen
    frozen = weight.detach().clone()
    assert set(frozen.unique().tolist()) == {-1.0, 1.0}
    run(optimiser, weight, gradients[20:])
    assert torch.equal(weight.detach(), frozen)


def test_real_groups_of_bnew_are_left_alone(gradients):
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    real = torch.nn.Parameter(torch.full(SHAPE, 3.0))
    bnew = BNEW([{"params": [weight]}, {"params": [real], "binary": False}], adam, r=0.01)
    weight.grad = real.grad = torch.from_numpy(gradients[0])
    bnew.step()
    bnew.freeze()
    assert real.min() > 2.9 and not torch.equal(real, torch.full(SHAPE, 3.0))
    before = real.detach().clone()
    real.grad = torch.ones(SHAPE)
    bnew.step()
    assert not torch.equal(before, real)


MAKERS = {
    "bop": lambda p: Bop(p, gamma=0.1, tau=0.02),
    "bop2": lambda p: Bop2ndOrder(p, gamma=0.1, tau=0.02),
    "proxquant": lambda p: ProxQuant(p, adam, lam=0.01),
    "bnew": lambda p: BNEW(p, adam, r=0.01),
    "bmd": lambda p: BMD(p, beta=2.0),
    "md_tanh": lambda p: MDTanh(p, beta=2.0),
    "pmf": lambda p: PMF(p, beta=2.0),
    "bayesbinn": lambda p: BayesBiNN(p, 100, momentum=0.9, temperature=0.1, initial=1.0),
}


@pytest.mark.parametrize("name", MAKERS)
def test_state_dict_continues_bit_for_bit(name, gradients, tmp_path):
    def steps(optimiser, weight, some):
        for gradient in some:
            weight.grad = torch.from_numpy(gradient)
            optimiser.step(lambda: None)

    torch.manual_seed(5)
    weight = torch.nn.Parameter(torch.from_numpy(start()))
    optimiser = MAKERS[name]([weight])
    steps(optimiser, weight, gradients[:20])
    torch.save([optimiser.state_dict(), weight.detach(), torch.get_rng_state()], tmp_path / "x.pt")
    steps(optimiser, weight, gradients[20:])

    state, values, rng = torch.load(tmp_path / "x.pt", weights_only=True)
    other = torch.nn.Parameter(torch.from_numpy(start()))
    again = MAKERS[name]([other])
    again.load_state_dict(state)
    other.data.copy_(values)
    torch.set_rng_state(rng)
    steps(again, other, gradients[20:])
    assert torch.equal(weight, other)
    assert not torch.equal(values, other)


def hinge_gradients(model, x, y):
    model.zero_grad()
    from hw_bnn.train.losses import squared_hinge

    squared_hinge(model(x), y).backward()


def test_weight_clipping_makes_gradient_clipping_idle():
    torch.manual_seed(0)
    one = zoo.build("mlp", in_features=12, classes=3, hidden=[16], estimator="clipped")
    two = copy.deepcopy(one)
    for layer in (two.linear1, two.linear2):
        layer.estimator = "identity"
    unclipped = copy.deepcopy(two)
    x, y = torch.randint(0, 17, (40, 12)).float(), torch.randint(0, 3, (40,))
    models = [(m, torch.optim.Adam(m.parameters(), lr=0.1)) for m in (one, two, unclipped)]
    for _ in range(30):
        for index, (model, optimiser) in enumerate(models):
            hinge_gradients(model, x, y)
            optimiser.step()
            if index < 2:
                clip_weights(model)
    assert torch.equal(one.linear1.weight, two.linear1.weight)
    assert torch.equal(one.linear2.weight, two.linear2.weight)
    assert not torch.equal(one.linear1.weight, unclipped.linear1.weight)


def test_scaling_gradients_is_idle_under_adam_but_scaling_updates_is_not(gradients):
    def trained(kind, lr=0.01):
        weight = torch.nn.Parameter(torch.from_numpy(start()))
        optimiser = torch.optim.Adam([weight], lr=lr)
        for gradient in gradients:
            weight.grad = torch.from_numpy(gradient.copy())
            if kind == "gradient":
                scale_gradients([weight])
            optimiser.step()
        return weight.detach()

    plain = trained("none")
    torch.testing.assert_close(trained("gradient"), plain, rtol=1e-4, atol=1e-5)
    weight = torch.zeros(SHAPE)
    assert (trained("none", 0.01 / glorot_limit(weight)) - plain).abs().max() > 0.01
    assert glorot_limit(torch.zeros(8, 4, 3, 3)) == pytest.approx((1.5 / (12 * 9)) ** 0.5)
    assert gradient_limit(torch.zeros(8, 4, 3, 3)) == pytest.approx((3 / 12) ** 0.5)
