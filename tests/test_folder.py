"""Output is written whole or not at all."""

import errno
import os
import subprocess
import sys
import textwrap
import time

import onnx
import pytest

from hw_bnn import cli
from hw_bnn.errors import BadInput
from hw_bnn.files.output import MARKER, held_folder, output_file, output_folder, partial_name

from .networks.small_onnx import perceptron


def names(folder):
    return sorted(os.listdir(folder))


def test_written_whole_with_its_parents(tmp_path):
    with output_folder(tmp_path / "a" / "b") as folder:
        (folder / "x").write_text("1")
        assert names(tmp_path / "a") == [".b.lock", ".b.partial"]
    assert names(tmp_path / "a") == ["b"]
    assert names(tmp_path / "a" / "b") == [MARKER, "x"]


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), BadInput("no")])
def test_nothing_is_left_of_a_failed_body(tmp_path, error):
    with pytest.raises(type(error)), output_folder(tmp_path / "a" / "b") as folder:
        (folder / "x").write_text("1")
        raise error
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EIO])
def test_an_error_of_a_write_names_the_output(tmp_path, number):
    """It has no file's name of its own."""
    for writer in (output_file, output_folder):
        with pytest.raises(BadInput, match="out cannot be written: the"), writer(tmp_path / "out"):
            raise OSError(number, os.strerror(number))
    with pytest.raises(FileNotFoundError), output_file(tmp_path / "out"):
        (tmp_path / "elsewhere").read_text()
    assert names(tmp_path) == []


def test_what_others_put_there_meanwhile_stays(tmp_path):
    with (
        pytest.raises(BadInput, match="out exists and holds other files"),
        output_folder(tmp_path / "out", overwrite=True) as folder,
    ):
        (folder / "x").write_text("ours")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.tex").write_text("dear")
    assert names(tmp_path) == ["out"] and names(tmp_path / "out") == ["thesis.tex"]


def test_an_existing_folder_stays_without_overwrite(tmp_path):
    with output_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("old")
    with (
        pytest.raises(BadInput, match="exists already.*force=True"),
        output_folder(tmp_path / "out", overwrite=False),
    ):
        pytest.fail("the body must not run")
    assert (tmp_path / "out" / "x").read_text() == "old"


def test_overwrite_replaces_all_of_it_and_only_at_the_end(tmp_path):
    with output_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("old")
    with output_folder(tmp_path / "out", overwrite=True) as folder:
        (folder / "y").write_text("new")
        assert (tmp_path / "out" / "x").read_text() == "old"
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == [MARKER, "y"]


def test_a_failed_overwrite_keeps_the_old_folder(tmp_path):
    with output_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("old")
    with pytest.raises(RuntimeError), output_folder(tmp_path / "out", overwrite=True):
        raise RuntimeError
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "x").read_text() == "old"


def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("dear")
    with (
        pytest.raises(BadInput, match="holds other files"),
        output_folder(tmp_path / "home", overwrite=True),
    ):
        pytest.fail("the body must not run")
    assert (tmp_path / "home" / "thesis.tex").read_text() == "dear"


@pytest.mark.parametrize("source", ["out", "out/x", "out/../out"])
def test_what_is_read_is_never_replaced(tmp_path, source):
    with output_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("old")
    with (
        pytest.raises(BadInput, match="is or holds .*, which is read"),
        output_folder(tmp_path / "out", overwrite=True, keeps=[tmp_path / source]),
    ):
        pass
    assert (tmp_path / "out" / "x").read_text() == "old"
    with output_folder(tmp_path / "out" / "inside", keeps=[tmp_path / "out"]):
        pass


def test_an_empty_folder_is_taken_over(tmp_path):
    (tmp_path / "out").mkdir()
    with output_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("1")
    assert names(tmp_path / "out") == [MARKER, "x"]


