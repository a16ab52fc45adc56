"""Training: recipes, data, methods, the loop.

    from hw_bnn.train import train
    run = train("digits_mlp", out="runs/digits")     # -> Path of the run folder
    folder = sweep("sweep.yaml")                     # many runs on a Dask cluster

The functions import torch when they are called, not before.
"""

from __future__ import annotations

__all__ = ["sweep", "train"]


def train(recipe, **options):
    """Train a recipe and return its run folder; see :func:`hw_bnn.train.run.train`."""
    from .run import train as function

    return function(recipe, **options)


def sweep(sweep_yaml, scheduler=None, **options):
    """Run a sweep and return its folder; see :func:`hw_bnn.train.sweeps.sweep`."""
    from .sweeps import sweep as function

    return function(sweep_yaml, scheduler, **options)
