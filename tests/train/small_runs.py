"""Training runs of a second or two: a small network on the digits, by every method."""

from pathlib import Path

import numpy as np
from PIL import Image

from hw_bnn.train import train

REAL = {"optimiser": "adam", "lr": 0.01}
METHODS = {
    "ste": {"name": "ste", "lr": {"start": 0.01, "end": 0.0, "kind": "linear", "per": "step"}},
    "sgd": {"name": "ste", "optimiser": "nesterov", "lr": 0.1, "scaling": "update"},
    "stochastic": {"name": "ste", "lr": 0.01, "stochastic": True},
    "real": {"name": "real", "lr": 0.01, "clip_weights": True},
    "bop": {"name": "bop", "gamma": 1e-2, "tau": 1e-7, "real": REAL},
    "bop2": {"name": "bop2", "gamma": 1e-2, "tau": 1e-6, "real": REAL},
    "proxquant": {"name": "proxquant", "lr": 0.01, "reg_rate": 0.05, "freeze_after": 4},
    "bnew": {"name": "bnew", "lr": 0.01, "pull": 0.1, "freeze_after": 4},
    "bmd": {
        "name": "bmd",
        "lr": 0.01,
        "beta": {"start": 1.0, "factor": 1.5, "every": 1},
        "real": REAL,
    },
    "md_tanh": {
        "name": "md_tanh",
        "lr": 0.01,
        "beta": {"start": 1.0, "factor": 1.5, "every": 1},
        "real": REAL,
    },
    "pmf": {
        "name": "pmf",
        "lr": 0.01,
        "beta": {"start": 1.0, "factor": 1.2, "every": 10, "per": "step"},
        "real": REAL,
    },
    "bayesbinn": {"name": "bayesbinn", "lr": 3e-4, "mean_samples": 3},
}


def recipe(method, epochs=6, **changes):
    norm = {"affine": False} if method == "bayesbinn" else {}
    return {
        "name": f"digits_{method}",
        "data": {"name": "digits", "scale": "integer", "batch": 64, "split": "stratified"},
        "model": {
            "name": "mlp",
            "hidden": [64],
            "input": {"bits": 5},
            "norm": norm,
            "dropout": 0.05,
        },
        "training": {"epochs": epochs, "loss": "squared_hinge", "method": METHODS[method]},
        "checkpoint_seconds": 0,
        "threads": 1,  # sums are bit-identical for one number of threads only
        **changes,
    }


def run(document, out, **options):
    return train(document, out=out, quiet=True, tensorboard=False, **options)


PICTURES = {
    "name": "image_folder", "classes": 2, "image_size": 8, "batch": 10, "workers": 0,
    "validation": 0.2, "split": "stratified",
}  # fmt: skip
"""The data section of a recipe for what `ants_and_bees` writes."""


def ants_and_bees(root: Path) -> Path:
    """A folder of images: 60 to train with and 20 to test, one kind darker than the other."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 30), ("val", 10)):
        for label, name in enumerate(("ants", "bees")):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 100, (12, 12, 3)) + 100 * label
                Image.fromarray(pixels.astype(np.uint8)).save(root / split / name / f"{index}.png")
    return root
