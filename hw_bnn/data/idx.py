"""MNIST and Fashion-MNIST from their IDX files, gzip-compressed or unzipped.

An IDX file is a big-endian header (magic 0x0000DDRR: element type DD, 8 = uint8, and rank RR; then
one 32-bit size per dimension) followed by the elements, row-major.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from ..errors import BadInput

_FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}
_FOLDERS = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw"}
# The published md5 of the .gz files, which torchvision checks too.
_MD5 = {
    "mnist": {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}
# md5 of MNIST's unzipped files; Fashion-MNIST's are not published,
# its headers and sizes are checked.
_MD5_UNZIPPED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def parse_idx(content: bytes, where: str) -> np.ndarray:
    """The uint8 array in an IDX file's bytes.

    Raises:
        BadInput: not IDX of uint8, or a length other than the header tells.
    """
    damaged = "get the file again; it is damaged or no IDX file"
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or not 1 <= content[3] <= 4:
        raise BadInput(
            f"{where} does not start with the header of an IDX file of bytes", remedy=damaged
        )
    rank = content[3]
    shape = np.frombuffer(content[4 : 4 + 4 * rank], dtype=">u4").astype(np.int64)
    start = 4 + 4 * rank
    if len(shape) != rank or len(content) - start != int(np.prod(shape)):
        raise BadInput(f"{where} is truncated or longer than its header says", remedy=damaged)
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _read(folder: Path, dataset: str, stem: str) -> np.ndarray:
    for path, expected in (
        (folder / f"{stem}.gz", _MD5[dataset][stem]),
        (folder / stem, _MD5_UNZIPPED[stem] if dataset == "mnist" else None),
    ):
        if not path.is_file():
            continue
        content = path.read_bytes()
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if expected and found != expected:
            raise BadInput(
                f"{path} is not the published file (md5 {found}, published {expected})",
                remedy="get the file again; it is damaged or changed",
            )
        try:
            return parse_idx(
                gzip.decompress(content) if path.suffix == ".gz" else content, str(path)
            )
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(
                f"{path} cannot be unzipped ({error})", remedy="get the file again"
            ) from error
    raise BadInput(
        f"{folder} has neither {stem}.gz nor {stem}",
        remedy=f"put {dataset}'s four IDX files there, or pass another data_root=",
    )


def load_mnist(root: Path, dataset: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 1, 28, 28) uint8 images and (N,) int64 labels of mnist or fashion_mnist."""
    folder = root / _FOLDERS[dataset]
    images = _read(folder, dataset, _FILES[split, "images"])
    labels = _read(folder, dataset, _FILES[split, "labels"])
    count = 60_000 if split == "train" else 10_000
    if images.shape != (count, 28, 28) or labels.shape != (count,):
        raise BadInput(
            f"{folder} holds {images.shape} images and {labels.shape} labels, not {count} of each",
            remedy="get the files again",
        )
    return images.reshape(-1, 1, 28, 28), labels.astype(np.int64)
