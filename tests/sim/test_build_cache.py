"""The build cache: whole entries only, two processes at once, damage and full disks."""

import errno
import multiprocessing
import time

import pytest

from hw_bnn.errors import BadInput
from hw_bnn.sim import cache
from hw_bnn.sim.cache import content_key, entry


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HW_BNN_CACHE", str(tmp_path / "cache"))


def write(folder, text="whole", log=None):
    (folder / "x").write_text(text)
    if log is not None:
        with log.open("a") as file:
            file.write("built\n")


def test_an_entry_is_built_once():
    built = []

    def build(folder):
        built.append(1)
        write(folder)

    for _ in range(3):
        with entry("kind", "key", build) as folder:
            assert (folder / "x").read_text() == "whole"
    assert len(built) == 1


@pytest.mark.parametrize("damage", ["truncate", "change", "remove", "manifest"])
def test_a_damaged_entry_is_built_again(damage):
    with entry("kind", "key", write) as folder:
        pass
    if damage == "truncate":
        (folder / "x").write_text("who")
    elif damage == "change":
        (folder / "x").write_text("whale")
    elif damage == "remove":
        (folder / "x").unlink()
    else:
        (folder / "manifest.json").write_text('{"x": ')
    with entry("kind", "key", lambda f: write(f, "again")) as folder:
        assert (folder / "x").read_text() == "again"


def test_a_failed_build_leaves_nothing_and_can_be_repeated():
    def fail(folder):
        write(folder)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError), entry("kind", "key", fail):
        pass
    with entry("kind", "key", lambda f: write(f, "second")) as folder:
        assert (folder / "x").read_text() == "second"
    assert {p.name for p in folder.parent.iterdir()} == {"key", "key.lock"}


def test_what_a_killed_build_left_is_swept_away(tmp_path):
    left = tmp_path / "cache/kind/key.building"
    left.mkdir(parents=True)
    (left / "half").write_text("half")
    with entry("kind", "key", write) as folder:
        assert not (folder / "half").exists() and not left.exists()


def _slow_entry(log):
    def build(folder):
        time.sleep(0.3)
        write(folder, log=log)

    with entry("kind", "key", build) as folder:
        assert (folder / "x").read_text() == "whole"


def test_processes_that_want_the_same_entry_build_it_once(tmp_path):
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_slow_entry, args=(log,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0] * 4
    assert log.read_text() == "built\n"


@pytest.mark.parametrize(
    "number, says", [(errno.ENOSPC, "is full"), (errno.EACCES, "cannot be used")]
)
def test_a_full_disk_is_one_clear_sentence(number, says):
    def build(folder):
        raise OSError(number, "whatever the system says")

    with pytest.raises(BadInput, match=f"{says}.*HW_BNN_CACHE"), entry("kind", "key", build):
        pass
    with entry("kind", "key", write) as folder:
        assert (folder / "x").read_text() == "whole"


def test_a_cache_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(BadInput, match="HW_BNN_CACHE"), entry("kind", "key", write):
        pass


def test_entries_used_longest_ago_go_first(monkeypatch):
    import os

    for i in range(4):
        with entry("kind", f"key{i}", lambda f: write(f, "x" * 1000)) as folder:
            os.utime(folder / "manifest.json", (1000 + i, 1000 + i))
    monkeypatch.setattr(cache, "LIMIT_BYTES", 3500)
    with entry("kind", "new", lambda f: write(f, "x" * 1000)) as folder:
        pass
    kept = {p.name for p in folder.parent.iterdir() if p.is_dir()}
    assert "new" in kept and "key0" not in kept and "key3" in kept


def test_the_key_tells_its_parts_apart():
    assert content_key("a", "b") != content_key("ab") != content_key(["a", "b"], "")
    assert content_key({"x": 1, "y": 2}) == content_key({"y": 2, "x": 1})
