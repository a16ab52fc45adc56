"""training/reproduce.py: a table cut short, its files, and results that may not be mixed up."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "training" / "reproduce.py"


def reproduce(tmp_path, *arguments):
    command = [sys.executable, SCRIPT, *arguments, "--out", tmp_path / "runs"]
    command += ["--results", tmp_path / "results"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_a_table_is_cut_and_written_beside_the_paper_s(tmp_path):
    done = reproduce(tmp_path, "two_moons", "--epochs", "3", "--seeds", "2")
    assert done.returncode == 0, done.stderr
    names = sorted(p.name for p in (tmp_path / "results").iterdir())
    assert names == [f"two_moons_3_epochs.{kind}" for kind in ("json", "md", "png")]
    text = (tmp_path / "results/two_moons_3_epochs.json").read_text()
    document = json.loads(text)
    assert document["command"] == "python training/reproduce.py two_moons --epochs 3 --seeds 2"
    assert [row["epochs"] for row in document["rows"]] == [3, 3]
    assert [[run["seed"] for run in row["runs"]] for row in document["rows"]] == [[0, 1]] * 2
    assert str(tmp_path) not in text  # nobody else has that folder


def test_changed_recipes_need_a_name_of_their_own(tmp_path):
    change = ["two_moons", "--rows", "*_ste", "--set", "training.epochs=2"]
    refused = reproduce(tmp_path, *change)
    assert refused.returncode == 2 and "--name" in refused.stderr
    outside = reproduce(tmp_path, *change, "--name", "../moons")
    assert outside.returncode == 2 and "../moons" in outside.stderr
    assert not (tmp_path / "results").exists() and not (tmp_path / "runs").exists()
    done = reproduce(tmp_path, *change, "--name", "moons")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "results/moons.json").read_text())
    assert document["command"].endswith("--set training.epochs=2 --name moons")
    assert document["rows"][0]["epochs"] == 2


def test_a_change_of_some_rows(tmp_path):
    for change, name in (("*_pmf:seed=2", "*_pmf"), ("*_bayesbinn:training.epoch=2", "epoch")):
        refused = reproduce(tmp_path, "two_moons", "--set", change, "--name", "none")
        assert refused.returncode == 2 and name in refused.stderr
    assert not (tmp_path / "runs").exists()  # refused before the first row is trained
    change = [
        "two_moons",
        "--set",
        "training.epochs=2",
        "*_ste:training.epochs=3",
        "--name",
        "some",
    ]
    done = reproduce(tmp_path, *change)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "results/some.json").read_text())
    epochs = {row["recipe"]: row["epochs"] for row in document["rows"]}
    assert epochs == {"bayesbinn_two_moons_ste": 3, "bayesbinn_two_moons_bayesbinn": 2}


def test_curves_of_seeds_of_which_one_tells_less(tmp_path, monkeypatch):
    """A run begun by an older version has fewer figures in its first records."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import figures

    runs = []
    for seed in range(2):
        records = [
            {"epoch": e, "stage": e // 2, "train_loss": 1.0, "train_accuracy": 0.5}
            | ({"corner_distance": 0.1} if e > seed else {})
            for e in range(4)
        ]
        folder = tmp_path / f"run{seed}"
        folder.mkdir()
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / "metrics.jsonl").write_text(lines)
        runs.append({"folder": str(folder)})
    figure = figures.curves({"rows": [{"recipe": "some", "runs": runs}]})
    assert figure.axes[2].lines[0].get_xdata().tolist() == [3, 4]
