"""Training runs: every method trains, resumes bit for bit after kill -9, and stops on NaN."""

import errno
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.files.output import partial_name
from hw_bnn.train import train
from hw_bnn.train.checkpoint import load_checkpoint, save_checkpoint
from hw_bnn.train.metrics import read_metrics
from hw_bnn.train.trained import load_trained

REAL = {"optimiser": "adam", "lr": 0.01}
METHODS = {
    "ste": {"name": "ste", "lr": {"start": 0.01, "end": 0.0, "kind": "linear", "per": "step"}},
    "sgd": {"name": "ste", "optimiser": "nesterov", "lr": 0.1, "scaling": "update"},
    "stochastic": {"name": "ste", "lr": 0.01, "stochastic": True},
    "real": {"name": "real", "lr": 0.01, "clip_weights": True},
    "bop": {"name": "bop", "gamma": 1e-2, "tau": 1e-7, "real": REAL},
    "bop2": {"name": "bop2", "gamma": 1e-2, "tau": 1e-6, "real": REAL},
    "proxquant": {"name": "proxquant", "lr": 0.01, "reg_rate": 0.05, "freeze_after": 4},
    "bnew": {"name": "bnew", "lr": 0.01, "pull": 0.1, "freeze_after": 4},
    "bmd": {
        "name": "bmd",
        "lr": 0.01,
        "beta": {"start": 1.0, "factor": 1.5, "every": 1},
        "real": REAL,
    },
    "md_tanh": {
        "name": "md_tanh",
        "lr": 0.01,
        "beta": {"start": 1.0, "factor": 1.5, "every": 1},
        "real": REAL,
    },
    "pmf": {
        "name": "pmf",
        "lr": 0.01,
        "beta": {"start": 1.0, "factor": 1.2, "every": 10, "per": "step"},
        "real": REAL,
    },
    "bayesbinn": {"name": "bayesbinn", "lr": 3e-4, "mean_samples": 3},
}


def recipe(method, epochs=6, **changes):
    norm = {"affine": False} if method == "bayesbinn" else {}
    return {
        "name": f"digits_{method}",
        "data": {"name": "digits", "scale": "integer", "batch": 64, "split": "stratified"},
        "model": {
            "name": "mlp",
            "hidden": [64],
            "input": {"bits": 5},
            "norm": norm,
            "dropout": 0.05,
        },
        "training": {"epochs": epochs, "loss": "squared_hinge", "method": METHODS[method]},
        "checkpoint_seconds": 0,
        "threads": 1,  # sums are bit-identical for one number of threads only
        **changes,
    }


