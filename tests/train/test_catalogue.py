"""Recipes as a user finds them: the packaged ones, and the schema of what they may say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.errors import BadInput
from hw_bnn.nn import zoo
from hw_bnn.train.catalogue import find_recipe
from hw_bnn.train.methods import METHODS
from hw_bnn.train.recipe import load_recipe
from hw_bnn.train.recipe_schema import recipe_schema

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "training" / "recipes").rglob("*.yaml")) + [find_recipe("digits_mlp")]


@pytest.fixture(scope="module")
def schema() -> dict:
    return recipe_schema()


def objects(schema: dict, part: dict, value: object) -> list[dict]:
    """The object schemas that `part` offers for a value: by reference, by choice, by its name."""
    if "$ref" in part:
        return objects(schema, schema["$defs"][part["$ref"].rpartition("/")[2]], value)
    choices = part.get("anyOf", []) + part.get("oneOf", [])
    if "discriminator" in part and isinstance(value, dict):
        choices = [{"$ref": part["discriminator"]["mapping"][value["name"]]}]
    if choices:
        return [found for choice in choices for found in objects(schema, choice, value)]
    return [part] if part.get("type") == "object" or "properties" in part else []


def unknown(schema: dict, part: dict, value: object, where: str = "") -> list[str]:
    """Keys of a recipe that the schema does not have where they stand."""
    if not isinstance(value, dict):
        return []
    offered = objects(schema, part, value)
    found = []
    for key, inner in value.items():
        fits = [o for o in offered if key in o.get("properties", {})]
        if fits:
            found += unknown(schema, fits[0]["properties"][key], inner, f"{where}{key}.")
        elif all(o.get("additionalProperties") is False for o in offered):
            found.append(where + key)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_has_every_key_of_every_recipe(schema, path):
    document = yaml.safe_load(path.read_text())
    assert unknown(schema, schema, document) == []
    document["training"]["methood"] = {}
    document["training"]["method"] = {"name": "ste", "lrr": 1}
    document["model"]["hiden"] = 1
    wrong = {"training.methood", "training.method.lrr", "model.hiden"}
    assert wrong <= set(unknown(schema, schema, document))


def test_the_schema_names_methods_and_models(schema):
    method = schema["$defs"]["Stage"]["properties"]["method"]["anyOf"]
    assert set(method[0]["enum"]) == set(METHODS) == set(method[1]["discriminator"]["mapping"])
    assert set(schema["properties"]["model"]["discriminator"]["mapping"]) == set(zoo.BUILDERS)
    assert "lr" in schema["$defs"]["STESettings"]["required"]


def test_a_recipe_keeps_what_it_said():
    """Saved and read again, with no default written into it."""
    for path in FILES:
        recipe = load_recipe(path)
        saved = json.loads(json.dumps(recipe.model_dump(mode="json")))
        assert set(saved["training"]["method"]) == set(
            yaml.safe_load(path.read_text())["training"]["method"]
        )
        assert load_recipe(saved) == recipe


def test_the_command_lists_shows_and_describes(capsys, tmp_path):
    assert [recipe["name"] for recipe in hb.recipes()] == ["digits_mlp"]
    assert cli.run(["recipes"]) == 0 and "digits_mlp" in capsys.readouterr().out
    assert cli.run(["recipes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"recipes": hb.recipes()}
    assert cli.run(["recipes", "show", "digits_mlp"]) == 0
    (tmp_path / "mine.yaml").write_text(capsys.readouterr().out)
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe("digits_mlp")
    assert cli.run(["recipes", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == recipe_schema()
    (tmp_path / "net.onnx").write_bytes(b"\xb4\x08")
    assert cli.run(["recipes", "show", str(tmp_path / "net.onnx")]) == 2
    assert cli.run(["recipes", "show", "digit_mlp"]) == 2
    assert "did you mean 'digits_mlp'?" in capsys.readouterr().err


def test_listing_imports_no_torch():
    code = "import sys, hw_bnn; hw_bnn.recipes(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ({"name": "stee", "lr": 1}, "training.method has no name 'stee'; did you mean 'ste'?"),
        ({"name": "ste", "lr": 1, "estimatr": "identity"}, "did you mean 'estimator'?"),
        ({"name": "bop", "lr": 1, "real": {"lr": 1}}, "a learning rate belongs under real"),
        ({"name": "ste", "lr": "fast"}, "training.method.ste.lr"),
        ({"name": "ste"}, "training.method.ste.lr: Field required"),
        ({"lr": 1}, "training.method has no name None"),
        (3, "training.method"),
    ],
)
def test_a_wrong_method_is_named_with_what_is_right(method, says):
    document = yaml.safe_load(find_recipe("digits_mlp").read_text())
    document["training"]["method"] = method
    with pytest.raises(BadInput) as error:
        load_recipe(document)
    assert says in str(error.value) and "\n" not in str(error.value)
