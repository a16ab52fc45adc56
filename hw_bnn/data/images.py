"""Image folders on the disk: ROOT/train/CLASS/*.jpg and ROOT/val/CLASS/*.jpg, decoded by Pillow.

A label is the place of its class folder's name in the sorted list of names, so the splits have the
same class folders, or the folder is refused. Images may stand in folders below that of their class;
names that start with a dot are left out. Needs numpy and Pillow, no torch.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import BadInput, MissingTool
from .sets import check_classes

SPLIT_FOLDERS = {"train": "train", "test": "val"}
_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
# What Pillow turns into 8-bit RGB without a loss of its own; 16-bit and float images it clips.
_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB",
          "HSV"}  # fmt: skip


def class_names(folder: Path) -> list[str]:
    """Names of the class folders in a split's folder, sorted: the place of a name is its label.

    Raises:
        BadInput: no such folder, or one without class folders.
    """
    remedy = "an image folder has train/CLASS/*.jpg and val/CLASS/*.jpg"
    try:
        entries = [e for e in os.scandir(folder) if not e.name.startswith(".") and e.is_dir()]
    except FileNotFoundError:
        raise BadInput(f"{folder} does not exist", remedy=remedy) from None
    except OSError as error:
        raise BadInput(f"{folder} cannot be read ({error.strerror})", remedy=remedy) from None
    if not entries:
        raise BadInput(f"{folder} has no class folders", remedy=remedy)
    return sorted(entry.name for entry in entries)


def list_images(folder: Path, names: list[str]) -> tuple[list[str], np.ndarray]:
    """Paths and labels of the images of a split, in the order of `names`.

    Raises:
        BadInput: a class has no image.
    """
    paths, labels = [], []
    for label, name in enumerate(names):
        found = sorted(_images_below(folder / name))
        if not found:
            raise BadInput(
                f"{folder / name} holds no image ({', '.join(sorted(_SUFFIXES))})",
                remedy="put the images of that class there, or remove the class from all splits",
            )
        paths += found
        labels += [label] * len(found)
    return paths, np.array(labels, dtype=np.int64)


def _images_below(folder: Path) -> Iterator[str]:
    for above, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES:
                yield os.path.join(above, name)


def check_splits(root: Path) -> list[str]:
    """The class names of an image folder, which are those of all its splits.

    Raises:
        BadInput: `train` and `val` (or `test`, where it has class folders) differ.
    """
    names = class_names(root / "train")
    check_classes(class_names(root / "val"), names, str(root / "val"), str(root / "train"))
    test = root / "test"
    if test.is_dir() and any(e.is_dir() and e.name[0] != "." for e in os.scandir(test)):
        check_classes(class_names(test), names, str(test), str(root / "train"))
    return names


def read_image(path: str, size: int, numbers: tuple[float, ...] | None = None) -> np.ndarray:
    """An image as uint8 (3, size, size): its centre, or the crop that five random numbers choose.

    Raises:
        BadInput: it cannot be decoded, or holds more than 8 bits a channel.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("ignore")
            if image.mode not in _MODES:
                raise BadInput(
                    f"{path} holds pixels of another kind than 8 bits a channel ({image.mode})",
                    remedy="convert it to 8 bits a channel",
                )
            box = centre_box(*image.size) if numbers is None else random_box(*image.size, numbers)
            scaled = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box=box)
    except BadInput:
        raise
    except Exception as error:  # Pillow's decoders raise of any kind for damaged files
        raise BadInput(
            f"{path} cannot be read as an image ({error})", remedy="get it again"
        ) from None
    return np.array(scaled).transpose(2, 0, 1).copy()


def centre_box(width: int, height: int) -> tuple[float, float, float, float]:
    """The centred square of 7/8 of the shorter side."""
    side = min(width, height) * 7 / 8
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_box(
    width: int, height: int, numbers: tuple[float, ...]
) -> tuple[float, float, float, float]:
    """A box of 8 to 100 % of the area and aspect 3/4 to 4/3, shrunk to fit,
    from numbers in [0, 1).
    """
    area = width * height * (0.08 + 0.92 * numbers[0])
    aspect = math.exp((2 * numbers[1] - 1) * math.log(4 / 3))
    w, h = min(math.sqrt(area * aspect), width), min(math.sqrt(area / aspect), height)
    left, top = numbers[2] * (width - w), numbers[3] * (height - h)
    return left, top, left + w, top + h


def needs_pillow() -> None:
    """Raise MissingTool where Pillow is not installed."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise MissingTool("image folders are read by Pillow", remedy="pip install pillow") from None


def load_images(
    root: Path, split: str, size: int, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A whole split as evaluation sees it, and the names of its classes.

    Args:
        split: train or test (the folder val). size: the side of the centre square.
        limit: so many images only, spread evenly over the classes' order.

    Returns:
        (N, 3, size, size) uint8 images, (N,) int64 labels, names in label order.
    """
    needs_pillow()
    names = check_splits(root)
    paths, labels = list_images(root / SPLIT_FOLDERS[split], names)
    if limit is not None and limit < len(paths):
        chosen = np.arange(limit) * len(paths) // limit
        paths, labels = [paths[i] for i in chosen], labels[chosen]
    return np.stack([read_image(path, size) for path in paths]), labels, names
