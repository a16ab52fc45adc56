"""Names of a package that are functions and modules at once, imported when they are first used.

`import hw_bnn as hb` gives `hb.train(...)`; there is a package hw_bnn.train, too. Both are one
object: the import system binds each module that it has loaded as an attribute of its parent, and at
that moment a module of the table becomes callable. So `hb.train(...)`, `hb.train.run` and `from
hw_bnn.train import train` all work, whatever was imported first.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    # A module that may be called: it hands the call to one function, whose text `help` shows.
    def _text(self) -> str:
        from inspect import getdoc, signature

        return f"{self._function.__name__}{signature(self._function)}\n\n{getdoc(self._function)}"

    __doc__ = property(_text)  # wins over what the module's file says

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._function(*args, **options)

    @property
    def __signature__(self) -> Any:
        from inspect import signature

        return signature(self._function)

    @property
    def _function(self) -> Any:
        parent, _, name = self.__name__.rpartition(".")
        return sys.modules[parent].function(name)


class Face(ModuleType):
    """A package whose names are those of a table; nothing of them is imported before it is used."""

    _table: Mapping[str, str] = {}

    def function(self, name: str) -> Any:
        """The object of a name of the table, imported now."""
        module, _, attribute = self._table[name].partition(":")
        return getattr(import_module(module, self.__name__), attribute)

    def __getattr__(self, name: str) -> Any:
        if name not in self._table:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            return import_module(f".{name}", self.__name__)
        except ModuleNotFoundError as error:
            if error.name != f"{self.__name__}.{name}":
                raise
        found = self.function(name)
        setattr(self, name, found)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in self._table:
            value.__class__ = CallableModule
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._table})


def open_face(package: str, table: Mapping[str, str]) -> None:
    """Give a package the names of a table.

    Args:
        package: its name. table: name -> ".module:attribute", relative to the package.
    """
    module = sys.modules[package]
    module.__class__ = Face
    module.__dict__["_table"] = dict(table)
