"""What an epoch does to 1-bit weights: how many signs it flips, and where the latent weights lie.

Looked at once an epoch, so that a step costs what it did.

>>> import torch
>>> from hw_bnn.nn import zoo
>>> model = zoo.build("mlp", in_features=8, classes=2, hidden=[4])
>>> before = signs(model)
>>> with torch.no_grad():
...     _ = next(model.parameters()).neg_()
>>> told = sign_figures(model, before)
>>> told["flips/linear1"], told["flips/linear2"], round(told["flips"], 3)
(1.0, 0.0, 0.8)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..nn import binary_layers

BINS = 20


@torch.no_grad()
def signs(model: nn.Module) -> dict[str, Tensor]:
    """Layer -> which of its 1-bit weights count as +1, as 0 does; bool, of the weight's shape."""
    return {name: layer.weight >= 0 for name, layer in binary_layers(model)}


@torch.no_grad()
def sign_figures(model: nn.Module, before: dict[str, Tensor]) -> dict[str, Any]:
    """Figures for the record of an epoch.

    Args:
        before: the model's :func:`signs` when the epoch began.

    Returns:
        `flips/LAYER` and, of all layers, `flips`: the share of weights whose sign is another (0 to
        1); `weights/LAYER`: {"low", "high", "counts"}, BINS equal bins of the weights as they are
        kept (latent ones, where the method has such). Nothing for a model without 1-bit layers.
    """
    found: dict[str, Any] = {}
    flipped = weights = 0
    for name, layer in binary_layers(model):
        turned = int((before[name] != (layer.weight >= 0)).sum())
        found[f"flips/{name}"] = turned / layer.weight.numel()
        found[f"weights/{name}"] = _histogram(layer.weight)
        flipped, weights = flipped + turned, weights + layer.weight.numel()
    return {"flips": flipped / weights, **found} if weights else {}


def _histogram(weight: Tensor) -> dict[str, Any]:
    most = float(weight.abs().max()) or 1.0
    counts = torch.histc(weight.float(), BINS, -most, most).long().tolist()
    return {"low": -most, "high": most, "counts": counts}
