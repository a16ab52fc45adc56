"""CIFAR-10 and CIFAR-100 from the python version's batches.

The batches are pickles. A file is opened only if its md5 is the published one, and then by an
unpickler that can build numpy arrays of bytes and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInput
from ..files.given import open_file

_FILES: dict[str, Any] = {
    "cifar10": {
        "folder": "cifar-10-batches-py",
        "label": b"labels",
        "train": {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        "test": {"test_batch": "40351d587109b95175f43aff81a1287e"},
    },
    "cifar100": {
        "folder": "cifar-100-python",
        "label": b"fine_labels",
        "train": {"train": "16019d7e3df5f24257cddd939b257f8d"},
        "test": {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    },
}


class _ArrayUnpickler(pickle.Unpickler):
    """Loads dicts, lists, bytes, numbers and numpy arrays; any other global is refused."""

    _ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str):
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a CIFAR batch")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _load_batch(path: Path, md5: str, label_key: bytes) -> tuple[np.ndarray, np.ndarray]:
    try:
        with open_file(path) as file:
            content = file.read()
    except FileNotFoundError:
        raise BadInput(
            f"{path} does not exist",
            remedy="unpack CIFAR's python version there, or pass another data_root=",
        ) from None
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise BadInput(
            f"{path} is not the published file (md5 {found}, published {md5})",
            remedy="get the file again; it is damaged or changed",
        )
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
        images = np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
        return images, np.asarray(batch[label_key], dtype=np.int64)
    except (pickle.UnpicklingError, KeyError, ValueError) as error:
        raise BadInput(
            f"{path} is no CIFAR batch ({error})", remedy="get the file again"
        ) from error


def load_cifar(root: Path, dataset: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, 32, 32) uint8 images and (N,) int64 labels of cifar10 or cifar100 (fine labels)."""
    entry = _FILES[dataset]
    batches = [
        _load_batch(root / entry["folder"] / name, md5, entry["label"])
        for name, md5 in entry[split].items()
    ]
    return np.concatenate([b[0] for b in batches]), np.concatenate([b[1] for b in batches])
