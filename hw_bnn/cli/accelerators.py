"""From a model file to a proven accelerator: compile, simulate, verify, report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from .. import console
from ..errors import BadInput
from ..options import CompileOptions, EngineOptions, FrameOptions
from .app import app, finish, read_document
from .options import Debug, Folder, Force, Jobs, Json, Trust, flags


@app.command("compile")
@flags(build=CompileOptions)
def compile_model(
    model: Annotated[Path, typer.Argument(help="A QONNX file.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The folder to write; NAME_accelerator.")
    ] = None,
    *,
    build: CompileOptions,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compile a QONNX file to an accelerator in SystemVerilog."""
    from ..compile.step_names import step_names
    from ..handle import compile

    with console.steps("compile") as begin:
        made = compile(model, out, build=build, force=force, progress=step_names(begin))
    why = read_document(made.folder / "reports" / "folding.json")
    document = {"folder": str(out or made.folder.name), "folding": why}
    finish({**document, **made.description.model_dump(mode="json")}, _show_accelerator, json)


def _show_accelerator(document: dict) -> None:
    rows = [
        [n["name"], n["layer"], n["op"], n["pe"], n["simd"], n["cycles"],
         *((n["resources"] or {}).get(kind) for kind in ("lut", "ff", "bram"))]
        for n in document["nodes"] if "fifo" not in n["op"].lower()
    ]  # fmt: skip
    columns = ["node", "model's layer", "op", "PE", "SIMD", "cycles", "LUT", "FF", "BRAM"]
    console.table(f"{document['folder']}", columns, rows, right=[3, 4, 5, 6, 7, 8])
    console.out(f"bound: {document['bound_cycles']:,} cycles per frame")
    bottleneck = document["folding"]["bottleneck"]
    console.out(f"slowest: {bottleneck['node']}, {bottleneck['why']}")
    if document["resources"]:
        from ..accelerator import Resources  # pydantic, which no other command's help needs

        total = Resources(**document["resources"])
        console.out(f"estimate: {total.lut:,} LUTs, {total.ff:,} FFs, {total.memory}")


@app.command()
@flags(chosen=FrameOptions, asked=EngineOptions)
def simulate(
    folder: Folder,
    *,
    chosen: FrameOptions,
    asked: EngineOptions,
    run: Annotated[
        Path | None, typer.Option(help="The training run of the model: says its pixels' scale.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write scores and labels to this .npz file.")
    ] = None,
    shell: Annotated[
        bool,
        typer.Option("--shell", help="Inside a board's AXI shell, by its driver: --engine shell."),
    ] = False,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Run frames through an accelerator's RTL."""
    from ..simulation import document, show, simulate

    if shell and asked.engine not in ("native", "shell"):
        raise BadInput(f"--shell contradicts engine={asked.engine!r}", remedy="give one of them")
    if shell:
        asked = replace(asked, engine="shell")
    result = simulate(folder, chosen=chosen, asked=asked, run=run, save=save, trust=trust)
    finish(document(folder, result), show, json)


@app.command()
@flags(build=CompileOptions, chosen=FrameOptions)
def verify(
    model: Annotated[Path, typer.Argument(help="A QONNX file, or an accelerator folder.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for summary, report, accelerator and waves."),
    ] = None,
    build: CompileOptions,
    chosen: FrameOptions,
    slow_frames: Annotated[
        int | None, typer.Option(help="Frames for qonnx and FINN's execution.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="The model's training run: adds the stage torch, says its pixels' scale."
        ),
    ] = None,
    jobs: Jobs = 1,
    synth: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Count resources too: xc7, xcup, ecp5.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGE", help="Run this stage too: netlist, hls, shell. May be repeated."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Load these first: a folder of `hw-bnn weights`.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="JUnit XML file to write.")] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="summary.json of a verification before, which may not be worse."),
    ] = None,
    max_luts: Annotated[
        str | None, typer.Option(help="+2% or +100 above the baseline's LUTs, or 5000 in all.")
    ] = None,
    force: Force = False,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compile, simulate and compare every stage. Exit code 1 on one differing bit."""
    from ..verify import failed, show, verify

    summary = verify(
        model, out=out, build=build, chosen=chosen, slow_frames=slow_frames, run=run, jobs=jobs,
        synth=synth, also=also or (), weights=weights, junit=junit, baseline=baseline,
        max_luts=max_luts, force=force, trust=trust,
    )  # fmt: skip
    finish(summary, show, json)
    if error := failed(summary):
        raise error


@app.command()
def weights(
    model: Annotated[Path, typer.Argument(help="A QONNX file of the accelerator's structure.")],
    folder: Annotated[Path, typer.Argument(help="An accelerator with --runtime-weights.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The folder to write; NAME_weights.")
    ] = None,
    *,
    contexts: Annotated[
        list[Path] | None, typer.Option(help="A file for the next context; may be repeated.")
    ] = None,
    force: Force = False,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make what loads another network's weights at run time."""
    from ..compile.weights import weights

    with console.stage("weights"):
        progress = console.say if debug else None
        made = weights(
            model, folder, out, contexts=contexts or (), force=force, trust=trust,
            progress=progress,
        )  # fmt: skip
    finish(made, _show_weights, json)


def _show_weights(document: dict) -> None:
    console.out(
        f"wrote {document['folder']}: rtl/config.bin, {document['bytes']:,} bytes for the port "
        f"s_axis_cfg of {document['accelerator']}"
    )


@app.command()
def report(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", "--out", help="HTML file; FOLDER/reports/report.html."),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write one self-contained HTML file on an accelerator."""
    from ..report import report

    path = report(folder, output)
    finish({"report": str(path)}, lambda result: console.out(f"wrote {result['report']}"), json)
