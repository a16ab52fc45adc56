"""What tests share: one network through qonnx, golden (both forms), FINN's execution and RTL."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx

from hw_bnn.compile.dataflow import build_dataflow, run_dataflow, to_stream_order
from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import BadInput
from hw_bnn.golden import GoldenModel
from tests.networks.qonnx_graph import QonnxStage, random_integers
from tests.networks.random_networks import build, shrink

PART = "xc7z020clg400-1"


class Differ(AssertionError):
    """Two stages disagree."""


def dataflow_scores(
    model: onnx.ModelProto,
    x: np.ndarray,
    *,
    target: int | None = None,
    folding=None,
    input_datatype=None,
    input_scale=None,
    mode: str = "scores",
) -> np.ndarray:
    """Scores (N, n) by FINN's execution of the folded graph with our ops.

    target: cycles a frame, where it can be met; else PE = SIMD = 1.
    """
    imported = import_model(model, input_datatype, input_scale)
    options = dict(part=PART, mode=mode, check=False, log=None)
    try:
        graph = build_dataflow(
            model, imported, target=target, folding={} if folding is None else folding, **options
        )
    except BadInput as error:
        if target is None or "is not possible" not in str(error):
            raise
        graph = build_dataflow(model, imported, target=None, folding={}, **options)
    return run_dataflow(graph.model, to_stream_order(x, imported.graph.transpose))


def slowest_cycles(model: onnx.ModelProto) -> int:
    """Cycles a frame of the slowest layer at PE = SIMD = 1."""
    from hw_bnn.compile.integer_graph import Linear

    graph = import_model(model).graph
    return max(
        graph.tensors[op.output].pixels * op.weights.size
        for op in graph.ops
        if isinstance(op, Linear)
    )


def check_stages(model: onnx.ModelProto, seed: int = 0, frames: int = 6, divisor: int = 1) -> int:
    """golden(plain) = golden(packed) = dataflow, and = qonnx up to proven ties, at every quantiser.

    Returns:
        the number of frames that differ by a proven tie.

    Raises:
        Differ: they are not equal.
    """
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, frames, seed)
    plain, packed = golden.trace(x, packed=False), golden.trace(x, packed=True)
    for name, expected in plain.items():
        if not np.array_equal(packed[name], expected):
            raise Differ(f"the packed form differs at {name}")
    scores = golden.scores(x)
    target = None if divisor == 1 else max(1, slowest_cycles(model) // divisor)
    found = dataflow_scores(model, x, target=target)
    if not np.array_equal(found, scores):
        frame, score = np.argwhere(found != scores)[0]
        raise Differ(
            f"dataflow differs in frame {frame}, score {score}: {found[frame, score]} instead of "
            f"{scores[frame, score]}"
        )
    stage, real = QonnxStage(model), golden.real_input(x)
    names = (*golden.program.quantisers, golden.output_tensor)
    parts = [
        stage.trace(_filled(real[i : i + stage.batch], stage.batch))
        for i in range(0, frames, stage.batch)
    ]
    floats = {name: np.concatenate([p[name] for p in parts])[:frames] for name in names}
    difference = golden.explain_float_difference(x, floats)
    if difference.mismatches:
        raise Differ(f"qonnx differs: {difference.mismatches[0]}")
    return len(difference.ties)


RATE = 1.03
"""Cycles a frame in the steady state, at most, in terms of the slowest layer's by folding."""


def check_rtl(
    model: onnx.ModelProto,
    folder: Path,
    seed: int = 0,
    frames: int = 4,
    stall: float = 0.3,
    *,
    rate: int = 0,
    x: np.ndarray | None = None,
    **options,
) -> Path:
    """golden = RTL in raw scores and labels, with pauses on both sides; FIFOs hold a
    frame by default.

    Args:
        rate: frames of a second run, without pauses, in whose second half a frame takes at most
            RATE x bound cycles; 0 for none.
        x: integers to run, if not `frames` random ones.
        options: of compile_model.

    Returns:
        the accelerator's folder.

    Raises:
        Differ: they are not equal, or the rate is lower.
    """
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model
    from hw_bnn.simulation import simulate

    path = folder / "network.onnx"
    onnx.save(model, path)
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, frames, seed) if x is None else x
    options = {"fifo_sizing": "none", "check": False, "force": True, **options}
    out = compile_model(path, folder / "accelerator", **options)
    check_estimate(path, out, options)
    scores = golden.scores(x)
    _equal(golden, scores, simulate(out, x, stall=stall, seed=seed))
    if rate:
        repeated = np.arange(rate) % len(x)
        result = simulate(out, x[repeated])
        _equal(golden, scores[repeated], result)
        bound = Description.load(out).bound_cycles
        if result.cycles_per_frame > RATE * bound:
            raise Differ(f"a frame takes {result.cycles_per_frame} cycles, by folding {bound}")
    return out


