"""`simulate` from files: frames of a file or data set through an accelerator folder's RTL.

For frames that are arrays already, use :func:`hw_bnn.sim.simulate`.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import console
from .accelerator import Accelerator
from .accelerator.folder import MODEL, open_accelerator
from .files.output import output_file
from .frames import load_frames, trained_pixels

if TYPE_CHECKING:
    from .sim import SimulationResult


def simulate(
    folder: str | Path,
    *,
    inputs: str | Path | None = None,
    dataset: str | None = None,
    split: str = "test",
    data_root: str | Path | None = None,
    scale: str = "auto",
    run: str | Path | None = None,
    limit: int | None = None,
    frames: int | None = None,
    seed: int = 0,
    engine: str = "native",
    stall: float = 0.0,
    throttle: float | None = None,
    waves: str | Path | None = None,
    window: tuple[int, int] | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    statistics: bool = False,
    family: str | None = None,
    save: str | Path | None = None,
    trust: bool = False,
) -> dict:
    """Run frames through an accelerator.

    Args:
        folder: what `compile` wrote.
        inputs ... seed: see :func:`hw_bnn.frames.load_frames`; random frames by default.
        run: the training run of the model: says what stored pixels become, as its file does if it
            was exported from one.
        engine, stall, throttle, waves, window, jobs, scheduler, resume, statistics, family,
        trust: see :func:`hw_bnn.sim.simulate`.
        save: .npz file to write, with arrays `scores` and `labels` as far as the accelerator gives
            them.

    Returns:
        A document: frames, cycles per frame, latency, speed, the accuracy where labels are known,
            and with `statistics` the cycles of each stream by its handshake and of each layer.

    Raises:
        BadInput: the folder, the frames or an option cannot be used.
        CheckFailed: the design hangs or breaks a rule of its streams.
        MissingTool: the engine's tools are not installed.
    """
    from . import sim
    from .golden import GoldenModel

    folder = Path(folder)
    accelerator = open_accelerator(folder, trust=trust, needs=[MODEL])
    golden = GoldenModel.from_onnx(
        folder / MODEL, input_datatype=accelerator.options.get("input_datatype"),
        input_scale=accelerator.input_scale,
    )  # fmt: skip
    data = load_frames(
        golden, inputs=inputs, dataset=dataset, split=split, data_root=data_root, scale=scale,
        limit=limit, frames=frames, seed=seed, trained=trained_pixels(folder / MODEL, run),
    )  # fmt: skip
    for warning in data.warnings:
        console.warn(warning)
    with console.progress(f"simulate ({engine})", len(data), "frames") as advance:
        result = sim.simulate(
            folder, data.x, engine, stall=stall, seed=seed, throttle=throttle, waves=waves,
            window=window, jobs=jobs, scheduler=scheduler, resume=resume, statistics=statistics,
            family=family, trust=trust, progress=advance,
        )  # fmt: skip
    if save is not None:
        arrays = {"scores": result.scores, "labels": result.labels}
        with output_file(save) as partial, partial.open("wb") as file:
            np.savez(file, **{k: v for k, v in arrays.items() if v is not None})
    accuracy = None
    if data.labels is not None and len(data.labels[data.held_out]):
        labels = result.labels if result.labels is not None else golden.labels(result.scores)
        accuracy = float((labels == data.labels)[data.held_out].mean())
    return {
        "folder": str(folder),
        "engine": engine,
        "input": data.source,
        "pixels": data.pixels,
        "warnings": list(data.warnings),
        "frames": result.frames,
        "accuracy": accuracy,
        "cycles_per_frame": result.cycles_per_frame,
        "bound_cycles": accelerator.bound_cycles,
        "latency_cycles": result.latency_cycles,
        "cycles": result.cycles,
        "seconds": round(result.seconds, 3),
        "build_seconds": round(result.build_seconds, 3),
        "frames_per_second": round(result.frames_per_second, 1),
        "fifo_max": result.fifo_max,
        "shards": result.shards,
        "shards_reused": result.shards_reused,
        "streams": {name: asdict(counts) for name, counts in result.streams.items()},
        "layers": layer_statistics(accelerator, result),
    }


def layer_statistics(accelerator: Accelerator, result: SimulationResult) -> list[dict]:
    """What each layer did in the cycles simulated; empty where no statistics were taken.

    Of every node but FIFOs: `words`, taken at its first input; `starved`, the cycles in which it
    could take a word there and none was offered; `stalled`, those in which it offered one at its
    first output and could not give it; `waits`, the share of all cycles that both make.
    """
    rows = []
    for node in accelerator.nodes if result.streams else ():
        if "fifo" in node.op.lower():
            continue
        before, after = result.streams[node.inputs[0]], result.streams[node.outputs[0]]
        rows.append({
            "node": node.name, "layer": node.layer, "words": before.moved,
            "starved": before.starved, "stalled": after.stalled,
            "waits": round((before.starved + after.stalled) / result.cycles, 4),
        })  # fmt: skip
    return rows


def show(document: dict) -> None:
    """Print the document as a table."""
    rows = [["frames", f"{document['frames']:,} ({document['input']})"]]
    if document["accuracy"] is not None:
        rows.append(["accuracy", f"{100 * document['accuracy']:.2f} %"])
    if document["pixels"] is not None:
        rows.append(["a stored pixel p is", document["pixels"]])
    bound = f"(bound {document['bound_cycles']:,})"
    if document["cycles_per_frame"] is not None:
        rows.append(["cycles per frame", f"{document['cycles_per_frame']:,.6g} {bound}"])
    if document["latency_cycles"] is not None:
        rows.append(["latency", f"{document['latency_cycles']:,} cycles"])
    rows += [
        [
            "simulation",
            f"{document['seconds']:.2f} s, {document['frames_per_second']:,.0f} frames/s",
        ],
        ["build", f"{document['build_seconds']:.1f} s"],
    ]
    if document["shards_reused"]:
        reused = f"{document['shards_reused']} of {document['shards']}"
        rows.append(["parts of a run before", reused])
    console.table(f"simulate {document['folder']}", ["figure", "value"], rows)
    if document["layers"]:
        lines = [
            [row["node"], row["layer"], *(f"{row[k]:,}" for k in ("words", "starved", "stalled")),
             f"{100 * row['waits']:.1f} %"]
            for row in document["layers"]
        ]  # fmt: skip
        columns = ["node", "model's layer", "words in", "starved", "stalled", "waits"]
        console.table("cycles by layer", columns, lines, right=[2, 3, 4, 5])
