"""Files as nobody should write them: each is refused in a sentence, or accepted and exact.

300 mutants a family in CI. HW_BNN_FUZZ=10000 runs so many, HW_BNN_FUZZ_SEED=7 others; a
finding is shrunk and told with the line that makes it again. What must not be: an error inside
hw_bnn, a hang, a process that dies, a file left behind, code run from a file, a result that is
not what the file says.
"""

from __future__ import annotations

import os
import sys

import pytest

from tests.fuzz.campaign import Worker, campaign, shrink
from tests.fuzz.corpus import BASES
from tests.fuzz.materials import prepare
from tests.fuzz.mutants import FAMILIES, Mutant, make, random_mutants

pytest.importorskip("finn")

COUNT = int(os.environ.get("HW_BNN_FUZZ", 120))
SEED = int(os.environ.get("HW_BNN_FUZZ_SEED", 0))
EVERY = {"onnx": 13, "folding": 3, "accelerator": 100, "recipe": 50, "checkpoint": 50}
"""Of so many mutants one goes all the way: compile, Yosys, training, export."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + COUNT * 10)]


@pytest.fixture
def materials(tmp_path, request):
    prepare(tmp_path, request.param)
    return tmp_path


@pytest.mark.parametrize(
    ("family", "materials"),
    [(f, f) for f in FAMILIES],
    indirect=["materials"],
)
def test_refused_or_exact(family, materials):
    mutants = list(random_mutants(family, COUNT, SEED))
    result = campaign(family, mutants, materials, every=EVERY.get(family, 7))
    print(f"{family}, seed {SEED}: {dict(result.counts)}; {dict(result.seen.most_common(9))}")
    assert not result.findings, f"seed {SEED}\n" + "\n".join(map(str, result.findings))
    assert sum(result.counts.values()) == COUNT
    assert result.counts["ok"] > COUNT / 50 and result.counts["refused"] > COUNT / 4
    assert result.counts["unmade"] < COUNT / 20


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    made = Worker(tmp_path_factory.mktemp("materials"), "onnx")
    yield made
    made.close()


@pytest.mark.parametrize("base", BASES)
def test_the_bases_are_exact(base, worker):
    found = worker.run(Mutant("onnx", base, ()), thorough=True)
    assert found == {"kind": "ok", "text": "exact, compiled exact"}


# -- the machinery itself --


def test_a_mutant_is_its_text(tmp_path):
    for mutant in random_mutants("onnx", 20, seed=5):
        again = Mutant.parse(str(mutant))
        assert again == mutant
        assert make(again, tmp_path) == make(mutant, tmp_path)
    assert list(random_mutants("npy", 9, 5)) == list(random_mutants("npy", 9, 5))
    assert list(random_mutants("npy", 9, 5)) != list(random_mutants("npy", 9, 6))


class _Planted:
    """A worker that finds a fault where one mutation is present."""

    def run(self, mutant, thorough):
        kind = "crash" if ("b", 2) in mutant.steps else "ok"
        return {"kind": kind, "text": "planted"}


def test_a_finding_shrinks_to_what_makes_it():
    mutant = Mutant("onnx", "mlp", (("a", 1), ("b", 2), ("c", 3)))
    small, found = shrink(_Planted(), mutant, {"kind": "crash", "text": "planted"}, False)
    assert small.steps == (("b", 2),) and found["kind"] == "crash"


PLANTED = """
import sys, time, os
from pathlib import Path
from tests.fuzz import hostile_names, mutants, targets, worker
def planted(path, materials, thorough, plain):
    size = len(path.read_bytes())
    if size == 0: all(True for _ in iter(int, 1))
    if size == 1: os._exit(3)
    if size == 2: raise KeyError("planted")
    if size == 3: Path(hostile_names.CANARY).touch()
    if size == 4: Path("left").touch()
    if size == 5: raise targets.Wrong("planted")
    return "read"
targets.TARGETS["npy"] = planted
mutants.make = lambda mutant, materials: bytes(mutant.steps[0][1])
worker.imports = print
worker.main(Path("."), "npy")
"""


def test_each_kind_of_finding_is_seen(tmp_path, monkeypatch):
    """By targets that hang, die, raise, leave files, run code and give wrong results."""
    from tests.fuzz import campaign as module

    script = tmp_path / "worker.py"
    script.write_text(PLANTED)
    monkeypatch.setattr(module, "COMMAND", (sys.executable, str(script)))
    worker = Worker(tmp_path, "npy", limit_s=2)
    kinds = []
    worker.run(Mutant("npy", "integers", (("x", 6),)), False)  # the imports are done
    for size in range(7):
        kinds.append(worker.run(Mutant("npy", "integers", (("x", size),)), False)["kind"])
        if worker.process is None:
            worker.run(Mutant("npy", "integers", (("x", 6),)), False)
    worker.close()
    assert kinds == ["hang", "died", "crash", "code", "files", "wrong", "ok"]