FOLDED_OTHERWISE = ("folding", "hardwired", "part", "name")
"""Options that `estimate` has not."""


def check_estimate(model: Path, folder: Path, options: dict) -> None:
    """What `estimate` says without FINN is what compile has found with it, figure by figure.

    Raises:
        Differ: it is not.
    """
    from dataclasses import fields

    from hw_bnn.estimate import planned
    from hw_bnn.options import TargetOptions

    if any(options.get(name) for name in FOLDED_OTHERWISE):
        return
    names = {field.name for field in fields(TargetOptions)}
    asked = TargetOptions(**{k: v for k, v in options.items() if k in names})
    said = json.loads((folder / "reports" / "folding.json").read_text())
    found = json.loads(json.dumps(planned(model, asked)[2]))
    for key, value in said.items():
        if found[key] != value:
            raise Differ(f"the estimate of {key} is {found[key]}, compile's {value}")


def check_all(model: onnx.ModelProto, folder: Path, frames: int, **options) -> dict:
    """Every stage of `hw-bnn verify` equal on random frames, at the rate of the slowest layer.

    Args:
        frames: for the RTL, with and without pauses; qonnx and FINN's execution see 4 of them.
        options: of compile_model.

    Returns:
        verify's summary.

    Raises:
        Differ: stages differ, or the rate is lower.
    """
    from hw_bnn.compile import compile_model
    from hw_bnn.verify import failed, verify

    path = folder / "network.onnx"
    onnx.save(model, path)
    out = compile_model(path, folder / "accelerator", **{"check": False, **options})
    summary = verify(out, frames=frames, slow_frames=4)
    if error := failed(summary):
        raise Differ(str(error))
    if summary["cycles_per_frame"] > RATE * summary["bound_cycles"]:
        raise Differ(
            f"a frame takes {summary['cycles_per_frame']} cycles, "
            f"by folding {summary['bound_cycles']}"
        )
    return summary


def _equal(golden: GoldenModel, scores: np.ndarray, result) -> None:
    """Raises Differ where a simulation's raw scores or labels are not these."""
    if not np.array_equal(result.scores, scores):
        frame, score = np.argwhere(result.scores != scores)[0]
        raise Differ(
            f"RTL differs in frame {frame}, score {score}: {result.scores[frame, score]} instead "
            f"of {scores[frame, score]}"
        )
    labels = golden.labels(scores)
    if not np.array_equal(result.labels, labels):
        raise Differ(f"RTL gives the labels {result.labels.tolist()} instead of {labels.tolist()}")


def check_spec(spec: dict, check, folder: Path, tries: int = 60) -> None:
    """Run check(spec); a failure is shrunk (in `tries` runs)
    and written as files that reproduce it.

    Raises:
        AssertionError: names the files and how to run them again.
    """
    try:
        check(spec)
        return
    except Exception as error:  # noqa: BLE001  every failure is reported with its network
        first, kind = error, type(error)

    def fails(candidate):
        try:
            check(candidate)
        except kind:
            return True
        return False

    small = shrink(spec, fails, tries)
    folder = Path(os.environ.get("HW_BNN_FAILURES", folder))
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / f"network_{spec['seed']}"
    base.with_suffix(".json").write_text(json.dumps(small, indent=1) + "\n")
    onnx.save(build(small), base.with_suffix(".onnx"))
    raise AssertionError(
        f"seed {spec['seed']}: {type(first).__name__}: {first}\n"
        f"shrunk to {base}.json and {base}.onnx; "
        f"reproduce: hw-bnn verify {base}.onnx, or HW_BNN_SPEC={base}.json pytest "
        "tests/compile/test_compile_random.py -k spec"
    ) from first


def _filled(part: np.ndarray, batch: int) -> np.ndarray:
    """The last frames of a batch repeated, so that a file's fixed batch is met."""
    return np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
