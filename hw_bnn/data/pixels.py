"""Stored samples as the real numbers that a network is fed with: the one definition.

    integer       p                            p is stored: 0..16 in digits, 0..255 in images
    unit          p/m                          m = 16 for digits, 255 for images
    bipolar       p/(m/2) - 1
    normalise     (p/m - mean)/std             per channel
    standardise   (p - mean)/std               mean and deviation of each image
    gcn_zca       ZCA-whitened after contrast normalisation, fitted on the training images
    raw           as it is: sets of real numbers

All but gcn_zca are computed in float32 one operation after the other (standardise in float64 from
exact integer sums, rounded once), so that training, verification and a host elsewhere get the same
bits. gcn_zca is a float32 matrix product, whose last bit depends on the machine.

A recipe's run says which one its network was trained with; the exported file carries it on.

>>> Pixels("digits", "bipolar").real(np.array([[0, 8, 16]], np.uint8)).tolist()
[[-1.0, 0.0, 1.0]]
>>> Pixels("mnist", "unit").text
'p/255'
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache

import numpy as np

from ..errors import BadInput
from ..files.jsonfile import parse_json

SCALES = ("integer", "unit", "bipolar", "normalise", "standardise", "gcn_zca", "raw")
PLAIN_SCALES = ("integer", "unit", "bipolar", "standardise")
"""Those that need nothing besides their name."""

METADATA = "hw_bnn.data"
"""Key of an exported file's metadata under which its Pixels stand, as JSON."""

_MAXIMUM = {"digits": 16}
_REAL = ("two_moons", "snelson")
_INTEGERS = (  # key of the metadata, least, most
    ("task", 0, (1 << 16) - 1), ("image_size", 1, (1 << 16) - 1),
    ("permutation_seed", 0, (1 << 32) - 1),
)  # fmt: skip


