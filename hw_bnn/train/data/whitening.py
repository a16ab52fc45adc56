"""Global contrast normalisation and ZCA whitening, as pylearn2's script made them for CIFAR-10.

    x <- 55 (x - mean(x)) / |x - mean(x)|                 per image
    x <- (x - mu) V (D + 0.1)^(-1/2) V^T,  V D V^T = cov   mu, cov over the training images

The eigen-decomposition of 3072 x 3072 takes a minute; the result is kept in the cache folder
(own_folders.py), named by a hash of the images and settings.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from ...errors import BadInput
from ...files.own_folders import cache_folder
from ..checkpoint import load_sealed, save_sealed

SCALE, BIAS = 55.0, 0.1


def contrast_normalise(x: Tensor) -> Tensor:
    """(N, ...) float images -> (N, features) with mean 0 and length 55."""
    flat = x.flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    return flat * (SCALE / flat.norm(dim=1, keepdim=True).clamp_min(1e-8))


class Whitening:
    """The fitted transform; call it with stored images (N, C, H, W) as float."""

    def __init__(self, mean: Tensor, matrix: Tensor):
        self.mean, self.matrix = mean, matrix

    def __call__(self, x: Tensor) -> Tensor:
        return ((contrast_normalise(x) - self.mean) @ self.matrix).view_as(x)

    def to(self, device: torch.device) -> Whitening:
        """The transform on another device."""
        return Whitening(self.mean.to(device), self.matrix.to(device))

    @classmethod
    def fitted(cls, images: np.ndarray) -> Whitening:
        """Fit on uint8 training images (N, ...), or read the fit of the same
        images from the cache.

        Raises:
            BadInput: there is no folder for the cache at all.
        """
        digest = hashlib.sha256(f"{SCALE} {BIAS} {images.shape}".encode())
        digest.update(np.ascontiguousarray(images).data)
        path = cache_folder() / f"zca-{digest.hexdigest()[:16]}.pt"
        try:
            (mean, matrix), sealed = load_sealed(path)
            if sealed:
                return cls(mean, matrix)
        except (BadInput, TypeError, ValueError):  # absent or damaged: it is made anew
            pass
        fit = cls._fit(images)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_sealed(path, [fit.mean, fit.matrix])
        except (OSError, BadInput):  # a read-only home: nothing is lost but time
            pass
        return fit

    @classmethod
    def _fit(cls, images: np.ndarray) -> Whitening:
        count, width = len(images), images[0].size
        total = torch.zeros(width, dtype=torch.float64)
        square = torch.zeros(width, width, dtype=torch.float64)
        for start in range(0, count, 5000):
            chunk = torch.tensor(images[start : start + 5000]).float()
            flat = contrast_normalise(chunk).double()
            total, square = total + flat.sum(0), square + flat.T @ flat
        mean = total / count
        covariance = square / count - torch.outer(mean, mean)
        values, vectors = torch.linalg.eigh(covariance)
        matrix = (vectors * (values + BIAS).rsqrt()) @ vectors.T
        return cls(mean.float(), matrix.float())
