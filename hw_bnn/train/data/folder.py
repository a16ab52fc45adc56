"""Image folders (ImageNet): ROOT/train/CLASS/*.jpg and ROOT/val/CLASS/*.jpg, decoded by Pillow.

A label is the place of its class folder's name in the sorted list of names, so the splits have the
same class folders, or the folder is refused. Images may stand in folders below that of their class;
names that start with a dot are left out.

Too large to live in memory, so worker processes decode ahead of the loop. Training images are cut
by a random resized crop (8 % to 100 % of the area, aspect 3/4 to 4/3) and flipped; evaluation takes
the centre of an image whose shorter side is 8/7 of the crop (256 for 224). The random numbers of
every image are drawn in the main process, so a run does not depend on the number of workers.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from ...errors import BadInput, MissingTool
from . import check_classes, resolve_root, sizes_of
from .pipeline import DataSource

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
            image = image.convert("RGB")
            box = centre_box(*image.size) if numbers is None else random_box(*image.size, numbers)
            image = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    except BadInput:
        raise
    except Exception as error:  # Pillow's decoders raise of any kind for damaged files
        raise BadInput(
            f"{path} cannot be read as an image ({error})", remedy="get it again"
        ) from None
    return np.array(image).transpose(2, 0, 1).copy()


class FolderPart:
    """Paths and labels of one part of a set."""

    def __init__(self, paths: list[str], y: np.ndarray):
        self.paths, self.y = paths, y

    def __len__(self) -> int:
        return len(self.y)


class _Images(Dataset):
    """Item (index, numbers): the image as uint8 (3, size, size), cropped by five random numbers or
    none; or why it cannot be read, since an error that crosses processes loses its words.
    """

    def __init__(self, part: FolderPart, size: int):
        self.part, self.size = part, size

    def __getitem__(
        self, key: tuple[int, tuple[float, ...] | None]
    ) -> tuple[Tensor, int] | BadInput:
        index, numbers = key
        try:
            pixels = torch.from_numpy(read_image(self.part.paths[index], self.size, numbers))
        except BadInput as error:
            return error
        if numbers is not None and numbers[4] < 0.5:
            pixels = pixels.flip(-1)
        return pixels, int(self.part.y[index])


def _collate(items: list) -> list[Tensor] | BadInput:
    """A batch, or the first error in it."""
    for item in items:
        if isinstance(item, BadInput):
            return item
    return default_collate(items)


def centre_box(width: int, height: int) -> tuple[float, float, float, float]:
    """The centred square of 7/8 of the shorter side."""
    side = min(width, height) * 7 / 8
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_box(
    width: int, height: int, numbers: tuple[float, ...]
) -> tuple[float, float, float, float]:
    """A box of 8 to 100 % of the area and aspect 3/4 to 4/3, shrunk to fit, from numbers in [0,
    1).
    """
    area = width * height * (0.08 + 0.92 * numbers[0])
    aspect = math.exp((2 * numbers[1] - 1) * math.log(4 / 3))
    w, h = min(math.sqrt(area * aspect), width), min(math.sqrt(area / aspect), height)
    left, top = numbers[2] * (width - w), numbers[3] * (height - h)
    return left, top, left + w, top + h


class FolderSource(DataSource):
    """A data source over an image folder; the same methods as :class:`DataSource`."""

    def __init__(self, spec, seed: int, data_root, device: torch.device):
        try:
            import PIL  # noqa: F401
        except ImportError:
            raise MissingTool(
                "image folders are read by Pillow", remedy="pip install pillow"
            ) from None
        self.spec, self.device = spec, device
        self.data_root = resolve_root(data_root, spec.name)
        self.sizes = sizes_of(spec)
        self._mean, self._std = self._column(spec.mean), self._column(spec.std)
        self._permutation = self._whitening = self._test = None
        self.classes = check_splits(self.data_root)
        if len(self.classes) != spec.classes:
            raise BadInput(
                f"{self.data_root} has {len(self.classes)} class folders, the recipe says "
                f"{spec.classes} classes",
                remedy=f"set data.classes={len(self.classes)}",
            )
        paths, y = list_images(self.data_root / "train", self.classes)
        train, validation = self._split(y, spec.split_seed if spec.split_seed is not None else seed)
        train = self._limited(train)
        self.train = FolderPart([paths[i] for i in train], y[train])
        held = FolderPart([paths[i] for i in validation], y[validation])
        self.validation = held if len(held) else None

    def test(self) -> FolderPart:
        if self._test is None:
            self._test = FolderPart(*list_images(self.data_root / "val", self.classes))
        return self._test

    def _load(self, part: FolderPart, keys: list[list[tuple]]) -> Iterator[tuple[Tensor, Tensor]]:
        images = _Images(part, self.spec.image_size)
        workers = min(self.spec.workers, len(keys))
        loader = DataLoader(
            images, batch_sampler=keys, num_workers=workers, collate_fn=_collate
        )
        for loaded in loader:
            if isinstance(loaded, BadInput):
                raise loaded
            x, y = loaded
            yield self.prepare(x.to(self.device, non_blocking=True)), y.to(self.device)

    def batches(self, generator, rank: int = 0, world: int = 1):
        order = torch.randperm(len(self.train), generator=generator).tolist()
        augment = self.spec.augment
        numbers = torch.rand(len(order), 5, generator=generator)
        numbers[:, 4] = numbers[:, 4] if augment.flip else 1.0
        batch = self.spec.batch
        keys = [
            [
                (i, tuple(numbers[i].tolist()) if augment.resized_crop else None)
                for i in order[k * batch : (k + 1) * batch][rank::world]
            ]
            for k in range(self.steps_per_epoch)
        ]
        return self._load(self.train, keys)

    def evaluation_batches(self, part: FolderPart, size: int = 250):
        keys = [
            [(i, None) for i in range(s, min(s + size, len(part)))]
            for s in range(0, len(part), size)
        ]
        return self._load(part, keys)