def run(document, out, **options):
    return train(document, out=out, quiet=True, tensorboard=False, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a short run."""
    return run(recipe("ste", epochs=1), tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture(scope="module")
def finished_with_events(tmp_path_factory):
    out = tmp_path_factory.mktemp("events") / "run"
    return train(recipe("ste", epochs=2), out=out, quiet=True)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_and_resumes_bit_for_bit(method, tmp_path):
    document = recipe(method)
    whole = run(document, tmp_path / "whole")
    result = json.loads((whole / "result.json").read_text())
    # Chance is 0.1; a binary network of 64 neurons is far above it after six epochs.
    assert result["test_accuracy"] > 0.6, result
    if method == "bayesbinn":
        assert result["test_accuracy_mean"] > 0.6
    records = read_metrics(whole)
    assert [r["epoch"] for r in records] == list(range(6))

    killed = tmp_path / "killed"
    _train_and_kill(document, killed, after_epochs=3)
    done = load_checkpoint(killed / "last.pt")["position"]["total_epochs"]
    assert 1 <= done < 6
    run(document, killed, resume=True)
    one, two = (load_checkpoint(folder / "last.pt") for folder in (whole, killed))
    for name, tensor in one["model"].items():
        assert torch.equal(tensor, two["model"][name]), name
    assert torch.equal(one["rng"]["torch"], two["rng"]["torch"])
    assert torch.equal(one["rng"]["order"], two["rng"]["order"])
    other = json.loads((killed / "result.json").read_text())
    assert other["test_accuracy"] == result["test_accuracy"]
    for a, b in zip(records, read_metrics(killed), strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


@pytest.mark.parametrize("method", ["bnew", "proxquant", "bmd", "md_tanh"])
def test_the_distance_from_the_corners_is_told_up_to_the_freeze(method, tmp_path):
    document = recipe(method)
    document["training"]["method"] = {**METHODS[method], "freeze_after": 2}
    folder = run(document, tmp_path / "run")
    distances = [r["corner_distance"] for r in read_metrics(folder)]
    assert min(distances[:3]) > 0 and distances[3:] == [0, 0, 0]


def test_mixed_precision_trains_real_weights_by_rounded_products(tmp_path):
    """The same function as on a GPU, here by the processor's bfloat16."""
    document = recipe("ste", mixed_precision=True, device="cpu")
    out = run(document, tmp_path / "mixed")
    exact = run(recipe("ste", device="cpu"), tmp_path / "exact")
    assert json.loads((out / "result.json").read_text())["test_accuracy"] > 0.6
    mixed, whole = (load_checkpoint(folder / "last.pt")["model"] for folder in (out, exact))
    assert all(value.dtype == whole[name].dtype for name, value in mixed.items())
    assert any(not torch.equal(value, whole[name]) for name, value in mixed.items())


def test_tasks_resume_with_their_priors(tmp_path):
    """Continual learning: three tasks, the posterior of each the prior of the next;
    killed in the second.
    """
    method = {"name": "bayesbinn", "lr": 1e-3, "temperature": 1e-2}
    later = {**method, "carry": True, "prior": "posterior"}
    document = recipe("bayesbinn", epochs=2)
    document["data"] |= {"permutation_seed": 3, "validation": 0}
    document["training"] = {"epochs": 2, "method": method, "select": "last"}
    document["stages"] = [{"task": 0}] + [
        {"task": t, "start": "last", "method": later} for t in (1, 2)
    ]
    whole = run(document, tmp_path / "whole")
    killed = tmp_path / "killed"
    _train_and_kill(document, killed, after_epochs=3)
    run(document, killed, resume=True)
    one, two = (load_checkpoint(folder / "last.pt") for folder in (whole, killed))
    states = [s["method"]["optimisers"]["bayes"]["state"] for s in (one, two)]
    for index in states[0]:
        assert torch.equal(states[0][index]["lam"], states[1][index]["lam"])
        assert torch.equal(states[0][index]["prior"], states[1][index]["prior"])
        assert states[0][index]["prior"].abs().max() > 0
    records = read_metrics(whole)
    assert [sorted(k for k in r if k.startswith("task")) for r in records[::2]] == [
        [f"task{i}_accuracy" for i in range(t + 1)] for t in range(3)
    ]
    assert records[-1]["entropy_bits"] <= records[0]["entropy_bits"] + 0.05


def _train_and_kill(document, out: Path, after_epochs: int) -> None:
    """Fork a process that trains, and kill -9 it once its metrics show `after_epochs` epochs."""
    child = os.fork()
    if child == 0:
        try:
            from hw_bnn.train import metrics

            write = metrics.Metrics.write

            def slow_write(self, record):  # leaves the parent the time to hit the middle of the run
                write(self, record)
                time.sleep(0.05 if record["epoch"] < after_epochs - 1 else 30)

            metrics.Metrics.write = slow_write
            run(document, out)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 120
    while len(read_metrics(out)) < after_epochs and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.slow
def test_a_real_process_killed_at_a_random_moment_resumes(tmp_path):
    document = recipe("ste", epochs=12)
    (tmp_path / "r.yaml").write_text(json.dumps(document))
    code = (
        "import sys; from hw_bnn.train import train; "
        "train(sys.argv[1], out=sys.argv[2], resume=True, quiet=True)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, tmp_path / "r.yaml", tmp_path / "killed"]
    rng = np.random.default_rng()
    process = subprocess.Popen(command)
    while not (tmp_path / "killed" / "last.pt").exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 0.5))
    process.kill()
    process.wait()
    assert subprocess.run(command).returncode == 0
    whole = run(document, tmp_path / "whole")
    one, two = (load_checkpoint(folder / "last.pt") for folder in (whole, tmp_path / "killed"))
    assert all(torch.equal(t, two["model"][n]) for n, t in one["model"].items())


