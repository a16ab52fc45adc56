"""Recipes: validation, overrides, stages, and what is said about a wrong one."""

import json
from pathlib import Path

import pytest

from hw_bnn.errors import BadInput
from hw_bnn.train.recipe import load_recipe
from hw_bnn.train.schedule import Schedule
from hw_bnn.train.sweeps import load_sweep


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
    assert found.training.method.lr == 1e-3
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
        (
            recipe(
                training={"epochs": 2, "selectable_from": 2, "method": {"name": "ste", "lr": 1}}
            ),
            "no epoch is selected: selectable_from is 2, of 2 epochs",
        ),
        (recipe(seed=-1), "seed: Input should be greater than or equal to 0"),
        (recipe(seed=1 << 63), "seed: Input should be less than or equal to 9223372036854775807"),
        (recipe(data={"name": "digits", "split_seed": -1}), "data.split_seed"),
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
        ("data.batch=[", "is no usable YAML"),
    ],
)
def test_wrong_overrides(override, message):
    with pytest.raises(BadInput, match=message):
        load_recipe(recipe(stages=[]), [override])


def test_files(tmp_path):
    with pytest.raises(BadInput, match="there is no recipe file"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("name: [")
    with pytest.raises(BadInput, match="YAML"):
        load_recipe(tmp_path / "bad.yaml")
    (tmp_path / "evil.yaml").write_text("name: !!python/object/apply:os.system ['true']")
    with pytest.raises(BadInput, match="YAML"):
        load_recipe(tmp_path / "evil.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(BadInput, match="no mapping"):
        load_recipe(tmp_path / "list.yaml")


BOMB = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: " + "[" * 5000, "nested deeper than 50"),
        ("{a: " * 5000, "nested deeper than 50"),
        ("- " * 3000 + "1", "nested deeper than 50"),
        (BOMB, "more than 100,000 values"),
        ("a: &a [*a]", "an alias to what it stands in"),
        ("a: &a\n  b: *a", "an alias to what it stands in"),
        ("a: &a " + "[" * 40 + "]" * 40 + "\nb: [[[[[[[[[[[*a]]]]]]]]]]]", "nested deeper"),
        ("a: *b", "undefined alias"),
        ("name: a\nname: b", "line 2: the key 'name' stands there twice"),
        ("data: {batch: 1, batch: 2}", "'batch' stands there twice"),
        ("seed: " + "9" * 5000, "no usable YAML"),
        ("seed: 0x" + "f" * 5000, "(seed|name)"),
        ("? [a, b]\n: 1", "a key that is no word"),
        ("? {a: b}\n: 1", "a key that is no word"),
        ("1: 2", "has no key '?1"),
        ("~: 2", "has no key"),
        ("x" * 2_000_000, "more than 1,048,576 characters"),
        ("a: \x00", "no usable YAML"),
        ("a: !!timestamp 2026-99-99", "no usable YAML"),
        ("a: !!int x", "no usable YAML"),
        ("a: !!float []", "no usable YAML"),
        ("a: !!binary '\xe9'", "no usable YAML"),
        ("%YAML 9.9\n--- a", "no usable YAML"),
        ("a: 1\n---\nb: 2", "no usable YAML"),
        ("", "no mapping"),
        ("<<: 1", "no usable YAML"),
    ],
)
def test_yaml_that_grows_or_lies_is_refused(text, message, tmp_path):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(BadInput, match=message) as raised:
        load_recipe(tmp_path / "r.yaml")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 900
    with pytest.raises(BadInput):
        load_sweep(tmp_path / "r.yaml")


def test_yaml_with_anchors_and_dates_is_read(tmp_path):
    (tmp_path / "r.yaml").write_text(
        json.dumps(recipe())[:-1]
        + ', "description": 2026-01-31, "source": &s [x], "published": {}}'
    )
    with pytest.raises(BadInput, match="source: Input should be a valid string"):
        load_recipe(tmp_path / "r.yaml")
    (tmp_path / "r.yaml").write_text(
        json.dumps(recipe())[:-1] + ', "description": &d 2026-01-31, "source": *d}'
    )
    assert load_recipe(tmp_path / "r.yaml").source == "2026-01-31"


@pytest.mark.parametrize("value", ["-1", ".nan", "nan", "-.inf", "inf", "[1]", "{}", "x",
                                   "{start: 0.1, end: -0.1, kind: linear}", "{start: .nan}",
                                   "{start: 1, factor: -2, every: 1}", "2026-01-01"])  # fmt: skip
@pytest.mark.parametrize(
    ("key", "method"),
    [
        ("lr", {"name": "ste", "lr": 0.1}), ("lr", {"name": "bmd", "real": {"lr": 1}}),
        ("beta", {"name": "pmf"}), ("temperature", {"name": "bayesbinn"}),
        ("gamma", {"name": "bop", "real": {"lr": 1}}), ("tau", {"name": "bop", "real": {"lr": 1}}),
        ("sigma", {"name": "bop2", "real": {"lr": 1}}), ("lam", {"name": "proxquant", "lr": 1}),
        ("pull", {"name": "bnew", "lr": 1}), ("real.lr", {"name": "bop", "real": {"lr": 1}}),
    ],
)  # fmt: skip
def test_hyper_parameters_out_of_range_are_refused(key, method, value):
    document = recipe(training={"epochs": 2, "method": method})
    load_recipe(document)
    with pytest.raises(BadInput):
        load_recipe(document, [f"training.method.{key}={value}"])


@pytest.mark.parametrize("value", ["3", "x", "[1]", "{a: 1}", "null", "-1", "1.5", "true", ".nan"])
def test_any_value_at_any_key_is_taken_or_refused_in_one_sentence(value):
    document = load_recipe(recipe(stages=[{}, {"method": {"lr": 0.1}}])).model_dump(mode="json")

    def paths(node, prefix=""):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, below in items:
            yield f"{prefix}{key}"
            if isinstance(below, dict | list):
                yield from paths(below, f"{prefix}{key}.")

    keys = list(paths(document))
    assert len(keys) > 50
    for key in keys:
        try:
            load_recipe(document, [f"{key}={value}"])
        except BadInput as error:
            assert "\n" not in str(error)


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
    assert first.epochs == 5 and first.method.clip_weights is False
    assert second.epochs == 2 and second.bn_momentum == 0.05 and second.method.name == "bop"
    assert not hasattr(second.method, "clip_weights")


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
