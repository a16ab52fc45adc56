"""`simulate`: frames through an accelerator's RTL, whether they are arrays, files or data sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import console
from .accelerator import Description
from .accelerator.config_stream import check_fits
from .accelerator.folder import MODEL, network_folder, open_accelerator, read_accelerator
from .arrays import as_array
from .errors import BadInput
from .files.given import given_path
from .files.output import check_output_file, output_file
from .frames import Frames, frames_of, load_frames, trained_pixels
from .options import EngineOptions, FrameOptions, changed, flat

if TYPE_CHECKING:
    from .golden import GoldenModel
    from .sim import SimulationResult


@flat(chosen=FrameOptions, asked=EngineOptions)
def simulate(
    folder: str | Path,
    x: Any = None,
    *,
    chosen: FrameOptions,
    asked: EngineOptions,
    run: str | Path | None = None,
    save: str | Path | None = None,
    fifo_caps: Mapping[str, int] | None = None,
    preamble: int = 0,
    trust: bool = False,
    progress: Callable[[int], None] | None = None,
) -> SimulationResult:
    """Run frames through an accelerator.

    Args:
        folder: what `compile` wrote.
        x: (N, *shape) frames: integers of the input contract, or real numbers as the model's graph
            input takes them; without it, what `inputs`, `dataset` or `frames` say.
        inputs ... seed: see :func:`hw_bnn.frames.load_frames`; random frames by default.
        engine ... family: see :func:`hw_bnn.sim.stream_frames`; `seed` is of the pauses too.
        run: the training run of the model: says what stored pixels become, as its file does if it
            was exported from one.
        save: .npz file to write, with arrays `scores` and `labels` as far as the
            accelerator gives them.
        fifo_caps, preamble, trust: see :func:`hw_bnn.sim.stream_frames`.
        progress: called with the number of frames newly done; otherwise stderr shows them.

    Raises:
        BadInput: the folder, the frames or an option cannot be used.
        CheckFailed: the design hangs or breaks a rule of its streams.
        MissingTool: the engine's tools are not installed.
    """
    from .sim import stream_frames

    folder = given_path(folder)
    if chosen.limit is not None and chosen.limit < 1:
        raise BadInput(f"limit= is {chosen.limit}", remedy="ask for at least one frame")
    if x is not None and (also := {"inputs", "dataset", "frames"} & set(changed(chosen))):
        raise BadInput(f"x= and {also.pop()}= are both given", remedy="give one of them")
    read = [folder, chosen.inputs, run, asked.weights]
    kept = [Path(path) for path in read if isinstance(path, str | os.PathLike)]
    if save is not None:
        check_output_file(save, keeps=kept, suffix=".npz")
    data, golden = None, None
    given = as_array(x, "x") if x is not None else None
    if given is not None and given.dtype.kind != "f":  # integers need no model file
        frames = given[: chosen.limit] if given.ndim else given
    else:
        description = open_accelerator(folder, trust=trust, needs=[MODEL])
        network = folder if asked.weights is None else Path(asked.weights)
        if asked.weights is not None:
            check_fits(description, read_accelerator(network, needs=[MODEL]), network)
        if asked.context is not None:
            network = network_folder(network, asked.context)
            read_accelerator(network, needs=[MODEL])
        golden = golden_model(network, description)
        data = _frames(golden, given, chosen, trained_pixels(network / MODEL, run))
        for warning in data.warnings:
            console.warn(warning)
        frames = data.x

    def through(advance: Callable[[int], None]) -> SimulationResult:
        return stream_frames(
            folder, frames, asked=asked, seed=chosen.seed, fifo_caps=fifo_caps, preamble=preamble,
            trust=trust, progress=advance,
        )  # fmt: skip

    if progress is not None:
        result = through(progress)
    else:
        count = len(frames) if frames.ndim else None
        with console.progress(f"simulate ({asked.engine})", count, "frames") as advance:
            result = through(advance)
    if save is not None:
        _save(result, save, kept)
    if data is not None and golden is not None:
        result.input, result.pixels, result.warnings = data.source, data.pixels, data.warnings
        result.accuracy = _accuracy(golden, data, result)
    return result


def _save(result: SimulationResult, place: str | Path, keeps: list[Path]) -> None:
    arrays = {"scores": result.scores, "labels": result.labels}
    with output_file(place, keeps=keeps, suffix=".npz") as partial, partial.open("wb") as file:
        given_back = {name: array for name, array in arrays.items() if array is not None}
        np.savez(file, allow_pickle=False, **given_back)


def golden_model(folder: Path, description: Description) -> GoldenModel:
    """The golden model of an accelerator's own model file, with the accelerator's input."""
    from .golden import GoldenModel

    return GoldenModel.from_onnx(
        folder / MODEL, input_datatype=description.input_datatype,
        input_scale=description.input_scale,
    )  # fmt: skip


def _frames(
    golden: GoldenModel, given: np.ndarray | None, chosen: FrameOptions, trained: Any
) -> Frames:
    if given is None:
        return load_frames(golden, chosen=chosen, trained=trained)
    return frames_of(golden, given, "x", chosen.limit, "given frames")


def _accuracy(golden: GoldenModel, data: Frames, result: SimulationResult) -> float | None:
    if data.labels is None or not len(data.labels[data.held_out]):
        return None
    if any(a is not None and a.ndim > n for a, n in ((result.labels, 1), (result.scores, 2))):
        return None  # several networks' (contexts)
    labels = result.labels
    if labels is None:
        if result.scores is None:
            return None
        labels = golden.labels(result.scores)
    return float((labels == data.labels)[data.held_out].mean())


def document(folder: str | Path, result: SimulationResult) -> dict:
    """A simulation as plain values: frames, cycles, speed, accuracy, and what layers did."""
    description = Description.load(folder)
    return {
        "folder": str(folder),
        "engine": result.engine,
        "input": result.input,
        "pixels": result.pixels,
        "warnings": list(result.warnings),
        "frames": result.frames,
        "accuracy": result.accuracy,
        "cycles_per_frame": result.cycles_per_frame,
        "bound_cycles": description.bound_cycles,
        "latency_cycles": result.latency_cycles,
        "cycles": result.cycles,
        "seconds": round(result.seconds, 3),
        "build_seconds": round(result.build_seconds, 3),
        "frames_per_second": round(result.frames_per_second, 1),
        "fifo_max": result.fifo_max,
        "shards": result.shards,
        "shards_reused": result.shards_reused,
        "streams": {name: asdict(counts) for name, counts in result.streams.items()},
        "layers": layer_statistics(description, result),
    }


def layer_statistics(accelerator: Description, result: SimulationResult) -> list[dict]:
    """What each layer did in the cycles simulated; empty where no statistics were taken.

    Of every node but FIFOs: `words`, taken at its first input; `starved`, the cycles in which it
    could take a word there and none was offered; `stalled`, those in which it offered one at its
    first output and could not give it; `waits`, the share of all cycles that both make.
    """
    rows: list[dict] = []
    if not result.streams or not result.cycles:
        return rows
    for node in accelerator.nodes:
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
