"""The plots of training/reproduce.py: training curves, retention curves, uncertainty bands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

from hw_bnn.data.sets import load_arrays
from hw_bnn.nn import binary_parameters
from hw_bnn.train.trained import load_trained

SAMPLED_NETWORKS = 50

OPTIONAL = {
    "corner_distance": "mean distance of the weights from +-1",
    "flips": "share of weight signs flipped in an epoch",
}
"""Figures of an epoch that some methods or versions tell, each with a plot of its own."""

# Which figures of an epoch's record a plot draws; a plot that is not here is drawn by the trained
# networks themselves.
DRAWN: dict[str, Callable[[str], bool]] = {
    "curves": {
        "epoch", "stage", "train_loss", "train_accuracy", "validation_accuracy", *OPTIONAL,
    }.__contains__,
    "retention": re.compile(r"epoch|stage|task\d+_accuracy").fullmatch,
}  # fmt: skip


def draw(
    table: dict, document: dict, folders: dict[tuple[str, int], Path], data_root, path: Path
) -> None:
    """Draw the table's plot of the runs in `document` to a PNG file.

    Args:
        table: of tables.yaml.
        document: the results; what a plot measures besides goes into its row's `drawn`,
            name -> number.
        folders: (row, seed) -> run folder.
        data_root: folder of data files, else HW_BNN_DATA.
        path: of the file.
    """
    if table["plot"] in DRAWN:
        figure = {"curves": curves, "retention": retention}[table["plot"]](document)
    else:
        plot = {"two_moons": two_moons, "snelson": snelson}[table["plot"]]
        figure = plot(document, folders, data_root)
    figure.suptitle(table["title"])
    figure.tight_layout()
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


def _records(row: dict) -> list[list[dict]]:
    """The epochs' records of the row's runs whose curves are known."""
    return [
        [
            {k: v for k, v in zip(run["curves"], values, strict=True) if v is not None}
            for values in zip(*run["curves"].values(), strict=True)
        ]
        for run in row["runs"]
        if run["curves"]
    ]


def _told(runs: list[list[dict]], name: str) -> list[int]:
    """Indices of the epochs whose records have a figure in all runs."""
    epochs = range(len(runs[0]) if runs else 0)
    return [i for i in epochs if all(name in run[i] for run in runs)]


def curves(document: dict):
    """Validation accuracy and training loss per epoch, mean over seeds, and what else the records
    of all seeds tell (OPTIONAL); stages are parted by lines.
    """
    rows = {row["recipe"]: _records(row) for row in document["rows"]}
    told = [name for name in OPTIONAL if any(_told(runs, name) for runs in rows.values())]
    figure, axes = plt.subplots(1, 2 + len(told), figsize=(12 + 6 * len(told), 5))
    for recipe, runs in rows.items():
        if not runs:
            continue
        key = "validation_accuracy" if "validation_accuracy" in runs[0][0] else "train_accuracy"
        epochs = [r["epoch"] + 1 for r in runs[0]]
        for axis, name, factor in ((axes[0], key, 100), (axes[1], "train_loss", 1)):
            values = factor * np.array([[r[name] for r in run] for run in runs])
            (line,) = axis.plot(epochs, values.mean(0), label=recipe)
            if len(runs) > 1:
                axis.fill_between(
                    epochs, values.min(0), values.max(0), alpha=0.2, color=line.get_color()
                )
        for axis, name in zip(axes[2:], told, strict=True):
            if own := _told(runs, name):
                values = [[run[i][name] for i in own] for run in runs]
                axis.plot([epochs[i] for i in own], np.mean(values, 0), label=recipe)
        stages = [r["stage"] for r in runs[0]]
        for epoch in np.flatnonzero(np.diff(stages)) + 1:
            axes[0].axvline(epoch + 0.5, color="grey", linewidth=0.5)
    axes[0].set(xlabel="epoch", ylabel="validation accuracy, %")
    axes[1].set(xlabel="epoch", ylabel="training loss", yscale="log")
    for axis, name in zip(axes[2:], told, strict=True):
        axis.set(xlabel="epoch", ylabel=OPTIONAL[name])
    for axis in [axes[0], *axes[2:]]:
        if axis.lines:
            axis.legend(fontsize=7)
    return figure


def retention(document: dict):
    """Test accuracy on every task over the epochs of all tasks."""
    rows = [row for row in document["rows"] if _records(row)]
    figure, axes = plt.subplots(1, max(len(rows), 1), figsize=(6 * len(rows) + 1, 4.5), sharey=True)
    for axis, row in zip(np.atleast_1d(axes), rows, strict=False):
        runs = _records(row)
        tasks = max(r["stage"] for r in runs[0]) + 1
        for task in range(tasks):
            name = f"task{task}_accuracy"
            epochs = [r["epoch"] + 1 for r in runs[0] if name in r]
            values = 100 * np.array([[r[name] for r in run if name in r] for run in runs])
            (line,) = axis.plot(epochs, values.mean(0), label=f"task {task + 1}")
            axis.fill_between(
                epochs, values.min(0), values.max(0), alpha=0.2, color=line.get_color()
            )
        axis.set(xlabel="epoch", ylabel="test accuracy, %", title=row["recipe"])
        axis.legend()
    return figure


def _folder(row: dict, folders) -> Path:
    """Of the row's first run."""
    return folders[row["recipe"], row["runs"][0]["seed"]]


