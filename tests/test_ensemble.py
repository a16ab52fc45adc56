"""Networks drawn from a BayesBiNN run, in the contexts of one accelerator, and what they say."""

import numpy as np
import pytest

pytest.importorskip("finn")
pytest.importorskip("torch")

import hw_bnn as hb
from hw_bnn.errors import BadInput
from hw_bnn.golden import GoldenModel

DRAWS = 3
METHOD = {"name": "bayesbinn", "temperature": 1e-10, "initial": 1.0, "lr": 1e-4,
          "real": {"optimiser": "adam", "lr": 0.01}}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """run: of BayesBiNN; 0.onnx, ...: draws; there: an accelerator, new: the draws for it."""
    import yaml

    folder = tmp_path_factory.mktemp("ensemble")
    recipe = {
        "name": "draws", "data": {"name": "digits", "batch": 100, "scale": "integer"},
        "model": {"name": "mlp", "hidden": [16], "input": {"bits": 4, "scale": 1.0}},
        "training": {"epochs": 2, "loss": "cross_entropy", "method": METHOD},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    run = hb.train(folder / "recipe.yaml", out=folder / "run", tensorboard=False)
    files = [hb.export(run, folder / f"{i}.onnx", sample=i) for i in range(DRAWS)]
    hb.compile(files[0], folder / "there", runtime_weights=True, contexts=DRAWS, check=False,
               fifo_sizing="none")  # fmt: skip
    hb.weights(files[0], folder / "there", folder / "new", contexts=files[1:])
    return folder


def test_a_seed_is_a_draw_and_no_posterior_is_refused(place, tmp_path):
    again = hb.export(place / "run", tmp_path / "again.onnx", sample=1)
    assert again.read_bytes() == (place / "1.onnx").read_bytes()
    mode = hb.export(place / "run", tmp_path / "mode.onnx")
    assert len({f.read_bytes() for f in (mode, place / "0.onnx", place / "1.onnx")}) == 3
    for seed in (-1, 1 << 63):
        with pytest.raises(BadInput, match=f"the seed is {seed}; use 0 to"):
            hb.export(place / "run", tmp_path / "x.onnx", sample=seed)
    plain = hb.train("digits_mlp", set=["training.epochs=1"], out=tmp_path / "run",
                     tensorboard=False)  # fmt: skip
    with pytest.raises(BadInput, match="keeps no posterior"):
        hb.export(plain, tmp_path / "x.onnx", sample=0)


def test_votes_and_sums_are_the_networks(place):
    accelerator = hb.Accelerator(place / "there")
    golden = [GoldenModel.from_onnx(place / f"{i}.onnx") for i in range(DRAWS)]
    x = np.random.default_rng(0).integers(0, 16, (50, *golden[0].input.shape))
    found = accelerator.ensemble(x, weights=place / "new")
    scores = [g.scores(x).reshape(50, -1) for g in golden]
    assert (found.scores == np.stack(scores, 1)).all()
    assert (found.score_sums == sum(scores)).all()
    labels = np.stack([g.labels(s) for g, s in zip(golden, scores, strict=True)], 1)
    for c in range(10):
        assert (found.votes[:, c] == (labels == c).sum(1)).all()
    real = np.stack([g.real_outputs(s) for g, s in zip(golden, scores, strict=True)], 1)
    p = np.exp(real) / np.exp(real).sum(2, keepdims=True)
    assert np.allclose(found.probabilities, p.mean(1))
    total = -(p.mean(1) * np.log(p.mean(1))).sum(1)
    own = -(p * np.log(p)).sum(2).mean(1)
    assert np.allclose(found.entropy, total) and np.allclose(found.mutual_information, total - own)
    assert (found.mutual_information > 1e-3).any()  # the draws are not of one mind
    same = accelerator.ensemble(x)  # one network in all contexts
    assert (same.votes.max(1) == DRAWS).all() and (same.mutual_information < 1e-9).all()
