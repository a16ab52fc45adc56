"""Frames shared among processes; runs that are killed and taken up again."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from hw_bnn.accelerator.folder import reseal
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.sim.cache import cache_folder
from hw_bnn.sim.shards import shard_bounds
from hw_bnn.simulation import simulate
from tests.sim.toy_accelerator import random_inputs


@pytest.mark.parametrize("frames, jobs, resume", [(1, 4, False), (5, 2, False), (10_000, 2, True),
                                                  (17, 3, True), (1_000, 8, False)])  # fmt: skip
def test_bounds_cover_every_frame_once(frames, jobs, resume):
    bounds = shard_bounds(frames, jobs, resume)
    assert bounds[0][0] == 0 and bounds[-1][1] == frames
    assert all(a[1] == b[0] for a, b in pairwise(bounds))
    assert all(stop > start for start, stop in bounds)
    if not resume:
        assert len(bounds) >= min(jobs, frames)


def test_resumable_bounds_do_not_depend_on_the_jobs():
    assert shard_bounds(999, 1, True) == shard_bounds(999, 7, True)


def test_jobs_give_the_same_result(toy):
    x = random_inputs(300)
    one, two = simulate(toy.folder, x), simulate(toy.folder, x, jobs=2, statistics=True)
    assert (one.scores == two.scores).all() and (one.labels == two.labels).all()
    assert two.cycles_per_frame == one.cycles_per_frame and two.shards == 8
    assert two.streams["pixels"].moved == 3 * len(x)


def test_finished_shards_are_not_run_again(toy):
    x = random_inputs(600)
    told = []
    first = simulate(toy.folder, x, resume=True, progress=told.append)
    second = simulate(toy.folder, x, resume=True, jobs=2)
    assert sum(told) == len(x)
    assert first.shards_reused == 0 and second.shards_reused == second.shards == first.shards
    assert (first.scores == second.scores).all() and first.cycles == second.cycles


def test_other_inputs_weights_or_options_are_other_runs(toy):
    x = random_inputs(64)
    simulate(toy.folder, x, resume=True)
    assert simulate(toy.folder, -x, resume=True).shards_reused == 0
    assert simulate(toy.folder, x, resume=True, stall=0.1).shards_reused == 0
    weights = toy.folder / "rtl/layer_0_weights.hex"
    weights.write_text(weights.read_text()[::-1].strip() + "\n")
    reseal(toy.folder)
    changed = simulate(toy.folder, x, resume=True)
    assert changed.shards_reused == 0 and (changed.scores != toy.expected(x)[0]).any()


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.write_bytes(p.read_bytes()[:100]),
        lambda p: p.write_bytes(b""),
        lambda p: p.unlink(),
    ],
)
def test_a_damaged_shard_is_run_again(toy, damage):
    x = random_inputs(200)
    good = simulate(toy.folder, x, resume=True)
    damage(sorted(toy.folder.glob("sim/*/shard_*.npz"))[1])
    again = simulate(toy.folder, x, resume=True)
    assert again.shards_reused == again.shards - 1
    assert (again.scores == good.scores).all()


def test_a_killed_run_is_taken_up_where_it_stood(toy, tmp_path):
    """kill -9 in the middle; the second run does only the rest and gives the same scores."""
    x = random_inputs(800_000)
    np.save(tmp_path / "x.npy", x)
    simulate(toy.folder, x[:1])  # the library is built
    code = (
        "import sys, numpy as np; from hw_bnn.simulation import simulate;"
        f"simulate({str(toy.folder)!r}, np.load({str(tmp_path / 'x.npy')!r}), resume=True, jobs=2)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(toy.folder.glob("sim/*/shard_*.npz"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline, "it never got going"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1.0)  # the workers notice that nobody listens
    finished = len(list(toy.folder.glob("sim/*/shard_*.npz")))
    assert 3 <= finished < 32
    result = simulate(toy.folder, x, resume=True, jobs=2)
    assert result.shards_reused == finished and result.shards == 32
    assert (result.scores == toy.expected(x)[0]).all()


def test_a_worker_that_is_killed_is_reported(toy, monkeypatch):
    from hw_bnn.sim import shards

    real = subprocess.Popen

    def popen(*args, **more):
        process = real(*args, **more)
        process.kill()
        return process

    simulate(toy.folder, random_inputs(1))
    monkeypatch.setattr(shards.subprocess, "Popen", popen)
    monkeypatch.setattr(shards, "_build_once", lambda design: 0.0)
    with pytest.raises(CheckFailed, match="worker of frames .* ended .exit code -9.*run again"):
        simulate(toy.folder, random_inputs(100), jobs=2)


def test_an_error_in_a_worker_keeps_its_class_and_words(toy):
    path = toy.folder / "rtl/toy_argmax.v"
    path.write_text(path.read_text().replace("index == N - 1", "index == N - 2"))
    reseal(toy.folder)
    with pytest.raises(CheckFailed, match="tlast is 1 at word 3 of frame 0"):
        simulate(toy.folder, random_inputs(100), jobs=2)


def test_a_folder_that_cannot_be_written_is_named(toy):
    (toy.folder / "sim").write_text("a file in the way")
    with pytest.raises(BadInput, match="sim.* cannot be written: a part of the path is a file"):
        simulate(toy.folder, random_inputs(4), resume=True)


def test_a_dask_cluster_shares_the_frames(toy):
    """One worker process; results, statistics and resuming are those of a run here."""
    distributed = pytest.importorskip("distributed")
    x = random_inputs(600)
    here = simulate(toy.folder, x)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        told = []
        there = simulate(toy.folder, x, scheduler=cluster.scheduler_address, statistics=True,
                         resume=True, progress=told.append)  # fmt: skip
        assert (there.scores == here.scores).all() and (there.labels == here.labels).all()
        assert there.shards == 32 and there.shards_reused == 0 and sum(told) == len(x)
        assert there.streams["pixels"].moved == 3 * len(x)
        again = simulate(toy.folder, x, jobs=2, resume=True, statistics=True)
        assert again.shards_reused == 32 and (again.scores == here.scores).all()
        # An error there is told here, in its own class; nothing is left in the folder.
        (toy.folder / "rtl/layer_0_weights.hex").unlink()
        with pytest.raises(BadInput, match="layer_0_weights.hex"):
            simulate(toy.folder, x, scheduler=cluster.scheduler_address)
    assert not list((toy.folder / "sim").glob("hw_bnn_*"))


def test_a_cluster_survives_the_death_of_a_worker(toy):
    """One of two workers is stopped in the middle, so that it holds what it began, and killed."""
    distributed = pytest.importorskip("distributed")
    x = random_inputs(400_000)
    here = simulate(toy.folder, x, statistics=True)
    held, failed = [], []

    def finished():
        return {path.name for path in toy.folder.glob("sim/*/shard_*.npz")}

    def kill_one(pid):
        try:
            deadline = time.monotonic() + 120
            while len(finished()) < 3:
                assert time.monotonic() < deadline, "it never got going"
                time.sleep(0.005)
            os.kill(pid, signal.SIGSTOP)
            quiet_since, before = time.monotonic(), finished()
            while time.monotonic() - quiet_since < 3:  # the other worker does what it was given
                if (now := finished()) != before:
                    quiet_since, before = time.monotonic(), now
                time.sleep(0.05)
            held.extend({f"shard_{i:04d}.npz" for i in range(32)} - before)
        except Exception as error:  # noqa: BLE001  told below
            failed.append(error)
        finally:
            os.kill(pid, signal.SIGKILL)

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        killer = threading.Thread(target=kill_one, args=(cluster.workers[0].pid,))
        killer.start()
        there = simulate(toy.folder, x, scheduler=cluster.scheduler_address, statistics=True,
                         resume=True)  # fmt: skip
        killer.join()
    assert not failed and held, failed
    assert there.shards == 32 and set(held) <= finished()
    assert (there.scores == here.scores).all() and (there.labels == here.labels).all()
    assert there.streams["pixels"].moved == here.streams["pixels"].moved == 3 * len(x)


def test_a_scheduler_that_does_not_answer_is_named(toy, monkeypatch):
    pytest.importorskip("distributed")
    from hw_bnn.sim import cluster

    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 1)
    with pytest.raises(BadInput, match="scheduler tcp://127.0.0.1:9 does not answer"):
        simulate(toy.folder, random_inputs(4), scheduler="tcp://127.0.0.1:9")


def test_a_disk_that_is_full_is_one_sentence_and_the_next_run_goes_on(toy, monkeypatch):
    """The third shard does not fit; what was finished is not run again."""
    from hw_bnn.sim import shard_task, shards

    x, saved, real = random_inputs(200), [], shard_task.os.replace

    def replace(source, target):
        saved.append(target)
        if len(saved) == 4:  # the input words and two shards have gone before
            raise OSError(28, "No space left on device")
        real(source, target)

    def work_off(tasks, _jobs, _progress):
        for task in tasks:
            shard_task.raise_told(shard_task.attempt(task))

    simulate(toy.folder, x[:1])
    monkeypatch.setattr(shards, "_work_off", work_off)  # in this process, where the disk is full
    monkeypatch.setattr(shard_task.os, "replace", replace)
    with pytest.raises(
        BadInput, match="shard_0002.npz cannot be written: the disk is full; free some"
    ):
        simulate(toy.folder, x, resume=True)
    assert not list(toy.folder.glob("sim/*/.*"))
    monkeypatch.setattr(shard_task.os, "replace", real)
    result = simulate(toy.folder, x, resume=True)
    assert result.shards_reused == 2 and (result.scores == toy.expected(x)[0]).all()


@pytest.fixture
def fresh_cache(toy, tmp_path, monkeypatch):
    """A cache that has Verilator's runtime, which takes the longest, but no model."""
    simulate(toy.folder, random_inputs(1))
    shutil.copytree(cache_folder() / "runtime", tmp_path / "fresh/runtime")
    monkeypatch.setenv("HW_BNN_CACHE", str(tmp_path / "fresh"))


