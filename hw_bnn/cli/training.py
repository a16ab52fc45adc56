"""Training and what comes of it: train, export, sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import console
from .app import app, finish, read_document
from .options import DataRoot, Debug, Json, Scheduler


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's YAML file, or a packaged one's name.")],
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as training.epochs=3."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a killed run.")] = False,
    data_root: DataRoot = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The run folder; default runs/NAME-seedN.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    tensorboard: Annotated[bool, typer.Option(help="Write TensorBoard's files too.")] = True,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a recipe. The run folder holds checkpoints, metrics, the result."""
    from ..train.run_folder import refuse_early

    refuse_early(recipe, out, resume=resume)
    with console.waiting("loading torch"):
        from ..train.run import train
    run = train(
        recipe, set=set, resume=resume, data_root=data_root, out=out, seed=seed,
        quiet=console.is_quiet(), tensorboard=tensorboard,
    )  # fmt: skip
    result = read_document(run / "result.json")
    finish({"run": str(run), **result}, _show_run, json)


def _show_run(result: dict) -> None:
    rows = [
        (name.replace("_", " "), f"{100 * result[name]:.2f} %")
        for name in ("validation_accuracy", "test_accuracy")
        if result.get(name) is not None
    ]
    console.table(f"run {result['run']}", ["figure", "value"], [
        *rows, *_most_confused(result.get("test_confusion") or []),
        ("epochs", result["epochs"]), ("seconds", f"{result['seconds']:.1f}"),
        *_hardware(result.get("hardware")),
    ])  # fmt: skip


def _hardware(told: dict | None) -> list[tuple[str, str]]:
    """What the network takes by estimate; nothing of a run by an earlier version."""
    if told is None:
        return []
    if "refused" in told:
        return [("hardware", f"none: {told['refused']}")]
    cycles = f"{told['cycles_per_frame']:,} cycles a frame"
    amounts = f"{told['lut']:,} LUTs, {told['bram']:g} block RAMs at {cycles}"
    return [("hardware, by estimate", amounts)]


def _most_confused(confusion: list[list[int]]) -> list[tuple[str, str]]:
    """The labels that are taken most often for another one."""
    wrong = [
        (count, label, said)
        for label, row in enumerate(confusion)
        for said, count in enumerate(row)
        if count and said != label
    ]
    if not wrong:
        return []
    count, label, said = max(wrong, key=lambda found: found[0])
    return [("most confused", f"label {label} for {said}, {count:,} of {sum(confusion[label]):,}")]


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder, or one of its checkpoint files.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", "--out", help="The ONNX file to write.")
    ],
    sample: Annotated[
        int | None, typer.Option(help="Of BayesBiNN: a draw of the posterior with this seed.")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a run's weights as QONNX, checked against torch."""
    from ..export import export

    with console.stage("export"):
        path = export(run, output, sample=sample)
    finish({"model": str(path)}, lambda result: console.out(f"wrote {result['model']}"), json)


@app.command()
def sweep(
    sweep_yaml: Annotated[Path, typer.Argument(help="A sweep's YAML file: recipes x seeds.")],
    scheduler: Scheduler = None,
    data_root: DataRoot = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The sweep's folder; default runs/NAME.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes of a local cluster.")] = 2,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train recipes x seeds x changes on a Dask cluster."""
    with console.waiting("loading torch"):
        from ..train.sweeps import sweep
    folder = sweep(
        sweep_yaml,
        scheduler,
        data_root=data_root,
        out=out,
        workers=workers,
        quiet=console.is_quiet(),
    )
    document = read_document(folder / "sweep.json")
    finish(document, lambda _: console.out(f"wrote {folder}/sweep.json"), json)
