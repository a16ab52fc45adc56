"""`demo`: the main job on scikit-learn's handwritten digits, from training to proven RTL.

Trains a perceptron with 1-bit weights and activations, exports it to QONNX, compiles it to an
accelerator and runs all 1,797 images through every stage: torch, QONNX, FINN's dataflow graph, the
golden model and the RTL in Verilator. Accuracy is of the 360 images that training never saw.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import console
from .files.output import MARKER, at_home, output_folder
from .options import CompileOptions, FrameOptions, check_jobs

RECIPE = "digits_mlp"
TARGET_CYCLES = 128
DEFAULT_OUT = "demo"
_WRITTEN = {MARKER, "accelerator", "model.onnx", "report.html", "run", "summary.json"}


def demo(
    *,
    out: str | Path = DEFAULT_OUT,
    seed: int = 0,
    epochs: int | None = None,
    target_cycles: int = TARGET_CYCLES,
    jobs: int = 1,
) -> dict:
    """Train, export, compile and verify a network for handwritten digits.

    Args:
        out: folder to write: summary.json, report.html, accelerator/, model.onnx and run/. A folder
            that an earlier demo wrote is replaced.
        seed: of the training.
        epochs: instead of the recipe's.
        target_cycles: clock cycles per image to compile for.
        jobs: processes to simulate with.

    Returns:
        The summary of `verify`, with the seconds of training and export added.

    Raises:
        MissingTool: see `hw-bnn doctor`. BadInput: `out` cannot be written.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        seconds[name] = round(time.monotonic() - started, 3)

    from .compile.resolve import target_of

    check_jobs(jobs)
    target_of(None, target_cycles, CompileOptions().clk_period_ns)  # before the training
    with output_folder(out, overwrite=_is_demo(out) or None) as folder:
        with timed("train"):
            from .train import train

            # One thread: the batches are too small to share, and waiting threads cost time.
            changes = [f"seed={seed}", "threads=1"]
            if epochs is not None:
                changes.append(f"training.epochs={epochs}")
            run = train(RECIPE, set=changes, out=folder / "run", tensorboard=False)
        with timed("export"), console.stage("export"):
            from .export import export

            model = export(run, folder / "model.onnx")
        from .verify import verify_into

        summary = verify_into(
            folder, Path(model), CompileOptions(name="digits", target_cycles=target_cycles),
            FrameOptions(dataset="digits", split="all"), run=run, jobs=jobs, seconds=seconds,
        )  # fmt: skip
    return summary


def _is_demo(out: str | Path) -> bool:
    """Whether a folder is an earlier demo's: only that is replaced unasked. One in which stages
    differed has waves, too, of names that begin with the stage's (rtl...).
    """
    try:
        names = {path.name for path in at_home(out).iterdir()}
        return "run" in names and all(n in _WRITTEN or n.startswith("rtl") for n in names)
    except OSError:
        return False


def show(summary: dict) -> None:
    """Print what the demo found."""
    from .verify import show

    show(summary)
