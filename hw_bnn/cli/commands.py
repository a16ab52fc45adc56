"""The commands of ``hw-bnn``: thin ones, over functions of the same name.

``--json`` prints the result document on stdout and nothing else there. Heavy packages are imported
by the functions when they run, never here.
"""

from __future__ import annotations

from collections.abc import Callable
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__, console
from ..errors import BadInput
from .options import (
    Board,
    ClockPeriod,
    DataRoot,
    Dataset,
    Debug,
    Folding,
    Force,
    Frequency,
    Hardwired,
    Inputs,
    InputScale,
    InputType,
    Jobs,
    Json,
    Limit,
    Memory,
    Model,
    OutputMode,
    Part,
    RandomFrames,
    Scale,
    Scheduler,
    Seed,
    Split,
    TargetCycles,
    TargetFps,
    Trust,
    parse_window,
)

app = typer.Typer(
    name="hw-bnn",
    help="1-bit neural networks from training to a proven FPGA accelerator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _show_version(value: bool) -> bool:
    if value:
        console.out(f"hw-bnn {__version__}")
        raise typer.Exit()
    return value


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    pass


def _finish(document: dict, show: Callable[[dict], None], json: bool) -> None:
    """Print the result document, or what `show` makes of it."""
    if json:
        console.document(document)
    else:
        show(document)


def _read_json(path: Path) -> dict:
    return loads(path.read_text())


@app.command()
def doctor(json: Json = False, debug: Debug = False) -> None:
    """What is installed, which version, what it unlocks, how to get what is missing."""
    from .. import doctor as module

    _finish(module.doctor(), module.show, json)


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(help="Folder to write; an earlier demo's is replaced.")
    ] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the training.")] = 0,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    target_cycles: Annotated[int, typer.Option(help="Cycles per image to compile for.")] = 128,
    jobs: Jobs = 1,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train, export, compile and verify a network for handwritten digits, all in RTL."""
    from ..demo import demo, show
    from ..verify import failed

    summary = demo(out=out, seed=seed, epochs=epochs, target_cycles=target_cycles, jobs=jobs)
    _finish(summary, show, json)
    console.say(f"written: {out}/summary.json, report.html, accelerator/, model.onnx, run/")
    if error := failed(summary):
        raise error


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's YAML file, or a packaged one's name.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as training.epochs=3."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a killed run.")] = False,
    data_root: DataRoot = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder; default runs/NAME-seedN.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a recipe; the run folder holds checkpoints, metrics and the result."""
    from ..train import train

    changes = [*(set_ or []), *([] if seed is None else [f"seed={seed}"])]
    run = train(recipe, overrides=changes, resume=resume, data_root=data_root, out=out)
    result = _read_json(run / "result.json")
    _finish({"run": str(run), **result}, _show_run, json)


