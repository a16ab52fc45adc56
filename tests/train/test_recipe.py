"""Recipes: validation, overrides, stages, and what is said about a wrong one."""

from pathlib import Path

import pytest

from hw_bnn.errors import BadInput
from hw_bnn.train.recipe import load_recipe
from hw_bnn.train.schedule import Schedule


def recipe(**changes):
    base = {
        "name": "test",
        "data": {"name": "digits", "scale": "integer", "batch": 64},
        "model": {"name": "mlp", "hidden": [32], "input": {"bits": 5}},
        "training": {"epochs": 2, "method": {"name": "ste", "lr": 0.01}},
    }
    return {**base, **changes}


def test_the_packaged_recipe_is_found_by_name():
    found = load_recipe("digits_mlp", ["epochs=3", "seed=7", "training.method.lr=1e-3"])
    assert (found.training.epochs, found.seed) == (3, 7)
    assert found.training.method_spec().lr == 1e-3
    assert found.model_settings().hidden == [256, 256]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (recipe(epochs=3), "the recipe has no key 'epochs'; it is training.epochs"),
        (recipe(trainning={}), "did you mean 'training'"),
        (
            recipe(data={"name": "digits", "batchsize": 3}),
            "data has no key 'batchsize'; did you mean 'batch'",
        ),
        (recipe(data={"name": "digit"}), "data.name"),
        (recipe(model={"name": "mpl", "hidden": [3]}), "did you mean 'mlp'"),
        (recipe(model={"name": "mlp", "hiden": [3]}), "did you mean 'hidden'"),
        (recipe(model={"name": "mlp", "hidden": [3], "input": {"bit": 3}}), "did you mean 'bits'"),
        (
            recipe(training={"epochs": 1, "lr": 3, "method": {"name": "ste", "lr": 1}}),
            "training.method.lr",
        ),
        (recipe(training={"epochs": 1, "method": {"name": "bopp"}}), "did you mean 'bop'"),
        (recipe(training={"epochs": 1, "method": {"name": "ste", "lrr": 1}}), "did you mean 'lr'"),
        (recipe(training={"epochs": 0, "method": {"name": "ste", "lr": 1}}), "training.epochs"),
        (
            recipe(
                training={
                    "epochs": 1,
                    "method": {"name": "bop", "clip_weights": True, "real": {"lr": 1}},
                }
            ),
            "takes no 'clip_weights'; Bop keeps no latent weights",
        ),
        (
            recipe(training={"epochs": 1, "method": {"name": "ste", "lr": 1, "momentum": 0.3}}),
            "momentum means nothing to adam",
        ),
        (
            recipe(training={"epochs": 9, "method": {"name": "bnew", "lr": 1, "freeze_after": 9}}),
            "freezes after epoch 9",
        ),
        (
            recipe(data={"name": "digits", "scale": "integer", "validation": 0}),
            "select: best needs a validation split",
        ),
    ],
)
def test_what_is_wrong_is_said(document, message):
    with pytest.raises(BadInput, match=message.replace(".", r"\.")):
        load_recipe(document)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "is not key=value"),
        ("stages.3.epochs=1", "has 0 entries"),
        ("name.x=1", "nothing stands below"),
        ("training.epoch=1", "did you mean 'epochs'"),
        ("data.batch=[", "is no YAML value"),
    ],
)
def test_wrong_overrides(override, message):
    with pytest.raises(BadInput, match=message):
        load_recipe(recipe(stages=[]), [override])


def test_files(tmp_path):
    with pytest.raises(BadInput, match="there is no recipe file"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("name: [")
    with pytest.raises(BadInput, match="is not a YAML file"):
        load_recipe(tmp_path / "bad.yaml")
    (tmp_path / "evil.yaml").write_text("name: !!python/object/apply:os.system ['true']")
    with pytest.raises(BadInput, match="is not a YAML file"):
        load_recipe(tmp_path / "evil.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(BadInput, match="no mapping"):
        load_recipe(tmp_path / "list.yaml")


def test_stages_inherit_and_may_change_the_method():
    found = load_recipe(
        recipe(
            stages=[
                {"epochs": 5, "method": {"lr": 0.1, "clip_weights": False}},
                {"method": {"name": "bop", "real": {"lr": 0.01}}, "bn_momentum": 0.05},
            ]
        )
    )
    first, second = found.resolved_stages()
    assert first.epochs == 5 and first.method_spec().clip_weights is False
    assert second.epochs == 2 and second.bn_momentum == 0.05 and second.method["name"] == "bop"
    assert "clip_weights" not in second.method


def test_schedules():
    exponential = Schedule(start=1e-3, end=3e-6, kind="exponential")
    assert exponential.value(0, 250) == 1e-3
    assert exponential.value(250, 250) == pytest.approx(3e-6)
    # the factor per epoch is constant: (end/start)^(1/epochs)
    assert exponential.value(8, 250) / exponential.value(7, 250) == pytest.approx(
        0.003 ** (1 / 250)
    )
    cosine = Schedule(start=1.0, end=0.2, kind="cosine")
    assert [round(cosine.value(t, 4), 6) for t in (0, 2, 4)] == [1.0, 0.6, 0.2]
    stepwise = Schedule(start=1.0, factor=0.1, every=100)
    assert [stepwise.value(t, 500) for t in (0, 99, 100)] == [1.0, 1.0, 0.1]
    growing = Schedule(start=1.0, factor=1.2, every=100, per="step", cap=1e4)
    assert growing.value(10**9, 1) == 1e4
    for wrong in (
        {"start": 1.0},
        {"start": 1.0, "end": 0.0, "kind": "exponential"},
        {"start": 1.0, "factor": 0.1},
        {"start": 1.0, "factor": 0.1, "every": 1, "at": [1]},
    ):
        with pytest.raises(ValueError):
            Schedule(**wrong)


ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "training" / "recipes").rglob("*.yaml")) + sorted(
    (ROOT / "hw_bnn" / "train" / "recipes").glob("*.yaml")
)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_shipped_recipe_is_valid(path):
    found = load_recipe(path)
    assert found.name == path.stem