def test_two_runs_at_once_share_a_cache_and_are_both_right(toy, fresh_cache, tmp_path):
    x = random_inputs(50)
    np.savez(tmp_path / "x.npz", x=x, y=toy.expected(x)[0])
    code = (
        "import numpy as np; from hw_bnn.simulation import simulate;"
        f"d = np.load({str(tmp_path / 'x.npz')!r});"
        f"assert (simulate({str(toy.folder)!r}, d['x']).scores == d['y']).all()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [p.wait(timeout=300) for p in processes] == [0, 0]
    assert len(list((tmp_path / "fresh/verilated").glob("*/model.so"))) == 1


def test_a_truncated_library_is_built_again(toy, fresh_cache, tmp_path):
    x = random_inputs(5)
    # In another process: cutting short a library that this one has mapped would end this one.
    code = "from hw_bnn.sim.native import *; from hw_bnn.sim.build import library;"
    code += f"a = Description.load({str(toy.folder)!r});"
    code += f"library(rtl_design(Path({str(toy.folder / 'rtl')!r}), a)).__enter__()"
    subprocess.run([sys.executable, "-c", code], check=True)
    library = next((tmp_path / "fresh/verilated").glob("*/model.so"))
    library.write_bytes(library.read_bytes()[:5000])
    result = simulate(toy.folder, x)
    assert (result.scores == toy.expected(x)[0]).all() and result.build_seconds > 1


FULL_DISK = """
set -e
mount -t tmpfs -o size=16m tmpfs "$HW_BNN_CACHE"
cp -r "$FRESH"/. "$HW_BNN_CACHE"
used=$(du -sk "$HW_BNN_CACHE" | cut -f1)
# Room in KiB: Verilator's output does not fit, the compiler's does not, all does.
for room in 30 400 32000; do
    mount -o remount,size=$((used + room))k "$HW_BNN_CACHE"
    "$PYTHON" -c "$CODE"
    ls "$HW_BNN_CACHE"/verilated | grep -v lock || true
done
"""


def test_a_full_disk_is_one_sentence_and_the_next_run_builds(toy, fresh_cache, tmp_path):
    """The cache on a small file system, in a name space of its own."""
    disk, x = tmp_path / "disk", random_inputs(50)
    disk.mkdir()
    own = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run(
            [*own, "mount", "-t", "tmpfs", "tmpfs", disk], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here (needs unshare and user name spaces)")
    np.savez(tmp_path / "x.npz", x=x, y=toy.expected(x)[0])
    code = (
        "import numpy as np\n"
        "from hw_bnn.errors import HwBnnError\n"
        "from hw_bnn.simulation import simulate\n"
        f"d = np.load({str(tmp_path / 'x.npz')!r})\n"
        f"try: print((simulate({str(toy.folder)!r}, d['x']).scores == d['y']).all())\n"
        "except HwBnnError as error: print(error)\n"
    )
    environment = os.environ | {
        "HW_BNN_CACHE": str(disk),
        "FRESH": str(tmp_path / "fresh"),
        "PYTHON": sys.executable,
        "CODE": code,
    }
    run = subprocess.run(
        [*own, "sh", "-c", FULL_DISK], env=environment, capture_output=True, text=True
    )
    full = (f"the disk of the build cache {disk} is full; free some space or set HW_BNN_CACHE to a "
            "folder elsewhere")  # fmt: skip
    assert run.stdout.splitlines()[:3] == [full, full, "True"], run.stdout + run.stderr
    assert len(run.stdout.splitlines()) == 4  # one entry in the end, nothing before
