"""`verify`: every stage from the model file to the RTL gives the same integers, frame by frame.

    summary = verify("model.onnx", dataset="mnist", data_root="data")
    summary["passed"], summary["mismatches"]      # True, {"qonnx": 0, "dataflow": 0, ...}

The reference is the golden model. What is compared, by ==, are the raw scores: the accumulators of
the last integer layer. A floating-point stage that differs is forgiven where every difference is a
proven rounding tie (the exact value lies on the threshold, or within float32's own error of it):
such frames are counted as `float_ties` and listed, not hidden. Anything else is a mismatch.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import console
from ..accelerator import Description
from ..accelerator.config_stream import check_fits
from ..accelerator.folder import DATAFLOW, MODEL, network_folder, open_accelerator
from ..errors import BadInput, CheckFailed
from ..files.given import given_path
from ..files.inside import within
from ..files.output import check_output_file, output_file, output_folder
from ..files.output import place as at
from ..files.temporary import temporary_folder
from ..frames import load_frames, trained_pixels
from ..options import CompileOptions, FrameOptions, changed, check_jobs, checked, flat
from ..simulation import golden_model
from . import baseline as limiting
from . import details
from .baseline import Limits, compare, read_limits
from .junit import Check, junit_xml
from .stage import Ask, check_names, check_stages
from .summary import checks, summarise, together
from .verifier import Verifier

if TYPE_CHECKING:
    from ..golden import GoldenModel


@flat(build=CompileOptions, chosen=FrameOptions)
def verify(
    model: str | Path,
    *,
    out: str | Path | None = None,
    build: CompileOptions,
    chosen: FrameOptions,
    slow_frames: int | None = None,
    run: Any = None,
    jobs: int = 1,
    synth: str | None = None,
    also: Sequence[str] = (),
    weights: str | Path | None = None,
    junit: str | Path | None = None,
    baseline: str | Path | None = None,
    max_luts: str | None = None,
    force: bool = False,
    trust: bool = False,
) -> dict:
    """Compile a model, simulate it, and compare all stages.

    Args:
        model: a QONNX file, or an accelerator folder (then the compiler's options are its own).
        out: folder to write: summary.json, report.html, accelerator/ and, where stages differ,
            waves; by default nothing is kept (an accelerator folder gets
            reports/verification.json).
        board ... check: see :func:`hw_bnn.compile.compile_model`.
        inputs ... seed: see :func:`hw_bnn.frames.load_frames`; random frames by default.
        slow_frames: frames for qonnx and FINN's execution; by default all in a light case, else
            SLOW_FRAMES. Golden model and RTL see all frames in any case.
        run: a training run's folder or checkpoint, or a torch module in eval form:
            adds the stage torch.
        jobs: processes to simulate with.
        synth: count the resources too, for this family (xc7, xcup, ecp5).
        also: optional stages to run: netlist, the gates of that family (xc7 by default); hls,
            the C++ for HLS tools in C simulation; shell, in a board's AXI shell by its driver.
        weights: a folder that :func:`hw_bnn.weights` wrote: its network is loaded into the
            accelerator before the frames, and is what all stages run.
        junit: JUnit XML file to write, also where stages differ.
        baseline: summary.json of a verification before: cycles a frame and LUTs may not grow, the
            RTL's accuracy may not fall.
        max_luts: limit of LUTs: "+2%" or "+100" above the baseline's, or a number in all.
        force: replace an `out` folder written before.
        trust: take an accelerator folder that was not compiled by this user on this machine (see
            docs/trust.md).

    Returns:
        The summary; `passed` says whether all stages agree. Keys: accuracy, frames, mismatches,
        float_ties, cycles_per_frame, latency_cycles, bound_cycles, seconds, ...

    Raises:
        BadInput, Unsupported: the model, the inputs or an option cannot be used;
            nothing is written.
        CheckFailed: a pass of the compiler changed a score.
    """
    if slow_frames is not None and slow_frames < 1:
        raise BadInput(f"slow_frames= is {slow_frames}", remedy="ask for at least one frame")
    check_names(also)
    check_jobs(checked("jobs", jobs, int))
    limits = read_limits(baseline, max_luts)
    model = given_path(model)
    if model.is_dir() and (wrong := changed(build)):
        raise BadInput(
            f"{wrong[0]}= is for compiling, and {model} is an accelerator folder already",
            remedy="leave it out, or give the model file",
        )
    if weights is not None and not model.is_dir():
        raise BadInput(
            f"weights= is for an accelerator, and {model} is none",
            remedy="give the accelerator folder that they were made for",
        )
    read = [model, chosen.inputs, run, baseline, weights, *build.files()]
    keeps = [Path(path) for path in read if isinstance(path, str | os.PathLike)]
    if junit is not None:
        check_output_file(junit, keeps=keeps, suffix=".xml")
        if out is not None and at(junit).is_relative_to(at(out)):
            raise BadInput(
                f"junit= is {junit}, in out= {out}, which is written as a whole",
                remedy="name a file beside it",
            )
    with _workplace(out, force, keeps) as folder:
        return verify_into(
            folder, model, build, chosen, slow_frames=slow_frames, run=run, jobs=jobs,
            synth=synth, also=also, weights=weights, junit=junit, keep=out is not None,
            trust=trust, limits=limits,
        )  # fmt: skip


def verify_into(
    folder: Path,
    model: Path,
    build: CompileOptions,
    chosen: FrameOptions,
    *,
    slow_frames: int | None = None,
    run: Any = None,
    jobs: int = 1,
    synth: str | None = None,
    also: Sequence[str] = (),
    weights: str | Path | None = None,
    junit: str | Path | None = None,
    keep: bool = True,
    trust: bool = False,
    seconds: dict[str, float] | None = None,
    limits: Limits | None = None,
) -> dict:
    """The work of :func:`verify` in a folder that is there.

    Args:
        folder: gets accelerator/ where the model is compiled, and the results where `keep` is set.
        build, chosen: for compile_model and load_frames.
        seconds: of stages before this one, for the summary. limits: of its figures.
    """
    seconds = {} if seconds is None else seconds
    if model.is_dir():
        place, source = model, model / "model.onnx"
        used = open_accelerator(place, trust=trust, needs=[MODEL, DATAFLOW])
        if weights is not None:
            network = open_accelerator(weights, trust=trust, needs=[MODEL, DATAFLOW])
            check_fits(used, network, weights)
            source = Path(weights) / MODEL
        port = used.config is not None
    else:
        place, source, port = folder / "accelerator", model, build.runtime_weights
    loaded = None if weights is None else Path(weights)
    ask = Ask(run, jobs, slow_frames, synth, tuple(also), folder if keep else None, loaded)
    check_stages(ask, port)
    if model.is_dir():
        golden = golden_model(source.parent, used)
    else:
        golden = _golden(source, build.input_datatype, build.input_scale)
    # What cannot be used is refused before long work.
    data = load_frames(golden, chosen=chosen, trained=trained_pixels(source, run))
    for warning in data.warnings:
        console.warn(warning)
    if not model.is_dir():
        _compile(model, place, build, seconds, junit)
    verifiers = [Verifier(golden, place, Description.load(place), data, seconds, ask)]
    verifiers += _other_contexts(verifiers[0], trust)
    for verifier in verifiers:
        verifier.run_all()
    document = together([summarise(verifier, model) for verifier in verifiers])
    document["limits"] = [] if limits is None else compare(document, limits)
    told = {
        details.LABELS: details.labels(verifiers[0].case), details.TRAINING: details.training(run),
    }  # fmt: skip
    details.write(place, told)
    write_results(document, place, folder if keep else None)
    if junit is not None:
        found = [check for verifier in verifiers for check in checks(verifier)]
        found += limiting.checks(document["limits"])
        _write_junit(junit, f"verify {model.name}", found)
    return document


def _other_contexts(first: Verifier, trust: bool) -> list[Verifier]:
    """Verifiers of the accelerator's further contexts, each with its own network."""
    case, made = first.case, []
    for context in range(1, case.accelerator.contexts):
        inner = network_folder(case.ask.weights or case.folder, context)
        open_accelerator(inner, trust=trust, needs=[MODEL, DATAFLOW])
        golden = golden_model(inner, case.accelerator)
        ask = replace(case.ask, context=context, run=None, family=None)
        made.append(Verifier(golden, case.folder, case.accelerator, case.frames, {}, ask))
    return made


def failed(summary: dict) -> CheckFailed | None:
    """The sentence for a summary in which stages differ or a limit is passed, else None."""
    if summary["passed"]:
        beyond = [limiting.told(row) for row in summary.get("limits", ()) if not row["passed"]]
        return CheckFailed("; ".join(beyond)) if beyond else None
    told = [d["text"] for d in summary["divergences"]] or list(summary["failures"].values())
    wrong = [f"{name} in {n:,} frames" for name, n in summary["mismatches"].items() if n]
    reason = f"stages differ from the golden model: {', '.join(wrong)}"
    return CheckFailed(f"{reason}; {told[0]}" if told else reason)


@contextmanager
def _workplace(out: str | Path | None, force: bool, keeps: Sequence[str | Path]) -> Iterator[Path]:
    if out is None:
        with temporary_folder("verify") as folder:
            yield folder
    else:
        with output_folder(out, overwrite=force, keeps=keeps) as folder:
            yield folder


def _golden(model: Path, input_datatype: str | None, input_scale: Any) -> GoldenModel:
    from ..compile.resolve import fraction
    from ..golden import GoldenModel

    scale = fraction(input_scale)
    return GoldenModel.from_onnx(model, input_datatype=input_datatype, input_scale=scale)


def _compile(
    model: Path,
    place: Path,
    build: CompileOptions,
    seconds: dict[str, float],
    junit: str | Path | None,
) -> None:
    from ..compile import compile_model
    from ..compile.step_names import step_names

    started = time.monotonic()
    try:
        with console.steps("compile") as begin:
            compile_model(model, place, build=build, progress=step_names(begin))
    except CheckFailed as error:
        if junit is not None:
            check = Check("compile", time.monotonic() - started, str(error))
            _write_junit(junit, f"verify {model.name}", [check])
        raise
    seconds["compile"] = time.monotonic() - started


def _write_junit(path: str | Path, suite: str, found: list[Check]) -> None:
    with output_file(path) as partial:
        partial.write_bytes(junit_xml(suite, found))


def write_results(summary: dict, place: Path, out: Path | None) -> None:
    """verification.json beside the accelerator's reports; summary and HTML report in `out`."""
    from ..report import report

    text = json.dumps(summary, indent=1) + "\n"
    with output_file(within(place, "reports", "verification.json")) as partial:
        partial.write_text(text)
    if out is not None:
        (out / "summary.json").write_text(text)
        report(place, out / "report.html")


def show(summary: dict) -> None:
    """Print the summary as tables."""
    seconds = summary["seconds"]
    rows: list[list] = [
        [name, None, None, None, f"{seconds[name]:.1f}", None]
        for name in seconds
        if name not in summary["frames"] and name != "reference"
    ]
    for name, count in summary["frames"].items():
        wrong = summary["mismatches"][name]
        ties, equal = summary["float_ties"].get(name), "equal" if not wrong else "DIFFERS"
        rows.append([name, count, wrong, ties, f"{seconds.get(name, 0):.1f}", equal])
    columns = ["stage", "frames", "differing", "float ties", "seconds", "raw scores == golden"]
    title = f"verify {summary['model']} on {summary['input']}"
    console.table(title, columns, rows, right=[1, 2, 3, 4])
    console.table("", ["figure", "value"], figures(summary))
    if summary.get("limits"):
        limits = [
            [row["figure"], *(None if row[k] is None else f"{row[k]:,.6g}"
                              for k in ("old", "new", "limit")), "yes" if row["passed"] else "NO"]
            for row in summary["limits"]
        ]  # fmt: skip
        names = ["limit", "before", "now", "at most or least", "held"]
        console.table("", names, limits, right=[1, 2, 3])
    for divergence in summary["divergences"]:
        console.out(divergence["text"])
    for name, failure in summary["failures"].items():
        console.out(f"{name}: {failure}")


def figures(summary: dict) -> list[list[str]]:
    """Accuracy, rate and latency as rows of a table."""
    rows = [] if summary["pixels"] is None else [["a stored pixel p is", summary["pixels"]]]
    for name, value in summary["accuracy"].items():
        if value is not None:
            of = f"{summary['accuracy_frames']:,} frames"
            rows.append([f"accuracy {name}", f"{100 * value:.2f} % of {of}"])
    bound = summary["bound_cycles"]
    if summary["cycles_per_frame"] is not None:
        rows.append(["cycles per frame", f"{summary['cycles_per_frame']:,.6g} (bound {bound:,})"])
    else:
        rows.append(["cycles per frame", f"bound {bound:,}"])
    if summary["latency_cycles"] is not None:
        microseconds = summary["latency_cycles"] * summary["clk_period_ns"] / 1000
        rows.append(["latency", f"{summary['latency_cycles']:,} cycles, {microseconds:.3g} us"])
    if summary["luts"] is not None:
        rows.append([
            "resources",
            f"{summary['luts']:,} LUTs, {summary['ffs']:,} FFs, {summary['brams']:g} block RAMs",
        ])  # fmt: skip
    rate = 1e9 / summary["clk_period_ns"] / (summary["cycles_per_frame"] or bound)
    rows.append(["frames per second", f"{rate:,.0f} at {1e3 / summary['clk_period_ns']:g} MHz"])
    return rows