@pytest.mark.parametrize(
    "name", ['it\'s a "net"', "two words", "uml\u00e4ut", "a/../b", "$(touch x)"]
)
def test_any_name_works(tmp_path, name):
    (tmp_path / "a").mkdir()
    with output_folder(tmp_path / name) as folder:
        (folder / "x").write_text("1")
    assert (tmp_path / name / "x").read_text() == "1"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "there")
    with output_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("1")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "there" / "x").read_text() == "1"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("", "the output path is empty"),
        ("nul\0", "holds a NUL"),
        ("x" * 300, "is too long for a file"),
        ("file", "is a file"),
        ("file/below", "a part of the path is a file"),
        (".", "is the current folder"),
        ("/", "the root folder"),
    ],
)
def test_unusable_paths(tmp_path, monkeypatch, target, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("1")
    with pytest.raises(BadInput, match=sentence), output_folder(target, overwrite=True):
        pytest.fail("the body must not run")
    assert names(tmp_path) == ["file"]


def run_as_nobody(code, *arguments):
    """Run Python code without root's rights (this test's own process may be root's)."""
    drop = (
        "import os; os.getuid() == 0 and (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
    )
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import hw_bnn.files.output, hw_bnn.errors\n" + drop + code,
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("below", ["out", "new/out"])
def test_no_permission(tmp_path, below):
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:2]:  # pytest makes these for their owner alone
        parent.chmod(0o755)
    (tmp_path / "closed").mkdir(mode=0o555)
    code = textwrap.dedent("""
        import sys
        try:
            with hw_bnn.files.output.output_folder(sys.argv[1]):
                print("written")
        except hw_bnn.errors.BadInput as error:
            print(error)
    """)
    done = run_as_nobody(code, str(tmp_path / "closed" / below))
    assert "cannot be written: permission denied; choose a folder" in done.stdout, done
    assert names(tmp_path / "closed") == []


def test_disk_full_leaves_nothing(tmp_path):
    with (
        pytest.raises(BadInput, match="the disk is full"),
        output_folder(tmp_path / "out"),
        open("/dev/full", "w") as full,
    ):
        full.write("x" * 100_000)
    assert names(tmp_path) == []


def test_an_unrelated_error_is_not_blamed_on_the_output(tmp_path):
    with pytest.raises(PermissionError), output_folder(tmp_path / "out"):
        raise PermissionError(errno.EACCES, "denied", "/somewhere/else")
    assert names(tmp_path) == []


