"""Whose folder it is: only what this user's compile wrote reaches a tool without being asked."""

import json
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys

import onnx
import pytest

from hw_bnn import cli
from hw_bnn.accelerator import trust
from hw_bnn.accelerator.folder import open_accelerator, read_accelerator, reseal
from hw_bnn.errors import BadInput
from hw_bnn.files import own_folders
from hw_bnn.hls import xls
from tests.small_accelerator import accelerator, make_folder

DOCUMENT = "accelerator.json"


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    """A key of the test's own, and nothing remembered of other tests."""
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(trust, "_accepted", set())


@pytest.fixture
def folder(tmp_path):
    made = make_folder(tmp_path / "net")
    trust._accepted.clear()  # as a later process sees it
    return made


def refused(folder):
    read_accelerator(folder)  # whole it is
    with pytest.raises(BadInput, match=r"was not written by you on this machine.*give trust=True"):
        open_accelerator(folder)
    return True


@pytest.mark.parametrize("whose", ["ours", "a stranger's"])
def test_a_copy_with_other_kernels_is_signed_where_the_folder_is(whose, tmp_path, monkeypatch):
    nodes = [node.model_copy(update={"kernel": "xnor_mvau"}) for node in accelerator().nodes[:1]]
    folder = make_folder(tmp_path / "net", nodes=[*nodes, *accelerator().nodes[1:]])
    (folder / "dataflow.onnx").write_bytes(b"model")
    reseal(folder)
    if whose != "ours":
        trust.withdraw(folder, DOCUMENT)
    trust._accepted.clear()
    monkeypatch.setattr(xls, "verilog", lambda *rest: "module mvau_0; endmodule\n")
    if whose != "ours":
        with pytest.raises(BadInput, match="was not written by you"):
            xls.synthesise(folder, tmp_path / "made")
    assert xls.synthesise(folder, tmp_path / "made", trust=whose != "ours") == ["mvau_0"]
    open_accelerator(tmp_path / "made")  # in this process
    trust._accepted.clear()
    signed = (tmp_path / "made" / trust.signature_name(DOCUMENT)).exists()
    assert signed == (whose == "ours")
    assert "rtl/net_mvau_0.v" in read_accelerator(tmp_path / "made").hashes
    if signed:
        open_accelerator(tmp_path / "made")
    else:
        assert refused(tmp_path / "made")


def test_what_this_user_compiled_is_opened_wherever_it_lies(folder, tmp_path):
    open_accelerator(folder)
    shutil.copytree(folder, tmp_path / "moved")
    open_accelerator(tmp_path / "moved")


def test_a_folder_of_another_key_is_a_strangers(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "other"))
    assert refused(folder)
    assert not (tmp_path / "other").exists()  # only who signs makes a key
    open_accelerator(folder, trust=True)


@pytest.mark.parametrize("damage", [
    lambda p: p.unlink(), lambda p: p.write_text(""), lambda p: p.write_text("0" * 64),
    lambda p: p.write_bytes(b"\xff" * 64), lambda p: p.write_bytes(b"0" * 2000),
    lambda p: p.unlink() or os.mkfifo(p), lambda p: p.unlink() or p.mkdir(),
    lambda p: p.unlink() or p.symlink_to("nowhere"),
], ids=range(8))  # fmt: skip
def test_a_signature_that_is_none_is_none(folder, damage):
    damage(folder / trust.signature_name(DOCUMENT))
    assert refused(folder)


def test_a_change_with_new_hashes_needs_trust(folder):
    """Who changes a source can hash it anew, but not sign it."""
    (folder / "rtl/m0.v").write_text('module m0; initial $system("x"); endmodule\n')
    signature = (folder / trust.signature_name(DOCUMENT)).read_text()
    reseal(folder)
    (folder / trust.signature_name(DOCUMENT)).write_text(signature)
    trust._accepted.clear()
    assert refused(folder)


def test_trust_holds_for_the_process_and_is_not_kept(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "other"))
    open_accelerator(folder, trust=True)
    open_accelerator(folder)
    trust._accepted.clear()
    assert refused(folder)


def test_a_process_that_works_for_another_takes_over_its_decision(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "other"))
    digest = trust.pass_on(folder, DOCUMENT)
    trust.take_over(digest)
    open_accelerator(folder)
    path = folder / DOCUMENT
    path.write_text(path.read_text().replace('"net"', '"ten"'))
    assert refused(folder)


def test_the_key_is_ours_alone(folder, tmp_path):
    key = tmp_path / "state" / "key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_bytes()) == trust.KEY_BYTES
    assert key.parent.stat().st_mode & 0o077 == 0
    assert [p.name for p in key.parent.iterdir()] == ["key"]


