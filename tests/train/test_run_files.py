"""What runs leave in their folders: whole, theirs alone, and taken up again after any end."""

import errno
import json
import os
import pickle
import resource
import subprocess
import sys
import time
import traceback
import zipfile
from pathlib import Path

import pytest
import torch
import yaml

from hw_bnn.errors import BadInput
from hw_bnn.files.output import partial_name
from hw_bnn.train import train
from hw_bnn.train.checkpoint import load_checkpoint, save_checkpoint
from hw_bnn.train.metrics import read_metrics
from hw_bnn.train.trained import load_trained
from tests.train.small_runs import recipe, run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a short run."""
    return run(recipe("ste", epochs=1), tmp_path_factory.mktemp("finished") / "run")


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


@pytest.mark.parametrize("name", ["metrics.jsonl", "result.json", "recipe.yaml"])
def test_a_folder_of_somebody_elses_is_left_as_it_is(name, tmp_path):
    """Also with --resume, and a recipe of one's own where a run would write its."""
    own = tmp_path / name
    own.write_text("# mine\n" + yaml.safe_dump(recipe("ste", epochs=1)))
    before = own.read_text()
    for resume in (False, True):
        with pytest.raises(BadInput, match="would be replaced|holds a run"):
            run(str(own), tmp_path, resume=resume)
    assert own.read_text() == before and os.listdir(tmp_path) == [name]
    log = own.rename(tmp_path / "nohup.out")  # a name that no run writes is in nobody's way
    assert run(recipe("ste", epochs=1), tmp_path) == tmp_path and log.read_text() == before


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
    train(document, out=tmp_path / "whole", quiet=True)
    writes, count = -count, 0
    assert writes >= 8
    for number in range(1, writes + 1):
        count, out = number, tmp_path / str(number)
        with pytest.raises(BadInput, match="cannot be written: the disk is full; free some space"):
            train(document, out=out, quiet=True, tensorboard=True)
        count = 0
        assert (train(document, out=out, quiet=True, resume=True) / "result.json").is_file()


def test_a_failed_write_keeps_the_old_checkpoint(tmp_path):
    path = tmp_path / "x.pt"
    save_checkpoint(path, {"value": 1})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_checkpoint(path, {"value": lambda: 1})  # cannot be pickled
    assert load_checkpoint(path)["value"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["x.pt"]
