"""The trained model in eval mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import Unsupported
from ..compare import float_run
from ..stage import BATCH, Advance, Ask, Case, Stage, StageRun, register, trace_tensors


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
        import torch

        golden, model = case.golden, _module(case.ask.run)
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
        return float_run(golden, values, np.concatenate(labels))


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
