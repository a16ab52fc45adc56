"""Training methods by the name that recipes give them; each is a class with its Settings."""

from __future__ import annotations

from .base import Context, Method
from .bayesbinn import BayesBiNNMethod
from .bop import Bop2Method, BopMethod
from .freezing import BMDMethod, BNEWMethod, MDTanhMethod, ProxQuantMethod
from .pmf import PMFMethod
from .real import Real
from .ste import STE

METHODS: dict[str, type[Method]] = {
    "ste": STE,
    "real": Real,
    "bop": BopMethod,
    "bop2": Bop2Method,
    "proxquant": ProxQuantMethod,
    "bnew": BNEWMethod,
    "bmd": BMDMethod,
    "md_tanh": MDTanhMethod,
    "pmf": PMFMethod,
    "bayesbinn": BayesBiNNMethod,
}

__all__ = ["METHODS", "Context", "Method"]