def test_stages_hand_weights_on(tmp_path):
    document = recipe(
        "real",
        epochs=4,
        stages=[{}, {"method": {"name": "ste", "lr": 1e-9, "clip_at_start": True}, "epochs": 1}],
    )
    folder = run(document, tmp_path / "run")
    records = read_metrics(folder)
    assert [r["stage"] for r in records] == [0] * 4 + [1]
    assert records[3]["validation_accuracy"] > 0.8
    # The signs of a network trained real: much worse at first,
    # which is what from-scratch STE avoids.
    assert records[4]["validation_accuracy"] < records[3]["validation_accuracy"]


def test_freezing_leaves_signs_and_goes_on_with_the_rest(tmp_path):
    folder = run(recipe("bnew", epochs=7), tmp_path / "run")
    state = load_checkpoint(folder / "last.pt")["model"]
    assert set(state["linear1.weight"].unique().tolist()) == {-1.0, 1.0}


def test_not_finite_loss_stops_and_keeps_the_last_good_state(tmp_path):
    document = recipe("real", epochs=6)
    document["training"]["method"] = {
        "name": "real",
        "optimiser": "sgd",
        "lr": {"start": 0.01, "factor": 1e30, "at": [3, 4, 5]},
    }
    with pytest.raises(CheckFailed, match="not finite .*epoch [3-5] of stage 0.*last good state"):
        run(document, tmp_path / "run")
    state = load_checkpoint(tmp_path / "run" / "last.pt")
    assert state["position"]["total_epochs"] >= 3
    assert all(t.isfinite().all() for t in state["model"].values() if t.is_floating_point())


def test_existing_runs_are_not_overwritten(tmp_path):
    document = recipe("ste", epochs=1)
    folder = run(document, tmp_path / "run")
    before = (folder / "result.json").read_bytes()
    with pytest.raises(BadInput, match="already holds a run"):
        run(document, folder)
    assert run(document, folder, resume=True) == folder
    assert (folder / "result.json").read_bytes() == before
    with pytest.raises(BadInput, match="training.epochs = 1, the recipe now has 2"):
        run(recipe("ste", epochs=2), folder, resume=True)


