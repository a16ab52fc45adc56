"""torch.optim's conventions, for every optimiser alike."""

import copy
import io
import math
import warnings

import pytest
import torch
from torch.optim import lr_scheduler

from hw_bnn.optim import BMD, BNEW, PMF, BayesBiNN, Bop, Bop2ndOrder, MDTanh, ProxQuant


class Wrapped:
    """Makes a wrapping optimiser around one of torch's."""

    def __init__(self, kind, base, **options):
        self.kind, self.base, self.options = kind, base, options

    def __call__(self, params, **options):
        kept = {k: v for k, v in options.items() if k not in ("lr", "maximize")}
        moved = {k: v for k, v in options.items() if k in ("lr", "maximize")}
        base = self.base
        return self.kind(params, lambda g: base(g, **{"lr": 0.1, **moved}), **self.options, **kept)


def bayes(params, **options):
    return BayesBiNN(params, **{"n_train": 100, "lr": 1e-3, "temperature": 1.0, **options})


OPTIMISERS = {
    "bop": lambda p, **o: Bop(p, **{"gamma": 0.2, "tau": 0.0, **o}),
    "bop2": lambda p, **o: Bop2ndOrder(p, **{"gamma": 0.2, "tau": 0.0, **o}),
    "bop2-corrected": lambda p, **o: Bop2ndOrder(p, **{"gamma": 0.2, "corrected": True, **o}),
    "bmd": BMD,
    "md_tanh": MDTanh,
    "pmf": lambda p, **o: PMF(p, **{"lr": 0.1, **o}),
    "pmf-exact": lambda p, **o: PMF(p, **{"lr": 0.1, "exact": True, **o}),
    "bayes": bayes,
    "bayes-momentum": lambda p, **o: bayes(p, **{"momentum": 0.9, "samples": 2, **o}),
    "bnew-sgd": Wrapped(BNEW, torch.optim.SGD, r=0.01),
    "bnew-adam": Wrapped(BNEW, torch.optim.Adam, r=0.01, exact=True),
    "bnew-adagrad": Wrapped(BNEW, torch.optim.Adagrad, r=0.01, before=True),
    "proxquant": Wrapped(ProxQuant, torch.optim.AdamW, lam=0.01),
    "proxquant-rmsprop": Wrapped(ProxQuant, torch.optim.RMSprop, lam=0.01, form="l2"),
}
WEIGHTS = torch.linspace(-0.8, 0.9, 12).reshape(3, 4)
TARGET = torch.linspace(1.0, -1.0, 12).reshape(3, 4)

every = pytest.mark.parametrize("name", OPTIMISERS)


def weight(seed: int = 0, dtype=torch.float32):
    return torch.nn.Parameter(WEIGHTS.roll(seed).to(dtype).clone())


def steps(optimiser, weights, count: int = 5, sign: float = 1.0):
    """Steps toward TARGET; the loss of the last one."""

    def closure():
        optimiser.zero_grad()
        loss = sum(sign * (w - TARGET).square().sum() for w in weights)
        loss.backward()
        return loss

    for seed in range(count):
        torch.manual_seed(seed)
        loss = optimiser.step(closure)
    return loss


@every
def test_a_group_added_later_moves_like_one_given_at_once(name):
    torch.manual_seed(0)
    both = [weight(), weight(1)]
    together = OPTIMISERS[name]([{"params": [w]} for w in both])
    torch.manual_seed(0)
    again = [weight(), weight(1)]
    later = OPTIMISERS[name]([again[0]])
    later.add_param_group({"params": iter([again[1]])})
    assert [g.keys() for g in together.param_groups] == [g.keys() for g in later.param_groups]
    steps(together, both), steps(later, again)
    assert all(torch.equal(a, b) for a, b in zip(both, again, strict=True))
    assert not torch.equal(again[1], weight(1))


@every
def test_a_group_added_between_steps_trains(name):
    w, v = weight(), weight(1)
    optimiser = OPTIMISERS[name]([w])
    steps(optimiser, [w], 2)
    optimiser.add_param_group({"params": v})
    before = v.detach().clone()
    steps(optimiser, [w, v], 30)
    assert not torch.equal(before, v) and torch.isfinite(v).all()
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimiser.add_param_group({"params": [v]})
    assert len(optimiser.param_groups) == 2


@every
def test_hyper_parameters_differ_by_group(name):
    torch.manual_seed(0)
    still, moving = weight(), weight()
    key = "gamma" if name.startswith("bop") else "lr"
    optimiser = OPTIMISERS[name]([{"params": [still], key: 0.0}, {"params": [moving]}])
    assert optimiser.param_groups[0][key] == 0.0 != optimiser.param_groups[1][key]
    if name.startswith(("bnew", "proxquant")):  # these pull without a learning rate
        optimiser.param_groups[0].update(r=0.0, lam=0.0)
    if name.startswith("bayes"):  # samples are drawn at any rate: the posterior stays
        start = optimiser.state[still]["lam"].clone()
        steps(optimiser, [still, moving])
        assert torch.equal(start, optimiser.state[still]["lam"])
        return
    start = still.detach().clone()
    steps(optimiser, [still, moving])
    # ProxQuant's map of strength 0 is the identity but for float32's rounding.
    torch.testing.assert_close(still.detach(), start, rtol=0, atol=1e-6)
    assert not torch.allclose(still, moving, atol=1e-3)


