"""Training runs: every method trains, resumes bit for bit after kill -9, and stops on NaN."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import hw_bnn as hb
from hw_bnn.data.sets import load_arrays
from hw_bnn.errors import CheckFailed
from hw_bnn.train import train
from hw_bnn.train.checkpoint import load_checkpoint
from hw_bnn.train.methods.ste import STE
from hw_bnn.train.metrics import read_metrics
from tests.train.small_runs import METHODS, PICTURES, ants_and_bees, recipe, run


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


def mixed_convolutions(method: str, epochs: int) -> dict:
    document = recipe(method, epochs=epochs, mixed_precision=True, device="cpu")
    document["data"] = {**PICTURES, "scale": "integer"}
    network = {"channels": [8, 8], "fc": [8], "size": 8, "padding": "valid", "activation": "sign"}
    norm = document["model"]["norm"]
    document["model"] = {"name": "vgg", "input": {"bits": 8}, "norm": norm, **network}
    return document


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_convolutions_in_mixed_precision(method, tmp_path):
    """Whose weights, and the states beside them, are no plain stretch of memory."""
    images = ants_and_bees(tmp_path / "images")
    out = run(mixed_convolutions(method, 6), tmp_path / "run", data_root=images)
    assert sum(record["flips"] for record in read_metrics(out)) > 0


def test_convolutions_of_mixed_precision_lie_channels_last_and_resume(tmp_path):
    document = mixed_convolutions("ste", 4)
    images = ants_and_bees(tmp_path / "images")
    whole = run(document, tmp_path / "whole", data_root=images)
    assert json.loads((whole / "result.json").read_text())["test_accuracy"] > 0.7
    killed = tmp_path / "killed"
    _train_and_kill(document, killed, after_epochs=2, data_root=images)
    run(document, killed, resume=True, data_root=images)
    one, two = (load_checkpoint(folder / "last.pt")["model"] for folder in (whole, killed))
    assert all(torch.equal(tensor, two[name]) for name, tensor in one.items())
    maps = [tensor for tensor in one.values() if tensor.dim() == 4 and tensor.shape[1] > 1]
    assert maps and all(m.is_contiguous(memory_format=torch.channels_last) for m in maps)


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


def _train_and_kill(document, out: Path, after_epochs: int, **options) -> None:
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
            run(document, out, **options)
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


def test_tensorboard_reads_the_event_files(finished_with_events, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished_with_events / "tensorboard"), {"histograms": 0})
    events.Reload()
    records = read_metrics(finished_with_events)
    for tag in ("train_loss", "validation_accuracy"):
        read = events.Scalars(tag)
        assert [e.step for e in read] == [r["epoch"] for r in records]
        np.testing.assert_allclose([e.value for e in read], [r[tag] for r in records], rtol=1e-6)
    read = events.Histograms("weights/linear1")
    assert [e.step for e in read] == [r["epoch"] for r in records]
    told = records[-1]["weights/linear1"]
    assert list(read[-1].histogram_value.bucket) == told["counts"]
    assert read[-1].histogram_value.bucket_limit[-1] == pytest.approx(told["high"])
    result = json.loads((finished_with_events / "result.json").read_text())
    assert [e.step for e in events.Scalars("test_accuracy")] == [1]
    hb.export(finished_with_events, tmp_path / "net.onnx")
    told = hb.estimate(tmp_path / "net.onnx")
    assert result["hardware"] == told["total"] | {"cycles_per_frame": told["cycles_per_frame"]}
    (read,) = events.Scalars("hardware_lut")
    assert (read.step, read.value) == (1, told["total"]["lut"]) and read.value > 100
    (text,) = events.Tensors("test_confusion")
    table = text.tensor_proto.string_val[0].decode().splitlines()
    cells = [[int(c) for c in line.split("|")[2:-1]] for line in table[2:]]
    assert cells == result["test_confusion"]
    hypers = events.SummaryMetadata("_hparams_/session_start_info").plugin_data
    assert hypers.plugin_name == "hparams" and b"training.method.lr.start" in hypers.content


def test_signs_that_an_epoch_flips_and_where_the_weights_lie(tmp_path):
    """Against the weights of runs that end an epoch apart."""
    document = recipe("ste", epochs=3)
    document["training"]["method"] = {"name": "ste", "lr": 0.01}
    ends = []
    for epochs in (2, 3):
        document["training"]["epochs"] = epochs
        folder = run(document, tmp_path / f"of{epochs}")
        ends.append(load_checkpoint(folder / "last.pt")["model"]["linear1.weight"])
    record = read_metrics(folder)[-1]
    turned = ((ends[0] >= 0) != (ends[1] >= 0)).float().mean().item()
    assert 0 < turned < 0.5 and record["flips/linear1"] == pytest.approx(turned, abs=1e-9)
    assert min(record["flips/linear1"], record["flips/linear2"]) <= record["flips"]
    bins = record["weights/linear1"]
    assert bins["high"] == -bins["low"] == ends[1].abs().max().item()
    edges = np.linspace(bins["low"], bins["high"], len(bins["counts"]) + 1)
    assert sum(bins["counts"]) == ends[1].numel()
    assert bins["counts"][0] == (ends[1] < edges[1]).sum()


def test_a_network_that_is_no_hardware_is_told(tmp_path):
    result = json.loads((run(recipe("real"), tmp_path / "run") / "result.json").read_text())
    assert "the weights are real" in result["hardware"]["refused"]


def test_the_confusion_matrix_is_of_the_test_set(tmp_path):
    result = json.loads((run(recipe("bop"), tmp_path / "run") / "result.json").read_text())
    matrix = np.array(result["test_confusion"])
    labels = load_arrays("digits", "test")[1]
    assert matrix.sum(1).tolist() == np.bincount(labels, minlength=10).tolist()
    assert np.trace(matrix) / matrix.sum() == result["test_accuracy"]
    assert "test_confusion" not in result["selected"] and "flips" not in result["selected"]


@pytest.mark.parametrize(("steps", "epochs"), [(0, 0), (25, 1), (75, 3)])
def test_ctrl_c_keeps_the_whole_epochs(steps, epochs, tmp_path, monkeypatch, capsys):
    """Within any of an epoch's 20 steps: what is kept goes on to the same weights, bit by bit."""
    document = recipe("ste", epochs=4, checkpoint_seconds=1e9)  # none but at the end
    whole = run(document, tmp_path / "whole")
    step, left = STE.step, steps

    def stopped(self, closure):
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return step(self, closure)

    out = tmp_path / "stopped"
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(STE, "step", stopped)
        train(document, out=out)
    told = f"kept in {out / 'last.pt'}: {epochs} of 4 epochs"
    assert (told in capsys.readouterr().err) == (epochs > 0) == (out / "last.pt").exists()
    run(document, out, resume=True)
    one, two = (load_checkpoint(folder / "last.pt") for folder in (whole, out))
    assert all(torch.equal(t, two["model"][n]) for n, t in one["model"].items())
    for a, b in zip(read_metrics(whole), read_metrics(out), strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


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