HOLD = """
import sys, time
from hw_bnn.files.output import output_folder
with output_folder(sys.argv[1]) as folder:
    (folder / "x").write_text("1")
    print("inside", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_obstacle(tmp_path):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout.readline() == "inside\n"
        with (
            pytest.raises(BadInput, match="being written by another"),
            output_folder(tmp_path / "out", overwrite=True),
        ):
            pytest.fail("the body must not run")
        assert (tmp_path / ".out.partial" / "x").exists()  # the first one's work is untouched
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    with output_folder(tmp_path / "out") as folder:
        assert names(folder) == []
    assert names(tmp_path) == ["out"]


def test_a_swap_killed_between_its_renames_is_undone(tmp_path):
    with output_folder(tmp_path / "out") as folder:
        (folder / "x").write_text("old")
    (tmp_path / "out").rename(tmp_path / ".out.old")
    with pytest.raises(BadInput, match="exists already"), output_folder(tmp_path / "out"):
        pytest.fail("the body must not run")
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "x").read_text() == "old"


def test_many_processes_one_winner_at_a_time(tmp_path):
    code = textwrap.dedent("""
        import sys, time
        from hw_bnn.files.output import output_folder
        from hw_bnn.errors import BadInput
        for _ in range(200):
            try:
                with output_folder(sys.argv[1], overwrite=True) as folder:
                    (folder / sys.argv[2]).write_text("1")
                    assert len(list(folder.iterdir())) == 1
            except BadInput:
                time.sleep(0.0005)
    """)
    start = time.monotonic()
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "out"), str(i)], stderr=subprocess.PIPE
        )
        for i in range(3)
    ]
    for run in runs:
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors.decode()
    assert time.monotonic() - start < 120
    assert len(names(tmp_path / "out")) == 2
    assert names(tmp_path) == ["out"]


def test_file_written_whole(tmp_path):
    with output_file(tmp_path / "new" / "model.onnx") as file:
        assert file.suffix == ".onnx"
        file.write_text("1")
    assert names(tmp_path / "new") == ["model.onnx"]
    with pytest.raises(RuntimeError), output_file(tmp_path / "new" / "model.onnx") as file:
        file.write_text("2")
        raise RuntimeError
    assert (tmp_path / "new" / "model.onnx").read_text() == "1"
    with pytest.raises(RuntimeError), output_file(tmp_path / "other" / "model.onnx") as file:
        raise RuntimeError
    assert names(tmp_path) == ["new"]


def test_file_refusals(tmp_path):
    (tmp_path / "there").write_text("1")
    with pytest.raises(BadInput, match="is a folder"), output_file(tmp_path):
        pass
    with (
        pytest.raises(BadInput, match="exists already"),
        output_file(tmp_path / "there", overwrite=False),
    ):
        pass


def test_a_folder_that_is_worked_on_in_place_is_held_by_one_process(tmp_path):
    place = tmp_path / "a" / "run"
    with held_folder(place):
        for path in (place, tmp_path / "a" / ".." / "a" / "run"):
            with (
                pytest.raises(BadInput, match="written by another hw-bnn process"),
                held_folder(path),
            ):
                pass
        assert names(place) == [".lock"]
    assert names(tmp_path) == []  # nothing came to stand in it
    with held_folder(place):
        (place / "x").write_text("1")
    with held_folder(place):
        pass
    assert names(place) == ["x"]
    with (
        pytest.raises(BadInput, match="cannot be written: a part of the path is a file"),
        held_folder(place / "x"),
    ):
        pass


def test_what_a_killed_process_left_of_a_file_is_removed_by_the_next(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    mine = partial_name(tmp_path / "x[1].txt").name
    dead, alive = (mine.replace(f".{os.getpid()}.", f".{p}.") for p in (child.pid, os.getppid()))
    for name in (dead, alive, ".x.partial.x[1].txt"):
        (tmp_path / name).write_text("cut short")
    with output_file(tmp_path / "x[1].txt") as partial:
        partial.write_text("whole")
    assert set(names(tmp_path)) == {alive, ".x.partial.x[1].txt", "x[1].txt"}


def test_a_pipe_or_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null") if os.getuid() else (tmp_path / "pipe",):
        with pytest.raises(BadInput, match="is a device or pipe; name a file"), output_file(path):
            pass
    assert names(tmp_path) == ["pipe"] and (tmp_path / "pipe").is_fifo()


def test_a_written_file_is_on_the_disk_with_its_name_and_a_folder_that_cannot_be_read_will_do(
    tmp_path, monkeypatch
):
    flushed, real = [], os.fsync

    def fsync(handle):
        flushed.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with output_file(tmp_path / "x") as partial:
        partial.write_text("1")
    assert flushed == [str(partial), str(tmp_path)]
    opened = os.open

    def refuse(path, *rest, **more):
        if path == tmp_path:
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    with output_file(tmp_path / "x") as partial:
        partial.write_text("2")
    assert (tmp_path / "x").read_text() == "2"


def test_a_home_that_no_shell_has_put_in(tmp_path, monkeypatch):
    """As of `--out=~/net`, by every command that goes on with the folder it has written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    onnx.save(perceptron(), "model.onnx")
    for line in (
        "get DIGITS_MLP --out=~/zoo", "init ~/new", "compile model.onnx --out=~/net",
        "package net --out=~/ip", "verify net --out=~/seen --frames 2",
        "train digits_mlp --set training.epochs=1 --out=~/run", "export run -o ~/run.onnx",
    ):  # fmt: skip
        assert cli.run(line.split()) == 0, line
    made = {"ip", "model.onnx", "net", "new", "run", "run.onnx", "seen", "zoo"}
    assert made == {name for name in names(tmp_path) if name[0] != "."}
    assert cli.run(["get", "DIGITS_MLP", "--out=~no-such-user/x"]) == 2
