"""All cases of docs/support-matrix.md, registered by the modules that are imported here.

An exact case goes through qonnx, golden, dataflow and RTL in test_compile_support.py; a refused one has to
be refused with node, reason and remedy before anything is written.
"""

from tests.networks.support_case import CASES

__all__ = ["CASES"]
