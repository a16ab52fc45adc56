"""All cases of docs/support-matrix.md, registered by the modules that are imported here.

An exact case goes through qonnx, golden, dataflow and RTL in test_compile_support.py; a refused one
has to be refused with node, reason and remedy before anything is written.
"""

import tests.networks.support_layers  # noqa: F401

import tests.networks.support_convolutions  # noqa: F401  isort: skip

import tests.networks.support_values  # noqa: F401  isort: skip
import tests.networks.support_graphs  # noqa: F401  isort: skip
import tests.networks.support_channels  # noqa: F401  isort: skip
from tests.networks.support_case import CASES

__all__ = ["CASES"]