@every
@pytest.mark.parametrize("how", ["state_dict", "file", "deepcopy", "pickle"])
def test_a_copy_goes_on_alike(name, how, tmp_path):
    torch.manual_seed(0)
    weights = [weight(), weight(1)]
    groups = [{"params": [w], "lr": 0.05 * (i + 1)} for i, w in enumerate(weights)]
    optimiser = OPTIMISERS[name](groups)
    steps(optimiser, weights, 3)
    if how == "deepcopy":
        other = copy.deepcopy(optimiser)
    elif how == "pickle":
        stream = io.BytesIO()
        torch.save(optimiser, stream)
        stream.seek(0)
        other = torch.load(stream, weights_only=False)
    else:
        fresh = [torch.nn.Parameter(w.detach().clone()) for w in weights]
        other = OPTIMISERS[name]([{"params": [w]} for w in fresh])
        state = copy.deepcopy(optimiser.state_dict())  # torch's loading shares the tensors
        if how == "file":
            torch.save(state, tmp_path / "state.pt")
            state = torch.load(tmp_path / "state.pt", weights_only=True)
        with torch.no_grad():
            for w, new in zip(weights, fresh, strict=True):
                new.copy_(w)
        other.load_state_dict(state)
        with torch.no_grad():
            for w, new in zip(weights, fresh, strict=True):
                new.copy_(w)
    copies = [w for group in other.param_groups for w in group["params"]]
    assert all(torch.equal(a, b) and a is not b for a, b in zip(weights, copies, strict=True))
    assert [g["lr"] for g in other.param_groups] == [0.05, 0.1]
    steps(optimiser, weights), steps(other, copies)
    assert all(torch.equal(a, b) for a, b in zip(weights, copies, strict=True))
    other.add_param_group({"params": [weight(2)]})
    assert len(other.param_groups) == 3 and len(optimiser.param_groups) == 2


@every
def test_closure_and_its_value(name):
    w = weight()
    optimiser = OPTIMISERS[name]([w])
    first = steps(optimiser, [w], 1)
    assert isinstance(first, torch.Tensor) and first.item() > 0


@every
def test_maximize_is_the_negated_loss(name):
    torch.manual_seed(0)
    w = weight()
    down = OPTIMISERS[name]([w])
    torch.manual_seed(0)
    v = weight()
    up = OPTIMISERS[name]([v], maximize=True)
    steps(down, [w]), steps(up, [v], sign=-1.0)
    assert torch.equal(w, v)


@every
def test_parameters_come_in_any_iterable(name):
    torch.manual_seed(0)
    plain = [weight(), weight(1)]
    a = OPTIMISERS[name](plain)
    torch.manual_seed(0)
    other = [weight(), weight(1)]
    b = OPTIMISERS[name](w for w in other)
    torch.manual_seed(0)
    third = [weight(), weight(1)]
    named = OPTIMISERS[name]((f"layer{i}.weight", w) for i, w in enumerate(third))
    assert named.param_groups[0]["param_names"] == ["layer0.weight", "layer1.weight"]
    steps(a, plain), steps(b, other), steps(named, third)
    for x, y, z in zip(plain, other, third, strict=True):
        assert torch.equal(x, y) and torch.equal(y, z)


@every
def test_what_is_no_weight_is_refused(name):
    make = OPTIMISERS[name]
    with pytest.raises(ValueError, match="empty parameter list"):
        make([])
    with pytest.raises(TypeError):
        make(weight())
    with pytest.raises(TypeError):
        make([1.0])
    with pytest.raises(ValueError, match="non-leaf"):
        make([weight() * 2])
    with pytest.raises(ValueError, match="real floating-point"):
        make([torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))])


@every
def test_sparse_gradients_are_refused(name):
    table = torch.nn.Embedding(3, 4, sparse=True)
    optimiser = OPTIMISERS[name]([table.weight])

    def closure():
        optimiser.zero_grad()
        loss = table(torch.tensor([1])).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimiser.step(closure)


@every
@pytest.mark.parametrize("to_none", [True, False])
def test_zero_grad(name, to_none):
    w, unused = weight(), weight(1)
    optimiser = OPTIMISERS[name]([w, unused])
    steps(optimiser, [w], 2)  # `unused` has no gradient: it is left out, no error
    optimiser.zero_grad(set_to_none=to_none)
    assert (w.grad is None) if to_none else not w.grad.any()


