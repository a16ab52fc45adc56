"""Image folders (ImageNet): ROOT/train/CLASS/*.jpg and ROOT/val/CLASS/*.jpg, decoded by Pillow.

Too large to live in memory, so worker processes decode ahead of the loop. Training images are cut
by a random resized crop (8 % to 100 % of the area, aspect 3/4 to 4/3) and flipped; evaluation takes
the centre of an image whose shorter side is 8/7 of the crop (256 for 224). The random numbers of
every image are drawn in the main process, so a run does not depend on the number of workers.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...errors import BadInput, MissingTool
from . import resolve_root, sizes_of
from .pipeline import DataSource

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def list_images(folder: Path, classes: int) -> tuple[list[str], np.ndarray]:
    """Paths and labels (class folders sorted by name) of the images in a split's folder.

    Raises:
        BadInput: no such folder, or another number of class folders than `classes`.
    """
    if not folder.is_dir():
        raise BadInput(
            f"{folder} does not exist",
            remedy="an image folder has train/CLASS/*.jpg and val/CLASS/*.jpg",
        )
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    if len(names) != classes:
        raise BadInput(
            f"{folder} has {len(names)} class folders, the recipe says {classes} classes"
        )
    paths, labels = [], []
    for label, name in enumerate(names):
        found = sorted(
            e.path for e in os.scandir(folder / name) if Path(e.name).suffix.lower() in _SUFFIXES
        )
        paths += found
        labels += [label] * len(found)
    return paths, np.array(labels, dtype=np.int64)


class FolderPart:
    """Paths and labels of one part of a set."""

    def __init__(self, paths: list[str], y: np.ndarray):
        self.paths, self.y = paths, y

    def __len__(self) -> int:
        return len(self.y)


class _Images(Dataset):
    """Item (index, numbers): the image as uint8 (3, size, size), cropped by five random numbers or
    none.
    """

    def __init__(self, part: FolderPart, size: int):
        self.part, self.size = part, size

    def __getitem__(self, key: tuple[int, tuple[float, ...] | None]) -> tuple[Tensor, int]:
        from PIL import Image, UnidentifiedImageError

        index, numbers = key
        path = self.part.paths[index]
        try:
            with Image.open(path) as image:
                image = image.convert("RGB")
                box = (
                    centre_box(*image.size) if numbers is None else random_box(*image.size, numbers)
                )
                image = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box)
        except (OSError, UnidentifiedImageError) as error:
            raise BadInput(
                f"{path} cannot be read as an image ({error})", remedy="get it again"
            ) from None
        pixels = torch.from_numpy(np.array(image).transpose(2, 0, 1).copy())
        if numbers is not None and numbers[4] < 0.5:
            pixels = pixels.flip(-1)
        return pixels, int(self.part.y[index])


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
        paths, y = list_images(self.data_root / "train", spec.classes)
        train, validation = self._split(y, spec.split_seed if spec.split_seed is not None else seed)
        train = self._limited(train)
        self.train = FolderPart([paths[i] for i in train], y[train])
        held = FolderPart([paths[i] for i in validation], y[validation])
        self.validation = held if len(held) else None

    def test(self) -> FolderPart:
        if self._test is None:
            self._test = FolderPart(*list_images(self.data_root / "val", self.spec.classes))
        return self._test

    def _load(self, part: FolderPart, keys: list[list[tuple]]) -> Iterator[tuple[Tensor, Tensor]]:
        images = _Images(part, self.spec.image_size)
        workers = min(self.spec.workers, len(keys))
        for x, y in DataLoader(images, batch_sampler=keys, num_workers=workers):
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
