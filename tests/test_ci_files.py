"""The action, the GitLab template and the project of `init` run as they stand, without a server."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import yaml

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.errors import BadInput

from .networks.small_onnx import perceptron

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
TEMPLATE = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text())[".hw-bnn"]


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, text=True, capture_output=True, timeout=1800,
        env={**os.environ, "PATH": path, **variables},
    )  # fmt: skip


def test_the_action_uses_the_inputs_that_it_declares():
    text = (ROOT / "action.yml").read_text()
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    for step in ACTION["runs"]["steps"]:
        assert step.get("shell") == "bash" or "uses" in step
        assert "${{ inputs" not in step.get("run", "")  # by the environment: it may hold any text


def test_docs_use_the_inputs_and_variables_that_are_there():
    github, gitlab = (
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/ci.md").read_text(), re.S)
    )
    assert set(github["steps"][1]["with"]) <= set(ACTION["inputs"])
    script = "\n".join(TEMPLATE["script"])
    for name in gitlab["prove"]["variables"]:
        assert f"${name}" in script or f"${{{name}:+" in script, name


def test_the_weekly_job_runs_what_there_is():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text())["jobs"]
    (command,) = (step["run"] for step in jobs["pages"]["steps"] if "run" in step)
    arguments = shlex.split(re.search('PYTEST_ARGS="(.*)"', command)[1])
    assert arguments[:2] == ["-m", "full"]
    for path in arguments[2:]:
        files = (ROOT / path).glob("test_*.py") if (ROOT / path).is_dir() else [ROOT / path]
        assert any("pytest.mark.full" in file.read_text() for file in files), path


@pytest.fixture
def place(tmp_path):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    return tmp_path


@pytest.mark.full
def test_the_actions_script(place):
    files = {"GITHUB_OUTPUT": str(place / "output"), "GITHUB_STEP_SUMMARY": str(place / "told.md")}
    step = next(s for s in ACTION["runs"]["steps"] if s.get("id") == "verify")
    variables = {"GITHUB_ACTION_PATH": str(ROOT), "MODEL": "model.onnx", **files,
                 "OPTIONS": "--target-cycles 16 --frames 50"}  # fmt: skip
    done = shell(step["run"], place, **variables)
    assert done.returncode == 0, done.stderr
    assert (place / "output").read_text() == "folder=hw_bnn_verified\n"
    assert "raw scores == golden" in (place / "told.md").read_text()
    made = {p.name for p in (place / "hw_bnn_verified").iterdir()}
    assert made >= {"report.html", "summary.json", "results.xml", "accelerator"}
    shutil.copyfile(place / "hw_bnn_verified" / "summary.json", place / "old.json")
    variables |= {"OPTIONS": "--frames 50 --target-cycles 4", "BASELINE": "old.json"}
    assert shell(step["run"], place, **variables, MAX_LUTS="+2%").returncode == 1
    assert shell(step["run"], place, **variables, MAX_LUTS="5000").returncode == 0


@pytest.mark.full
def test_the_templates_script(place):
    script = "\n".join(line for line in TEMPLATE["script"] if not line.startswith("pip "))
    variables = {"MODEL": "model.onnx", "OPTIONS": "--frames 50"}
    done = shell(script, place, **variables, MAX_LUTS="5000")
    assert done.returncode == 0, done.stderr
    for name in TEMPLATE["artifacts"]["paths"]:
        assert (place / name).is_file()
    assert (place / TEMPLATE["artifacts"]["reports"]["junit"]).is_file()


def test_a_project(tmp_path):
    told = hb.init(tmp_path / "mine")
    for name in told["files"]:
        assert (tmp_path / "mine" / name).is_file()
    compile((tmp_path / "mine" / "build.py").read_text(), "build.py", "exec")
    assert "$" not in (tmp_path / "mine" / "README.md").read_text()
    with pytest.raises(BadInput, match="mine exists"):
        hb.init(tmp_path / "mine")
    with pytest.raises(BadInput):  # no longer ours: an edited project is never replaced
        from hw_bnn.files.output import output_folder

        with output_folder(tmp_path / "mine", overwrite=True):
            pass
    assert (tmp_path / "mine" / "build.py").is_file()


def test_no_code_comes_from_a_recipe(tmp_path):
    recipe = hb.recipes()[0]["file"]
    evil = (
        Path(recipe)
        .read_text()
        .replace("  name: digits\n", "  name: 'digits\"; print(1); \"'\n", 1)
    )
    assert "print(1)" in evil
    (tmp_path / "evil.yaml").write_text(evil)
    with pytest.raises(BadInput, match="has no images to verify on"):
        hb.init(tmp_path / "new", recipe=tmp_path / "evil.yaml")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("recipe", [recipe["name"] for recipe in hb.recipes()])
def test_every_recipe_makes_one_or_is_refused(recipe, tmp_path, capsys):
    code = cli.run(["init", str(tmp_path / "new"), "--recipe", recipe])
    assert code == 0 or "has no images to verify on" in capsys.readouterr().err
    assert (tmp_path / "new" / "recipe.yaml").is_file() == (code == 0)


@pytest.mark.full
def test_the_project_builds_by_both_ci_files(tmp_path):
    hb.init(tmp_path / "mine")
    where = tmp_path / "mine"
    recipe = (where / "recipe.yaml").read_text()
    (where / "recipe.yaml").write_text(recipe.replace("epochs: 60", "epochs: 3"))
    workflow = yaml.safe_load((where / ".github/workflows/hw-bnn.yml").read_text())
    job = yaml.safe_load((where / ".gitlab-ci.yml").read_text())["prove"]
    scripts = [step["run"] for step in workflow["jobs"]["prove"]["steps"] if "run" in step]
    for lines in (scripts, job["script"]):
        done = shell("\n".join(line for line in lines if not line.startswith("pip ")), where)
        assert done.returncode == 0, done.stderr
        assert "accuracy of the RTL: 0." in done.stdout
        shutil.copyfile(where / "verified" / "summary.json", where / "baseline.json")
    assert (where / "results.xml").is_file()