@torch.no_grad()
def _outputs(folder: Path, x: torch.Tensor) -> torch.Tensor:
    """(K, N, 1) outputs of K networks drawn from the posterior; K = 1 where there is none."""
    trained = load_trained(folder)
    weights = binary_parameters(trained.model)
    if "lam" not in trained.extra:
        return trained.model(x)[None]
    generator = torch.Generator().manual_seed(0)
    outputs = []
    for _ in range(SAMPLED_NETWORKS):
        for weight, lam in zip(weights, trained.extra["lam"], strict=True):
            positive = torch.rand(weight.shape, generator=generator) < torch.sigmoid(2 * lam)
            weight.copy_(torch.where(positive, 1.0, -1.0))
        outputs.append(trained.model(x))
    return torch.stack(outputs)


def two_moons(document: dict, folders, data_root):
    """Probability of class 1 over the plane, averaged over sampled networks."""
    axis_values = torch.linspace(-3, 3, 120)
    grid = torch.cartesian_prod(axis_values, axis_values)
    x, y = load_arrays("two_moons", "train")
    rows = document["rows"]
    figure, axes = plt.subplots(1, len(rows), figsize=(6 * len(rows), 5))
    for axis, row in zip(np.atleast_1d(axes), rows, strict=True):
        p = _outputs(_folder(row, folders), grid).sigmoid().mean(0).view(120, 120)
        picture = axis.contourf(
            axis_values, axis_values, p.T, levels=np.linspace(0, 1, 21), cmap="RdBu_r"
        )
        axis.scatter(*x.T, c=y, s=8, cmap="RdBu_r", edgecolors="black", linewidths=0.4)
        unsure = ((p > 0.2) & (p < 0.8)).float().mean().item()
        row["drawn"] = {"unsure_share_of_plane": round(unsure, 4)}
        axis.set(title=f"{row['recipe']}\n20-80 % sure on {100 * unsure:.0f} % of the plane")
        figure.colorbar(picture, ax=axis)
    return figure


def snelson(document: dict, folders, data_root):
    """Mean and two deviations of sampled networks over the grid."""
    inputs = torch.linspace(-3, 3, 300)[:, None]
    x, y = load_arrays("snelson", "train", data_root)
    rows = document["rows"]
    figure, axes = plt.subplots(1, len(rows), figsize=(6 * len(rows), 4.5), sharey=True)
    inside = (inputs[:, 0] >= x.min()) & (inputs[:, 0] <= x.max())
    for axis, row in zip(np.atleast_1d(axes), rows, strict=True):
        outputs = _outputs(_folder(row, folders), inputs)[..., 0]
        mean, deviation = outputs.mean(0), outputs.std(0, correction=0)
        axis.plot(inputs, mean)
        axis.fill_between(inputs[:, 0], mean - 2 * deviation, mean + 2 * deviation, alpha=0.3)
        axis.scatter(x, y, s=6, color="black")
        within = round(deviation[inside].mean().item(), 4)
        outside = round(deviation[~inside].mean().item(), 4)
        row["drawn"] = {"deviation_inside": within, "deviation_outside": outside}
        axis.set(title=f"{row['recipe']}\ndeviation {within} inside, {outside} outside the data")
    return figure
