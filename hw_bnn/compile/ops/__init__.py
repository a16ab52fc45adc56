"""Our custom ops, one file a kind, found by name; importing this package imports no FINN.

FINN's part of each is put below it by :mod:`hw_bnn.compile.finn_ops`.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
