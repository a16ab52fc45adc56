"""Hard-wired layers: the generator of netlists whose weights are constants.

from hw_bnn.hardwired import Layer, Network, write_hardwired
"""

from .generator import KERNELS, Description, generate, write_hardwired
from .network import Layer, Network, from_popcount
from .positions import Positions, compare_module
from .proof import prove_layer

__all__ = [
    "KERNELS",
    "Description",
    "Layer",
    "Network",
    "Positions",
    "compare_module",
    "from_popcount",
    "generate",
    "prove_layer",
    "write_hardwired",
]
