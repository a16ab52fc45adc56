"""What `verify` holds against the golden model: each stage gives raw integer scores for the frames.

    torch      the trained model in eval mode, where there is one
    qonnx      the model file, executed in floating point by the package qonnx
    dataflow   FINN's dataflow graph, executed by FINN in Python
    golden     the golden model's plain form (the reference is its bit-packed form)
    rtl        the SystemVerilog in Verilator

The raw scores are the accumulators of the last integer layer, before any BatchNorm behind it. The
float stages give them as multiples of the layer's scale; what is no multiple of it is no score and
differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import Unsupported

if TYPE_CHECKING:
    from .golden import GoldenModel

Advance = Callable[[int], None]
BATCH = 256


@dataclass
class StageRun:
    """What a stage gave for the first `len(scores)` frames.

    scores: (N, n) int64, None where the accelerator gives the label alone. labels: (N,) int64 of
    the stage's own argmax, where it has one. floats: tensor of the model file -> (N, ...) real
    values, of the float stages. figures: anything else for the summary (cycles, FIFO fills).
    """

    scores: np.ndarray | None
    labels: np.ndarray | None = None
    floats: dict[str, np.ndarray] = field(default_factory=dict)
    figures: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.scores) if self.scores is not None else len(self.labels)


def run_golden(golden: GoldenModel, x: np.ndarray, advance: Advance) -> StageRun:
    """The plain form: one obvious numpy line per layer."""
    parts = []
    for start in range(0, len(x), BATCH):
        part = x[start : start + BATCH]
        parts.append(golden.scores(part, packed=False))
        advance(len(part))
    scores = np.concatenate(parts)
    return StageRun(scores, golden.labels(scores))


def run_dataflow(folder: Path, x: np.ndarray, advance: Advance) -> StageRun:
    """FINN's execution of the accelerator's dataflow graph."""
    from .compile.dataflow import execute

    parts = []
    for start in range(0, len(x), BATCH):
        part = x[start : start + BATCH]
        parts.append(execute(folder, part))
        advance(len(part))
    return StageRun(np.concatenate(parts))


def run_rtl(folder: Path, x: np.ndarray, advance: Advance, **options: object) -> StageRun:
    """The RTL in Verilator, frames back to back."""
    from .sim import simulate

    result = simulate(folder, x, progress=advance, **options)
    figures = {
        "cycles_per_frame": result.cycles_per_frame,
        "latency_cycles": result.latency_cycles,
        "fifo_max": result.fifo_max,
        "frames_per_second": result.frames_per_second,
        "build_seconds": result.build_seconds,
    }
    return StageRun(result.scores, result.labels, figures=figures)


def trace_tensors(golden: GoldenModel) -> tuple[str, ...]:
    """Tensors of the model file that stages are compared at: quantisers' outputs and the scores."""
    return tuple(dict.fromkeys((*golden.program.quantisers, golden.output_tensor)))


def run_qonnx(golden: GoldenModel, model: Path, x: np.ndarray, advance: Advance) -> StageRun:
    """The model file in floating point, with every quantiser's output."""
    from .qonnx_stage import QonnxStage

    stage = QonnxStage(model, trace_tensors(golden))
    values = stage.run(golden.real_input(x), advance)
    final = values[stage.output].reshape(len(x), -1)
    labels = final.argmax(axis=1) if final.shape[1] == golden.output_size else None
    return _float_run(golden, values, labels)


def run_torch(golden: GoldenModel, model, x: np.ndarray, advance: Advance) -> StageRun:
    """A torch model in eval mode: outputs of its quantisers in order, and its last 1-bit layer.

    Args:
        model: a torch.nn.Module that the model file was exported from.

    Raises:
        Unsupported: its activations are not those of the file.
    """
    import torch

    modules, last = _observed(model)
    inner = [name for name in trace_tensors(golden) if name != golden.output_tensor]
    if len(modules) < len(inner):
        raise Unsupported(
            f"the torch model has {len(modules)} quantised activations, its file {len(inner)}",
            remedy="give the run that the file was exported from",
        )
    # The quantiser on the graph input runs on the host and is no tensor of the network.
    names = dict(zip(modules[len(modules) - len(inner) :], inner, strict=True))
    names[last] = golden.output_tensor
    kept: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}

    def keep(module, _inputs, output):
        kept[names[module]].append(_value(output).detach().cpu().numpy())

    hooks = [module.register_forward_hook(keep) for module in names]
    labels = []
    model.eval()
    try:
        with torch.no_grad():
            for start in range(0, len(x), BATCH):
                real = golden.real_input(x[start : start + BATCH])
                out = model(torch.from_numpy(np.ascontiguousarray(real, np.float32)))
                labels.append(_value(out).flatten(1).argmax(1).numpy())
                advance(len(real))
    finally:
        for hook in hooks:
            hook.remove()
    values = {name: np.concatenate(parts) for name, parts in kept.items()}
    return _float_run(golden, values, np.concatenate(labels))


def _value(output):
    """The tensor of a layer's output (Brevitas may give it together with its scale)."""
    return getattr(output, "value", output)


def _observed(model) -> tuple[list, object]:
    """The torch model's quantised activations in order of definition, and its last 1-bit layer."""
    from brevitas.nn import QuantIdentity

    from .nn import binary_layers

    activations = [
        m for m in model.modules() if isinstance(m, QuantIdentity) and m.act_quant.is_quant_enabled
    ]
    layers = list(binary_layers(model))
    if not layers:
        raise Unsupported("the torch model has no layer with 1-bit weights")
    return activations, layers[-1][1]


def _float_run(golden: GoldenModel, values: dict, labels: np.ndarray | None) -> StageRun:
    """Raw scores of a float stage: the last layer's values as the integers they stand for."""
    wanted = {name: values[name] for name in trace_tensors(golden)}
    scores = golden.to_integers(golden.output_tensor, wanted[golden.output_tensor])
    return StageRun(scores.reshape(len(scores), -1), labels, wanted)
