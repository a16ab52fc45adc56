"""From a recipe's data section to batches of tensors.

The whole set lies in memory as stored (uint8 images), is cut by an index permutation per
epoch, converted and augmented a batch at a time: no per-image Python, nothing to wait for.
The training set is split once into training and validation parts; the test set is read when
`test` is first called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sized
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...data.pixels import Pixels
from ...data.sets import SIZES, Sizes, load_arrays
from ...errors import BadInput

if TYPE_CHECKING:
    from ..recipe import Data
    from .whitening import Whitening

_REAL = ("two_moons", "snelson")


class Part:
    """Inputs as stored and targets of one part of a set."""

    def __init__(self, x: np.ndarray, y: np.ndarray, device: torch.device):
        # Copies: arrays read from a file may be read-only, which a tensor cannot be.
        self.x = torch.tensor(x, device=device)
        self.y = torch.tensor(y, device=device)

    def __len__(self) -> int:
        return len(self.y)


P = TypeVar("P", bound=Sized)
"""One part of a set: training, validation or test samples."""


class Source(ABC, Generic[P]):
    """A data set as a recipe asks for it; `classes`: names in label order, where they have some.

    A subclass sets what stands here, and calls `_set_pixels` once `sizes` is there.
    """

    spec: Data
    device: torch.device
    sizes: Sizes
    train: P
    validation: P | None
    classes: list[str] | None = None
    whitening: Whitening | None = None

    @abstractmethod
    def test(self) -> P:
        """The test set, read at the first call."""

    @abstractmethod
    def batches(
        self, generator: torch.Generator, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of training batches, in an order drawn from `generator` (on the CPU).

        With `world` processes each gets every world-th sample of each (global) batch.
        """

    @abstractmethod
    def evaluation_batches(self, part: P, size: int = 1000) -> Iterator[tuple[Tensor, Tensor]]:
        """All samples of a part in order, prepared, without augmentation."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(len(self.train), self.spec.batch)
        return full if self.spec.drop_last or not rest else full + 1

    def _limited(self, train: np.ndarray) -> np.ndarray:
        """The first `limit` of the training indices; enough for a batch, or BadInput."""
        spec = self.spec
        train = train[: spec.limit]
        if len(train) < (spec.batch if spec.drop_last else 2):
            raise BadInput(
                f"{len(train)} training samples do not fill one batch of {spec.batch}",
                remedy="lower data.batch or raise data.limit",
            )
        return train

    def _split(self, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        n, wanted = len(y), self.spec.validation
        held = round(n * wanted) if wanted < 1 else int(wanted)
        if held >= n:
            raise BadInput(
                f"data.validation holds out {held} of {n} training samples",
                remedy="lower data.validation",
            )
        order = np.arange(n)
        if wanted and not held:
            raise BadInput(
                f"data.validation = {wanted:g} holds out none of {n} training samples",
                remedy="raise it, or set it to 0 and training.select to last",
            )
        if not held:
            return order, order[:0]
        if self.spec.split == "last":
            return order[: n - held], order[n - held :]
        generator = np.random.default_rng(seed)
        if self.spec.split == "random" or y.dtype.kind == "f":
            order = generator.permutation(n)
            return np.sort(order[: n - held]), np.sort(order[n - held :])
        # Stratified: every class gives its share, the remainders going to the largest fractions.
        classes, counts = np.unique(y, return_counts=True)
        shares = counts * held / n
        take = np.floor(shares).astype(int)
        take[np.argsort(take - shares, kind="stable")[: held - take.sum()]] += 1
        chosen = np.concatenate(
            [
                generator.permutation(np.flatnonzero(y == c))[:k]
                for c, k in zip(classes, take, strict=True)
            ]
        )
        mask = np.zeros(n, bool)
        mask[chosen] = True
        return order[~mask], order[mask]

    def _set_pixels(self) -> None:
        """What stored samples become (see :mod:`hw_bnn.data.pixels`)."""
        channels = self.sizes.in_channels
        for values in (self.spec.mean, self.spec.std):
            if values is not None and len(values) != channels:
                raise BadInput(f"data.mean and data.std have one value per channel ({channels})")
        self.pixels = Pixels.of_recipe(self.spec, classes=self.classes)
        table = self.pixels.table()
        self._table = None if table is None else torch.from_numpy(table).to(self.device)

    def set_task(self, task: int | None) -> None:
        """Permute the pixels from now on as task `task` of the recipe's
        permutations does (None: 0).
        """
        if self.spec.permutation_seed is not None:
            self.pixels = replace(self.pixels, task=task or 0)

    def prepare(self, stored: Tensor) -> Tensor:
        """Stored samples (N, ...) as the float32 input of the network: `pixels.real` of them.

        On a GPU, where a division may round otherwise, its values are looked up.
        """
        if stored.device.type == "cpu" and self.whitening is None:
            return torch.from_numpy(self.pixels.real(stored.numpy()))
        if self.whitening is not None:
            x = self.whitening(stored.float())
        elif self._table is not None:
            x = self._look_up(self._table, stored)
        else:
            return torch.from_numpy(self.pixels.real(stored.cpu().numpy())).to(stored.device)
        if self.pixels.permutation_seed is not None:
            order = torch.from_numpy(self.pixels.order(x[0].numel())).to(x.device)
            x = x.flatten(1)[:, order].view_as(x)
        return x

    @staticmethod
    def _look_up(table: Tensor, stored: Tensor) -> Tensor:
        channel = torch.arange(len(table), device=stored.device)
        column = channel.view(1, -1, *[1] * (stored.dim() - 2))
        return table[column, stored.long()]

    def augment(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Random crops and flips of a batch of stored images (N, C, H, W), one draw per image.

        The crop is taken from the image with `crop` rows and columns of raw 0 around it.
        """
        spec = self.spec.augment
        n = len(x)
        if spec.crop:
            *_, height, width = x.shape
            padded = functional.pad(x, (spec.crop,) * 4)
            shift = torch.randint(0, 2 * spec.crop + 1, (2, n), generator=generator).to(x.device)
            rows = (shift[0, :, None] + torch.arange(height, device=x.device))[:, None, :, None]
            columns = (shift[1, :, None] + torch.arange(width, device=x.device))[:, None, None, :]
            image = torch.arange(n, device=x.device)[:, None, None, None]
            channel = torch.arange(x.shape[1], device=x.device)[None, :, None, None]
            x = padded[image, channel, rows, columns]
        if spec.flip:
            flip = (torch.rand(n, generator=generator) < 0.5).to(x.device)
            x = torch.where(flip[:, None, None, None], x.flip(-1), x)
        return x


