"""Sweeps: jobs, the local cluster, and the death of a worker."""

import json
import os
import signal
import threading
import time

import pytest
import yaml

from hw_bnn.errors import BadInput
from hw_bnn.train import sweep
from hw_bnn.train.recipe import load_recipe
from hw_bnn.train.shorten import shortened
from hw_bnn.train.sweeps import jobs, load_sweep


def write(tmp_path, **document):
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump({"name": "test", "recipes": ["digits_mlp"], **document}))
    return path


def test_a_sweep_is_not_replaced_by_its_results(tmp_path):
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps({"name": "test", "recipes": ["digits_mlp"]}))
    before = path.read_text()
    with pytest.raises(BadInput, match="would be replaced by the results"):
        sweep(path, out=tmp_path)
    assert path.read_text() == before


def test_what_is_no_address_of_a_scheduler(tmp_path):
    with pytest.raises(BadInput, match="'nowhere' is no address of a Dask scheduler"):
        sweep(write(tmp_path), "nowhere", out=tmp_path / "out")


def test_jobs_are_the_product(tmp_path):
    path = write(
        tmp_path, seeds=2, epochs=6, grid={"training.method.lr": [0.01, 0.003], "data.batch": [32]}
    )
    found = jobs(load_sweep(path))
    assert len(found) == 4
    assert "digits_mlp-batch=32-lr=0.003-seed1" in found
    assert {r.training.epochs for r in found.values()} == {6}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"recipees": []}, "did you mean 'recipes'"),
        ({"recipes": ["nothing_like_it"]}, "there is no recipe file"),
        ({"grid": {"training.method.lrr": [1]}}, "did you mean 'lr'"),
        ({"seeds": [0, 0]}, "two runs named"),
    ],
)
def test_wrong_sweeps_are_refused_before_anything_runs(document, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        sweep(write(tmp_path, **document), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_shortening_scales_what_counts_epochs():
    document = {
        "name": "long",
        "data": {"name": "digits", "scale": "integer"},
        "model": {"name": "mlp", "hidden": [8], "input": {"bits": 5}},
        "training": {
            "epochs": 1000,
            "selectable_from": 980,
            "method": {
                "name": "bnew",
                "lr": {"start": 0.1, "factor": 0.5, "every": 100},
                "freeze_after": 980,
                "pull": 1e-3,
            },
        },
        "stages": [
            {"epochs": 200, "method": {"name": "real", "lr": 0.01}, "selectable_from": 0},
            {},
        ],
    }
    first, second = shortened(load_recipe(document), 12).resolved_stages()
    assert (first.epochs, second.epochs) == (2, 10)
    method = second.method
    assert method.freeze_after == 8 and second.selectable_from == 8  # one epoch is left after it
    # sum over epochs of R e/E is R E/2: the pull's sum stays what it was
    assert method.pull * 12 == pytest.approx(1e-3 * 1200)
    assert method.lr.every == 1 and method.lr.factor == pytest.approx(0.5)
    assert shortened(load_recipe(document), 5000).training.epochs == 1000


@pytest.mark.parametrize(
    ("gamma", "expected"),
    [
        (1e-4, 1e-2),
        (0.5, 1.0),
        ({"start": 1e-4, "end": 0.0, "kind": "linear"}, {"start": 1e-2, "end": 0.0}),
        ({"start": 1e-5, "end": 1e-8, "kind": "exponential"}, {"start": 1e-3, "end": 1e-6}),
        ({"start": 1e-4, "factor": 0.1, "every": 100}, {"start": 1e-2, "factor": 0.1, "every": 1}),
    ],
)
def test_averages_of_a_cut_run_span_the_same_share_of_it(gamma, expected):
    method = {"name": "bop", "gamma": gamma, "real": {"lr": 0.01}}
    document = {
        "name": "long",
        "data": {"name": "digits", "scale": "integer"},
        "model": {"name": "mlp", "hidden": [8], "input": {"bits": 5}},
        "training": {"epochs": 1000, "method": method},
    }
    found = shortened(load_recipe(document), 10).training.method.model_dump()["gamma"]
    if isinstance(expected, dict):
        found = {key: found[key] for key in expected}
    assert found == pytest.approx(expected)


@pytest.mark.slow
def test_a_sweep_survives_the_death_of_a_worker(tmp_path):
    killed = []

    def kill_one():
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and not killed:
            time.sleep(0.2)
            if list((tmp_path / "out").glob("*/last.pt")):
                for child in _workers():
                    os.kill(child, signal.SIGKILL)
                    killed.append(child)
                    break

    thread = threading.Thread(target=kill_one)
    thread.start()
    path = write(
        tmp_path, seeds=4, set=["training.epochs=8", "data.batch=32", "checkpoint_seconds=0"]
    )
    folder = sweep(path, out=tmp_path / "out", quiet=True)
    thread.join()
    assert killed
    document = json.loads((folder / "sweep.json").read_text())
    assert len(document["results"]) == 4 and not document["failures"]
    assert all(r["test_accuracy"] > 0.8 and r["epochs"] == 8 for r in document["results"].values())


def _workers() -> list[int]:
    """Process ids of the cluster's workers: spawned grandchildren that run
    distributed's nanny target.
    """
    own, found = os.getpid(), []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{entry}/cmdline") as file:
                    command = file.read()
            except (OSError, ValueError):
                continue
            if parent == own and "spawn_main" in command:
                found.append(int(entry))
    return found
