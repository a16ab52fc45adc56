"""The data source that a recipe's data section asks for."""

from __future__ import annotations

from pathlib import Path

import torch

from .folder import FolderSource
from .pipeline import DataSource, Source


def make_source(spec, seed: int, data_root: str | Path | None, device: torch.device) -> Source:
    """A source of batches.

    Args:
        spec: the recipe's data section. seed: the run's.
        data_root: folder of data files. device: where the tensors live.
    """
    kind = FolderSource if spec.name == "image_folder" else DataSource
    return kind(spec, seed, data_root, device)