class DataSource(Source[Part]):
    """A set that lies in memory.

    Args:
        spec: the recipe's data section.
        seed: the run's seed; decides the split unless the recipe gives a split_seed.
        data_root: folder of data files.
        device: where the tensors live.
    """

    def __init__(self, spec, seed: int, data_root: str | Path | None, device: torch.device):
        self.spec, self.data_root, self.device = spec, data_root, device
        if (spec.scale == "raw") != (spec.name in _REAL):
            raise BadInput(
                f"data.scale {spec.scale} does not fit {spec.name}",
                remedy="use raw for two_moons and snelson, and another for images",
            )
        x, y = load_arrays(spec.name, "train", data_root)
        train, validation = self._split(y, spec.split_seed if spec.split_seed is not None else seed)
        train = self._limited(train)
        self.sizes = SIZES[spec.name]
        self._set_pixels()
        if spec.scale == "gcn_zca":
            from .whitening import Whitening

            self.whitening = Whitening.fitted(x).to(device)
        self.train = Part(x[train], y[train], device)
        self.validation = Part(x[validation], y[validation], device) if len(validation) else None
        self._test: Part | None = None

    def test(self) -> Part:
        if self._test is None:
            self._test = Part(*load_arrays(self.spec.name, "test", self.data_root), self.device)
        return self._test

    def batches(
        self, generator: torch.Generator, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.train), generator=generator).to(self.device)
        batch = self.spec.batch
        for index in range(self.steps_per_epoch):
            chosen = order[index * batch : (index + 1) * batch]
            x, y = self.train.x[chosen], self.train.y[chosen]
            if self.spec.augment.crop or self.spec.augment.flip:
                x = self.augment(x, generator)
            x = self.prepare(x)
            yield (x, y) if world == 1 else (x[rank::world], y[rank::world])

    def evaluation_batches(self, part: Part, size: int = 1000) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(part), size):
            yield self.prepare(part.x[start : start + size]), part.y[start : start + size]