@every
@pytest.mark.parametrize(
    "schedule",
    [
        lambda o: lr_scheduler.StepLR(o, 2),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
        lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
        lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=10, cycle_momentum=False),
    ],
)
def test_foreign_schedulers(name, schedule):
    w = weight()
    optimiser = OPTIMISERS[name]([w])
    scheduler = schedule(optimiser)
    seen = []
    for _ in range(5):
        steps(optimiser, [w], 1)
        seen.append(optimiser.param_groups[0]["lr"])
        scheduler.step()
    assert len(set(seen)) > 1 and torch.isfinite(w).all()


def test_a_scheduled_rate_is_what_bop_uses():
    w, v = weight(), weight()
    slow = Bop([w], gamma=0.2, tau=0.0)
    slow.param_groups[0]["lr"] = 0.5
    half = Bop([v], gamma=0.1, tau=0.0)
    steps(slow, [w]), steps(half, [v])
    assert torch.equal(slow.state[w]["momentum"], half.state[v]["momentum"])


NAN, INF = math.nan, math.inf
WRONG = [
    *[(n, "lr", v, "learning rate") for n in OPTIMISERS for v in (-1, NAN)],
    *[(n, "gamma", v, "gamma value") for n in ("bop", "bop2") for v in (-1, 1.5, NAN, INF, "x")],
    *[(n, "tau", v, "tau value") for n in ("bop", "bop2") for v in (-1e-9, NAN)],
    *[("bop2", "sigma", v, "sigma value") for v in (-1, 2, NAN)],
    *[(n, "beta", v, "beta value") for n in ("bmd", "md_tanh", "pmf") for v in (0, -1, NAN, INF)],
    *[(n, "betas", v, "beta parameter") for n in ("bmd", "pmf")
      for v in ((1.0, 0.9), (0.9, -0.1), (NAN, 0.9), (0.9,), 0.9)],
    *[(n, "eps", v, "epsilon value") for n in ("bmd", "md_tanh", "pmf") for v in (-1, NAN)],
    *[("pmf", "weight_decay", v, "weight_decay value") for v in (-1, NAN)],
    *[("bayes", "temperature", v, "temperature value") for v in (0, -1, NAN, INF)],
    *[("bayes", "momentum", v, "momentum value") for v in (-0.1, 1, NAN)],
    *[("bayes", "n_train", v, "n_train value") for v in (0, -5, 1.5, NAN)],
    *[("bayes", "samples", v, "samples value") for v in (-1, 1.5)],
    *[("bayes", "initial", v, "initial value") for v in (0, -1, NAN)],
    *[("bayes", "prior", v, "prior value") for v in (NAN, INF)],
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value", "words"), WRONG)
def test_wrong_hyper_parameters(name, key, value, words):
    with pytest.raises(ValueError, match=f"(?i)invalid {words}"):
        OPTIMISERS[name]([weight()], **{key: value})
    if name.startswith(("bnew", "proxquant")) or key == "samples":
        return  # torch's own checks a group's values at construction alone
    optimiser = OPTIMISERS[name]([weight()])
    with pytest.raises(ValueError, match=f"(?i)invalid {words}"):
        optimiser.add_param_group({"params": [weight(1)], key: value})
    assert len(optimiser.param_groups) == 1 and len(optimiser.state) <= 1


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (BNEW, {"r": -1}), (BNEW, {"r": NAN}), (BNEW, {"r": 0.5, "exact": True}),
        (ProxQuant, {"lam": -1}), (ProxQuant, {"lam": NAN}), (ProxQuant, {"form": "l3"}),
    ],
)  # fmt: skip
def test_wrong_pulls(kind, options):
    def base(groups):
        return torch.optim.SGD(groups, lr=0.1)

    with pytest.raises(ValueError, match=f"(?i){next(iter(options))}"):
        kind([weight()], base, **options)
    optimiser = kind([weight()], base)
    with pytest.raises(ValueError, match=f"(?i){next(iter(options))}"):
        optimiser.add_param_group({"params": [weight(1)], **options})
    assert len(optimiser.param_groups) == len(optimiser.base.param_groups) == 1


def test_bayesbinn_needs_its_closure():
    with pytest.raises(TypeError, match="closure"):
        bayes([weight()]).step()


def test_all_weights_of_a_wrapper_may_come_later_and_be_frozen():
    w, real = weight(), weight(1)
    bnew = BNEW([w], lambda groups: torch.optim.Adam(groups, lr=0.1), r=0.1)
    bnew.add_param_group({"params": [real], "binary": False})
    steps(bnew, [w, real], 3)
    bnew.freeze()
    signs, before = w.detach().clone(), real.detach().clone()
    steps(bnew, [w, real], 3)
    assert torch.equal(w, signs) and set(w.abs().flatten().tolist()) == {1.0}
    assert not torch.equal(before, real)


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in OPTIMISERS.values():
            w = weight()
            steps(make([w]), [w], 2)
