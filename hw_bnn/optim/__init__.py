"""Optimisers of 1-bit weights, one file a method, in torch.optim's conventions.

They act on weights that the network uses as they are (weight mode `real` of hw_bnn.nn's layers):
the optimiser keeps latent state and writes relaxed or binary values into the parameters.
"""

from .bayesbinn import BayesBiNN
from .bnew import BNEW
from .bop import Bop, Bop2ndOrder
from .mirror import BMD, MDTanh
from .pmf import PMF
from .proxquant import ProxQuant
from .scaling import glorot_limit, scale_gradients

__all__ = [
    "BMD",
    "BNEW",
    "PMF",
    "BayesBiNN",
    "Bop",
    "Bop2ndOrder",
    "MDTanh",
    "ProxQuant",
    "glorot_limit",
    "scale_gradients",
]
