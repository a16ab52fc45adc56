"""The trained model in eval mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import Unsupported
from ..compare import float_run
from ..stage import Advance, Ask, Case, Stage, StageRun, register

if TYPE_CHECKING:
    from ...golden import GoldenModel


@register
class Torch(Stage):
    """The module that the file was exported from: outputs of its quantisers in order,
    and its last layer with quantised weights.
    """

    name, order, floats = "torch", 10, True

    def wanted(self, ask: Ask) -> bool:
        return ask.run is not None

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        """As every stage's.

        Raises:
            Unsupported: the module's activations are not those of the file.
        """
        model = _module(case.ask.run)
        model.eval()

        def execute(real: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
            values, outputs = run_traced(case.golden, model, real)
            return values, outputs.reshape(len(real), -1).argmax(axis=1)

        return float_run(case, x, execute, advance)


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

    names, calls = _names(golden, model, real[:1]), count()
    levels, kept = levels or {}, {}

    def keep(_module, _inputs, output):
        name = names[next(calls)]
        if name is None:
            return
        value = _value(output)
        for frame, level in levels.get(name, {}).items():
            value[frame] = torch.from_numpy(np.asarray(level)).reshape(value[frame].shape)
        kept[name] = value.detach().cpu().numpy()

    return kept, _run(model, real, keep)


def _run(model: Any, real: np.ndarray, hook: Callable) -> np.ndarray:
    """The module's outputs; the hook sees each call of what is observed, in the order of execution,
    which is that of the exported file.
    """
    import torch

    hooks = [module.register_forward_hook(hook) for module in _observed(model)]
    try:
        with torch.no_grad():
            out = model(torch.tensor(real, dtype=torch.float32))
    finally:
        for handle in hooks:
            handle.remove()
    return _value(out).numpy()


def _names(golden: GoldenModel, model: Any, frame: np.ndarray) -> list[str | None]:
    """The tensor of the file that each observed call gives; None: it is compared nowhere."""
    layer: list[bool] = []
    try:
        _run(model, frame, lambda module, *_: layer.append(_is_layer(module)))
    except (RuntimeError, ValueError, TypeError, LookupError) as error:
        first = " ".join(str(error).split())[:200]
        raise Unsupported(
            f"the torch model does not take its file's frames ({first})",
            remedy="give the run that the file was exported from",
        ) from error
    quantised = [call for call, is_layer in enumerate(layer) if not is_layer]
    inner = list(golden.program.quantisers)
    if len(quantised) < len(inner):
        raise Unsupported(
            f"the torch model has {len(quantised)} quantised activations, its file {len(inner)}",
            remedy="give the run that the file was exported from",
        )
    names: list[str | None] = [None] * len(layer)
    # The quantiser on the graph input runs on the host and is no tensor of the network.
    for call, name in zip(quantised[len(quantised) - len(inner) :], inner, strict=True):
        names[call] = name
    if golden.output_tensor not in inner:
        if True not in layer:
            raise Unsupported(
                "the torch model has no layer with quantised weights",
                remedy="give the run that the file was exported from",
            )
        names[len(layer) - 1 - layer[::-1].index(True)] = golden.output_tensor
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


def _is_layer(module: Any) -> bool:
    from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer

    return isinstance(module, QuantWeightBiasInputOutputLayer)


def _observed(model: Any) -> list:
    """Layers with quantised weights, and what quantises activations: layers of their own
    (QuantIdentity, QuantReLU, ...), or the quantisers at other layers' inputs and outputs.
    """
    from brevitas.nn.quant_layer import QuantNonLinearActLayer
    from brevitas.proxy.runtime_quant import ActQuantProxyFromInjectorBase

    from ...nn import quantised_layers

    modules = list(model.modules())
    whole = {m.act_quant: m for m in modules if isinstance(m, QuantNonLinearActLayer)}
    found = quantised_layers(model)
    for module in modules:
        if isinstance(module, ActQuantProxyFromInjectorBase) and module.is_quant_enabled:
            found.append(whole.get(module, module))  # ours compute without their quantiser
    return found
