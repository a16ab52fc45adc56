"""The result document of a verification, and its cases for continuous integration."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..accelerator.netlists import FAMILIES, read_netlist
from .compare import LISTED, Outcome
from .junit import Check
from .stage import Case
from .verifier import Verifier


def summarise(verifier: Verifier, model: Path) -> dict:
    """The document; its keys are told in docs/verification.md.

    Args:
        model: the file or folder that the user gave.
    """
    case, outcomes = verifier.case, verifier.outcomes
    rtl = outcomes["rtl"].run
    figures = rtl.figures if rtl is not None else {}
    divergences = [
        {**asdict(o.divergence), "text": str(o.divergence)}
        for o in outcomes.values() if o.divergence is not None
    ]  # fmt: skip
    return {
        "passed": all(o.mismatches == 0 for o in outcomes.values()),
        "model": model.name,
        "input": case.frames.source,
        "pixels": case.frames.pixels,
        "warnings": list(case.frames.warnings),
        "accuracy": _accuracy(case, outcomes),
        "accuracy_frames": len(case.frames.x[case.frames.held_out]),
        "frames": {name: o.frames for name, o in outcomes.items()},
        "mismatches": {name: o.mismatches for name, o in outcomes.items()},
        "float_ties": {n: o.ties for n, o in outcomes.items() if o.ties is not None},
        "ties": [text for o in outcomes.values() for text in o.tied][:LISTED],
        "divergences": divergences,
        "failures": {n: o.failure for n, o in outcomes.items() if o.failure is not None},
        "cycles_per_frame": figures.get("cycles_per_frame"),
        "latency_cycles": figures.get("latency_cycles"),
        "bound_cycles": case.accelerator.bound_cycles,
        "clk_period_ns": case.accelerator.clk_period_ns,
        **_resources(case),
        "estimated_luts": case.accelerator.resources.lut if case.accelerator.resources else None,
        "fifo_max": figures.get("fifo_max", {}),
        "waits": figures.get("waits", {}),
        "seconds": {name: round(value, 3) for name, value in verifier.seconds.items()},
        "versions": case.accelerator.versions,
    }


def together(documents: list[dict]) -> dict:
    """One document of those of an accelerator's contexts: the first's, but what differs is counted
    and told of all; `contexts` has each one's mismatches and accuracy.
    """
    first = documents[0]
    if len(documents) == 1:
        return first
    told = [
        {**d, "text": f"context {i}: {d['text']}"}
        for i, document in enumerate(documents)
        for d in document["divergences"]
    ]
    failures = {
        f"{name} of context {i}": text
        for i, document in enumerate(documents)
        for name, text in document["failures"].items()
    }
    kept = ("passed", "mismatches", "float_ties", "accuracy")
    return first | {
        "passed": all(d["passed"] for d in documents),
        "mismatches": {
            name: sum(d["mismatches"].get(name, 0) for d in documents)
            for name in first["mismatches"]
        },
        "divergences": told,
        "failures": failures,
        "contexts": [{key: d[key] for key in kept} for d in documents],
    }


def checks(verifier: Verifier) -> list[Check]:
    """One JUnit case per stage; its name tells the context where there are several."""
    found, ask = [], verifier.case.ask
    several = verifier.case.accelerator.contexts > 1
    where = f" in context {ask.context}" if several else ""
    if "compile" in verifier.seconds:
        found.append(Check("compile", verifier.seconds["compile"], None))
    for outcome in verifier.outcomes.values():
        failure = None
        if outcome.mismatches:
            told = outcome.failure or str(outcome.divergence or "")
            failure = f"{outcome.mismatches} of {outcome.frames} frames differ\n{told}"
        found.append(Check(f"{outcome.title}{where}", outcome.seconds, failure))
    return found


def _accuracy(case: Case, outcomes: dict[str, Outcome]) -> dict[str, float | None]:
    """Share of right labels by stage, over the held-out frames."""
    known = case.frames.labels
    result: dict[str, float | None] = {"torch": None, "golden": None, "rtl": None}
    held_out = case.frames.held_out
    if known is None or not len(known[held_out]):
        return result
    labels: dict[str, np.ndarray | None] = {"golden": case.labels}
    for name in ("torch", "rtl"):
        run = outcomes[name].run if name in outcomes else None
        if run is None:
            continue
        labels[name] = run.labels
        if run.labels is None and run.scores is not None:
            labels[name] = case.golden.labels(run.scores)
    for name, given in labels.items():
        if given is not None:
            result[name] = float((given[held_out] == known[held_out]).mean())
    return result


def _resources(case: Case) -> dict[str, float | None]:
    """What synthesis counted, where it has been run for this accelerator."""
    kinds = {"luts": "lut", "ffs": "ff", "brams": "bram"}
    for family in FAMILIES:
        document = read_netlist(case.folder, family)
        if document is not None:
            return {name: document.total.get(kind) for name, kind in kinds.items()}
    return dict.fromkeys(kinds)