def test_bad_input_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("HW_BNN_DATA", raising=False)
    mnist = recipe("ste", data={"name": "mnist"})
    for root in (None, tmp_path):
        with pytest.raises(BadInput):
            run(mnist, tmp_path / "run", data_root=root)
    with pytest.raises(BadInput, match="do not fill one batch"):
        run(recipe("ste", data={"name": "digits", "limit": 5}), tmp_path / "run")
    bayes = recipe("bayesbinn")
    bayes["model"]["norm"] = {"affine": True}
    with pytest.raises(BadInput, match="affine"):
        run(bayes, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_checkpoints_of_others_are_refused(tmp_path):
    folder = run(recipe("ste", epochs=1), tmp_path / "run")
    content = load_checkpoint(folder / "selected.pt")
    for version in (1, 99):  # 1 carried no checksum
        torch.save({**content, "version": version}, tmp_path / "v.pt")
        with pytest.raises(BadInput, match=f"checkpoint version {version}, .*; train again"):
            load_trained(tmp_path / "v.pt")
    torch.save(content, tmp_path / "u.pt")
    with pytest.raises(BadInput, match="no checksum"):
        load_trained(tmp_path / "u.pt")
    torch.save({"state": 1}, tmp_path / "x.pt")
    with pytest.raises(BadInput, match="no checkpoint of hw_bnn"):
        load_trained(tmp_path / "x.pt")
    torch.save(Path("/"), tmp_path / "p.pt")  # a class: weights_only loading refuses it
    with pytest.raises(BadInput, match="damaged or no checkpoint"):
        load_trained(tmp_path / "p.pt")
    content.pop("format"), content.pop("version")
    other = {
        **content,
        "recipe": {
            **content["recipe"],
            "model": {"name": "mlp", "hidden": [32], "input": {"bits": 5}},
        },
    }
    save_checkpoint(tmp_path / "o.pt", other)
    with pytest.raises(BadInput, match="is of another model: linear1.weight has shape"):
        load_trained(tmp_path / "o.pt")


@pytest.mark.parametrize("name", ["selected.pt", "last.pt"])
def test_every_changed_byte_of_a_checkpoint_is_refused(finished, name, tmp_path):
    """Every 50th byte in turn, and the file cut short or grown."""
    whole = (finished / name).read_bytes()
    zipfile.ZipFile(finished / name).testzip()  # an ordinary file of torch.save all the same
    torch.load(finished / name, weights_only=True)
    path = tmp_path / name
    mutants = [whole[:n] for n in range(0, len(whole), len(whole) // 20)] + [whole + b"\0"]
    for index in range(0, len(whole), 50):
        changed = bytearray(whole)
        changed[index] ^= 1 << index % 8
        mutants.append(bytes(changed))
    mutants += [whole[:-1] + bytes([whole[-1] ^ 1])]
    for mutant in mutants:
        path.write_bytes(mutant)
        with pytest.raises(BadInput):
            load_checkpoint(path)
    path.write_bytes(whole)
    assert load_checkpoint(path)["format"]
    with pytest.raises(BadInput):  # as a command meets it
        path.write_bytes(mutants[len(mutants) // 2])
        load_trained(path)


def test_checkpoints_without_their_keys_are_refused(finished, tmp_path):
    whole = load_checkpoint(finished / "selected.pt")
    for key in ("recipe", "position", "classes", "model"):
        content = {k: v for k, v in whole.items() if k not in (key, "format", "version")}
        save_checkpoint(tmp_path / "c.pt", content)
        with pytest.raises(BadInput, match=f"it has no {key}"):
            load_trained(tmp_path / "c.pt")
    for key, value in (
        ("recipe", 3), ("recipe", []), ("position", {}), ("position", 1), ("model", {}),
        ("model", {n: 1 for n in whole["model"]}),
    ):  # fmt: skip
        content = {k: v for k, v in {**whole, key: value}.items() if k not in ("format", "version")}
        save_checkpoint(tmp_path / "c.pt", content)
        with pytest.raises(BadInput):
            load_trained(tmp_path / "c.pt")


def test_a_second_run_into_a_folder_is_refused_while_the_first_one_trains(tmp_path):
    document = recipe("ste", epochs=6)
    started, out = tmp_path / "started", tmp_path / "run"
    child = os.fork()
    if child == 0:
        try:
            from hw_bnn.train import metrics

            write = metrics.Metrics.write

            def slow_write(self, record):
                write(self, record)
                started.touch()
                time.sleep(1 if record["epoch"] < 2 else 0)

            metrics.Metrics.write = slow_write
            run(document, out)
        finally:
            os._exit(0)
    while not started.exists():
        time.sleep(0.02)
    for resume in (False, True):
        with pytest.raises(BadInput, match="written by another hw-bnn process"):
            run(document, out, resume=resume)
    os.waitpid(child, 0)
    assert [r["epoch"] for r in read_metrics(out)] == list(range(6))
    one, two = (load_checkpoint(f / "last.pt") for f in (out, run(document, tmp_path / "whole")))
    assert all(torch.equal(t, two["model"][n]) for n, t in one["model"].items())
    assert not [p.name for p in out.iterdir() if p.name.startswith(".")]


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    document = recipe("ste", epochs=2)
    out = tmp_path / "run"
    out.mkdir()
    ended = subprocess.Popen(["true"])
    ended.wait()
    written = ("selected.pt", "last.pt", "recipe.yaml", "result.json", "metrics.jsonl")
    mine = [partial_name(out / name).name for name in written]
    names = [*(name.replace(f".{os.getpid()}.", f".{ended.pid}.") for name in mine), ".lock"]
    living = mine[1].replace(f".{os.getpid()}.", f".{os.getppid()}.")
    (out / living).write_text("being written")
    for stray in names:
        (out / stray).write_text("cut short")
    (out / ".keep").write_text("the user's")
    run(document, out)
    for stray in names:
        (out / stray).write_text("cut short")
    run(document, out, resume=True)
    assert {p.name for p in out.iterdir() if p.name.startswith(".")} == {".keep", living}


def _train_with_small_files(document, out: Path, limit: int) -> tuple[int, str]:
    """Exit code and stderr of `hw-bnn train` in a process whose files may not grow beyond `limit`
    bytes from the first epoch on.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.dup2(writer, 2)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            from hw_bnn.cli import run as command
            from hw_bnn.train import run as module

            fit = module.Run.fit

            def limited(self):
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                fit(self)

            module.Run.fit = limited
            out.parent.mkdir(exist_ok=True)
            code = command(["train", str(document), "--out", str(out)])
            sys.stderr.flush()
            os._exit(code)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(99)
    os.close(writer)
    with os.fdopen(reader) as file:
        told = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told


@pytest.mark.parametrize("limit", [400, 30_000])
def test_a_disk_that_takes_no_more_is_one_sentence_and_the_run_goes_on_later(tmp_path, limit):
    """A limit on the size of files stands for a full disk: the same writes fail."""
    document = recipe("ste", epochs=4)
    (tmp_path / "r.yaml").write_text(json.dumps(document))
    out = tmp_path / "run"
    code, told = _train_with_small_files(tmp_path / "r.yaml", out, limit)
    lines = told.splitlines()
    assert code == 2, told
    assert len(lines) == 1 and "cannot be written: the file would be larger" in lines[0], lines
    assert not [p.name for p in out.iterdir() if p.name.startswith(".")]
    run(document, out, resume=True)
    one, two = (load_checkpoint(f / "last.pt") for f in (out, run(document, tmp_path / "whole")))
    assert all(torch.equal(t, two["model"][n]) for n, t in one["model"].items())
    assert [r["epoch"] for r in read_metrics(out)] == list(range(4))


def test_a_full_disk_is_told_wherever_it_is_met(tmp_path, monkeypatch):
    """No space at the n-th write of a run's files, for each n."""
    document = recipe("ste", epochs=1)
    real, count = os.fsync, 0

    def full(handle):
        nonlocal count
        count -= 1
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle)

    monkeypatch.setattr(os, "fsync", full)
    for number in range(1, 12):
        count, out = number, tmp_path / str(number)
        with pytest.raises(BadInput, match="cannot be written: the disk is full; free some space"):
            train(document, out=out, quiet=True, tensorboard=True)
        count = 0
        assert (train(document, out=out, quiet=True, resume=True) / "result.json").is_file()


def test_tensorboard_reads_the_event_files(finished_with_events):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished_with_events / "tensorboard"))
    events.Reload()
    records = read_metrics(finished_with_events)
    for tag in ("train_loss", "validation_accuracy"):
        read = events.Scalars(tag)
        assert [e.step for e in read] == [r["epoch"] for r in records]
        np.testing.assert_allclose([e.value for e in read], [r[tag] for r in records], rtol=1e-6)


def test_a_failed_write_keeps_the_old_checkpoint(tmp_path):
    path = tmp_path / "x.pt"
    save_checkpoint(path, {"value": 1})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_checkpoint(path, {"value": lambda: 1})  # cannot be pickled
    assert load_checkpoint(path)["value"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["x.pt"]


def test_nothing_that_is_no_number_is_frozen():
    from hw_bnn.nn import binary_parameters, zoo
    from hw_bnn.train.methods import METHODS as ALL
    from hw_bnn.train.methods import Context

    model = zoo.build("mlp", in_features=8, classes=2, hidden=[4])
    settings = ALL["bnew"].Settings(lr=0.01, freeze_after=0)
    method = ALL["bnew"](settings, model, Context(n_train=1, epochs=1, steps_per_epoch=1))
    weight = binary_parameters(model)[0]
    weight.data[0, 0] = torch.nan
    method.epoch_end(0)
    assert weight[0, 0].isnan()
    weight.data[0, 0] = 0.5
    method.epoch_end(0)
    assert weight[0, 0] == 1
