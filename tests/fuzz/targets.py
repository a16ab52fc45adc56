"""What is done with a mutant of each family: the Python functions behind the commands
that read such a file.

A target returns what it saw in a word or two; an error of hw_bnn passes through. Whatever is
accepted is checked: networks against the executor of the tests and against the compiler's
graph, arrays against numpy, weights against the checkpoint that was written. Wrong is raised
where they differ.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx

FRAMES = 8
LARGEST_FRAME, LARGEST_LAYER = 10**6, 2000  # more is accepted, and not run


class Wrong(AssertionError):
    """Accepted, and not what the file says."""


def run(family: str, path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    """Use the file at `path`, whose folder is scratch.

    Args:
        thorough: go all the way where that takes longer.
        plain: only bytes are changed.
    """
    return TARGETS[family](path, materials, thorough, plain)


def _onnx(path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    from hw_bnn.compile.frontend import import_model
    from hw_bnn.errors import HwBnnError
    from hw_bnn.golden import GoldenModel
    from hw_bnn.onnxfile import load_onnx

    model = load_onnx(path)
    refusals = []
    try:
        golden = GoldenModel.from_onnx(path)
        x = _frames(golden)
        seen = "golden not run: too large" if x is None else _against_executor(model, golden, x)
    except HwBnnError as error:
        refusals.append(error)
    try:
        import_model(model)
    except HwBnnError as error:
        refusals.append(error)
    if refusals:
        raise refusals[0]
    return seen if not thorough or x is None else f"{seen}, {_compiled(path, golden, x)}"


def _frames(golden) -> np.ndarray | None:
    from hw_bnn.frames import random_frames

    if np.prod(golden.input.shape) > LARGEST_FRAME:
        return None
    return random_frames(golden, FRAMES, 1)


def _against_executor(model: onnx.ModelProto, golden, x: np.ndarray) -> str:
    from tests.float_executor import NotExecutable, compare

    scores = golden.scores(x, packed=True)
    if not np.array_equal(scores, golden.scores(x, packed=False)):
        raise Wrong("the packed form of the golden model differs from the plain one")
    try:
        wrong = compare(model, golden, x)
    except NotExecutable as error:
        return f"unchecked: {str(error)[:100]}"
    if wrong:
        raise Wrong(f"golden differs from the executor: {wrong}")
    return "exact"


def _compiled(path: Path, golden, x: np.ndarray) -> str:
    """All of `compile` but Verilator; FINN's execution of the dataflow graph has
    the golden scores."""
    from hw_bnn.compile import compile_model
    from hw_bnn.compile.dataflow import execute

    out = compile_model(
        path, path.parent / "out", fifo_sizing="none", check=False, output_mode="scores"
    )
    found = execute(out, x)
    if not np.array_equal(found, golden.scores(x)):
        raise Wrong(
            f"the dataflow graph differs in {(found != golden.scores(x)).any(1).sum()} frames"
        )
    return "compiled exact"


def _accelerator(path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    from hw_bnn.accelerator import Description
    from hw_bnn.errors import HwBnnError
    from hw_bnn.golden import GoldenModel
    from hw_bnn.report import report
    from hw_bnn.simulation import simulate
    from hw_bnn.synth import synth
    from hw_bnn.synth.estimate import estimate

    folder = path.parent / "out"
    shutil.copytree(materials / "accelerator", folder)
    shutil.copy(path, folder / "accelerator.json")
    Description.load(folder)
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = _frames(golden)
    refusals = []

    def simulated():
        result = simulate(folder, x)
        if result.scores is not None and not np.array_equal(result.scores, golden.scores(x)):
            raise Wrong("the RTL of the folder does not give the scores of its model")

    steps = [lambda: report(folder), lambda: estimate(folder)]
    if thorough:
        steps += [simulated, lambda: synth(folder)]
    for step in steps:
        try:
            step()
        except HwBnnError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]
    return "used"


def _folding(path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    from hw_bnn.compile.dataflow import build_dataflow, run_dataflow
    from hw_bnn.compile.folding import read_folding
    from hw_bnn.compile.frontend import import_model
    from hw_bnn.golden import GoldenModel
    from hw_bnn.onnxfile import load_onnx

    folding = read_folding(path)
    if not thorough:
        return "read"
    model = load_onnx(materials / "model.onnx")
    graph = build_dataflow(
        model, import_model(model), part="xc7z020clg400-1", target=None, folding=folding,
        mode="scores", check=False, log=None,
    )  # fmt: skip
    golden = GoldenModel.from_onnx(model)
    x = _frames(golden)
    if not np.array_equal(run_dataflow(graph.model, x), golden.scores(x)):
        raise Wrong("the folded graph differs from the golden model")
    return "exact"


def _recipe(path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    from hw_bnn.data.sets import sizes_of
    from hw_bnn.train import train
    from hw_bnn.train.recipe import load_recipe
    from hw_bnn.train.trained import build_model

    recipe = load_recipe(path)
    recipe.resolved_stages()
    sizes = sizes_of(recipe.data)
    if any(n > LARGEST_LAYER for n in _integers(recipe.model)):
        return "not built: too large"
    model = build_model(recipe, sizes)
    if thorough and sum(p.numel() for p in model.parameters()) < 10**5:
        stages = recipe.stages or [recipe.training]
        if sum(s.epochs for s in stages) <= 2 and recipe.data.name in ("digits", "two_moons"):
            train(path, out=path.parent / "out")
            return "trained"
    return "built"


def _integers(tree) -> list[int]:
    items = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [n for item in items for n in _integers(item)] + [tree] * (type(tree) is int)


def _sweep(path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    from hw_bnn.train.sweeps import jobs, load_sweep

    shutil.copy(materials / "recipe.yaml", path.parent)
    return f"{len(jobs(load_sweep(path)))} runs"


def _npy(path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    from hw_bnn.frames import load_frames
    from hw_bnn.golden import GoldenModel

    golden = GoldenModel.from_onnx(materials / "model.onnx")
    x = load_frames(golden, inputs=path).x
    golden.scores(x)
    stored = np.load(path, allow_pickle=False)
    expected = (
        stored if stored.dtype.kind in "iu" else golden.host_quantise(stored.astype(np.float32))
    )
    if not np.array_equal(x, expected):
        raise Wrong("other frames than numpy reads")
    return "read"


def _checkpoint(path: Path, materials: Path, thorough: bool, plain: bool) -> str:
    import torch

    from hw_bnn.export import export
    from hw_bnn.train.trained import load_trained

    model = load_trained(path).model
    before = load_trained(materials / "selected.pt").model.state_dict() if plain else {}
    if plain and any(not torch.equal(before[k], v) for k, v in model.state_dict().items()):
        raise Wrong("other weights than were saved")
    if thorough:
        export(path, path.parent / "out.onnx")
    return "loaded"


TARGETS = {
    "onnx": _onnx, "accelerator": _accelerator, "folding": _folding, "recipe": _recipe,
    "sweep": _sweep, "npy": _npy, "checkpoint": _checkpoint,
}  # fmt: skip
NAMES = {
    "onnx": "model.onnx", "accelerator": "accelerator.json", "folding": "folding.json",
    "recipe": "recipe.yaml", "sweep": "sweep.yaml", "npy": "x.npy", "checkpoint": "weights.pt",
}  # fmt: skip
