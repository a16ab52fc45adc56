"""Image folders (ImageNet) as a source of training batches; see :mod:`hw_bnn.data.images`.

Too large to live in memory, so worker processes decode ahead of the loop. Training images are cut
by a random resized crop (8 % to 100 % of the area, aspect 3/4 to 4/3) and flipped; evaluation takes
the centre of an image whose shorter side is 8/7 of the crop (256 for 224). The random numbers of
every image are drawn in the main process, so a run does not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from ...data.images import check_splits, list_images, needs_pillow, read_image
from ...data.sets import resolve_root, sizes_of
from ...errors import BadInput
from .pipeline import Source


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


class FolderSource(Source[FolderPart]):
    """A data source over an image folder; the arguments are those of DataSource."""

    classes: list[str]

    def __init__(self, spec, seed: int, data_root, device: torch.device):
        needs_pillow()
        self.spec, self.device = spec, device
        self.root = resolve_root(data_root, spec.name)
        self.sizes = sizes_of(spec)
        self._test: FolderPart | None = None
        self.classes = check_splits(self.root)
        if len(self.classes) != spec.classes:
            raise BadInput(
                f"{self.root} has {len(self.classes)} class folders, the recipe says "
                f"{spec.classes} classes",
                remedy=f"set data.classes={len(self.classes)}",
            )
        self._set_pixels()
        paths, y = list_images(self.root / "train", self.classes)
        train, validation = self._split(y, spec.split_seed if spec.split_seed is not None else seed)
        train = self._limited(train)
        self.train = FolderPart([paths[i] for i in train], y[train])
        held = FolderPart([paths[i] for i in validation], y[validation])
        self.validation = held if len(held) else None

    def test(self) -> FolderPart:
        if self._test is None:
            self._test = FolderPart(*list_images(self.root / "val", self.classes))
        return self._test

    def _load(self, part: FolderPart, keys: list[list[tuple]]) -> Iterator[tuple[Tensor, Tensor]]:
        images = _Images(part, self.spec.image_size)
        workers = min(self.spec.workers, len(keys))
        loader = DataLoader(images, batch_sampler=keys, num_workers=workers, collate_fn=_collate)
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
