"""Mutators of a checkpoint's content: keys missing or of other types,
tensors of other shapes and values."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.fuzz import tree_mutations


def load(materials: Path, base: str) -> dict:
    import torch

    return torch.load(materials / base, weights_only=True)


def write(document) -> bytes:
    """Sealed with a checksum of its own, so that the content is what is judged."""
    import tempfile

    from hw_bnn.train.checkpoint import save_sealed

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        save_sealed(path, document)
        return path.read_bytes()


def tensor(document, rng):
    """One tensor of the model cut, of another type, scaled, or no tensor at all."""
    import torch

    state = document.get("model") if isinstance(document, dict) else None
    names = (
        [k for k, v in state.items() if isinstance(v, torch.Tensor)]
        if isinstance(state, dict)
        else []
    )
    if names:
        name = names[int(rng.integers(len(names)))]
        old = state[name]
        ways = (
            lambda: old[:1], lambda: old.to(torch.float16), lambda: old.to(torch.int64),
            lambda: old.reshape(-1),
            lambda: old.to(torch.float32) * float("nan"), lambda: old.to(torch.float32) * 1e30,
            lambda: None,
            lambda: 3, lambda: [1.0, 2.0], lambda: old.to_sparse() if old.ndim else old,
            lambda: old.to(torch.complex64),
        )  # fmt: skip
        state[name] = ways[int(rng.integers(len(ways)))]() if old.ndim else None
    return document


def _guarded(function):
    """A mutator of plain trees; tensors in them are leaves."""

    def change(document, rng: np.random.Generator):
        try:
            return function(document, rng)
        except TypeError:  # a tensor is no JSON
            return document

    return change


MUTATORS = {name: _guarded(f) for name, f in tree_mutations.MUTATORS.items()} | {"tensor": tensor}