@dataclass(frozen=True)
class Pixels:
    """How stored samples of a data set become real numbers.

    Args:
        dataset: its name; decides m.
        scale: one of SCALES. mean, std: one number per channel, for normalise.
        permutation_seed, task: the pixels are permuted, by draw number `task` of that seed.
        classes, image_size: of an image folder: names in label order, and the side of the square
            that its images are cut to.

    Raises:
        BadInput: mean and std do not go with the scale, are of different lengths, or hold numbers
            that float32 cannot divide by.
    """

    dataset: str
    scale: str
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    permutation_seed: int | None = None
    task: int = 0
    classes: tuple[str, ...] | None = None
    image_size: int | None = None

    def __post_init__(self) -> None:
        mean, std = self.mean, self.std
        if self.scale != "normalise":
            if mean is not None or std is not None:
                raise BadInput(f"mean and std do not go with the scale {self.scale}")
        elif not mean or not std or len(mean) != len(std):
            raise BadInput(
                "the scale normalise has not one mean and one std per channel",
                remedy="give as many means as deviations",
            )
        else:
            with np.errstate(over="ignore", under="ignore"):
                kept = np.array([mean, std]).astype(np.float32)  # as they are computed with
            if not np.isfinite(kept).all() or not (kept[1] > 0).all():
                raise BadInput(
                    f"mean {_numbers(mean)} and std {_numbers(std)} cannot be divided by",
                    remedy="give finite ones, deviations above 0",
                )

    @property
    def maximum(self) -> int:
        """m, the greatest stored value."""
        return _MAXIMUM.get(self.dataset, 255)

    @property
    def text(self) -> str:
        """The formula, as the host computes it."""
        m = self.maximum
        formula = {
            "integer": "p",
            "unit": f"p/{m}",
            "bipolar": f"p/{m / 2:g} - 1",
            "normalise": f"(p/{m} - mean)/std of mean {_numbers(self.mean)} and std "
            f"{_numbers(self.std)}",
            "standardise": "(p - mean)/std of each image",
            "gcn_zca": "contrast-normalised and ZCA-whitened by the training images",
            "raw": "as stored",
        }[self.scale]
        if self.permutation_seed is None:
            return formula
        return f"{formula}, permuted (seed {self.permutation_seed}, task {self.task})"

    def real(
        self, stored: np.ndarray, whitening: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """The float32 input of the network.

        Args:
            stored: (N, ...) integers, or real numbers for `raw`.
            whitening: for gcn_zca: the fitted transform of (N, ...) float32.

        Raises:
            BadInput: mean and std are not of as many channels as the samples have,
                or gcn_zca has no whitening.
        """
        if self.mean is not None and (stored.ndim < 2 or stored.shape[1] != len(self.mean)):
            raise BadInput(
                f"samples of shape {stored.shape[1:]} are normalised by {len(self.mean)} means and "
                "deviations",
                remedy="give one mean and std per channel, of the data set that was trained on",
            )
        if self.scale == "standardise":
            x = self._standardised(stored)
        elif self.scale == "gcn_zca":
            if whitening is None:
                raise BadInput(
                    f"{self.dataset} is whitened by its training images, which are not there",
                    remedy="give the fitted transform as whitening",
                )
            x = whitening(stored.astype(np.float32))
        else:
            x = self._scaled(stored)
        if self.permutation_seed is not None:
            x = x.reshape(len(x), -1)[:, self.order(x[0].size)].reshape(x.shape)
        return x

    def _scaled(self, stored: np.ndarray) -> np.ndarray:
        x = stored.astype(np.float32)
        if self.scale == "unit":
            x /= np.float32(self.maximum)
        elif self.scale == "bipolar":
            x /= np.float32(self.maximum / 2)
            x -= np.float32(1)
        elif self.mean is not None and self.std is not None:  # the scale normalise alone
            x /= np.float32(self.maximum)
            x -= self._column(self.mean, x.ndim)
            x /= self._column(self.std, x.ndim)
        return x

    @staticmethod
    def _column(values: tuple[float, ...], rank: int) -> np.ndarray:
        return np.array(values, np.float32).reshape(1, -1, *[1] * (rank - 2))

    def _standardised(self, stored: np.ndarray) -> np.ndarray:
        """A deviation below 1/sqrt(n) of the whole range counts as that much, as in TensorFlow."""
        p = stored.reshape(len(stored), -1).astype(np.int64)
        n = p.shape[1]
        total = p.sum(1, keepdims=True)
        spread = np.sqrt((n * (p * p).sum(1, keepdims=True) - total * total).astype(np.float64))
        spread = np.maximum(spread, self.maximum * np.sqrt(n))  # n times the deviation
        return ((n * p - total) / spread).astype(np.float32).reshape(stored.shape)

    def table(self) -> np.ndarray | None:
        """Stored value -> real number, (channels or 1, m + 1) float32; None where there is none."""
        if self.scale not in ("integer", "unit", "bipolar", "normalise"):
            return None
        channels = len(self.mean) if self.mean is not None else 1
        levels = np.broadcast_to(np.arange(self.maximum + 1), (channels, self.maximum + 1))
        return self._scaled(levels.T[:, :, None])[:, :, 0].T.copy()

    def order(self, size: int) -> np.ndarray:
        """Which stored pixel stands at each place: (size,) int64."""
        return _draw(self.permutation_seed, self.task, size)

    def of(self, dataset: str) -> Pixels:
        """The same for another data set: m follows it."""
        return replace(self, dataset=dataset)

    def to_json(self) -> str:
        """As text, for a file's metadata."""
        return json.dumps({k: v for k, v in asdict(self).items() if v is not None})

    @classmethod
    def from_json(cls, text: str) -> Pixels:
        """What :meth:`to_json` wrote.

        Raises:
            BadInput: it is something else.
        """
        try:
            content = parse_json(text)
            known = {field.name for field in fields(cls)}
            if not isinstance(content, dict) or not known.issuperset(content):
                raise ValueError("other keys")
            for key in ("mean", "std"):
                if key in content:
                    content[key] = tuple(map(float, _list_of(content, key, (int, float))))
            if "classes" in content:
                content["classes"] = tuple(_list_of(content, "classes", (str,)))
            if content.get("scale") not in SCALES or not isinstance(content.get("dataset"), str):
                raise ValueError("no such scale or data set")
            for key, least, most in _INTEGERS:
                number = content.get(key, least)
                if type(number) is not int or not least <= number <= most:
                    raise ValueError(f"{key} is no integer from {least} to {most:,}")
            return cls(**content)
        except (ValueError, TypeError, OverflowError, BadInput) as error:
            raise BadInput(
                f"the file's metadata {METADATA} cannot be read ({error})",
                remedy="export the run again, or remove that entry",
            ) from None

    @classmethod
    def of_recipe(cls, data, task: int | None = None, classes: list[str] | None = None) -> Pixels:
        """What a recipe's data section says; `task`: of the stage (None: 0)."""
        folder = data.name == "image_folder"
        return cls(
            data.name,
            data.scale,
            None if data.mean is None else tuple(data.mean),
            None if data.std is None else tuple(data.std),
            data.permutation_seed,
            (task or 0) if data.permutation_seed is not None else 0,
            None if classes is None else tuple(classes),
            data.image_size if folder else None,
        )

    @classmethod
    def default(cls, dataset: str) -> Pixels:
        """Where nothing says how a network was trained: digits as the integers that they are,
        images as p/255.
        """
        if dataset in _REAL:
            return cls(dataset, "raw")
        return cls(dataset, "integer" if dataset in _MAXIMUM else "unit")


@lru_cache(maxsize=16)
def _draw(seed: int, task: int, size: int) -> np.ndarray:
    draws = np.random.RandomState(seed)
    for _ in range(task + 1):
        order = draws.permutation(size)
    return order


def _list_of(content: dict, key: str, kinds: tuple[type, ...]) -> list:
    values = content[key]
    if not isinstance(values, list) or not all(type(v) in kinds for v in values):
        raise ValueError(f"{key} is no list of {'text' if str in kinds else 'numbers'}")
    return values


def _numbers(values: tuple[float, ...] | None) -> str:
    return ", ".join(f"{v:g}" for v in values or ())
