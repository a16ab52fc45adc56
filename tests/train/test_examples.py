"""The examples in the docstrings of layers, optimisers and training."""

import doctest
import importlib
import pkgutil

import pytest

import hw_bnn.nn
import hw_bnn.optim
import hw_bnn.train

MODULES = sorted(
    info.name
    for package in (hw_bnn.nn, hw_bnn.optim, hw_bnn.train)
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
) + ["hw_bnn.nn"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_there_are_examples():
    count = sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES)
    assert count >= 30
