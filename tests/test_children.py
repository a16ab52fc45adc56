"""What this package starts ends with it, however it ends, with all that it has started itself."""

import os
import signal
import subprocess
import sys
import time

import pytest

from hw_bnn import children

TREE = (
    "import subprocess, sys, time; "
    "print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
)
# As a shell starts it: one that runs tests in the background may have these signals ignored.
PARENT = f"""
import signal, sys
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
from hw_bnn import children
children.run([sys.executable, '-c', {TREE!r}])
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_tree_ends_with_its_parent(how):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    grandchild = int(parent.stdout.readline())
    assert alive(grandchild)
    parent.send_signal(how)
    parent.wait()
    assert gone(grandchild)


def test_a_time_out_ends_the_tree():
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        children.run([sys.executable, "-c", TREE], stdout=subprocess.PIPE, timeout=6)
    assert gone(int(caught.value.output))
    assert not children._groups


def test_kill_ends_the_tree_and_only_that():
    trees = [
        children.start([sys.executable, "-c", TREE], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    leaves = [int(tree.stdout.readline()) for tree in trees]
    children.kill(trees[0])
    children.ended(trees[0])
    assert gone(leaves[0]) and alive(leaves[1])
    children.kill_all()
    assert gone(leaves[1]) and trees[1].wait() == -signal.SIGKILL
    children.ended(trees[1])


def test_run_gives_what_subprocess_gives():
    done = children.run(["cat"], input=b"abc", stdout=subprocess.PIPE)
    assert (done.stdout, done.returncode) == (b"abc", 0)
    assert children.run(["false"]).returncode == 1
    with pytest.raises(FileNotFoundError):
        children.run(["/no/such/program"])


def test_a_guard_that_was_killed_is_replaced():
    children.run(["true"])
    first = children._guard
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    children.run(["true"])
    children.run(["true"])
    assert children._guard.pid != first.pid and children._guard.poll() is None


def test_a_time_out_ends_what_outlives_its_starter():
    command = ["sh", "-c", "sleep 300 & echo $!; exit 0"]
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        children.run(command, stdout=subprocess.PIPE, timeout=0.5)
    assert gone(int(caught.value.output), 2)
    tree = children.start(command, stdout=subprocess.PIPE, text=True)
    leaf = int(tree.stdout.readline())
    tree.wait()
    assert alive(leaf)
    children.kill(tree)
    children.ended(tree)
    assert gone(leaf, 2)


ORPHANED = f"""
import os, signal, subprocess, sys
from hw_bnn import children
first = children.start([sys.executable, '-c', {TREE!r}], stdout=subprocess.PIPE, text=True)
print(first.stdout.readline(), end='', flush=True)
children._guard.send_signal(signal.SIGKILL)
children._guard.wait()
children.run(['true'])
assert first.pid in children._groups
if os.fork() == 0:
    assert not children._groups and children._guard is None
    children.kill_all()
    children.run(['true'])
    assert not children._groups
    os._exit(0)
assert os.wait()[1] == 0 and first.poll() is None
print('there', flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_new_guard_knows_what_the_old_one_knew_and_a_forked_child_nothing():
    parent = subprocess.Popen([sys.executable, "-c", ORPHANED], stdout=subprocess.PIPE, text=True)
    grandchild = int(parent.stdout.readline())
    assert parent.stdout.readline() == "there\n"
    parent.wait()
    assert gone(grandchild, 3)
