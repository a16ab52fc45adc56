"""The process that mutants run in: one JSON line in, one out. `python -m tests.fuzz.worker
MATERIALS FAMILY`.

    {"mutant": "onnx/mlp:cut_node.3", "thorough": false}  ->  {"kind": "refused", "text": "..."}

Kinds: ok, refused (an error of hw_bnn or of the operating system, exit codes 1 to 3), and what must
not be: crash (exit code 70), wrong, files (left in the temporary or the current folder), code (the
canary is there). A process that dies or stays silent is its parent's to see.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

MEMORY = 12 * 2**30  # of address space: a file that asks for more is refused, not obeyed


def main(materials: Path, family: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints goes to standard error
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from tests.fuzz import mutants

    imports(family)
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        task = json.loads(line)
        mutant = mutants.Mutant.parse(task["mutant"])
        answers.write(json.dumps(run_one(mutant, materials, task["thorough"])) + "\n")
        answers.flush()


def imports(family: str) -> None:
    """What takes seconds to import, so that it does not count as a mutant's time."""
    if family in ("recipe", "sweep", "checkpoint"):
        import hw_bnn.train  # noqa: F401
    elif family != "npy":
        from hw_bnn.compile import headless

        headless.builder()
        import hw_bnn.compile.dataflow  # noqa: F401


def run_one(mutant, materials: Path, thorough: bool) -> dict[str, str]:
    """Outcome of one mutant, in a scratch folder of its own that is empty again afterwards."""
    from tests.fuzz import mutants, targets
    from tests.fuzz.hostile_names import CANARY

    canary = Path(CANARY)
    canary.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz_") as scratch:
        place = Path(scratch)
        for name in ("in", "tmp", "cwd"):
            (place / name).mkdir()
        before, kept = os.getcwd(), os.environ.get("TMPDIR")
        os.environ["TMPDIR"], tempfile.tempdir = str(place / "tmp"), None
        os.chdir(place / "cwd")
        try:
            found = _outcome(mutant, materials, thorough, place, mutants, targets)
            left = [p.relative_to(place) for d in ("tmp", "cwd") for p in (place / d).rglob("*")]
            if found["kind"] == "refused":
                left += [p.relative_to(place) for p in (place / "in").glob(".*")]
            left = [p for p in left if "torchinductor" not in str(p)]  # torch's own cache
            if left and found["kind"] in ("ok", "refused"):
                found = {"kind": "files", "text": ", ".join(map(str, left[:5]))}
            if canary.exists():
                found = {"kind": "code", "text": f"the canary is there; {found['text']}"}
        finally:
            os.chdir(before)
            tempfile.tempdir = None
            os.environ.pop("TMPDIR") if kept is None else os.environ.update(TMPDIR=kept)
            canary.unlink(missing_ok=True)
    return found


def _outcome(mutant, materials, thorough, place, mutants, targets) -> dict[str, str]:
    from hw_bnn.cli import INTERNAL_ERROR, _explain

    path = place / "in" / targets.NAMES[mutant.family]
    try:
        path.write_bytes(mutants.make(mutant, materials))
    except Exception as error:  # the mutator's own: no finding
        return {"kind": "unmade", "text": f"{type(error).__name__}: {error}"[:300]}
    try:
        return {
            "kind": "ok",
            "text": targets.run(mutant.family, path, materials, thorough, mutant.plain),
        }
    except targets.Wrong as error:
        return {"kind": "wrong", "text": str(error)}
    except (KeyboardInterrupt, SystemExit) as error:
        return {"kind": "crash", "text": f"{type(error).__name__}\n{_where(error)}"}
    except BaseException as error:
        code, text = _explain(error)
        if code == INTERNAL_ERROR:
            return {"kind": "crash", "text": f"{text}\n{_where(error)}"}
        return {"kind": "refused", "text": text}
    finally:
        shutil.rmtree(place / "in" / "out", ignore_errors=True)


def _where(error: BaseException) -> str:
    """The innermost lines of it, innermost last, most of hw_bnn."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "hw_bnn" in Path(f.filename).parts] or frames
    chosen = [*ours[-3:], *([frames[-1]] if frames[-1] not in ours[-3:] else [])]
    return "\n".join(
        f"  {'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} {f.line}" for f in chosen
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
