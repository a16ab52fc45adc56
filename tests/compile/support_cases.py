"""All cases of docs/support-matrix.md, registered by the modules that are imported here.

An exact case goes through qonnx, golden, dataflow and RTL in test_compile_support.py; a refused one has to
be refused with node, reason and remedy before anything is written.
"""

import support_layers  # noqa: F401

import support_values  # noqa: F401  isort: skip
import support_graphs  # noqa: F401  isort: skip
from support_case import CASES

__all__ = ["CASES"]
