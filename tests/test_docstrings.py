"""Every example in a docstring of the package gives what stands there."""

import doctest
import importlib
import warnings
from pathlib import Path

import pytest

import hw_bnn

ROOT = Path(hw_bnn.__file__).parent
MODULES = sorted(
    ".".join(("hw_bnn", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if "    >>> " in path.read_text() or "\n>>> " in path.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries
        found = doctest.testmod(importlib.import_module(name))
    assert not found.failed


def test_there_are_examples_and_a_wrong_one_is_seen():
    assert len(MODULES) > 60
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(wrong, out=lambda text: None).failed
