"""The trained model in eval mode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import Unsupported
from ..compare import float_run
from ..stage import BATCH, Advance, Ask, Case, Stage, StageRun, register, trace_tensors

if TYPE_CHECKING:
    from ...golden import GoldenModel


@register
class Torch(Stage):
    """The module that the file was exported from: outputs of its quantisers in order,
    and its last 1-bit layer.
    """

    name, order, floats = "torch", 10, True

    def wanted(self, ask: Ask) -> bool:
        return ask.run is not None

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        """As every stage's.

        Raises:
            Unsupported: the module's activations are not those of the file.
        """
        golden, model = case.golden, _module(case.ask.run)
        parts, labels = [], []
        model.eval()
        for start in range(0, len(x), BATCH):
            real = golden.real_input(x[start : start + BATCH])
            values, outputs = run_traced(golden, model, real)
            parts.append(values)
            labels.append(outputs.reshape(len(real), -1).argmax(axis=1))
            advance(len(real))
        values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return float_run(golden, values, np.concatenate(labels))


def run_traced(
    golden: GoldenModel,
    model: Any,
    real: np.ndarray,
    levels: Mapping[str, Mapping[int, np.ndarray]] | None = None,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Run a torch module in eval mode and keep what it gives where the golden model is compared.

    Args:
        real: (N, *graph shape) inputs.
        levels: tensor -> frame -> real values to go on with in the place of the module's own.

    Returns:
        Tensor of the file -> (N, ...) values, and the module's outputs (N, ...).

    Raises:
        Unsupported: the module's activations are not those of the file.
    """
    import torch

    names, levels, kept = _names(golden, model), levels or {}, {}

    def keep(module, _inputs, output):
        value = _value(output)
        for frame, level in levels.get(names[module], {}).items():
            value[frame] = torch.from_numpy(np.asarray(level)).reshape(value[frame].shape)
        kept[names[module]] = value.detach().cpu().numpy()

    hooks = [module.register_forward_hook(keep) for module in names]
    try:
        with torch.no_grad():
            out = model(torch.tensor(real, dtype=torch.float32))
    finally:
        for hook in hooks:
            hook.remove()
    return kept, _value(out).numpy()


def _names(golden: GoldenModel, model: Any) -> dict[Any, str]:
    """The observed modules, each with the tensor of the file that it gives."""
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
    return names


def _module(run: Any) -> Any:
    """The torch module of a run's folder or checkpoint, or the module itself."""
    if not isinstance(run, str | Path):
        return run
    from ...train.trained import load_trained

    return load_trained(run).model


def _value(output: Any) -> Any:
    """The tensor of a layer's output (Brevitas may give it together with its scale)."""
    return getattr(output, "value", output)


def _observed(model: Any) -> tuple[list, Any]:
    """The model's quantised activations in order of definition, and its last 1-bit layer."""
    from brevitas.nn import QuantIdentity

    from ...nn import binary_layers

    activations = [
        m for m in model.modules() if isinstance(m, QuantIdentity) and m.act_quant.is_quant_enabled
    ]
    layers = list(binary_layers(model))
    if not layers:
        raise Unsupported("the torch model has no layer with 1-bit weights")
    return activations, layers[-1][1]
