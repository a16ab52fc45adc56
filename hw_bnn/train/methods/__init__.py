"""Training methods by the name that recipes give them; each is a class with its Settings.

A new one is a file here, found by itself, beside its optimiser in hw_bnn/optim:

    class SignSGDSettings(Section):
        section = "training.method (sign_sgd)"
        name: Literal["sign_sgd"] = "sign_sgd"
        lr: Rate

    @register
    class SignSGDMethod(Method[SignSGDSettings]):
        Settings = SignSGDSettings
"""

from __future__ import annotations

import importlib
import pkgutil

from .base import Context, Method, registered

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

METHODS: dict[str, type[Method]] = registered()
"""Name in `training.method` -> the method."""

__all__ = ["METHODS", "Context", "Method"]