@pytest.mark.parametrize("damage", [
    lambda k: k.chmod(0o644), lambda k: k.write_bytes(b"short"), lambda k: k.write_bytes(b""),
    lambda k: k.unlink() or k.symlink_to("/dev/zero"), lambda k: k.unlink(),
], ids=range(5))  # fmt: skip
def test_a_key_that_others_know_or_that_is_none_signs_nothing(folder, tmp_path, damage):
    damage(tmp_path / "state" / "key")
    assert refused(folder)
    reseal(folder)
    trust._accepted.clear()
    open_accelerator(folder)
    assert not (tmp_path / "state" / "key").is_symlink()


def _key(state, barrier, queue):
    os.environ["HW_BNN_STATE"] = state
    barrier.wait()
    queue.put(trust._made_key())


def test_processes_that_begin_at_once_get_one_key(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(8), context.Queue()
    started = [
        context.Process(target=_key, args=(str(tmp_path / "new"), barrier, queue)) for _ in range(8)
    ]
    for process in started:
        process.start()
    keys = {queue.get(timeout=30) for _ in started}
    for process in started:
        process.join()
    assert len(keys) == 1 and [p.name for p in (tmp_path / "new").iterdir()] == ["key"]


def test_where_no_key_can_be_kept_it_is_said(folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "file" / "state"))
    other = make_folder(tmp_path / "other")
    assert "is not signed, later commands need trust=True" in capsys.readouterr().err
    assert not (other / trust.signature_name(DOCUMENT)).exists()
    open_accelerator(other)  # this process made it
    trust._accepted.clear()
    assert refused(other)


@pytest.mark.parametrize("command", ["simulate", "synth", "verify", "bitstream"])
def test_commands_refuse_a_stranger_and_leave_nothing(
    folder, command, tmp_path, monkeypatch, capsys
):
    ends = [onnx.helper.make_tensor_value_info(name, 1, [1, 4]) for name in "xy"]
    identity = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([identity], "graph", ends[:1], ends[1:])
    opsets = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets), folder / "dataflow.onnx")
    reseal(folder)
    trust._accepted.clear()
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "other"))
    more = ["--board", "ulx3s"] if command == "bitstream" else []
    before = sorted(p.name for p in folder.iterdir())
    assert cli.run([command, str(folder), *more]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "was not written by you on this machine" in error
    assert sorted(p.name for p in folder.iterdir()) == before
    assert cli.run(["report", str(folder)]) == 0


HOMELESS = """
import json, os, sys
from hw_bnn.accelerator import trust  # before the interpreter's folder is out of reach
os.setgroups([]) if os.getuid() == 0 else None
os.getuid() == 0 and (os.setgid(54321), os.setuid(54321))
from hw_bnn.files.own_folders import cache_folder, state_folder
print(json.dumps([str(cache_folder()), str(state_folder()), len(trust._made_key())]))
"""


@pytest.mark.parametrize("home", [None, "/", "/nonexistent/home"])
def test_a_bare_uid_without_a_home_has_folders_of_its_own(tmp_path, home):
    if os.getuid() != 0:
        pytest.skip("only root may become another user")
    # Another user has to get here: pytest makes these folders for one alone.
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == os.getuid() and not above.stat().st_mode & stat.S_IXOTH:
            above.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    names = {"HW_BNN_STATE", "HW_BNN_CACHE", "XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME"}
    env = {k: v for k, v in os.environ.items() if k not in names}
    env |= {"TMPDIR": str(tmp_path / "tmp")} | ({} if home is None else {"HOME": home})
    done = subprocess.run([sys.executable, "-c", HOMELESS], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    own = tmp_path / "tmp" / "hw_bnn-54321"
    assert json.loads(done.stdout) == [str(own / "cache"), str(own / "state"), 32]
    assert own.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("squat", [
    lambda p: p.mkdir(mode=0o777) or p.chmod(0o777), lambda p: p.write_text(""),
    lambda p: p.symlink_to("/"),
], ids=range(3))  # fmt: skip
def test_a_temporary_folder_that_is_not_ours_is_refused(tmp_path, monkeypatch, squat):
    monkeypatch.setattr(own_folders.tempfile, "gettempdir", lambda: str(tmp_path))
    squat(tmp_path / f"hw_bnn-{os.geteuid()}")
    with pytest.raises(BadInput, match="HW_BNN_CACHE and HW_BNN_STATE"):
        own_folders.private_temporary()
