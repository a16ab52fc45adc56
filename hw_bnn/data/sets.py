"""Data sets: read from files in torchvision's layout, without torchvision, as numpy arrays.

    digits            scikit-learn's 1,797 8x8 digits, integers 0..16, stratified 20 % test
    mnist, fashion_mnist   ROOT/MNIST/raw, ROOT/FashionMNIST/raw: IDX files, .gz or unzipped
    cifar10, cifar100 ROOT/cifar-10-batches-py, ROOT/cifar-100-python: the python version
    two_moons         scikit-learn's make_moons(200, noise=0.1, random_state=0), standardised
    snelson           ROOT/snelson: one-dimensional regression, standardised
    image_folder      ROOT/train/CLASS/*.jpg, ROOT/val: see :mod:`hw_bnn.train.data.folder`

Nothing is downloaded. This module needs numpy only, so that simulation can read test
images without torch.

>>> images, labels = load_arrays("digits", "test")
>>> images.shape, images.dtype, int(images.max()), labels.shape
((360, 64), dtype('uint8'), 16, (360,))
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInput


@dataclass(frozen=True)
class Sizes:
    """Shape of one sample as stored, and the number of outputs that a network for it has."""

    sample_shape: tuple[int, ...]
    classes: int

    @property
    def in_features(self) -> int:
        """Number of inputs of one sample."""
        return math.prod(self.sample_shape)

    @property
    def in_channels(self) -> int:
        """Channels of an image."""
        return self.sample_shape[0]


SIZES = {
    "digits": Sizes((64,), 10),
    "mnist": Sizes((1, 28, 28), 10),
    "fashion_mnist": Sizes((1, 28, 28), 10),
    "cifar10": Sizes((3, 32, 32), 10),
    "cifar100": Sizes((3, 32, 32), 100),
    "two_moons": Sizes((2,), 1),
    "snelson": Sizes((1,), 1),
}
DATASETS = tuple(SIZES)


def sizes_of(spec) -> Sizes:
    """The sizes of a recipe's data section."""
    if spec.name == "image_folder":
        return Sizes((3, spec.image_size, spec.image_size), spec.classes)
    return SIZES[spec.name]


SPLITS = ("train", "test")


def check_classes(found: list[str] | None, wanted: list[str] | None, what: str, of: str) -> None:
    """Refuse classes other than those of a run: a label is a place in the sorted list of names.

    Args:
        found, wanted: names in label order; None for a set whose classes have none.
        what: where `found` stands. of: where `wanted` does.

    Raises:
        BadInput: they differ, with the difference.
    """
    if found == wanted:
        return
    if found is None or wanted is None:
        named, plain = (of, what) if found is None else (what, of)
        raise BadInput(f"{named} names its classes and {plain} does not", remedy="use one data set")
    more, fewer = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
    told = [
        f"{'only' if names is more else 'no'} {_some(names)} there"
        for names in (more, fewer)
        if names
    ]
    if not told:  # the same names otherwise sorted
        told = [f"label {next(i for i in range(len(found)) if found[i] != wanted[i])} differs"]
    alike = {name.casefold() for name in more} & {name.casefold() for name in fewer}
    remedy = "name the class folders alike"
    raise BadInput(
        f"{what} has other classes than {of}: {' and '.join(told)}",
        remedy=f"{remedy}, upper and lower case too" if alike else remedy,
    )


def _some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def resolve_root(data_root: str | Path | None, name: str) -> Path:
    """The folder of data files: the argument, or the environment's HW_BNN_DATA.

    Raises:
        BadInput: neither names an existing folder.
    """
    root = data_root or os.environ.get("HW_BNN_DATA")
    if not root:
        raise BadInput(
            f"the data set {name} is read from files, and no folder was named",
            remedy="pass data_root= (torchvision's layout) or set HW_BNN_DATA",
        )
    if not Path(root).is_dir():
        raise BadInput(f"the data folder {root} does not exist", remedy="pass another data_root=")
    return Path(root)


def load_arrays(
    name: str, split: str, data_root: str | Path | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of one split, as stored, in file order.

    Returns:
        (N, ...) uint8 images ((N, 64), (N, 1, 28, 28) or (N, 3, 32, 32)) and (N,) int64 labels;
        float32 inputs for two_moons (N, 2) and snelson (N, 1), whose targets are float32 there too.

    Raises:
        BadInput: unknown name or split, or a file missing, truncated or other than published.
    """
    if name == "image_folder":
        raise BadInput(
            "image_folder holds images of any size: a network's run says what becomes of them",
            remedy="give the run it was trained by",
        )
    if name not in DATASETS:
        raise BadInput(
            f"no data set is called {name!r}", remedy=f"use one of {', '.join(DATASETS)}"
        )
    if split not in SPLITS:
        raise BadInput(f"{name} has no split {split!r}", remedy="use train or test")
    if name in ("digits", "two_moons"):
        from . import small

        return getattr(small, name)(split)
    root = resolve_root(data_root, name)
    if name in ("mnist", "fashion_mnist"):
        from .idx import load_mnist

        return load_mnist(root, name, split)
    if name == "snelson":
        from .small import snelson

        return snelson(root, split)
    from .cifar import load_cifar

    return load_cifar(root, name, split)
