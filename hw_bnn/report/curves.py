"""The training run: losses, accuracies and the share of signs flipped, epoch by epoch."""

from __future__ import annotations

from .charts import lines
from .documents import Training
from .markup import Markup, section

_CHARTS = {
    "accuracy, %": {"train_accuracy": "training", "validation_accuracy": "validation"},
    "loss": {"train_loss": "training", "validation_loss": "validation"},
    "weights whose sign an epoch flips, %": {"flips": "of all 1-bit layers"},
}


def training_section(training: Training | None) -> Markup:
    """The section; nothing where `verify` was given no run."""
    charts = []
    for title, keys in _CHARTS.items():
        factor = 100 if title.endswith("%") else 1
        series = {
            name: [
                (float(epoch.epoch), factor * float(getattr(epoch, key)))
                for epoch in (training.epochs if training else [])
                if getattr(epoch, key) is not None
            ]
            for key, name in keys.items()
        }
        charts.append(lines(f"{title}, by epoch", series))
    drawn = [chart for chart in charts if chart]
    return section("Training", *drawn) if drawn else Markup("")