def _show_run(result: dict) -> None:
    rows = [
        (name.replace("_", " "), f"{100 * result[name]:.2f} %")
        for name in ("validation_accuracy", "test_accuracy")
        if result.get(name) is not None
    ]
    console.table(f"run {result['run']}", ["figure", "value"], [
        *rows, ("epochs", result["epochs"]), ("seconds", f"{result['seconds']:.1f}"),
    ])  # fmt: skip


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder, or one of its checkpoint files.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The ONNX file to write.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the selected weights of a run as QONNX, and check the file against torch."""
    from ..export import export

    with console.stage("export"):
        path = export(run, output)
    _finish({"model": str(path)}, lambda result: console.out(f"wrote {result['model']}"), json)


@app.command("compile")
def compile_model(
    model: Model,
    out: Annotated[Path | None, typer.Option(help="The folder to write; NAME_accelerator.")] = None,
    board: Board = None,
    part: Part = None,
    target_fps: TargetFps = None,
    target_cycles: TargetCycles = None,
    folding: Folding = None,
    clock_ns: ClockPeriod = 10.0,
    input_type: InputType = None,
    input_scale: InputScale = None,
    output_mode: OutputMode = "both",
    memory: Memory = "auto",
    hardwired: Hardwired = False,
    max_fifo_depth: Annotated[int | None, typer.Option(help="Cap on every FIFO, in words.")] = None,
    check: Annotated[bool, typer.Option(help="Check every pass on sample frames.")] = True,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compile a QONNX file to a folder with a streaming accelerator in SystemVerilog."""
    from ..accelerator import Accelerator
    from ..compile import compile_model

    with console.stage("compile"):
        folder = compile_model(
            model, out, board=board, part=part, target_fps=target_fps, target_cycles=target_cycles,
            folding=folding, clk_period_ns=clock_ns, input_datatype=input_type,
            input_scale=input_scale, output_mode=output_mode, memory=memory, hardwired=hardwired,
            max_fifo_depth=max_fifo_depth, check=check, force=force, progress=console.say if debug else None,
        )  # fmt: skip
    accelerator = Accelerator.load(folder)
    why = _read_json(folder / "reports" / "folding.json")
    document = {"folder": str(folder), "folding": why, **accelerator.model_dump(mode="json")}
    _finish(document, _show_accelerator, json)


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
    if total := document["resources"]:
        console.out(
            f"estimate: {total['lut']:,} LUTs, {total['ff']:,} FFs, {total['bram']:g} block RAMs"
        )


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="An accelerator folder.")],
    inputs: Inputs = None,
    dataset: Dataset = None,
    split: Split = "test",
    data_root: DataRoot = None,
    scale: Scale = "auto",
    limit: Limit = None,
    frames: RandomFrames = None,
    seed: Seed = 0,
    run: Annotated[
        Path | None, typer.Option(help="The training run of the model: says its pixels' scale.")
    ] = None,
    engine: Annotated[str, typer.Option(help="native, cocotb, netlist or shell.")] = "native",
    shell: Annotated[
        bool,
        typer.Option("--shell", help="Inside a board's AXI shell, by its driver: --engine shell."),
    ] = False,
    stall: Annotated[float, typer.Option(help="Probability of a pause, each cycle and end.")] = 0.0,
    throttle: Annotated[
        float | None, typer.Option(metavar="CYCLES", help="A slower source: cycles for each word.")
    ] = None,
    waves: Annotated[Path | None, typer.Option(help="FST waveform file to write.")] = None,
    window: Annotated[
        str | None, typer.Option(metavar="FROM:TO", help="Only these cycles of the waveform.")
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Keep finished parts, go on with them.")
    ] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Count each layer's starved and stalled cycles.")
    ] = False,
    family: Annotated[
        str | None, typer.Option(help="Which netlist (engine netlist): xc7, xcup or ecp5.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write scores and labels to this .npz file.")
    ] = None,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Run frames through an accelerator's RTL."""
    from ..simulation import show, simulate

    document = simulate(
        folder, inputs=inputs, dataset=dataset, split=split, data_root=data_root, scale=scale,
        run=run, limit=limit, frames=frames, seed=seed, engine=_engine(engine, shell), stall=stall,
        throttle=throttle,
        waves=waves, window=parse_window(window), jobs=jobs, scheduler=scheduler, resume=resume,
        statistics=statistics, family=family, save=save, trust=trust,
    )  # fmt: skip
    _finish(document, show, json)


def _engine(engine: str, shell: bool) -> str:
    """The engine asked for; --shell is short for --engine shell."""
    if shell and engine not in ("native", "shell"):
        raise BadInput(f"--shell contradicts --engine {engine}", remedy="give one of them")
    return "shell" if shell else engine


@app.command()
def verify(
    model: Annotated[Path, typer.Argument(help="A QONNX file, or an accelerator folder.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for summary, report, accelerator and waves.")
    ] = None,
    board: Board = None,
    part: Part = None,
    target_fps: TargetFps = None,
    target_cycles: TargetCycles = None,
    folding: Folding = None,
    clock_ns: ClockPeriod = 10.0,
    input_type: InputType = None,
    input_scale: InputScale = None,
    output_mode: OutputMode = "both",
    hardwired: Hardwired = False,
    inputs: Inputs = None,
    dataset: Dataset = None,
    split: Split = "test",
    data_root: DataRoot = None,
    scale: Scale = "auto",
    limit: Limit = None,
    frames: RandomFrames = None,
    seed: Seed = 0,
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
        typer.Option(metavar="STAGE", help="Run this stage too: netlist, hls. May be repeated."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="JUnit XML file to write.")] = None,
    force: Force = False,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compile, simulate, and compare every stage; exit code 1 on one differing bit."""
    from ..verify import failed, show, verify

    summary = verify(
        model, out=out, board=board, part=part, target_fps=target_fps,
        target_cycles=target_cycles, folding=folding, clk_period_ns=clock_ns,
        input_datatype=input_type, input_scale=input_scale, output_mode=output_mode, hardwired=hardwired,
        inputs=inputs,
        dataset=dataset, split=split, data_root=data_root, scale=scale, limit=limit, frames=frames,
        seed=seed, slow_frames=slow_frames, run=run, jobs=jobs, synth=synth,
        also=also or (), junit=junit, force=force, trust=trust,
    )  # fmt: skip
    _finish(summary, show, json)
    if error := failed(summary):
        raise error


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="An accelerator folder.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="HTML file; FOLDER/reports/report.html.")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write one self-contained HTML file on an accelerator."""
    from ..report import report

    path = report(folder, output)
    _finish({"report": str(path)}, lambda result: console.out(f"wrote {result['report']}"), json)


