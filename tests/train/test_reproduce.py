"""training/reproduce.py: a table cut short, its files, and results that may not be mixed up."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from hw_bnn.errors import CheckFailed
from hw_bnn.train.catalogue import find_recipe
from hw_bnn.train.recipe import load_recipe

TRAINING = Path(__file__).parents[2] / "training"


@pytest.fixture
def reproduce(monkeypatch, tmp_path, capsys):
    """The command: its exit code and what it wrote on stderr."""
    monkeypatch.syspath_prepend(str(TRAINING))
    import reproduce

    def command(*arguments):
        folders = ["--out", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
        code = reproduce.main([*arguments, *folders])
        return code, capsys.readouterr().err

    return command


def test_a_table_is_cut_and_written_beside_the_paper_s(reproduce, tmp_path):
    assert reproduce("two_moons", "--epochs", "3", "--seeds", "2")[0] == 0
    names = sorted(p.name for p in (tmp_path / "results").iterdir())
    assert names == [f"two_moons_3_epochs.{kind}" for kind in ("json", "md", "png")]
    text = (tmp_path / "results/two_moons_3_epochs.json").read_text()
    rows = json.loads(text)["rows"]
    assert [row["epochs"] for row in rows] == [3, 3]
    assert [[run["seed"] for run in row["runs"]] for row in rows] == [[0, 1]] * 2
    commands = {run["command"] for row in rows for run in row["runs"]}
    assert commands == {"python training/reproduce.py two_moons --epochs 3 --seeds 2"}
    assert all(row["drawn"]["unsure_share_of_plane"] >= 0 for row in rows)
    assert str(tmp_path) not in text  # nobody else has that folder


def test_changed_recipes_need_a_name_of_their_own(reproduce, tmp_path):
    change = ["two_moons", "--rows", "*_ste", "--set", "training.epochs=2"]
    for name, told in (([], "--name"), (["--name", "../moons"], "../moons")):
        code, error = reproduce(*change, *name)
        assert code == 2 and told in error
    assert not (tmp_path / "results").exists() and not (tmp_path / "runs").exists()
    assert reproduce(*change, "--name", "moons")[0] == 0
    document = json.loads((tmp_path / "results/moons.json").read_text())
    (row,) = document["rows"]
    assert document["title"].endswith("(changed: moons)")
    assert row["runs"][0]["command"].endswith("--set training.epochs=2 --name moons")
    assert row["epochs"] == 2


def test_a_change_of_some_rows(reproduce, tmp_path):
    for change, name in (("*_pmf:seed=2", "*_pmf"), ("*_bayesbinn:training.epoch=2", "epoch")):
        code, error = reproduce("two_moons", "--set", change, "--name", "none")
        assert code == 2 and name in error
    assert not (tmp_path / "runs").exists()  # refused before the first row is trained
    change = ["training.epochs=2", "*_ste:training.epochs=3"]
    assert reproduce("two_moons", "--set", *change, "--name", "some")[0] == 0
    rows = json.loads((tmp_path / "results/some.json").read_text())["rows"]
    epochs = {row["recipe"]: row["epochs"] for row in rows}
    assert epochs == {"bayesbinn_two_moons_ste": 3, "bayesbinn_two_moons_bayesbinn": 2}


@pytest.fixture
def script(monkeypatch):
    """reproduce.py as a module, with a table of digits networks."""
    monkeypatch.syspath_prepend(str(TRAINING))
    import reproduce
    import runs

    monkeypatch.setattr(runs, "recipes", lambda: {"digits_mlp": find_recipe("digits_mlp")})
    return reproduce


DIGITS = {"title": "digits", "plot": "curves", "metric": "test_accuracy", "seeds": 2}
TABLES = {name: {**DIGITS, "rows": ["digits_mlp"]} for name in ("digits", "other")}


def asked(tmp_path, table="digits", **options):
    given = {"epochs": 1, "seeds": 2, "jobs": 1, "rows": None, "set": [], "name": None}
    given |= {"data_root": None, "out": tmp_path / "runs", "results": tmp_path / "results"}
    return argparse.Namespace(table=table, **{**given, **options})


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.full)])
def test_results_add_up_without_the_run_folders(script, tmp_path, capfd, jobs):
    assert script.run(TABLES, asked(tmp_path, seeds=1)) == 0
    path = tmp_path / "results/digits_1_epochs.json"
    first = json.loads(path.read_text())["rows"][0]["runs"]
    shutil.rmtree(tmp_path / "runs")
    assert script.run(TABLES, asked(tmp_path, seeds=3, jobs=jobs)) == 0
    assert "0 of 2 runs done" in capfd.readouterr().err
    runs = json.loads(path.read_text())["rows"][0]["runs"]
    assert [run["seed"] for run in runs] == [0, 1, 2] and runs[0] == first[0]
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == [
        "digits_mlp-seed1",
        "digits_mlp-seed2",
    ]
    assert runs[0]["curves"]["epoch"] == [0] and runs[2]["command"].endswith("--seeds 3")
    text = path.with_suffix(".md").read_text()
    assert "| digits_mlp | 1 | 3 |" in text and text.count("reproduce.py digits --epochs 1") == 2
    # Another table that has the row takes the runs, too; an other recipe does not.
    assert script.run(TABLES, asked(tmp_path, "other", seeds=3)) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert script.run(TABLES, asked(tmp_path, seeds=1, epochs=2, name="digits_1_epochs")) == 0
    assert "seed 2, was of another recipe: left out" in capfd.readouterr().err
    (row,) = json.loads(path.read_text())["rows"]
    assert row["epochs"] == 2 and [run["seed"] for run in row["runs"]] == [0]


def test_a_failed_run_costs_no_other(script, tmp_path):
    # A folder of another process' run: held, or of another recipe.
    (tmp_path / "runs/digits_mlp-seed0").mkdir(parents=True)
    (tmp_path / "runs/digits_mlp-seed0/last.pt").write_bytes(b"damaged")
    with pytest.raises(CheckFailed, match="1 of 2 runs failed, first digits_mlp-seed0"):
        script.run(TABLES, asked(tmp_path))
    (row,) = json.loads((tmp_path / "results/digits_1_epochs.json").read_text())["rows"]
    assert [run["seed"] for run in row["runs"]] == [1]


def test_teachers_come_first_and_are_trained_again_where_they_are_needed(script, tmp_path):
    import runs

    real = runs.PlannedRun("real", 0, None, "1", None)
    pupil = runs.PlannedRun("pupil", 0, None, "2", "real-seed0")
    assert runs.waves([pupil, real]) == [[real], [pupil]]
    assert runs.to_train([real, pupil], {("real", 0)}, tmp_path) == [real, pupil]
    (tmp_path / "real-seed0").mkdir()
    (tmp_path / "real-seed0/selected.pt").touch()
    assert runs.to_train([real, pupil], {("real", 0)}, tmp_path) == [pupil]
    assert runs.to_train([real, pupil], {("real", 0), ("pupil", 0)}, tmp_path) == []


def test_the_time_left(script, tmp_path):
    import runs

    recipe = load_recipe("digits_mlp", ["training.epochs=10"])
    planned = [runs.PlannedRun("row", seed, recipe, "", None) for seed in range(3)]
    assert runs.seconds_left(planned, tmp_path, 2) is None
    (tmp_path / "row-seed1").mkdir()
    lines = "".join(json.dumps({"epoch": e, "seconds": 2.0}) + "\n" for e in range(4))
    (tmp_path / "row-seed1/metrics.jsonl").write_text(lines)
    assert runs.seconds_left(planned, tmp_path, 2) == 26 * 2.0 / 2


def test_curves_of_seeds_of_which_one_tells_less(monkeypatch):
    """A run begun by an older version has fewer figures in its first records."""
    monkeypatch.syspath_prepend(str(TRAINING))
    import figures

    runs = []
    for seed in range(2):
        records = [
            {"epoch": e, "stage": e // 2, "train_loss": 1.0, "train_accuracy": 0.5}
            | ({"corner_distance": 0.1} if e > seed else {})
            | ({"flips": 0.25} if e else {})
            for e in range(4)
        ]
        names = sorted({name for record in records for name in record})
        runs.append({"curves": {name: [r.get(name) for r in records] for name in names}})
    runs.append({"curves": None})  # of a run whose records are gone
    figure = figures.curves({"rows": [{"recipe": "some", "runs": runs}]})
    assert figure.axes[2].lines[0].get_xdata().tolist() == [3, 4]
    assert figure.axes[3].lines[0].get_xdata().tolist() == [2, 3, 4]
    assert figure.axes[3].lines[0].get_ydata().tolist() == [0.25] * 3
