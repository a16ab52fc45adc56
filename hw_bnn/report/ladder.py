"""A divergence as a ladder: the layers that were compared, down to the first that differs."""

from __future__ import annotations

from ..accelerator import Description
from .documents import DivergenceText
from .markup import Markup, code, text


def ladder(accelerator: Description, divergence: DivergenceText) -> Markup:
    """Steps in the order of the streams; nothing where the stage was not compared inside, or the
    tensor is none of a stream."""
    layers = accelerator.layers
    if not divergence.inside or divergence.tensor not in layers:
        return Markup("")
    steps, at = [], list(layers).index(divergence.tensor)
    for index, (tensor, layer) in enumerate(layers.items()):
        kind, said = "equal", "equal"
        if index and tensor not in divergence.compared:  # the first one is the input
            kind, said = "after", "not compared"
        if index == at:
            kind, said = "wrong", _first(divergence)
        elif index > at:
            kind, said = "after", "behind the first difference"
        name = text(layer) if layer else "input"
        steps.append(f'<li class="{kind}">{name} ({code(tensor)}): {text(said)}</li>')
    return Markup(f'<ol class="ladder">{"".join(steps)}</ol>')


def _first(d: DivergenceText) -> str:
    at = f", position {tuple(d.position)}" if d.position else ""
    cycle = f", cycle {d.cycle:,}" if d.cycle is not None else ""
    values = f"{d.expected} expected, {d.found} found"
    return f"differs first in frame {d.frame}{at}, channel {d.channel}{cycle}: {values}"
