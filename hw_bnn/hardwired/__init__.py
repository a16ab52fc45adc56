"""Hard-wired layers: the generator of netlists whose weights are constants.

from hw_bnn.hardwired import Layer, Network, write_hardwired
"""

from .generator import KERNELS, Description, generate, write_hardwired
from .network import Layer, Network, from_popcount

__all__ = [
    "KERNELS",
    "Description",
    "Layer",
    "Network",
    "from_popcount",
    "generate",
    "write_hardwired",
]
