"""`simulate` from files: frames of a file or data set through an accelerator folder's RTL.

For frames that are arrays already, use :func:`hw_bnn.sim.simulate`.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from . import console
from .accelerator import Accelerator
from .folder import output_file
from .frames import load_frames


def simulate(
    folder: str | Path,
    *,
    inputs: str | Path | None = None,
    dataset: str | None = None,
    split: str = "test",
    data_root: str | Path | None = None,
    scale: str = "auto",
    limit: int | None = None,
    frames: int | None = None,
    seed: int = 0,
    engine: str = "native",
    stall: float = 0.0,
    waves: str | Path | None = None,
    jobs: int = 1,
    save: str | Path | None = None,
) -> dict:
    """Run frames through an accelerator.

    Args:
        folder: what `compile` wrote.
        inputs ... seed: see :func:`hw_bnn.frames.load_frames`; random frames by default.
        engine, stall, waves, jobs: see :func:`hw_bnn.sim.simulate`.
        save: .npz file to write, with arrays `scores` and `labels` as far as the accelerator gives
            them.

    Returns:
        A document: frames, cycles per frame, latency, speed, and the accuracy where labels are
            known.

    Raises:
        BadInput: the folder, the frames or an option cannot be used.
        CheckFailed: the design hangs or breaks a rule of its streams.
        MissingTool: the engine's tools are not installed.
    """
    from . import sim
    from .golden import GoldenModel

    folder = Path(folder)
    accelerator = Accelerator.load(folder)
    used = accelerator.options
    step = used.get("input_scale")
    golden = GoldenModel.from_onnx(
        folder / "model.onnx", input_datatype=used.get("input_datatype"),
        input_scale=None if step is None else Fraction(str(step)),
    )  # fmt: skip
    data = load_frames(
        golden, inputs=inputs, dataset=dataset, split=split, data_root=data_root, scale=scale,
        limit=limit, frames=frames, seed=seed,
    )  # fmt: skip
    with console.progress(f"simulate ({engine})", len(data), "frames") as advance:
        result = sim.simulate(
            folder, data.x, engine, stall=stall, seed=seed, waves=waves, jobs=jobs,
            progress=advance,
        )  # fmt: skip
    labels = result.labels
    if labels is None:
        labels = golden.labels(result.scores)
    if save is not None:
        arrays = {"scores": result.scores, "labels": labels}
        with output_file(save) as partial, partial.open("wb") as file:
            np.savez(file, **{k: v for k, v in arrays.items() if v is not None})
    accuracy = None
    if data.labels is not None and len(data.labels[data.held_out]):
        accuracy = float((labels == data.labels)[data.held_out].mean())
    return {
        "folder": str(folder),
        "engine": engine,
        "input": data.source,
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
    }


def show(document: dict) -> None:
    """Print the document as a table."""
    rows = [["frames", f"{document['frames']:,} ({document['input']})"]]
    if document["accuracy"] is not None:
        rows.append(["accuracy", f"{100 * document['accuracy']:.2f} %"])
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
    console.table(f"simulate {document['folder']}", ["figure", "value"], rows)
