"""The small data sets: scikit-learn's digits and two moons, Snelson's regression set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import BadInput, MissingTool
from ..files.given import open_file


def _sklearn():
    try:
        import sklearn.datasets
        import sklearn.model_selection
    except ImportError:
        raise MissingTool(
            "scikit-learn, which brings these data, is not installed",
            remedy="pip install scikit-learn",
        ) from None
    return sklearn


def digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 64) uint8 in 0..16 and (N,) int64; 1,437 train and 360 test images,
    stratified, fixed seed.
    """
    sklearn = _sklearn()
    data = sklearn.datasets.load_digits()
    train, test = sklearn.model_selection.train_test_split(
        np.arange(len(data.target)), test_size=0.2, stratify=data.target, random_state=0
    )
    chosen = np.sort(train if split == "train" else test)
    return data.data[chosen].astype(np.uint8), data.target[chosen].astype(np.int64)


def two_moons(split: str) -> tuple[np.ndarray, np.ndarray]:
    """(200, 2) float32 standardised (ddof 1) points and (200,) float32 targets 0/1.

    Meng et al. 2020 train on make_moons(200, noise=0.1, random_state=0); `test` is another draw of
    200 points (random_state=1), standardised with the training set's mean and deviation.
    """
    datasets = _sklearn().datasets
    x, y = datasets.make_moons(200, noise=0.1, random_state=0)
    mean, deviation = x.mean(0), x.std(0, ddof=1)
    if split == "test":
        x, y = datasets.make_moons(200, noise=0.1, random_state=1)
    return ((x - mean) / deviation).astype(np.float32), y.astype(np.float32)


def snelson(root: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(200, 1) float32 inputs and (200, 1) targets, both standardised (ddof 1).

    The set has no test targets: `test` gives the 301 test inputs (a grid from -3 to 10, in the same
    units) with NaN targets.
    """
    columns = {}
    for name in ("train_inputs", "train_outputs") + (("test_inputs",) if split == "test" else ()):
        path = root / "snelson" / name
        try:
            with open_file(path) as file:
                columns[name] = np.loadtxt(file, ndmin=1)
        except FileNotFoundError:
            raise BadInput(
                f"{path} does not exist",
                remedy="put the Snelson files there or pass another data_root=",
            ) from None
        except ValueError as error:
            raise BadInput(
                f"{path} is not one number a line ({error})", remedy="get it again"
            ) from error
    x, y = columns["train_inputs"], columns["train_outputs"]
    if len(x) != len(y) or len(x) < 2:
        raise BadInput(
            f"{root / 'snelson'} has {len(x)} inputs and {len(y)} outputs",
            remedy="get the files again",
        )
    if split == "test":
        grid = (columns["test_inputs"] - x.mean()) / x.std(ddof=1)
        return grid.astype(np.float32)[:, None], np.full((len(grid), 1), np.nan, np.float32)
    x = (x - x.mean()) / x.std(ddof=1)
    y = (y - y.mean()) / y.std(ddof=1)
    return x.astype(np.float32)[:, None], y.astype(np.float32)[:, None]
