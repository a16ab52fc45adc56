"""The update rules on small vectors worked out by hand from the papers' formulas."""

import pytest
import torch

from hw_bnn.nn.estimators import approx_sign_factor
from hw_bnn.optim import BNEW, BayesBiNN, Bop, Bop2ndOrder, MDTanh
from hw_bnn.optim.bayesbinn import gradient_scale, relax
from hw_bnn.optim.bnew import factor
from hw_bnn.optim.proxquant import prox_l1, prox_l2
from hw_bnn.train.losses import squared_hinge

W = torch.tensor([-1.3, -0.9, -0.2, 0.1, 0.6, 1.05])


def close(found, expected, tolerance=1e-6):
    torch.testing.assert_close(found, torch.tensor(expected), rtol=tolerance, atol=1e-12)


def parameter(values):
    return torch.nn.Parameter(torch.tensor(values))


def test_proxquant_maps():
    close(prox_l1(W, 0.25), [-1.05, -1, -0.45, 0.35, 0.85, 1])
    close(prox_l2(W, 0.25), [-1.24, -0.92, -0.36, 0.28, 0.68, 1.04])


@pytest.mark.parametrize(
    ("exact", "expected"),
    [
        (False, [-1, -0.99, -0.22, 0.11, 0.66, 1]),
        (True, [-1, -1, -0.2 / 0.9, 0.1 / 0.9, 0.6 / 0.9, 1]),
    ],
)
def test_bnew_pull(exact, expected):
    w = torch.nn.Parameter(W.clone())
    bnew = BNEW([w], lambda groups: torch.optim.SGD(groups, lr=0.0), r=0.05, exact=exact)
    w.grad = torch.ones_like(w)
    bnew.step()
    close(w.detach(), [float(v) for v in expected])
    assert factor(0.05, False) == 1.1 and abs(factor(0.05, True) - 1 / 0.9) < 1e-15


def test_true_mirror_descent():
    w = parameter([-0.9, 0.0, 0.5])
    md = MDTanh([w], lr=0.1, beta=2.0, betas=(0.0, 0.0), eps=0.0)
    # Without averaging Adam's direction is the gradient's sign: scale by hand to d = (1, -1, 2).
    dual = md.state[w]["dual"]
    dual -= md.rate(md.param_groups[0]) * torch.tensor([1.0, -1.0, 2.0])
    close(md.primal_of(dual, md.param_groups[0]), [-0.93184452, 0.19737532, 0.14820649])


def test_bop():
    w = parameter([1.0, 1.0, -1.0, -1.0])
    bop = Bop([w], gamma=1e-4, tau=1e-8)
    bop.state[w].update(momentum=torch.tensor([2e-8, -2e-8, -5e-9, -3e-8]), binary=True)
    w.grad = torch.tensor([1e-3, 0, 0, 1e-3])
    bop.step()
    close(bop.state[w]["momentum"], [1.19998e-7, -1.9998e-8, -4.9995e-9, 7.0003e-8], 1e-5)
    assert w.tolist() == [-1, 1, -1, -1]


def test_second_order_bop_ratio():
    w = parameter([1.0, 1.0, -1.0, -1.0])
    bop = Bop2ndOrder([w], gamma=1e-4, tau=1.0, sigma=0.01)
    bop.state[w].update(
        momentum=torch.tensor([2e-8, -2e-8, -5e-9, -3e-8]),
        square=torch.tensor([0, 1e-6, 1e-6, 0]),
        step=0,
        binary=True,
    )
    w.grad = torch.tensor([1e-3, 0, 0, 1e-3])
    (agreement,) = bop._agreements(bop.param_groups[0], [w])
    close((agreement / w).detach(), [1.1999788e-3, -2.00987e-5, -5.02469e-6, 7.000293e-4], 1e-5)


def test_approx_sign_factor():
    x = torch.tensor([-1.5, -1, -0.5, 0, 0.25, 1, 1.2])
    assert approx_sign_factor(x).tolist() == [0, 0, 1, 2, 1.5, 0, 0]


def test_squared_hinge_and_its_gradient():
    z = torch.tensor([[2.0, 0.5, -0.3]], requires_grad=True)
    loss = squared_hinge(z, torch.tensor([0]))
    loss.backward()
    close(loss.detach(), 0.9133333)
    close(z.grad, [[0.0, 2 * 1.5 / 3, 2 * 0.7 / 3]])


def test_bayesbinn_step_in_float32():
    w = parameter([0.0, 0.0, 0.0, 0.0])
    bayes = BayesBiNN([w], n_train=60_000, lr=1e-3, temperature=1e-2)
    state = bayes.state[w]
    state["lam"] = torch.tensor([10.0, -10.0, 0.3, -2.0])
    state["mu"] = torch.tanh(state["lam"])
    eps = torch.tensor([0.5, 0.2, 0.6, 0.99])
    close(0.5 * torch.log(eps / (1 - eps)), [0, -0.6931472, 0.2027326, 2.2975605], 1e-5)
    w.data = relax(state["lam"], eps, 1e-2)
    scale = gradient_scale(w.data, state["mu"], 60_000, 1e-2)
    close(scale / 60_000, [100, 100, 1.0927e-8, 1.4154e-7], 1e-4)
    w.grad = torch.tensor([1e-3, 2e-3, -1e-3, 5e-4])
    with torch.no_grad():
        bayes._move(bayes.param_groups[0], w, None)
    close(state["lam"], [3.99, -21.99, 0.2997, -1.998], 1e-6)


def test_bayesbinn_refuses_float64():
    with pytest.raises(ValueError, match="float32"):
        BayesBiNN([torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))], n_train=10)
