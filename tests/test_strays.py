"""What a killed process leaves is removed by the next; what lives, or is not ours, stays."""

import os
import signal
import subprocess
import sys
import time

import pytest

from hw_bnn.files import temporary
from hw_bnn.files.output import output_file, output_folder, partial_name
from hw_bnn.sim import cache
from hw_bnn.sim.cache import entry

HOLD = "print('there', flush=True); import time; time.sleep(300)"
WRITERS = {
    "folder": "from hw_bnn.files.output import output_folder\n"
    "with output_folder({place!r} + '/result') as f: (f / 'x').write_text('1'); {hold}",
    "file": "from hw_bnn.files.output import output_file\n"
    "with output_file({place!r} + '/result.txt') as f: f.write_text('1'); {hold}",
    "temporary": "from pathlib import Path; from hw_bnn.files.temporary import temporary_folder\n"
    "with temporary_folder('test', Path({place!r})) as f: (f / 'x').write_text('1'); {hold}",
    "cache": "import os; os.environ['HW_BNN_CACHE'] = {place!r}\n"
    "from hw_bnn.sim.cache import entry\n"
    "def build(f):\n  (f / 'x').write_text('1'); {hold}\n"
    "with entry('kind', 'one', build): pass",
}


def another(kind, name, place, monkeypatch):
    """Write something else of that kind in the same place."""
    if kind == "folder":
        with output_folder(place / name) as folder:
            (folder / "x").write_text("2")
    elif kind == "file":
        with output_file(place / f"{name}.txt") as partial:
            partial.write_text("2")
    elif kind == "temporary":
        temporary._swept.clear()
        monkeypatch.setattr(temporary, "_GRACE_S", 0.0)
        with temporary.temporary_folder("next", place):
            pass
    else:
        cache._swept.clear()
        monkeypatch.setenv("HW_BNN_CACHE", str(place))
        with entry("kind", name, lambda f: (f / "x").write_text("2")):
            pass


def half_written(place):
    return [p for p in place.rglob("*") if "partial" in p.name or p.name.endswith(".building")
            or p.name.startswith("hw_bnn_test_")]  # fmt: skip


@pytest.mark.parametrize("kind", WRITERS)
def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(
    kind, tmp_path, monkeypatch
):
    code = WRITERS[kind].format(place=str(tmp_path), hold=HOLD)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "there\n"
    time.sleep(0.05)
    another(kind, "second", tmp_path, monkeypatch)
    left = half_written(tmp_path)
    assert left, "the other process is still writing it"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert half_written(tmp_path) == left
    another(kind, "third", tmp_path, monkeypatch)
    assert not half_written(tmp_path)


def test_what_is_not_ours_stays(tmp_path, monkeypatch):
    names = [".host.1.partial", ".other-machine.1.partial.x", ".thing.partial", "notes.partial.txt",
             "hw_bnn_mine"]  # fmt: skip
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "text").write_text("mine")
    living = partial_name(tmp_path / "x")
    living.write_text("of this process")
    another("folder", "second", tmp_path, monkeypatch)
    another("file", "second", tmp_path, monkeypatch)
    another("temporary", "second", tmp_path, monkeypatch)
    assert all((tmp_path / name / "text").is_file() for name in names) and living.is_file()


def test_a_temporary_folder_of_another_user_stays(tmp_path, monkeypatch):
    folder = tmp_path / "hw_bnn_test_1"
    folder.mkdir()
    (folder / ".owner").write_text("")
    monkeypatch.setattr(temporary, "_GRACE_S", 0.0)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    temporary.remove_strays(tmp_path)
    assert folder.is_dir()
