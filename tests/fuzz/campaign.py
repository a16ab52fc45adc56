"""Runs mutants in worker processes, watches them, and shrinks what is found.

python -m tests.fuzz.campaign onnx --count 10000 --seed 7 --jobs 2
python -m tests.fuzz.campaign onnx/mlp:rename_tensor.123+flip_bit.5      # one mutant, in words
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.fuzz.worker")

from tests.fuzz.mutants import FAMILIES, Mutant, random_mutants  # noqa: E402

LIMIT_S = 40.0
"""Seconds of the processor after which a mutant hangs: other work on the machine does not count."""
WALL = 8
"""So many times of it on the clock it hangs too, however idle."""

FINE = ("ok", "refused", "unmade")


class Worker:
    """A process of `tests.fuzz.worker`, started at first use, and anew when it died or hung."""

    def __init__(self, materials: Path, family: str, limit_s: float = LIMIT_S):
        self.materials, self.family, self.limit_s = materials, family, limit_s
        self.process = None

    def run(self, mutant: Mutant, thorough: bool) -> dict[str, str]:
        """The worker's answer; kind "hang" or "died" where none came."""
        if self.process is None:
            self._start()
        task = json.dumps({"mutant": str(mutant), "thorough": thorough})
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()
        if not self._answers():
            return {"kind": "hang", "text": f"no answer in {self.limit_s:.0f} s\n{self._stop()}"}
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        code = self.process.returncode
        return {"kind": "died", "text": f"exit status {code}\n{self._stop()}"}

    def _answers(self) -> bool:
        """Wait for a line, or the end of the process, or its time."""
        started, used = time.monotonic(), self._used()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not selector.select(self.limit_s / 10):
                waited = time.monotonic() - started
                if self._used() - used > self.limit_s or waited > WALL * self.limit_s:
                    return False
        return True

    def _used(self) -> float:
        """Seconds of the processor that the process and its ended children have taken."""
        try:
            return sum(psutil.Process(self.process.pid).cpu_times()[:4])
        except psutil.Error:
            return 0.0

    def _start(self) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (it lives as long as the process)
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [*COMMAND, str(self.materials), self.family],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            start_new_session=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        )  # fmt: skip
        self.process.stdout.readline()  # the imports are done

    def _stop(self) -> str:
        """End it, and give the end of what it wrote: where it stood."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(0.5)
        with_children = self.process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(with_children, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close(), self.process.stdout.close()
        self.process = None
        self.errors.seek(0)
        return self.errors.read()[-2500:]

    def close(self) -> None:
        if self.process is not None:
            self._stop()


@dataclass(frozen=True)
class Finding:
    mutant: Mutant
    kind: str
    text: str

    def __str__(self) -> str:
        return (
            f"{self.kind.upper()}: {self.text}\n"
            f"  again: python -m tests.fuzz.campaign '{self.mutant}'"
        )


@dataclass
class Result:
    """counts: kind -> number. seen: what was accepted or said -> number. findings: shrunk."""

    counts: Counter
    seen: Counter
    findings: list[Finding]


def same(first: dict, second: dict) -> bool:
    """Whether two outcomes are one fault: the kind, and what raised it."""
    return first["kind"] == second["kind"] and first["text"][:60] == second["text"][:60]


def shrink(worker: Worker, mutant: Mutant, outcome: dict, thorough: bool) -> tuple[Mutant, dict]:
    """The least mutations of a finding that still show it."""
    for smaller in mutant.smaller():
        if smaller.steps:
            found = worker.run(smaller, thorough)
            if same(found, outcome):
                return shrink(worker, smaller, found, thorough)
    return mutant, outcome


def campaign(
    family: str,
    mutants: Iterable[Mutant],
    materials: Path,
    jobs: int = 1,
    every: int = 7,
    limit_s: float = LIMIT_S,
    tell=None,
) -> Result:
    """Run them all.

    Args:
        every: of so many mutants one goes all the way (compile, train); 1 for each.
        tell: called with each finding.
    """
    queue, lock = enumerate(mutants), threading.Lock()
    result = Result(Counter(), Counter(), [])

    def work():
        worker = Worker(materials, family, limit_s)
        try:
            while True:
                with lock:
                    item = next(queue, None)
                if item is None:
                    return
                thorough = item[0] % every == 0  # no multiple of the number of bases
                outcome = worker.run(item[1], thorough)
                if outcome["kind"] not in FINE:
                    mutant, outcome = shrink(worker, item[1], outcome, thorough)
                    finding = Finding(mutant, outcome["kind"], outcome["text"])
                with lock:
                    result.counts[outcome["kind"]] += 1
                    result.seen[
                        outcome["text"] if outcome["kind"] == "ok" else outcome["kind"]
                    ] += 1
                    if outcome["kind"] not in FINE:
                        result.findings.append(finding)
                        if tell:
                            tell(finding)
        finally:
            worker.close()

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return result


def main() -> int:
    from tests.fuzz.materials import prepare

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", help=f"a family ({', '.join(FAMILIES)}) or a mutant")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--every", type=int, default=7, help="of so many mutants one goes all the way"
    )
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz_materials_") as folder:
        if ":" in options.what:
            mutant = Mutant.parse(options.what)
            prepare(Path(folder), mutant.family)
            worker = Worker(Path(folder), mutant.family)
            print(worker.run(mutant, thorough=True))
            worker.close()
            return 0
        prepare(Path(folder), options.what)
        found = campaign(
            options.what, random_mutants(options.what, options.count, options.seed),
            Path(folder), options.jobs, options.every,
            tell=lambda finding: print(finding, flush=True),
        )  # fmt: skip
    print(
        f"{options.what}, seed {options.seed}: {dict(found.counts)} in "
        f"{time.monotonic() - started:.0f} s"
    )
    for text, number in found.seen.most_common(12):
        print(f"  {number:6d} {text}")
    return 1 if found.findings else 0


if __name__ == "__main__":
    sys.exit(main())