@app.command()
def synth(
    folder: Annotated[Path, typer.Argument(help="An accelerator folder.")],
    family: Annotated[str, typer.Option(help="xc7, xcup or ecp5.")] = "xc7",
    pnr: Annotated[bool, typer.Option("--pnr", help="Place and route too (ecp5).")] = False,
    freq: Frequency = None,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Resources and timing with open tools (Yosys, nextpnr)."""
    from ..synth import synth

    with console.stage(f"synth ({family})"):
        document = synth(folder, family, pnr=pnr, freq_mhz=freq, trust=trust)
    _finish(document, _show_resources, json)


def _show_resources(document: dict) -> None:
    kinds = list(document["total"])
    layers = [[name, *(n[k] for k in kinds)] for name, n in document["layers"].items()]
    rows = [*layers, ["all", *(document["total"][k] for k in kinds)]]
    title = f"{document['name']} on {document['part']}"
    console.table(title, ["layer", *kinds], rows, right=range(1, len(kinds) + 1))
    depth = document["depth"]
    console.out(f"longest path: {depth['lut_levels']} LUTs, about {depth['estimated_mhz']:g} MHz")
    if "pnr" in document:
        console.out(f"placed and routed: {document['pnr']['fmax_mhz']:g} MHz")


@app.command()
def hls(
    folder: Annotated[Path, typer.Argument(help="An accelerator folder.")],
    least: Annotated[
        bool, typer.Option("--least", help="Least depths of streams between forks and adders.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write no code: read Vitis' csynth.xml beside what is expected."),
    ] = None,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """C++ for HLS tools in FOLDER/hls: kernels, top, memories, test bench, scripts for Vitis."""
    from ..hls.csynth import csynth, failed, show
    from ..hls.write import hls

    if report is not None:
        document = csynth(folder, report, trust=trust)
        _finish(document, show, json)
        if error := failed(document):
            raise error
        return

    with console.stage("hls"):
        document = hls(folder, least=least, trust=trust)
    _finish(document, _show_hls, json)


def _show_hls(document: dict) -> None:
    rows = [
        [p["name"], p["kernel"], p["layer"] or "", p["interval"]] for p in document["processes"]
    ]
    console.table(
        f"HLS code of {document['accelerator']}", ["process", "kernel", "layer", "cycles"], rows
    )
    console.out(f"expected interval: {document['interval']} cycles a frame")


@app.command()
def bitstream(
    folder: Annotated[Path, typer.Argument(help="An accelerator folder.")],
    board: Annotated[
        str, typer.Option(help="ulx3s, pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write sources, run no tool.")] = False,
    freq: Frequency = None,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A bitstream for a board: with open tools, or with Vivado for a board with a Zynq."""
    from ..compile.boards import BOARDS

    if board in BOARDS and BOARDS[board].processor is not None:
        from ..boards.vivado import overlay as make
    else:
        from ..synth import bitstream as make
    with console.stage("bitstream"):
        document = make(folder, board, dry_run=dry_run, freq_mhz=freq, trust=trust)
    _finish(document, _show_bitstream, json)


def _show_bitstream(document: dict) -> None:
    rows = [
        [k, document[k]]
        for k in ("file", "freq_mhz", "fmax_mhz", "baud", "checked")
        if k in document
    ]
    console.table(f"bitstream for {document['board']}", ["figure", "value"], rows)


@app.command()
def deploy(
    folder: Annotated[Path, typer.Argument(help="An accelerator folder.")],
    board: Annotated[str, typer.Option(help="pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.")],
    out: Annotated[Path | None, typer.Option(help="The zip to write; NAME_BOARD.zip.")] = None,
    seed: Seed = 0,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A zip for a PYNQ board: overlay, driver, golden vectors, notebook."""
    from ..boards.deploy import deploy

    document = deploy(folder, board, out, seed=seed, trust=trust)
    _finish(document, _show_deployed, json)


def _show_deployed(document: dict) -> None:
    console.out(
        f"wrote {document['zip']}: {len(document['files']) + 1} files for {document['board']}"
    )
    if not document["overlay"]:
        console.out("it holds no overlay: Vivado makes that (hw-bnn bitstream)")


@app.command()
def sweep(
    sweep_yaml: Annotated[Path, typer.Argument(help="A sweep's YAML file: recipes x seeds.")],
    scheduler: Scheduler = None,
    data_root: DataRoot = None,
    out: Annotated[Path | None, typer.Option(help="The sweep's folder; default runs/NAME.")] = None,
    workers: Annotated[int, typer.Option(help="Processes of a local cluster.")] = 2,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train recipes x seeds x changes on a Dask cluster, a local one by default."""
    from ..train import sweep

    folder = sweep(sweep_yaml, scheduler, data_root=data_root, out=out, workers=workers)
    document = _read_json(folder / "sweep.json")
    _finish(document, lambda _: console.out(f"wrote {folder}/sweep.json"), json)
